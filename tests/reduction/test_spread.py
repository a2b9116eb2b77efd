"""κ over models: the numbers by hand, and how often intervals and the test are right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from ensemble.reduction.intervals import Interval, of_independent, of_positive
from ensemble.reduction.spread import model_spread


def drawn(
    generator: np.random.Generator, deviation: float, models: int, seeds: ArrayLike, error: float
) -> list[Interval]:
    """κ of models about 1."""
    true = 1 + deviation * generator.standard_normal(models)
    return [
        of_independent(value + error * generator.standard_normal(count))
        for value, count in zip(true, np.broadcast_to(seeds, models), strict=True)
    ]


def test_equal_errors_by_hand() -> None:
    """Then it is the analysis of variance of a balanced layout, whose test is exact."""
    kappas = [Interval(mean=m, half_width=0.02, samples=10**6) for m in (0.40, 0.44, 0.51)]
    error = 0.02 / 1.9599662
    found = model_spread(kappas)
    variance = np.var([0.40, 0.44, 0.51], ddof=1)
    assert found.models == 3
    assert found.q == pytest.approx(2 * variance / error**2, rel=1e-5)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.q, 2), rel=1e-3)
    assert found.significant
    assert found.statistical_error == pytest.approx(error, rel=1e-5)
    assert found.deviation == pytest.approx(math.sqrt(variance - error**2), rel=1e-5)
    assert found.mean.mean == pytest.approx(0.45, rel=1e-9)
    half_width = stats.t.ppf(0.975, 2) * math.sqrt(variance / 3)
    assert found.mean.half_width == pytest.approx(half_width, rel=1e-6)
    total = 2 * variance / stats.chi2.ppf([0.975, 0.025], 2)
    assert found.deviation_low == pytest.approx(math.sqrt(total[0] - error**2), rel=1e-3)
    assert found.deviation_high == pytest.approx(math.sqrt(total[1] - error**2), rel=1e-3)


def test_models_that_are_the_same() -> None:
    kappas = [Interval(mean=m, half_width=0.1, samples=5) for m in (0.50, 0.51, 0.49)]
    found = model_spread(kappas)
    assert not found.significant
    assert (found.deviation, found.deviation_low) == (0, 0)
    assert found.p_value > 0.9
    # They agree better than their errors allow by chance: these count.
    assert found.mean.half_width > 0.03


def test_what_may_be_hidden_in_every_model_does_not_average_out() -> None:
    generator = np.random.default_rng(9)
    samples = [generator.gamma(50.0, 0.01, 15) for _ in range(9)]
    plain, careful = (
        model_spread([of_positive(one, hidden=hidden) for one in samples]).mean
        for hidden in ((0.0, 0.0), (0.2, 0.0))
    )
    assert careful.mean == pytest.approx(plain.mean, rel=0.01)
    assert plain.high - plain.mean == pytest.approx(plain.mean - plain.low)
    # exp(0.2) of each, and of their mean.
    assert careful.high > plain.mean * math.exp(0.2)
    assert careful.mean - careful.low < 3 * (plain.mean - plain.low)


def test_one_model_keeps_its_interval() -> None:
    one = of_positive(np.random.default_rng(9).gamma(50.0, 0.01, 15), hidden=(0.2, 0.01))
    alone = model_spread([one]).mean
    assert (alone.low, alone.high) == pytest.approx((one.low, one.high))


def test_one_model_says_nothing_of_the_spread() -> None:
    one = Interval(mean=0.5, half_width=0.1, samples=5)
    found = model_spread([one, of_independent([]), of_independent([0.7])])
    assert found.mean.mean == one.mean
    assert found.mean.half_width == pytest.approx(one.half_width)
    assert found.models == 1
    assert math.isnan(found.deviation)
    assert math.isnan(found.p_value)
    assert not found.significant


@pytest.mark.parametrize("kappas", [[], [of_independent([0.7])]])
def test_without_an_error_nothing_can_be_said(kappas: list[Interval]) -> None:
    with pytest.raises(ValueError, match="none of"):
        model_spread(kappas)


@pytest.mark.parametrize(("models", "seeds"), [(2, 5), (3, 5), (9, 15), (5, [5, 15, 3, 15, 9])])
@pytest.mark.parametrize("deviation", [0.0, 0.1, 0.5])
def test_intervals_cover_and_the_test_is_wrong_as_often_as_it_says(
    models: int, seeds: ArrayLike, deviation: float
) -> None:
    generator, trials = np.random.default_rng(7), 400
    found = [model_spread(drawn(generator, deviation, models, seeds, 0.2)) for _ in range(trials)]
    means = sum(one.mean.low < 1 < one.mean.high for one in found)
    deviations = sum(one.deviation_low <= deviation <= one.deviation_high for one in found)
    # Three standard deviations of the count; more than that is only cautious.
    slack = 3 * math.sqrt(0.05 * 0.95 * trials)
    assert means >= 0.95 * trials - slack
    assert deviations >= 0.95 * trials - slack
    significant = sum(one.significant for one in found)
    if deviation == 0:
        assert significant <= 0.05 * trials + slack
    elif deviation == 0.5:
        assert significant > 0.6 * trials


def test_the_spread_is_not_biased() -> None:
    generator = np.random.default_rng(8)
    variances = [model_spread(drawn(generator, 0.3, 6, 15, 0.3)).deviation ** 2 for _ in range(500)]
    assert np.mean(variances) == pytest.approx(0.09, abs=4 * np.std(variances) / math.sqrt(500))
