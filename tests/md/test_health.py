"""Runs that go wrong are found out: real ones, and the limits by themselves."""

from pathlib import Path

import numpy as np
import pytest
from trajectories import ARGON, CU2SE, MODELS, Trajectories

from ensemble.md import health
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.structures import crystal, lammps_data, supercell
from ensemble.units import unit_system

METAL = unit_system("metal")

STUDY = """
[[study]]
name = "gk"
method = "emd"
material = "crystal"
temperatures = [40]
supercells = [[3, 3, 3]]
seeds = 1
timestep = 5
equilibrate = [{ ensemble = "nvt", time = 2 }]
sample = { time = 40, every = 100 }
"""


def failure_of(trajectories: Trajectories) -> SegmentFailure:
    """How the first run fails."""
    with pytest.raises(SegmentFailure) as failure:
        trajectories.all_segments(trajectories.run_of("gk"))
    assert "\n" not in failure.value.message
    return failure.value


def test_a_sound_run(tmp_path: Path) -> None:
    text = ARGON.replace('species = ["Ar"]', 'species = ["Ar"]\nhost = ["Ar"]') + STUDY
    trajectories = Trajectories(tmp_path, text)
    assert len(trajectories.all_segments(trajectories.run_of("gk"))) == 2


def test_a_melted_framework(tmp_path: Path) -> None:
    text = ARGON.replace('species = ["Ar"]', 'species = ["Ar"]\nhost = ["Ar"]') + STUDY
    failure = failure_of(Trajectories(tmp_path, text.replace("[40]", "[400]")))
    assert failure.cause is Cause.MELTED
    assert failure.cause.final
    assert "the framework of Ar has a mean square displacement of" in failure.message
    assert "(3.51)" in failure.message  # a quarter of 5.3² / 2


def test_without_a_framework_it_may_melt(tmp_path: Path) -> None:
    trajectories = Trajectories(tmp_path, ARGON + STUDY.replace("[40]", "[400]"))
    run = trajectories.run_of("gk")
    rows = trajectories.columns(run, trajectories.all_segments(run)[-1].rows)
    assert rows["msd_Ar"].max() > 3.51


def test_a_box_that_collapses(tmp_path: Path) -> None:
    stage = 'ensemble = "npt", pressure = 20000, time = 20 }'
    text = ARGON.replace("lattice = 5.3", "lattice = 7.5")
    text += STUDY.replace('ensemble = "nvt", time = 2 }', stage)
    failure = failure_of(Trajectories(tmp_path, text))
    assert failure.cause is Cause.COLLAPSED
    assert "the volume went from" in failure.message


def test_a_time_step_that_does_not_conserve_the_energy(tmp_path: Path) -> None:
    text = ARGON + STUDY.replace("timestep = 5", "timestep = 50").replace("[40]", "[80]")
    failure = failure_of(Trajectories(tmp_path, text))
    assert failure.cause is Cause.DRIFT
    assert "at constant energy" in failure.message


def test_a_model_that_blows_up(tmp_path: Path) -> None:
    """The time step of 50 fs of somebody who forgot a decimal point."""
    study = STUDY.replace('"crystal"', '"beta"').replace("[40]", "[600]")
    study = study.replace("timestep = 5", "timestep = 50").replace("[3, 3, 3]", "[2, 2, 2]")
    text = CU2SE.replace(f"{MODELS}/level1[02].mtp", f"{MODELS}/level12.mtp") + study
    failure = failure_of(Trajectories(tmp_path, text))
    assert failure.cause.final
    assert "smaller timestep" in failure.message


def test_numbers() -> None:
    rows = np.ones((4, 3))
    health.check_numbers(["a", "b", "c"], rows)
    rows[2, 1] = np.inf
    with pytest.raises(SegmentFailure, match="b is inf in row 3 of 4") as failure:
        health.check_numbers(["a", "b", "c"], rows)
    assert failure.value.cause is Cause.NUMBERS


@pytest.mark.parametrize("sign", [-1, 1])
def test_drift(sign: int) -> None:
    """2 % of 600 K are 3.1 meV an atom; how much the energy goes up and down does not count."""
    energies = -300 + np.where(np.arange(80) % 2, 0.5, -0.5)
    reference = health.mean_of_first_quarter(energies)
    drifted = energies + sign * np.linspace(0, 1, 80) * 0.0034 * 100

    def check(values: np.ndarray, temperature: float) -> None:
        health.check_drift(values, reference, atoms=100, temperature=temperature, units=METAL)

    check(energies, 600)
    check(drifted, 650)
    with pytest.raises(SegmentFailure, match=r"moved by .0\.00\d+ eV/atom.*allowed is 0\.0028"):
        check(drifted, 540)


@pytest.mark.parametrize("ratio", [0.49, 1.51])
def test_volume(ratio: float) -> None:
    health.check_volume(np.array([100.0, 51.0, 149.0]), 100.0, METAL)
    with pytest.raises(SegmentFailure, match="the volume went from 100 to"):
        health.check_volume(np.array([100.0, 100 * ratio, 100.0]), 100.0, METAL)


@pytest.mark.parametrize(
    ("prototype", "species", "lattice", "of", "expected"),
    [
        ("antifluorite", ["Cu", "Se"], 5.87, "Se", 5.87 / 2**0.5),
        ("antifluorite", ["Cu", "Se"], 5.87, "Cu", 5.87 / 2),
        ("hcp", ["Mg"], [3.2, 5.2], "Mg", (3.2**2 / 3 + 5.2**2 / 4) ** 0.5),
    ],
)
def test_shortest_distance(
    tmp_path: Path,
    prototype: str,
    species: list[str],
    lattice: float | list[float],
    of: str,
    expected: float,
) -> None:
    """Also across the faces of a small cell, of one with angles, and of an atom's own images."""
    for cells in ([1, 1, 1], [3, 2, 4]):
        atoms = supercell(crystal(prototype, species, lattice), cells)
        path = tmp_path / "structure.data"
        path.write_text(lammps_data(atoms, species))
        found = health.shortest_distance(path, [species.index(of) + 1])
        assert found == pytest.approx(expected, rel=1e-6)
