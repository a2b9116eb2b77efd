"""Correlation functions: against the sum that they are, in pieces, and of a known process."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.reduction.correlation import (
    SHORTEST_BLOCK,
    Correlator,
    autocorrelation,
    correlation,
)

Floats = NDArray[np.float64]


def direct_sum(first: Floats, second: Floats, lags: int) -> Floats:
    rows = len(first)
    return np.array([first[: rows - lag] @ second[lag:] / (rows - lag) for lag in range(lags)])


LONG = 3 * SHORTEST_BLOCK
"""Rows of several blocks."""


@pytest.mark.parametrize(
    ("rows", "lags"),
    [
        (1, 1),
        (2, 2),
        (97, 1),
        (97, 40),
        (97, 97),
        (SHORTEST_BLOCK, 300),
        (SHORTEST_BLOCK + 1, 300),
        (LONG, 300),
        (LONG - 5, SHORTEST_BLOCK - 1),
        (LONG + 7, SHORTEST_BLOCK),
        (LONG + 7, SHORTEST_BLOCK + 1),
        (LONG + 7, LONG + 7),
    ],
)
def test_is_the_mean_over_all_origins(rows: int, lags: int) -> None:
    first, second = np.random.default_rng(1).standard_normal((2, rows)) + 0.5
    found = correlation(first, second, lags)
    # Behind few pairs a lag's mean has the rounding of all sums.
    tolerance = 1e-15 * rows / np.arange(rows, rows - lags, -1) * math.sqrt(rows) + 1e-14
    assert np.all(np.abs(found - direct_sum(first, second, lags)) < tolerance)
    assert np.all(np.abs(autocorrelation(first, lags) - direct_sum(first, first, lags)) < tolerance)


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


def test_the_first_lag_is_the_mean_square() -> None:
    current = np.random.default_rng(4).standard_normal((3, LONG + 11))
    found = autocorrelation(current, 5)[:, 0]
    assert found == pytest.approx((current**2).mean(axis=1), rel=1e-13)


PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    "pieces",
    [[1], [LONG // 2], [SHORTEST_BLOCK, 1, SHORTEST_BLOCK], [0, 17, 0, 4000, 4500]],
    ids=["whole", "two", "by blocks", "ragged"],
)
def test_pieces_do_not_matter(pieces: list[int]) -> None:
    """Not in the last bit, whatever the pieces; and every pair is what it is alone."""
    first, second = np.random.default_rng(5).standard_normal((2, 2, LONG + 100))
    cuts = np.cumsum(pieces)
    correlator = Correlator(700, PAIRS)
    for a, b in zip(np.split(first, cuts, axis=1), np.split(second, cuts, axis=1), strict=True):
        correlator.add(a, b)
    assert correlator.rows == LONG + 100
    currents = first, second
    for (i, j), found in zip(PAIRS, correlator.result(), strict=True):
        assert np.array_equal(found, correlation(currents[i], currents[j], 700))


def test_a_result_is_no_end() -> None:
    series = np.random.default_rng(6).standard_normal(LONG)
    correlator = Correlator(50)
    correlator.add(series[:5000])
    assert np.array_equal(correlator.result()[0], autocorrelation(series[:5000], 50))
    correlator.add(series[5000:])
    assert np.array_equal(correlator.result()[0], autocorrelation(series, 50))


def test_memory_does_not_grow_with_the_rows() -> None:
    piece = np.random.default_rng(7).standard_normal((3, SHORTEST_BLOCK))

    def peak(pieces: int) -> int:
        tracemalloc.start()
        correlator = Correlator(100)
        for _ in range(pieces):
            correlator.add(piece)
        correlator.result()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(64) < 1.1 * peak(4)


def test_zero_has_the_correlation_zero() -> None:
    assert np.array_equal(autocorrelation(np.zeros((2, 100)), 10), np.zeros((2, 10)))


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
        (np.ones(5), np.ones(6), 2, r"\(5,\) and \(6,\)"),
        (np.ones(5), np.ones(5), 6, "6 lags of a series of 5 rows"),
        (np.ones(5), np.ones(5), 0, "0 lags"),
        (np.ones(0), np.ones(0), 1, "series of 0 rows"),
        (np.float64(1), np.float64(1), 1, "cannot be correlated"),
        (np.ones(5), np.array([1, 2, np.nan, 4, 5]), 2, "not finite"),
        (np.array([1, np.inf, 3]), np.ones(3), 2, "not finite"),
    ],
)
def test_refusals(first: Floats, second: Floats, lags: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        correlation(first, second, lags)


def test_pieces_that_do_not_fit() -> None:
    correlator = Correlator(5, [(0, 1)])
    correlator.add(np.ones((2, 10)), np.ones(10))
    with pytest.raises(ValueError, match=r"\(3, 10\) cannot follow a series of \(2,\)"):
        correlator.add(np.ones((3, 10)), np.ones(10))
    with pytest.raises(ValueError, match="1 currents, 2 are to be correlated"):
        correlator.add(np.ones((2, 10)))
    with pytest.raises(ValueError, match="not finite"):
        correlator.add(np.ones((2, 10)), np.full(10, np.nan))
    assert correlator.rows == 10
    assert correlator.result()[0] == pytest.approx(np.ones((2, 5)), rel=1e-12)


def test_there_has_to_be_a_pair() -> None:
    with pytest.raises(ValueError, match="0 pairs"):
        Correlator(5, [])
