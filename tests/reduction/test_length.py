"""κ for an infinite cell: planted, and how often the interval holds it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike

from ensemble.reduction.intervals import Interval, of_independent
from ensemble.reduction.length import infinite_length

KAPPA, LAMBDA = 0.5, 5.0
LENGTHS = np.array([8.0, 12, 16, 24, 32])


def planted(lengths: ArrayLike, square: float = 0.0) -> np.ndarray:
    length = np.asarray(lengths)
    return KAPPA / (1 + LAMBDA / length + square / length**2)


def exact(values: ArrayLike, half_width: float = 0.01) -> list[Interval]:
    return [Interval(mean=v, half_width=half_width * v, samples=5) for v in np.asarray(values)]


def drawn(
    generator: np.random.Generator, kappa: ArrayLike, runs: ArrayLike, error: ArrayLike
) -> list[Interval]:
    """κ from runs that scatter by a relative error."""
    each = np.broadcast_arrays(kappa, runs, error)
    return [
        of_independent(k * (1 + e * generator.standard_normal(int(n))))
        for k, n, e in zip(*each, strict=True)
    ]


@pytest.mark.parametrize("half_width", [0.01, 0.0, math.inf])
@pytest.mark.parametrize(("order", "square"), [(1, 0.0), (2, 3.0)])
def test_what_is_planted_is_found(order: int, square: float, half_width: float) -> None:
    kappas = planted(LENGTHS, square)
    found = infinite_length(LENGTHS, exact(kappas, half_width), order=order)
    assert found.kappa.mean == pytest.approx(KAPPA, rel=1e-11)
    assert found.resistivity.mean == pytest.approx(1 / KAPPA, rel=1e-11)
    assert found.mean_free_path.mean == pytest.approx(LAMBDA, rel=1e-10)
    assert found.at(LENGTHS) == pytest.approx(kappas, rel=1e-12)
    assert found.at(math.inf) == pytest.approx(KAPPA, rel=1e-11)
    assert found.problem == ""


def test_weights_and_errors_by_hand() -> None:
    """Two lengths, errors from many samples: y = 1/κ at x = 1/L, and the line through both."""
    kappas = [Interval(mean=m, half_width=w, samples=10**6) for m, w in ((0.4, 0.01), (0.45, 0.02))]
    found = infinite_length([10, 30], kappas)
    first, second = 1 / 0.4, 1 / 0.45
    intercept = (3 * second - first) / 2
    quantile = 1.9599662  # of Student's t
    errors = np.array([0.01 / 0.4**2, 0.02 / 0.45**2]) / quantile
    assert found.resistivity.mean == pytest.approx(intercept, rel=1e-12)
    expected = quantile * math.hypot(errors[0] / 2, 1.5 * errors[1])
    assert found.resistivity.half_width == pytest.approx(expected, rel=1e-3)
    assert found.kappa.half_width == pytest.approx(expected / intercept**2, rel=1e-3)
    assert math.isnan(found.p_value)


CASES = [
    (1, LENGTHS, 5, 0.05),
    (1, LENGTHS, 20, 0.1),
    (1, LENGTHS[:2], 5, 0.05),
    (1, LENGTHS, 1, 0.02),
    (1, LENGTHS, [20, 15, 10, 8, 8], [0.05, 0.05, 0.08, 0.1, 0.1]),
    (2, LENGTHS, 5, 0.02),
]


@pytest.mark.parametrize(("order", "lengths", "runs", "error"), CASES)
def test_the_intervals_cover(
    order: int, lengths: np.ndarray, runs: ArrayLike, error: ArrayLike
) -> None:
    """κ∞, 1/κ∞ and λ, with errors from few seeds, and of single runs from the scatter."""
    generator, trials = np.random.default_rng(5), 600
    truth = planted(lengths, 3.0 if order == 2 else 0.0)
    covered, resistivities, problems = np.zeros(3), [], 0
    for _ in range(trials):
        found = infinite_length(lengths, drawn(generator, truth, runs, error), order=order)
        intervals = found.kappa, found.resistivity, found.mean_free_path
        true = KAPPA, 1 / KAPPA, LAMBDA
        covered += [i.low < t < i.high for i, t in zip(intervals, true, strict=True)]
        resistivities.append(found.resistivity.mean)
        problems += "does not follow" in found.problem
    assert covered.min() >= 0.92 * trials, covered / trials
    assert covered.max() <= 0.98 * trials, covered / trials
    error_of_mean = np.std(resistivities) / trials**0.5
    assert abs(np.mean(resistivities) * KAPPA - 1) < 0.005 + 4 * error_of_mean * KAPPA
    assert problems <= 0.03 * trials


def test_a_wrong_curve_is_said_to_be_wrong() -> None:
    generator, seen = np.random.default_rng(6), np.zeros(2)
    for _ in range(100):
        kappas = drawn(generator, planted(LENGTHS, 200.0), 5, 0.02)
        found = (infinite_length(LENGTHS, kappas, order=order) for order in (1, 2))
        seen += ["does not follow the curve" in one.problem for one in found]
    assert seen[0] > 95
    assert seen[1] < 5


def test_lengths_that_do_not_reach() -> None:
    kappas = exact(1 / (0.01 + 5 / LENGTHS), 0.05)
    found = infinite_length(LENGTHS, kappas)
    assert found.problem.startswith("the lengths are too short, or too few")
    assert found.resistivity.low < 0


@pytest.mark.parametrize(
    ("lengths", "kappas", "order", "message"),
    [
        (LENGTHS, [1, 1], 1, r"\(5,\) lengths, \(2,\)"),
        ([10], [1], 1, "1 lengths, order 1: 2 needed"),
        ([10, 10, 20], [1, 1, 1], 2, "2 lengths, order 2: 3 needed"),
        ([10, -20], [1, 1], 1, "positive"),
        ([10, 20], [1, math.nan], 1, "positive"),
        ([10, 20], [1, 1], 3, "order 3"),
    ],
)
def test_refusals(lengths: ArrayLike, kappas: ArrayLike, order: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        infinite_length(lengths, exact(kappas), order=order)
