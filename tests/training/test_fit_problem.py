"""Cost, J^T r and J^T J: against the definition, finite differences and a dense J."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from planted import CUTOFF, SPECIES, label, labelled_frames, planted_potential

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import Potential
from ensemble.training.labels import BadLabel
from ensemble.training.potentials import coefficients, with_coefficients
from ensemble.training.problem import FitProblem, Weights

WEIGHTS = Weights(energy=0.7, forces=0.02, stress=0.003)


@pytest.fixture(scope="module")
def potential() -> Potential:
    return planted_potential(seed=7)


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    """Of several sizes, labelled by another potential."""
    other = planted_potential(seed=8)
    small = labelled_frames(other, 5)
    return [*small, *(label(frame.repeat((2, 1, 1)), other) for frame in small[:2])]


@pytest.fixture(scope="module")
def problem(frames: list[Atoms]) -> FitProblem:
    return FitProblem(frames, SPECIES, CUTOFF, WEIGHTS)


def residuals(potential: Potential, frames: list[Atoms]) -> np.ndarray:
    """As the documentation of the module defines them, from the ASE calculator."""
    rows = []
    for frame in frames:
        n, volume = len(frame), frame.get_volume()
        found, wanted = label(frame, potential), frame
        energy = found.get_potential_energy() - wanted.get_potential_energy()
        force = found.get_forces() - wanted.get_forces()
        stress = found.get_stress(voigt=False) - wanted.get_stress(voigt=False)
        rows += [
            np.sqrt(WEIGHTS.energy) * np.array([energy]) / n,
            np.sqrt(WEIGHTS.forces / n) * force.ravel(),
            np.sqrt(WEIGHTS.stress) * volume * stress.ravel() / n,
        ]
    return np.concatenate(rows) / np.sqrt(len(frames))


def dense_jacobian(potential: Potential, frames: list[Atoms]) -> np.ndarray:
    """Of `residuals`, by central differences: shape (nresiduals, ncoefficients)."""
    values = coefficients(potential)
    columns = []
    for k, value in enumerate(values):
        step = np.zeros(len(values))
        step[k] = 1e-5 * max(1e-2, abs(value))
        ahead, behind = (
            residuals(with_coefficients(potential, values + sign * step), frames)
            for sign in (1, -1)
        )
        columns.append((ahead - behind) / (2 * step[k]))
    return np.stack(columns, axis=1)


def test_cost_is_what_the_documentation_says(
    problem: FitProblem, potential: Potential, frames: list[Atoms]
) -> None:
    expected = np.sum(residuals(potential, frames) ** 2)
    assert sum(problem.costs(potential)) == pytest.approx(expected, rel=1e-12)
    assert problem.normal_equations(potential).cost == pytest.approx(expected, rel=1e-12)


def test_costs_of_each_kind(potential: Potential, frames: list[Atoms]) -> None:
    def costs(**weights: float) -> np.ndarray:
        only = Weights(**({"energy": 0.0, "forces": 0.0, "stress": 0.0} | weights))
        return np.array(FitProblem(frames, SPECIES, CUTOFF, only).costs(potential))

    whole = np.array(FitProblem(frames, SPECIES, CUTOFF, WEIGHTS).costs(potential))
    for k, name in enumerate(("energy", "forces", "stress")):
        weight = getattr(WEIGHTS, name)
        expected = np.zeros(3)
        expected[k] = whole[k]
        np.testing.assert_allclose(costs(**{name: weight}), expected, rtol=1e-12)


def test_large_forces_count_less(potential: Potential, frames: list[Atoms]) -> None:
    """A force of the scale counts half, whatever its direction and that of its error."""
    scale = float(np.median(np.linalg.norm(frames[0].get_forces(), axis=1)))
    weights = replace(WEIGHTS, scale_by_force=scale)
    expected = 0.0
    for frame in frames:
        wanted = frame.get_forces()
        errors = ((label(frame, potential).get_forces() - wanted) ** 2).sum(axis=1)
        counts = [scale**2 / (scale**2 + force @ force) for force in wanted]
        expected += WEIGHTS.forces * np.mean(counts * errors) / len(frames)
    problem = FitProblem(frames, SPECIES, CUTOFF, weights)
    assert problem.costs(potential).forces == pytest.approx(expected, rel=1e-12)
    assert problem.normal_equations(potential).cost == pytest.approx(
        sum(problem.costs(potential)), rel=1e-12
    )
    np.testing.assert_allclose(weights.of_forces(np.array([[0, -scale, 0]])), WEIGHTS.forces / 2)


def test_normal_equations_are_those_of_a_dense_jacobian(
    problem: FitProblem, potential: Potential, frames: list[Atoms]
) -> None:
    jacobian = dense_jacobian(potential, frames)
    found = problem.normal_equations(potential)
    for mine, expected in [
        (found.gradient, jacobian.T @ residuals(potential, frames)),
        (found.matrix, jacobian.T @ jacobian),
    ]:
        assert np.abs(mine - expected).max() < 1e-7 * np.abs(expected).max()


def test_number_of_workers_changes_no_bit(potential: Potential, frames: list[Atoms]) -> None:
    one, three = (
        FitProblem(frames, SPECIES, CUTOFF, workers=workers).normal_equations(potential)
        for workers in (1, 3)
    )
    for mine, theirs in zip(one, three, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_every_other_frame(potential: Potential, frames: list[Atoms], problem: FitProblem) -> None:
    part = FitProblem(frames[::2], SPECIES, CUTOFF, WEIGHTS)
    assert problem.every(2).costs(potential) == part.costs(potential)


def test_digest_tells_problems_apart(frames: list[Atoms]) -> None:
    moved = [frame.copy() for frame in frames]
    for copy, frame in zip(moved, frames, strict=True):
        copy.calc = frame.calc
    moved[3].positions[2, 1] += 1e-9
    moved[3].calc = SinglePointCalculator(moved[3], **frames[3].calc.results)
    digests = {
        FitProblem(frames, SPECIES, CUTOFF, WEIGHTS).digest,
        FitProblem(frames, SPECIES, CUTOFF).digest,
        FitProblem(frames[:-1], SPECIES, CUTOFF, WEIGHTS).digest,
        FitProblem(moved, SPECIES, CUTOFF, WEIGHTS).digest,
    }
    assert len(digests) == 4
    assert FitProblem(frames, SPECIES, CUTOFF, WEIGHTS).digest in digests


def test_a_frame_without_stress_has_none_to_fit(potential: Potential, frames: list[Atoms]) -> None:
    frame = frames[0].copy()
    known = {key: frames[0].calc.results[key] for key in ("energy", "forces")}
    frame.calc = SinglePointCalculator(frame, **known)
    costs = FitProblem([frame], SPECIES, CUTOFF).costs(potential)
    whole = FitProblem(frames[:1], SPECIES, CUTOFF).costs(potential)
    assert costs.stress == 0
    assert costs == whole._replace(stress=0)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("energy", np.nan, "energy not a finite number"),
        ("forces", np.full((8, 3), np.inf), "forces not a finite number"),
        ("stress", np.array([0, 0, 0, np.nan, 0, 0]), "stress not a finite number"),
        ("forces", np.zeros((7, 3)), r"forces of shape \(7, 3\), must be \(8, 3\)"),
        ("forces", None, "no forces"),
    ],
)
def test_a_bad_label_is_refused_by_the_frames_name(
    frames: list[Atoms], key: str, value: object, words: str
) -> None:
    frame = frames[4].copy()
    frame.calc = SinglePointCalculator(frame, **frames[4].calc.results)
    if value is None:
        del frame.calc.results[key]
    else:
        frame.calc.results[key] = value
    with pytest.raises(BadLabel, match=f"frame crystal-4: .*{words}"):
        FitProblem([*frames[:4], frame], SPECIES, CUTOFF)


def test_what_else_is_refused(frames: list[Atoms], problem: FitProblem) -> None:
    with pytest.raises(ValueError, match="no frame to fit to"):
        FitProblem([], SPECIES, CUTOFF)
    with pytest.raises(ValueError, match="frame crystal-0: found Se, but the species are Cu Te"):
        FitProblem(frames, ("Cu", "Te"), CUTOFF)
    with pytest.raises(ValueError, match="cutoff 5, but the frames were prepared for 2 and 4"):
        problem.costs(replace(planted_potential(), max_dist=5.0))


def test_agrees_with_the_calculators_jacobian(potential: Potential, frames: list[Atoms]) -> None:
    """Energies alone: J is one row."""
    only = Weights(energy=1.0, forces=0.0, stress=0.0)
    row = MTPCalculator(potential).jacobian(frames[5]).energy / len(frames[5])
    found = FitProblem(frames[5:6], SPECIES, CUTOFF, only).normal_equations(potential)
    np.testing.assert_allclose(found.matrix, np.outer(row, row), rtol=1e-9, atol=1e-12)
