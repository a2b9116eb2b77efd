"""What a step that the data do not show may add, against integrals by quadrature."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from ensemble.reduction.hidden import HEIGHT, hidden_step
from ensemble.reduction.rational import AnotherStep

Floats = NDArray[np.float64]

PROBABILITY = 0.05


def step_of(score: list[float], error: list[float], gain: list[float]) -> AnotherStep:
    """Of a single fit."""
    return AnotherStep(*(np.array([values]) for values in (score, error, gain)))


@pytest.mark.parametrize("score", [-3.0, 0.0, 1.5, 4.0])
@pytest.mark.parametrize("error", [0.01, 0.1, 0.9])
def test_moments_by_quadrature(score: float, error: float) -> None:
    gain = 0.7

    def weighted(height: float, power: int) -> float:
        prior = PROBABILITY * np.exp(-height / HEIGHT) / HEIGHT
        return float((gain * height) ** power * prior * norm.pdf(score - height / error))

    middle = max(score, 0.0) * error
    points = [middle, middle + 3 * error, middle + 8 * error]
    total, first, second = (
        quad(weighted, 0, 12 * HEIGHT + middle, (power,), points=points, epsabs=1e-13, limit=200)[0]
        for power in range(3)
    )
    total += (1 - PROBABILITY) * norm.pdf(score)
    found = hidden_step(step_of([score], [error], [gain]), np.array([[True]]), PROBABILITY)
    assert found[0][0] == pytest.approx(first / total, rel=1e-5, abs=1e-10)
    assert found[1][0] == pytest.approx(second / total - (first / total) ** 2, rel=1e-5, abs=1e-10)


def test_a_step_that_the_data_exclude_adds_nothing() -> None:
    mean, variance = hidden_step(step_of([0.0], [1e-4], [1.0]), np.array([[True]]), PROBABILITY)
    assert mean[0] < 1e-7
    assert variance[0] < 1e-9


def test_what_is_not_possible_adds_nothing() -> None:
    step = step_of([3.0, 3.0], [0.1, 0.1], [1.0, 1.0])
    mean, variance = hidden_step(step, np.array([[False, False]]), PROBABILITY)
    assert (mean[0], variance[0]) == (0, 0)
    known = step_of([3.0, 0.0], [0.1, np.inf], [1.0, 0.0])
    alone = hidden_step(known, np.array([[True, True]]), PROBABILITY)[0][0]
    assert alone == hidden_step(known, np.array([[True, False]]), PROBABILITY)[0][0]


def test_evidence_for_a_step_is_believed() -> None:
    """At six standard deviations nothing but the step is left, and the prior pulls little."""
    mean, variance = hidden_step(step_of([6.0], [0.05], [1.0]), np.array([[True]]), PROBABILITY)
    assert mean[0] == pytest.approx(6 * 0.05 - 0.05**2 / HEIGHT, rel=1e-3)
    assert np.sqrt(variance[0]) == pytest.approx(0.05, rel=1e-2)
