"""Weighted fits: textbook cases, what the errors have in common, and the test of the fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ensemble.reduction.intervals import Interval, of_independent
from ensemble.reduction.weighted import Estimates, fit, misfit_p

MANY = 1e7
"""Degrees of freedom of errors that are as good as known."""

PLACES = np.array([0.0, 1.0, 2.0, 4.0])
LINE = np.stack([np.ones(4), PLACES], axis=1)


def known(values: np.ndarray, errors: np.ndarray) -> Estimates:
    return Estimates(
        values=values,
        errors=errors,
        freedom=np.full(len(values), MANY),
        hidden=np.zeros(len(values)),
    )


def test_errors_are_those_of_the_intervals() -> None:
    samples = np.array([1.0, 2.0, 4.0, 4.5])
    found = Estimates.of([of_independent(samples), of_independent([3.0])])
    assert found.values == pytest.approx([2.875, 3.0])
    assert found.errors == pytest.approx([samples.std(ddof=1) / 2, math.inf])
    assert found.freedom[0] == 3
    assert not found.usable


def test_known_errors_as_in_the_textbook() -> None:
    values, errors = np.array([1.0, 2.5, 3.0, 6.0]), np.array([0.1, 0.2, 0.4, 0.3])
    found = fit(LINE, known(values, errors), errors)
    expected, covariance = np.polyfit(PLACES, values, 1, w=1 / errors, cov="unscaled")
    assert found.parameters == pytest.approx(expected[::-1], rel=1e-12)
    residuals = (values - np.polyval(expected, PLACES)) / errors
    assert found.chi_square == pytest.approx(residuals @ residuals, rel=1e-12)
    slope = found.interval(found.parameters[1], [0, 1])
    quantile = stats.norm.ppf(0.975)
    assert slope.half_width == pytest.approx(quantile * math.sqrt(covariance[0, 0]), rel=1e-5)
    both = found.interval(0.0, [1, 2])
    variance = covariance[1, 1] + 4 * covariance[0, 1] + 4 * covariance[0, 0]
    assert both.half_width == pytest.approx(quantile * math.sqrt(variance), rel=1e-5)


def test_unknown_errors_are_the_scatter() -> None:
    values = np.array([1.0, 2.5, 3.0, 6.0])
    found = fit(LINE, known(values, np.full(4, math.inf)), np.ones(4))
    expected = stats.linregress(PLACES, values)
    slope = found.interval(found.parameters[1], [0, 1])
    assert slope.mean == pytest.approx(expected.slope)
    assert slope.half_width == pytest.approx(stats.t.ppf(0.975, 2) * expected.stderr)
    assert slope.samples == 3
    assert math.isnan(found.chi_square)
    exact = fit(LINE[:2], known(values[:2], np.zeros(2)), np.ones(2))
    assert exact.interval(exact.parameters[1], [0, 1]).half_width == math.inf


def test_an_interval_gives_its_error_back() -> None:
    errors = np.array([0.1, 0.2, 0.4, 0.3])
    estimates = Estimates(values=PLACES, errors=errors, freedom=np.full(4, 4.0), hidden=np.zeros(4))
    found = fit(LINE, estimates, errors).interval(1.0, [1, 0])
    again = Estimates.of([found])
    quantile = stats.t.ppf(0.975, again.freedom[0])
    assert again.errors[0] * quantile == pytest.approx(found.half_width)


@pytest.mark.parametrize("design", [np.ones((1, 2)), np.ones((4, 2))])
def test_too_little_to_fit(design: np.ndarray) -> None:
    estimates = known(np.ones(len(design)), np.ones(len(design)))
    with pytest.raises(ValueError, match="do not determine 2 parameters"):
        fit(design, estimates, estimates.errors)


def test_errors_that_are_alike_become_one_and_others_do_not() -> None:
    generator, counts = np.random.default_rng(1), np.full(8, 5)

    def spread(scatter: np.ndarray) -> float:
        """Of the logarithms of the moderated errors, over that of those given."""
        intervals = [
            of_independent(10 + s * generator.standard_normal(n))
            for s, n in zip(scatter, counts, strict=True)
        ]
        found = Estimates.of(intervals)
        return float(np.log(found.moderated()).std() / np.log(found.errors).std())

    alike = [spread(np.full(8, 0.1)) for _ in range(100)]
    apart = [spread(np.geomspace(0.001, 1, 8)) for _ in range(100)]
    assert np.median(alike) < 0.2
    assert np.median(apart) > 0.8


def test_known_errors_are_left_as_they_are() -> None:
    errors = np.array([0.1, 0.2, 0.4, 0.3])
    assert known(np.ones(4), errors).moderated() == pytest.approx(errors, rel=1e-3)
    one = Estimates.of([Interval(mean=1.0, half_width=0.1, samples=5)])
    assert one.moderated() == pytest.approx(one.errors)


def test_misfit_with_known_errors_is_that_of_chi_square() -> None:
    leverage = np.array([0.6, 0.3, 0.3, 0.8])
    found = misfit_p(7.0, leverage, np.full(4, MANY), 2)
    assert found == pytest.approx(stats.chi2.sf(7.0, 2), rel=1e-4)
    assert math.isnan(misfit_p(7.0, leverage[:2], np.full(2, MANY), 2))


def test_misfit_of_a_mean_is_the_test_of_welch() -> None:
    """Of two means it is the t test for unequal variances."""
    first, second = np.array([1.0, 2.0, 4.0, 4.5]), np.array([3.0, 5.5, 4.0, 7.0, 6.5])
    found = Estimates.of([of_independent(first), of_independent(second)])
    one = fit(np.ones((2, 1)), found, found.errors)
    expected = stats.ttest_ind(first, second, equal_var=False).pvalue
    assert misfit_p(one.chi_square, one.leverage, found.freedom, 1) == pytest.approx(expected)
