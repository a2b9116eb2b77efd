"""Diffusion: random walks, crystals that only rattle, and what drifts as a whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter

from ensemble.reduction import diffusion
from ensemble.reduction.diffusion import diffusion_coefficient, mean_square_displacement

Floats = NDArray[np.float64]

STEP, D = 0.1, 0.15
"""Time of a row; the Cu of Cu2Se has about this D, in Å²/ps."""


def walk(generator: np.random.Generator, rows: int, atoms: int) -> Floats:
    """Positions of a random walk."""
    steps = generator.standard_normal((rows, atoms, 3)) * math.sqrt(2 * D * STEP)
    return np.cumsum(steps, axis=0)


def crystal(generator: np.random.Generator, rows: int, atoms: int) -> Floats:
    """Atoms that rattle about their sites, with 0.3 Å and 0.5 ps (Ornstein and Uhlenbeck)."""
    keep = math.exp(-STEP / 0.5)
    kicks = 0.3 * math.sqrt(1 - keep**2) * generator.standard_normal((rows + 50, atoms, 3))
    positions: Floats = lfilter([1], [1, -keep], kicks, axis=0)[50:]
    return positions


def squares(*runs: Floats, lags: int) -> Floats:
    return np.stack([mean_square_displacement(run, lags) for run in runs])


def by_definition(positions: Floats) -> list[float]:
    path = positions - positions.mean(axis=1, keepdims=True)
    rows = len(path)
    moved = [path[lag:] - path[: rows - lag] for lag in range(rows)]
    return [float((one**2).sum(axis=2).mean()) for one in moved]


@pytest.mark.parametrize(("rows", "atoms"), [(1, 3), (2, 1), (50, 7)])
def test_the_mean_square_displacement_is_its_definition(rows: int, atoms: int) -> None:
    positions = walk(np.random.default_rng(1), rows, atoms) + 1000
    expected = by_definition(positions)
    np.testing.assert_allclose(mean_square_displacement(positions), expected, rtol=0, atol=1e-9)
    half = (rows + 1) // 2
    np.testing.assert_allclose(
        mean_square_displacement(positions, half), expected[:half], atol=1e-9
    )


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = walk(np.random.default_rng(2), 200, 23)
    whole = mean_square_displacement(positions)
    monkeypatch.setattr(diffusion, "BLOCK_BYTES", 3 * 16 * 400 * 5)
    np.testing.assert_allclose(mean_square_displacement(positions), whole, rtol=1e-12)


def test_a_drift_of_all_is_no_displacement() -> None:
    positions = crystal(np.random.default_rng(3), 400, 10)
    drift = np.cumsum(np.full((400, 1, 3), 0.5), axis=0)
    still, drifting = (mean_square_displacement(p, 100) for p in (positions, positions + drift))
    np.testing.assert_allclose(drifting, still, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rattle", [0.0, 1.0])
def test_a_random_walk_has_its_coefficient(rattle: float) -> None:
    """Also of atoms that rattle between their jumps. Of 20 atoms the drift takes a 20th."""
    generator, trials, rows, atoms, lags = np.random.default_rng(4), 100, 600, 20, 150
    found = []
    for _ in range(trials):
        runs = (
            walk(generator, rows, atoms) + rattle * crystal(generator, rows, atoms)
            for _ in range(5)
        )
        found.append(diffusion_coefficient(squares(*runs, lags=lags), STEP * np.arange(lags)))
    diffusing = [one.coefficient for one in found if not one.problem]
    assert len(diffusing) >= 95
    true = D * (1 - 1 / atoms)
    error = np.std([one.mean for one in diffusing]) / math.sqrt(len(diffusing))
    assert np.mean([one.mean for one in diffusing]) == pytest.approx(true, abs=4 * error)
    covered = sum(one.low < true < one.high for one in diffusing)
    assert covered >= 0.95 * len(diffusing) - 7
    assert np.mean([one.exponent.mean for one in found]) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("runs", [1, 5])
def test_a_crystal_does_not_diffuse(runs: int) -> None:
    """Whose slope is not zero at first, and nearly so later."""
    generator, lags = np.random.default_rng(5), 200
    for _ in range(50):
        many = (crystal(generator, 1000, 20) for _ in range(runs))
        found = diffusion_coefficient(squares(*many, lags=lags), STEP * np.arange(lags))
        assert math.isnan(found.coefficient.mean)
        assert found.problem.startswith("not diffusive: the mean square displacement grows")
        assert found.exponent.mean == pytest.approx(0, abs=0.1)
        assert 0 <= found.upper_limit < 0.05 * D


def test_what_is_slower_than_diffusion_is_no_diffusion() -> None:
    """Single file: displacement² ~ √t."""
    time = np.arange(1, 400.0)
    noise = np.random.default_rng(6).standard_normal((5, 1))
    found = diffusion_coefficient(np.sqrt(time) * (1 + 0.05 * noise), time)
    assert found.exponent.mean == pytest.approx(0.5)
    assert "to the power 0.50" in found.problem


def test_noise_is_called_noise() -> None:
    generator, time = np.random.default_rng(7), np.arange(1, 200.0)
    powers = 1 + generator.standard_normal((4, 1))
    found = diffusion_coefficient(time**powers, time)
    assert found.problem.startswith("too noisy")
    assert math.isnan(found.coefficient.mean)


def test_one_run_has_a_coefficient_without_an_error() -> None:
    time = STEP * np.arange(100)
    found = diffusion_coefficient(6 * D * time[None] + 0.01, time)
    assert found.coefficient.mean == pytest.approx(D)
    assert found.coefficient.half_width == math.inf
    assert found.upper_limit == pytest.approx(D, rel=0.01)
    assert found.window[1] == pytest.approx(9.9)


def test_atoms_at_rest() -> None:
    found = diffusion_coefficient(np.zeros((2, 50)), np.arange(50))
    assert found.problem == "the atoms did not move at all"
    assert found.upper_limit == 0


@pytest.mark.parametrize(
    ("shape", "lags", "message"),
    [
        ((10, 3), None, r"must be \(rows, atoms, 3\)"),
        ((10, 0, 3), None, "must be"),
        ((10, 2, 3), 11, "11 lags of 10 rows"),
        ((10, 2, 3), 0, "0 lags"),
    ],
)
def test_positions_that_are_refused(shape: tuple[int, ...], lags: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_square_displacement(np.zeros(shape), lags)


def test_positions_that_are_no_numbers() -> None:
    positions = np.zeros((10, 2, 3))
    positions[3, 1, 1] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        mean_square_displacement(positions)


@pytest.mark.parametrize(
    ("square", "time", "message"),
    [
        (np.ones(10), np.arange(10), r"\(10,\), times \(10,\)"),
        (np.ones((2, 10)), np.arange(9), r"\(2, 10\), times \(9,\)"),
        (np.full((2, 10), np.nan), np.arange(10), "finite"),
        (np.ones((2, 10)), np.zeros(10), "increase"),
        (np.ones((2, 8)), np.arange(8), "7 lags behind zero: 8 are needed"),
    ],
)
def test_displacements_that_are_refused(square: ArrayLike, time: ArrayLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        diffusion_coefficient(square, time)
