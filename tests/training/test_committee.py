"""What a committee of potentials disagrees about."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import Potential, read_potential
from ensemble.structures import crystal, supercell
from ensemble.training.committee import disagreement
from ensemble.training.explore import seeds_of

MODELS = Path(__file__).parents[2] / "campaigns" / "models" / "cu2se"
SPECIES = ["Cu", "Se"]


@pytest.fixture(scope="module")
def committee() -> list[Potential]:
    return [read_potential(MODELS / f"level{level}.mtp") for level in (10, 12, 14)]


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    perfect = supercell(crystal("antifluorite", SPECIES, 5.85), [2, 2, 1])
    return seeds_of(perfect, count=4, seed=7, vacancies={"Cu": [0, 1]})


def test_identical_members_agree(committee: list[Potential], frames: list[Atoms]) -> None:
    found = disagreement([committee[0]] * 3, frames, SPECIES)
    assert found.force == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.energy == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.members == pytest.approx(np.zeros((3, 4)), abs=1e-12)


def test_it_is_what_numpy_says(committee: list[Potential], frames: list[Atoms]) -> None:
    found = disagreement(committee, frames, SPECIES)
    energies = np.empty((3, len(frames)))
    for k, frame in enumerate(frames):
        forces = []
        for m, potential in enumerate(committee):
            calculator = MTPCalculator(potential, SPECIES)
            forces.append(calculator.get_forces(frame))
            energies[m, k] = calculator.get_potential_energy(frame) / len(frame)
        spread = np.linalg.norm(np.std(forces, axis=0), axis=-1)
        assert found.per_atom[k] == pytest.approx(spread)
        assert found.force[k] == pytest.approx(spread.max())
        assert found.rms[k] == pytest.approx(np.linalg.norm(spread) / np.sqrt(len(frame)))
        distances = np.linalg.norm(np.array(forces) - np.mean(forces, axis=0), axis=-1)
        assert found.members[:, k] == pytest.approx(distances.max(axis=1))
    energies -= energies.mean(axis=1, keepdims=True)
    assert found.energy == pytest.approx(energies.std(axis=0))
    assert found.energy.max() > 1e-4


def test_the_zero_of_energy_is_nobodys(committee: list[Potential], frames: list[Atoms]) -> None:
    shifted = replace(committee[0], species_coeffs=committee[0].species_coeffs + 3.0)
    found = disagreement([committee[0], shifted], frames, SPECIES)
    assert found.energy == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.force == pytest.approx(np.zeros(4), abs=1e-12)


def test_a_frame_without_numbers_spoils_no_other(
    committee: list[Potential], frames: list[Atoms]
) -> None:
    broken = frames[1].copy()
    broken.positions[3, 1] = np.nan
    found = disagreement(committee, [frames[0], broken, frames[2]], SPECIES)
    alone = disagreement(committee, [frames[0], frames[2]], SPECIES)
    assert np.isinf([found.force[1], found.rms[1], found.energy[1], *found.members[:, 1]]).all()
    for name in ("force", "rms", "energy"):
        assert getattr(found, name)[[0, 2]] == pytest.approx(getattr(alone, name))


def test_answers_beyond_all_numbers_are_infinite(
    committee: list[Potential], frames: list[Atoms]
) -> None:
    absurd = replace(committee[0], moment_coeffs=1e200 * committee[0].moment_coeffs)
    found = disagreement([committee[0], absurd], frames[:1], SPECIES)
    assert np.isinf([found.force[0], found.energy[0]]).all()


def test_nothing_to_ask_about(committee: list[Potential]) -> None:
    found = disagreement(committee, [], SPECIES)
    assert found.force.shape == found.energy.shape == (0,)
    assert found.members.shape == (3, 0)


def test_one_member_is_no_committee(committee: list[Potential], frames: list[Atoms]) -> None:
    with pytest.raises(ValueError, match="a committee of 1"):
        disagreement(committee[:1], frames, SPECIES)
    with pytest.raises(ValueError, match="the structure has Ag"):
        disagreement(committee, [crystal("antifluorite", ["Ag", "Se"], 6.0)], SPECIES)
