"""What a committee of potentials disagrees about."""

import math
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import numpy as np
import pytest
from ase import Atoms

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import Potential, read_potential
from ensemble.structures import crystal, supercell, with_vacancies
from ensemble.training.committee import disagreement
from ensemble.training.explore import seeds_of

MODELS = Path(__file__).parents[1] / "potentials"
SPECIES = ["Cu", "Se"]


@pytest.fixture(scope="module")
def committee() -> list[Potential]:
    return [read_potential(MODELS / f"level{level}.mtp") for level in (10, 12, 14)]


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    perfect = supercell(crystal("antifluorite", SPECIES, 5.85), [2, 2, 1])
    deficient = with_vacancies(perfect, "Cu", count=1, seed=1)
    return seeds_of([perfect, deficient] * 2, seed=7)


def test_identical_members_agree(committee: list[Potential], frames: list[Atoms]) -> None:
    found = disagreement([committee[0]] * 3, frames, SPECIES)
    assert found == pytest.approx(np.zeros(4), abs=1e-12)


def test_it_is_the_standard_deviation_of_a_sample(
    committee: list[Potential], frames: list[Atoms]
) -> None:
    found = disagreement(committee, frames, SPECIES)
    for frame, worst in zip(frames, found, strict=True):
        calculators = [MTPCalculator(potential, SPECIES) for potential in committee]
        forces = [calculator.get_forces(frame) for calculator in calculators]
        by_atom = np.transpose(forces, (1, 2, 0)).reshape(len(frame), 3, 3)
        spreads = [math.hypot(*(stdev(component) for component in atom)) for atom in by_atom]
        assert worst == pytest.approx(max(spreads))


def test_two_members_are_apart_by_the_root_of_two_deviations(
    committee: list[Potential], frames: list[Atoms]
) -> None:
    found = disagreement(committee[:2], frames, SPECIES)
    one, other = (MTPCalculator(potential, SPECIES) for potential in committee[:2])
    for frame, spread in zip(frames, found, strict=True):
        apart = np.linalg.norm(one.get_forces(frame) - other.get_forces(frame), axis=1)
        assert spread == pytest.approx(apart.max() / math.sqrt(2))


def test_the_zero_of_energy_is_nobodys(committee: list[Potential], frames: list[Atoms]) -> None:
    shifted = replace(committee[0], species_coeffs=committee[0].species_coeffs + 3.0)
    found = disagreement([committee[0], shifted], frames, SPECIES)
    assert found == pytest.approx(np.zeros(4), abs=1e-12)


def test_a_frame_without_numbers_spoils_no_other(
    committee: list[Potential], frames: list[Atoms]
) -> None:
    broken = frames[1].copy()
    broken.positions[3, 1] = np.nan
    found = disagreement(committee, [frames[0], broken, frames[2]], SPECIES)
    assert np.isinf(found[1])
    alone = disagreement(committee, [frames[0], frames[2]], SPECIES)
    assert found[[0, 2]] == pytest.approx(alone)


def test_answers_beyond_all_numbers_are_infinite(
    committee: list[Potential], frames: list[Atoms]
) -> None:
    absurd = replace(committee[0], moment_coeffs=1e200 * committee[0].moment_coeffs)
    assert np.isinf(disagreement([committee[0], absurd], frames[:1], SPECIES)).all()


def test_nothing_to_ask_about(committee: list[Potential]) -> None:
    assert disagreement(committee, [], SPECIES).shape == (0,)


def test_one_member_is_no_committee(committee: list[Potential], frames: list[Atoms]) -> None:
    with pytest.raises(ValueError, match="a committee of 1"):
        disagreement(committee[:1], frames, SPECIES)
    with pytest.raises(ValueError, match="the structure has Ag"):
        disagreement(committee, [crystal("antifluorite", ["Ag", "Se"], 6.0)], SPECIES)
