"""Intervals: by the tables of Student's t, and by counting how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import stdtrit

from ensemble.reduction.intervals import (
    Interval,
    _bootstrap_quantile,
    of_independent,
    of_positive,
    of_series,
    studentised,
)


def ar1(seed: int, phi: float, trials: int, rows: int) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).standard_normal((trials, rows + 300))
    series: NDArray[np.float64] = lfilter([1], [1, -phi], noise)[:, 300:]
    return series


def test_students_t_by_the_table() -> None:
    found = of_independent([[1, 2, 3], [4, 5, math.nan]])
    assert found.mean == 3
    assert found.samples == 5
    assert found.half_width == pytest.approx(2.7764451 * math.sqrt(2.5 / 5), rel=1e-7)
    assert (found.low, found.high) == (3 - found.half_width, 3 + found.half_width)
    assert of_independent([1, 2], 0.9).half_width == pytest.approx(6.3137515 / 2, rel=1e-7)


@pytest.mark.parametrize("estimate", [of_independent, of_series])
def test_what_one_sample_or_none_says(estimate: type) -> None:
    one, none = estimate([4.0]), estimate([])
    assert (one.mean, one.half_width, one.samples) == (4.0, math.inf, 1)
    assert (none.half_width, none.samples) == (math.inf, 0)
    assert math.isnan(none.mean)


def test_five_samples_cover_as_often_as_they_say() -> None:
    samples = np.random.default_rng(1).standard_normal((2000, 5))
    found = [of_independent(five) for five in samples]
    covered = sum(interval.low < 0 < interval.high for interval in found)
    assert abs(covered - 1900) < 3 * math.sqrt(2000 * 0.95 * 0.05)


@pytest.mark.parametrize(
    ("phi", "rows", "least"), [(0, 30, 950), (0.5, 100, 930), (0.8, 1000, 930)]
)
def test_correlated_series_cover_as_often_as_they_say(phi: float, rows: int, least: int) -> None:
    found = [of_series(series) for series in ar1(2, phi, 1000, rows)]
    covered = sum(interval.low < 0 < interval.high for interval in found)
    assert least - 20 <= covered <= 980


def test_correlation_makes_a_series_worth_less() -> None:
    """A row of an AR(1) process are worth n (1 − φ) / (1 + φ) independent ones."""
    series = ar1(3, 0.9, 100, 20_000)
    true = 1.96 * math.sqrt(1.9 / 0.1 / (1 - 0.81) / 20_000)
    widths = [of_series(one).half_width for one in series]
    assert np.mean(widths) == pytest.approx(true, rel=0.1)


def test_no_correlation_costs_nothing() -> None:
    series = ar1(4, 0.0, 200, 1000)
    ratios = [of_series(one).half_width / of_independent(one).half_width for one in series]
    assert np.median(ratios) == pytest.approx(1, abs=0.03)


def test_a_constant_series_is_certain() -> None:
    found = of_series(np.full(50, 2.5))
    assert (found.mean, found.half_width) == (2.5, 0.0)


def test_agreement_is_within_both_errors_as_squares() -> None:
    first = Interval(mean=1.0, half_width=0.3, samples=5)
    assert first.holds(first.low)
    assert not first.holds(first.high + 1e-9)
    assert first.agrees_with(Interval(mean=1.49, half_width=0.4, samples=5))
    assert not first.agrees_with(Interval(mean=1.51, half_width=0.4, samples=5))
    assert first.agrees_with(Interval(mean=9.0, half_width=math.inf, samples=1))
    assert not first.agrees_with(Interval(mean=math.nan, half_width=math.inf, samples=0))


def test_what_is_in_the_longer_arm_of_an_interval_agrees_with_it() -> None:
    lopsided = Interval(mean=0.40, half_width=0.08, offset=0.035, samples=5)  # 0.355 to 0.515
    exact = Interval(mean=0.49, half_width=0.01, samples=5)
    assert lopsided.agrees_with(exact)
    assert exact.agrees_with(lopsided)
    below = Interval(mean=0.33, half_width=0.01, samples=5)
    assert not lopsided.agrees_with(below)
    assert not below.agrees_with(lopsided)


@pytest.mark.parametrize("count", [9, 15, 60])
def test_studentised_intervals_hold_the_mean_of_skew_samples(count: int) -> None:
    """Exponential variables: as skew as what a spectrum at one frequency gives."""
    rng = np.random.default_rng(count)
    trials = 600
    drawn = [studentised(rng.gamma(4.0, 0.25, count)) for _ in range(trials)]
    covered = np.mean([interval.low < 1 < interval.high for interval in drawn])
    # 95 ± 0.9 % of 600 trials; what skewness costs, and three of that.
    assert 0.92 < covered < 0.98


@pytest.mark.parametrize("count", [6, 9, 15, 30])
def test_of_normal_samples_the_bootstrap_says_what_student_says(count: int) -> None:
    rng = np.random.default_rng(count)
    ratios = [
        _bootstrap_quantile(rng.standard_normal(count), 0.95, trial) / stdtrit(count - 1, 0.975)
        for trial in range(150)
    ]
    # A median of 150 that scatter by up to 45 % is known to 4.6 % at worst.
    assert np.median(ratios) == pytest.approx(1, abs=0.05)


def test_studentised_is_not_narrower_than_student() -> None:
    samples = np.random.default_rng(3).standard_normal(15)
    assert studentised(samples).half_width >= of_independent(samples).half_width
    assert studentised(samples) == studentised(samples)
    assert studentised(samples, lost=2).half_width > studentised(samples).half_width


def test_studentised_of_one_sample_and_of_equal_ones() -> None:
    assert studentised([3.0]).half_width == math.inf
    assert studentised([3.0, 3.0, 3.0]).half_width == 0.0
    assert studentised([3.0, 4.0], lost=1).half_width == math.inf


@pytest.mark.parametrize("count", [9, 15])
def test_intervals_of_logarithms_miss_on_both_sides_more_evenly(count: int) -> None:
    """Samples as skew as those of a spectrum, whose mean scatters in proportion to itself."""
    rng = np.random.default_rng(count)
    drawn = rng.gamma(4.0, 0.25, (2000, count))

    def missed(intervals: list[Interval]) -> tuple[float, float]:
        """Share of the truth above and below."""
        return (
            float(np.mean([interval.high < 1 for interval in intervals])),
            float(np.mean([interval.low > 1 for interval in intervals])),
        )

    above, below = missed([of_positive(samples) for samples in drawn])
    # 95 ± 0.5 % of 2000 trials; three of that.
    assert above + below == pytest.approx(0.05, abs=0.015)
    plainly_above, plainly_below = missed([studentised(samples) for samples in drawn])
    assert above - below < 0.7 * (plainly_above - plainly_below)


def test_an_interval_of_a_logarithm_by_hand() -> None:
    samples = [1.0, 2.0, 3.0]
    error = 1 / 2 / math.sqrt(3)
    found = of_positive(samples, bootstrap=False)
    assert found.mean == 2
    assert found.low == pytest.approx(2 * math.exp(-4.30265273 * error), rel=1e-8)
    assert found.high == pytest.approx(2 * math.exp(4.30265273 * error), rel=1e-8)
    more = of_positive(samples, bootstrap=False, hidden=(0.1, 0.04))
    assert more.low == pytest.approx(found.low, rel=1e-12)
    assert math.log(more.high / 2) == pytest.approx(
        0.1 + math.hypot(4.30265273 * error, 1.95996398 * 0.2), rel=1e-8
    )
    assert of_positive(samples, lost=1).half_width > found.half_width


def test_logarithms_of_one_sample_and_of_equal_ones() -> None:
    assert of_positive([3.0]).half_width == math.inf
    assert of_positive([3.0, 4.0], lost=1).half_width == math.inf
    assert of_positive([3.0, 3.0, 3.0]).half_width == 0.0
    # So far off that no number would say anything.
    assert of_positive([1e-9, 300.0]).half_width == pytest.approx(75 * math.exp(12.706), rel=0.01)
    assert of_positive([-299.0, 301.0]).half_width == math.inf


def test_scaled() -> None:
    interval = Interval(mean=2.0, half_width=0.5, samples=4)
    assert interval.scaled(-3.0) == Interval(mean=-6.0, half_width=1.5, samples=4)
    skew = Interval(mean=2.0, half_width=0.5, samples=4, offset=0.25)
    assert (skew.low, skew.high) == (1.75, 2.75)
    assert (skew.scaled(-1.0).low, skew.scaled(-1.0).high) == (-2.75, -1.75)
