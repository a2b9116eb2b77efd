"""Which configurations are chosen to be labelled."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import Potential, read_potential
from ensemble.structures import crystal, supercell
from ensemble.training.explore import seeds_of, strained
from ensemble.training.select import RIDGE, Choice, choose, descriptors, spread_evenly

MODELS = Path(__file__).parents[1] / "potentials"
SPECIES = ["Cu", "Se"]


@pytest.fixture(scope="module")
def potential() -> Potential:
    return read_potential(MODELS / "level10.mtp")


@pytest.fixture(scope="module")
def perfect() -> Atoms:
    return supercell(crystal("antifluorite", SPECIES, 5.85), [2, 1, 1])


@pytest.fixture(scope="module")
def known(perfect: Atoms) -> list[Atoms]:
    return seeds_of([perfect] * 6, seed=1, name="known")


def trajectory(perfect: Atoms, name: str, *, count: int, seed: int) -> list[Atoms]:
    """Rattled crystals in the guise of a trajectory, 0.1 ps apart."""
    frames = seeds_of([perfect] * count, seed=seed)
    for k, frame in enumerate(frames, 1):
        frame.info = {"trajectory": name, "frame": f"{name}-{k:04d}", "time": 0.1 * k}
    return frames


def take(candidates: list[Atoms], force: list[float], **settings: object) -> Choice:
    defaults = {"low": 0.1, "high": 1.0, "apart": 0.0, "species": SPECIES}
    return choose(candidates, force, **defaults | settings)


def test_descriptors_give_the_site_energies_of_each_species(
    potential: Potential, known: list[Atoms]
) -> None:
    rows = descriptors(potential, known, SPECIES)
    scalars = len(potential.scalars)
    assert rows.shape == (6, 2 * (scalars + 1))
    calculator = MTPCalculator(potential, SPECIES)
    for frame, row in zip(known, rows.reshape(6, 2, scalars + 1), strict=True):
        calculator.calculate(frame)
        sites = calculator.results["energies"]
        for kind, symbol in enumerate(SPECIES):
            expected = sites[frame.symbols == symbol].sum() / len(frame)
            energy = row[kind] @ [*potential.moment_coeffs, potential.species_coeffs[kind]]
            assert energy == pytest.approx(expected, rel=1e-10)


def test_only_doubtful_ones_are_taken_and_all_are_counted(
    potential: Potential, perfect: Atoms, known: list[Atoms]
) -> None:
    frames = trajectory(perfect, "a", count=8, seed=2)
    force = [0.05, 0.2, 0.1, 0.5, 1.0, 0.9, np.inf, 3.0]
    choice = take(frames, force, count=10, known=known, potential=potential)
    assert sorted(choice.indices) == [1, 3, 5]
    assert choice.frames == [frames[k] for k in choice.indices]
    assert (choice.good, choice.wild) == (2, 3)


def test_nothing_is_taken_twice(potential: Potential, perfect: Atoms, known: list[Atoms]) -> None:
    frames = trajectory(perfect, "a", count=5, seed=2)
    choice = take(frames, [0.5] * 5, count=100, known=known, potential=potential)
    assert sorted(choice.indices) == [0, 1, 2, 3, 4]
    again = take(frames, [0.5] * 5, count=100, known=[*known, *frames[:3]], potential=potential)
    assert sorted(again.indices) == [3, 4]


def test_each_one_taken_makes_the_determinant_largest(
    potential: Potential, perfect: Atoms, known: list[Atoms]
) -> None:
    frames = trajectory(perfect, "a", count=7, seed=2)
    choice = take(frames, [0.5] * 7, count=4, known=known, potential=potential)
    rows = descriptors(potential, [*known, *frames], SPECIES)
    rows = rows[:, rows.std(axis=0) > 1e-9 * rows.std(axis=0).max()]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    taken = list(range(6))
    for index in choice.indices:
        gains = {}
        for k in set(range(6, 13)) - set(taken):
            chosen = rows[[*taken, k]]
            gains[k] = np.linalg.slogdet(RIDGE * np.eye(rows.shape[1]) + chosen.T @ chosen)[1]
        best = max(gains, key=gains.__getitem__)
        assert index == best - 6
        taken.append(best)


def test_the_odd_one_out_is_taken_first(
    potential: Potential, perfect: Atoms, known: list[Atoms]
) -> None:
    frames = trajectory(perfect, "a", count=6, seed=2)
    frames[4] = strained(frames[4], 0.12)
    choice = take(frames, [0.5] * 6, count=1, known=known, potential=potential)
    assert choice.indices == (4,)


def test_frames_of_a_trajectory_keep_apart(
    potential: Potential, perfect: Atoms, known: list[Atoms]
) -> None:
    frames = trajectory(perfect, "a", count=10, seed=2)
    others = trajectory(perfect, "b", count=10, seed=3)
    choice = take(
        frames + others, [0.5] * 20, count=20, known=known, potential=potential, apart=0.3
    )
    for name in ("a", "b"):
        times = sorted(f.info["time"] for f in choice.frames if f.info["trajectory"] == name)
        assert len(times) >= 3
        assert np.diff(times).min() > 0.3 - 1e-6
    # Nor do later choices come near what is known of the same trajectory.
    later = take(
        frames, [0.5] * 10, count=20, known=[*known, frames[4]], potential=potential, apart=0.4
    )
    assert {f.info["frame"] for f in later.frames} <= {"a-0001", "a-0009", "a-0010"}


def test_a_sudden_crossing_is_taken_where_a_place_is_left(
    potential: Potential, perfect: Atoms, known: list[Atoms]
) -> None:
    # One trajectory passes both bounds at once, one by a doubtful frame, one is no number at all.
    frames = [
        frame for name in "abc" for frame in trajectory(perfect, name, count=3, seed=ord(name))
    ]
    force = [0.05, 4.0, 5.0, 0.05, 0.5, 6.0, 0.05, np.inf, 2.0]
    choice = take(frames, force, count=9, known=known, potential=potential)
    assert choice.indices == (4, 1)
    assert take(frames, force, count=1, known=known, potential=potential).indices == (4,)


def test_nothing_known_and_nothing_found(potential: Potential, perfect: Atoms) -> None:
    frames = trajectory(perfect, "a", count=3, seed=2)
    assert len(take(frames, [0.5] * 3, count=2, known=[], potential=potential).frames) == 2
    assert take(frames[:1], [0.5], count=2, known=[], potential=potential).indices == (0,)
    assert take(frames, [0.01] * 3, count=2, known=[], potential=potential).frames == []
    assert take([], [], count=2, known=[], potential=potential).indices == ()


def test_what_does_not_belong_together_is_refused(potential: Potential, perfect: Atoms) -> None:
    frames = trajectory(perfect, "a", count=3, seed=2)
    with pytest.raises(ValueError, match="3 candidates, but disagreement about 2"):
        take(frames, [0.5] * 2, count=2, known=[], potential=potential)
    with pytest.raises(ValueError, match="low < high"):
        take(frames, [0.5] * 3, count=2, known=[], potential=potential, low=1.0, high=0.1)


def test_configurations_spread_evenly(perfect: Atoms) -> None:
    candidates = [perfect.copy() for _ in range(10)]
    places = {id(one): k for k, one in enumerate(candidates)}
    assert spread_evenly(candidates, 0) == []
    assert [places[id(one)] for one in spread_evenly(candidates, 4)] == [1, 3, 6, 8]
    assert spread_evenly(candidates, 10) == spread_evenly(candidates, 20) == candidates
