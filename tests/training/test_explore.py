"""Molecular dynamics in search of configurations: real LAMMPS on small cells."""

import re
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from ase import Atoms
from ase.io import read

from ensemble.md.failures import Cause, SegmentFailure
from ensemble.mtp.calculator import MTPCalculator
from ensemble.structures import crystal, supercell
from ensemble.training.explore import Exploration, explore, seeds_of, strained
from ensemble.vacancies import PeriodicMetric, with_vacancies

MODELS = Path(__file__).parents[1] / "potentials"
LEVEL10 = MODELS / "level10.mtp"
SPECIES = ["Cu", "Se"]
SHEARED = [0.01, 0.02, -0.01, 0.03, -0.02, 0.01]


def antifluorite(*repeats: int, lattice: float = 5.85) -> Atoms:
    return supercell(crystal("antifluorite", SPECIES, lattice), repeats)


def walk(structure: Atoms, folder: Path, **changes: object) -> Exploration:
    """0.2 ps at 600 K, a configuration every 20 fs."""
    settings: dict[str, object] = {
        "temperature": 600.0,
        "time": 0.2,
        "timestep": 2.0,
        "every": 20.0,
        "seed": 5,
        "species": SPECIES,
    }
    return explore(structure, LEVEL10, folder=folder, **settings | changes)


def test_a_small_sheared_cell_with_a_vacancy_is_sampled(tmp_path: Path) -> None:
    # One edge is 5.85 Å: atoms see their own images within the cutoff of 5 Å and the skin.
    start = with_vacancies(antifluorite(2, 2, 1), "Cu", count=1, seed=1)
    found = walk(start, tmp_path / "small", strain=SHEARED)
    assert found.stopped == ""
    assert [frame.info["frame"] for frame in found.frames] == [
        f"small-{k:04d}" for k in range(1, 11)
    ]
    assert [frame.info["time"] for frame in found.frames] == [
        pytest.approx(0.02 * k) for k in range(1, 11)
    ]
    volume = strained(start, SHEARED).cell.volume
    for frame in found.frames:
        assert frame.info["trajectory"] == "small"
        assert frame.info["temperature"] == 600.0
        assert list(frame.symbols) == list(start.symbols)
        assert frame.cell.volume == pytest.approx(volume, rel=1e-8)
        assert frame.pbc.all()


def test_frames_have_the_energies_that_lammps_had(tmp_path: Path) -> None:
    found = walk(antifluorite(2, 2, 1), tmp_path / "energies", strain=SHEARED)
    log = (tmp_path / "energies" / "explore.log").read_text()
    rows = re.findall(r"^ +(\d+) +\S+ +(-\S+) +-\S+", log, re.MULTILINE)
    in_lammps = {int(step): float(energy) for step, energy in rows}
    calculator = MTPCalculator(LEVEL10, SPECIES)
    for frame in found.frames:
        step = round(frame.info["time"] / 0.002)
        calculator.calculate(frame)
        assert calculator.results["energy"] == pytest.approx(in_lammps[step], rel=1e-7)


def test_the_seed_decides_the_trajectory(tmp_path: Path) -> None:
    start = antifluorite(2, 2, 1)
    first, again, other = (
        walk(start, tmp_path / name, seed=seed).frames
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.positions, two.positions)
    assert np.abs(first[-1].positions - other[-1].positions).max() > 0.01


def test_a_folder_is_used_again(tmp_path: Path) -> None:
    start = antifluorite(2, 2, 1)
    walk(start, tmp_path / "again", time=0.2)
    assert len(walk(start, tmp_path / "again", time=0.1).frames) == 5


def test_the_cell_breathes_at_constant_pressure(tmp_path: Path) -> None:
    start = antifluorite(2, 2, 2, lattice=5.7)
    found = walk(start, tmp_path / "npt", ensemble="npt", temperature=300.0, time=3.0, every=100.0)
    assert found.stopped == ""
    lengths = np.array([frame.cell.lengths() for frame in found.frames])
    assert lengths[-15:].mean() / 2 == pytest.approx(5.88, abs=0.03)
    assert np.allclose(lengths, lengths[:, :1], rtol=1e-9)


def test_a_run_that_gets_too_hot_is_stopped(tmp_path: Path) -> None:
    # A badly rattled crystal at 20 K turns its potential energy into heat.
    start = antifluorite(2, 2, 1)
    start.positions += np.random.default_rng(1).normal(scale=0.1, size=start.positions.shape)
    found = walk(start, tmp_path / "hot", temperature=20.0, timestep=1.0, every=200.0)
    stopped = re.fullmatch(r"hotter than 3 times 20 K after (0\.\d+) ps", found.stopped)
    assert stopped is not None
    # No configuration was due yet: there is the one where it was stopped.
    assert [frame.info["time"] for frame in found.frames] == [float(stopped[1])]
    assert found.frames[0].positions != pytest.approx(start.positions, abs=1e-3)


def test_a_cell_that_swells_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.training.explore.VOLUME_CHANGE", 0.02)
    start = antifluorite(2, 2, 1, lattice=5.7)
    found = walk(start, tmp_path / "size", ensemble="npt", temperature=300.0, time=3.0)
    assert re.fullmatch(r"a volume 2 % off the first after \d\.\d+ ps", found.stopped)
    volumes = [frame.cell.volume / start.cell.volume for frame in found.frames]
    assert max(volumes[:-1]) < 1.02 < volumes[-1] < 1.03


def test_a_run_with_atoms_too_close_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Copper atoms of this crystal are 2.9 Å apart and come nearer than 2.4 Å.
    monkeypatch.setattr("ensemble.training.explore.TOO_CLOSE", 2.4 / 1.9)
    found = walk(antifluorite(2, 2, 1), tmp_path / "close", temperature=900.0, every=2.0)
    assert re.fullmatch(r"two atoms closer than 2\.4 Å after 0\.\d+ ps", found.stopped)
    assert found.frames
    for frame in found.frames:
        metric = PeriodicMetric(frame.cell.array)
        for k, position in enumerate(frame.positions[:-1]):
            assert metric.squared(frame.positions[k + 1 :] - position).min() > 2.4**2


def test_a_run_away_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A time step of 20 fs loses atoms, and here nobody minds the heat before.
    monkeypatch.setattr("ensemble.training.explore.TOO_HOT", 1e300)
    away = {"temperature": 3000.0, "timestep": 20.0, "every": 20.0, "time": 2.0, "seed": 1}
    found = walk(antifluorite(2, 2, 2), tmp_path / "away", **away)
    assert "Lost atoms" in found.stopped
    assert 1 <= len(found.frames) < 50
    assert all(np.isfinite(frame.positions).all() for frame in found.frames)


def test_a_killed_lammps_is_no_end_of_a_trajectory(tmp_path: Path) -> None:
    folder = tmp_path / "killed"

    def kill() -> None:
        while not (folder / "frames.dump").exists():
            time.sleep(0.01)
        for child in psutil.Process().children(recursive=True):
            if child.name() == "lmp":
                child.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(SegmentFailure) as failure:
        walk(antifluorite(2, 2, 1), folder, time=1000.0)
    killer.join(timeout=60)
    assert failure.value.cause is Cause.KILLED


def test_elements_and_times_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the structure also has Ag"):
        walk(crystal("antifluorite", ["Ag", "Se"], 6.0), tmp_path / "silver")
    with pytest.raises(ValueError, match=r"every: 0\.5 fs is no time step of 2 fs"):
        walk(antifluorite(1, 1, 1), tmp_path / "never", every=0.5)


def test_the_dump_is_there_to_be_read_by_others(tmp_path: Path) -> None:
    found = walk(antifluorite(2, 2, 1), tmp_path / "dump")
    frames = read(tmp_path / "dump" / "frames.dump", ":", format="lammps-dump-text")
    assert len(frames) == len(found.frames)


def test_a_strain_is_symmetric_and_in_voigt_order() -> None:
    start = antifluorite(1, 1, 1)
    cell = strained(start, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]).cell.array / 5.85
    expected = [[1.01, 0.03, 0.025], [0.03, 1.02, 0.02], [0.025, 0.02, 1.03]]
    assert cell == pytest.approx(np.array(expected))
    even = strained(start, 0.02)
    assert even.cell.array == pytest.approx(1.02 * start.cell.array)
    assert even.get_scaled_positions() == pytest.approx(start.get_scaled_positions())
    assert start.cell.array == pytest.approx(5.85 * np.eye(3))


@pytest.mark.parametrize("strain", [[0.1, 0.2], -1.0, [0, 0, 0, 2.5, 0, 0]])
def test_a_strain_that_is_none_is_refused(strain: object) -> None:
    with pytest.raises(ValueError, match="strain"):
        strained(antifluorite(1, 1, 1), strain)


def test_seeds_cover_strains_and_displacements() -> None:
    perfect = antifluorite(2, 2, 2)
    before = perfect.copy()
    gaps = [with_vacancies(perfect, "Cu", count=count, seed=count) for count in (1, 2)]
    seeds = seeds_of([perfect, *gaps] * 4, seed=3, strain=0.03, rattle=(0.05, 0.25))
    assert perfect == before
    assert [96 - len(frame) for frame in seeds] == [0, 1, 2] * 4
    assert len({frame.info["frame"] for frame in seeds}) == 12
    strains = sorted(np.cbrt(frame.cell.volume / perfect.cell.volume) - 1 for frame in seeds)
    # One in each twelfth of the range; shears change the volume in the second order only.
    assert np.floor((np.array(strains) + 0.03) / 0.005 + 0.05).tolist() == list(range(12))
    full = [frame for frame in seeds if len(frame) == 96]
    rms = []
    for frame in full:
        sites = perfect.get_scaled_positions() @ frame.cell.array
        moved = PeriodicMetric(frame.cell.array).squared(frame.positions - sites)
        rms.append(np.sqrt(moved.mean() / 3))
    assert min(rms) > 0.04
    assert max(rms) < 0.28
    assert max(rms) > 1.5 * min(rms)


def test_seeds_are_decided_by_their_seed() -> None:
    perfect = antifluorite(1, 1, 1)
    first, again, other = (seeds_of([perfect] * 2, seed=seed) for seed in (1, 1, 2))
    assert all(one == two for one, two in zip(first, again, strict=True))
    assert first[0] != other[0]
