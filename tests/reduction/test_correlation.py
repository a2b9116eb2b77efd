"""Correlation functions: against the sum that they are, and a process with a known one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.reduction.correlation import autocorrelation, correlation

Floats = NDArray[np.float64]


def direct_sum(first: Floats, second: Floats, lags: int) -> Floats:
    rows = len(first)
    return np.array([first[: rows - lag] @ second[lag:] / (rows - lag) for lag in range(lags)])


@pytest.mark.parametrize(("rows", "lags"), [(1, 1), (2, 2), (97, 1), (97, 40), (97, 97)])
def test_is_the_mean_over_all_origins(rows: int, lags: int) -> None:
    first, second = np.random.default_rng(1).standard_normal((2, rows)) + 0.5
    found = correlation(first, second, lags)
    assert found == pytest.approx(direct_sum(first, second, lags), rel=0, abs=1e-13)
    assert autocorrelation(first, lags) == pytest.approx(
        direct_sum(first, first, lags), rel=0, abs=1e-13
    )


def test_the_second_current_is_the_later_one() -> None:
    first, second = np.zeros((2, 10))
    first[2], second[5] = 1.0, 1.0
    found = correlation(first, second, 8)
    assert found[3] == pytest.approx(1 / 7, abs=1e-15)
    assert np.delete(found, 3) == pytest.approx(np.zeros(7), abs=1e-15)


def test_every_leading_axis_is_correlated_alone() -> None:
    currents = np.random.default_rng(2).standard_normal((2, 3, 50))
    found = autocorrelation(currents, 20)
    assert found.shape == (2, 3, 20)
    assert found[1, 2] == pytest.approx(direct_sum(currents[1, 2], currents[1, 2], 20), abs=1e-13)
    against_one = correlation(currents, currents[0, 0], 20)
    assert against_one[1, 2] == pytest.approx(
        direct_sum(currents[1, 2], currents[0, 0], 20), abs=1e-13
    )


def test_the_mean_is_not_subtracted() -> None:
    assert autocorrelation(np.full(100, 3.0), 60) == pytest.approx(np.full(60, 9.0), rel=1e-12)


def test_a_known_process() -> None:
    """AR(1) of variance 1 has <J(0) J(t)> = φ^t; the estimates of 400 series scatter about it."""
    phi, lags = 0.9, 30
    noise = np.random.default_rng(3).standard_normal((400, 3000)) * math.sqrt(1 - phi**2)
    series = lfilter([1], [1, -phi], noise)[:, 1000:]
    found = autocorrelation(series, lags)
    deviation = found.mean(axis=0) - phi ** np.arange(lags)
    error = found.std(axis=0, ddof=1) / math.sqrt(400)
    assert np.all(np.abs(deviation) < 3.5 * error)
    assert error.max() < 0.01


@pytest.mark.parametrize(
    ("first", "second", "lags", "message"),
    [
        (np.ones(5), np.ones(6), 2, "5"),
        (np.ones(5), np.ones(5), 6, "6 lags of a series of 5 rows"),
        (np.ones(5), np.ones(5), 0, "0 lags"),
        (np.ones(0), np.ones(0), 1, "series of 0 rows"),
        (np.ones(5), np.array([1, 2, np.nan, 4, 5]), 2, "not finite"),
        (np.array([1, np.inf, 3]), np.ones(3), 2, "not finite"),
    ],
)
def test_refusals(first: Floats, second: Floats, lags: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        correlation(first, second, lags)
