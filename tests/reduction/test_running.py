"""Running integrals and windows: by hand, and on processes whose κ is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.reduction.correlation import autocorrelation
from ensemble.reduction.intervals import of_independent
from ensemble.reduction.running import lags_of, running_integral, window_average

Floats = NDArray[np.float64]

PHI = math.exp(-1 / 20)
"""Correlation from row to row: a correlation time of 20 rows."""


def ar1(generator: np.random.Generator, samples: int, rows: int) -> Floats:
    """Currents of variance 1 with <J(0) J(t)> = PHI^t."""
    noise = generator.standard_normal((samples, rows + 400)) * math.sqrt(1 - PHI**2)
    series: Floats = lfilter([1], [1, -PHI], noise)[:, 400:]
    return series


KAPPA = 0.5 * (1 + PHI) / (1 - PHI)
"""Integral of PHI^t from 0 to infinity by the trapezoidal rule, steps of 1."""


def test_running_integral_of_a_straight_line_is_exact() -> None:
    time = 0.25 * np.arange(9)
    found = running_integral(np.stack([3 - time, np.ones(9)]), 0.25)
    assert found[0] == pytest.approx(3 * time - time**2 / 2, abs=1e-14)
    assert found[1] == pytest.approx(time, abs=1e-14)


def test_running_integral_of_an_exponential() -> None:
    found = running_integral(PHI ** np.arange(1000), 1.0)
    assert found[:2] == pytest.approx([0, (1 + PHI) / 2], rel=1e-15)
    assert found[-1] == pytest.approx(KAPPA * (1 - PHI**999), rel=1e-12)


def test_the_window_includes_both_ends() -> None:
    integral = np.array([[0.0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])
    assert window_average(integral, 0.5, 1.0, 2.0) == pytest.approx([3, 2])
    assert window_average(integral, 0.5, 0.9, 2.4) == pytest.approx([3, 2])
    assert window_average(integral, 0.5, 2.5, 2.5) == pytest.approx([5, 0])


@pytest.mark.parametrize(
    ("end", "timestep", "lags"),
    [(6.0, 0.01, 601), (0.3, 0.1, 4), (0.7, 0.1, 8), (0.69, 0.1, 7), (0.0, 0.1, 1)],
)
def test_times_that_are_no_whole_binary_numbers(end: float, timestep: float, lags: int) -> None:
    assert lags_of(end, timestep) == lags
    integral = np.arange(float(lags))
    last = (lags - 1) * timestep
    assert window_average(integral, timestep, last, end) == lags - 1


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (1.0, 4.0, "window up to 4: the running integral ends at 3$"),
        (1.2, 1.4, r"window from 1\.2 to 1\.4: no lag in it, they are 1 apart"),
        (2.0, 1.0, "no lag in it"),
        (-1.0, 2.0, "no lag in it"),
    ],
)
def test_refused_windows(start: float, end: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        window_average(np.zeros(4), 1.0, start, end)


def test_a_known_process_by_a_window() -> None:
    """The mean over 200 groups is right, and 95 % of the intervals of five seeds hold the truth."""
    generator = np.random.default_rng(4)
    kappa = np.empty(200)
    covered = 0
    for trial in range(200):
        integral = running_integral(autocorrelation(ar1(generator, 15, 4000), 201), 1.0)
        found = of_independent(window_average(integral, 1.0, 100, 200))
        kappa[trial] = found.mean
        covered += found.low < KAPPA < found.high
    assert abs(kappa.mean() - KAPPA) < 3 * kappa.std(ddof=1) / math.sqrt(200)
    assert kappa.std(ddof=1) < 0.15 * KAPPA
    assert 180 <= covered <= 199  # 190 ± 3 standard deviations of a binomial
