"""What follows from numbers with intervals, against what is known beforehand."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from ensemble.reduction.intervals import Interval
from ensemble.reproduction.evidence import Value
from ensemble.reproduction.outcomes import agreement, compared, ranks, ratio


def interval(mean: float, half_width: float = 0.1, samples: int = 9) -> Interval:
    return Interval(mean=mean, half_width=half_width, samples=samples)


def value(model: str, kappa: Interval, trusted: bool = True) -> Value:
    return Value(
        study="gk",
        model=model,
        estimate="raw",
        supercell="3x3x3",
        kappa=kappa,
        parts={"convective": kappa.scaled(0.5)},
        length=math.nan,
        verdict="converged",
        trusted=trusted,
    )


def test_ranks_count_all_orders() -> None:
    """Of four, one order of 24 is the same and one the reverse."""
    found = ranks([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.9])
    assert found.rho == pytest.approx(1)
    assert found.p_value == pytest.approx(2 / 24)
    assert not found.significant
    assert ranks(range(5), [5, 4, 3, 2, 1]).significant
    assert ranks(range(5), [5, 4, 3, 2, 1]).rho == pytest.approx(-1)


def test_chance_of_ranks_is_that_of_its_orders() -> None:
    """The p-values of all orders of six are below p as often as p says."""
    chances = [ranks(range(6), order).p_value for order in permutations(range(6))]
    for level in (0.05, 0.2):
        assert np.mean(np.array(chances) <= level) <= level


def test_few_pairs_have_no_order() -> None:
    found = ranks([1, 2, 3, math.nan], [1, 2, 3, 4])
    assert not found.known
    assert found.pairs == 3
    assert not ranks([1, 1, 1, 1], [1, 2, 3, 4]).known


def test_models_that_differ() -> None:
    found = compared([value(f"m{k}", interval(k)) for k in range(1, 5)])
    assert found is not None
    assert found.significant
    assert found.least == ("m1", interval(1))
    assert found.factor == pytest.approx(4)
    # The standard deviation of 1, 2, 3, 4, next to which the errors are nothing.
    assert found.spread.deviation == pytest.approx(1.29, abs=0.01)


def test_models_that_agree() -> None:
    values = [value("a", interval(1.0)), value("b", interval(1.01), trusted=False)]
    found = compared(values)
    assert found is not None
    assert not found.significant
    assert found.converged == 1
    assert found.relative_limit > 0
    part = compared(values, "convective")
    assert part is not None
    assert part.spread.mean.mean == pytest.approx(0.5, abs=0.01)


def test_nothing_to_compare() -> None:
    assert compared([]) is None
    assert compared([value("a", interval(1.0, math.inf))]) is None
    assert compared([value("a", interval(1.0))], "cross") is None


def test_ratio_has_the_errors_of_both() -> None:
    found = ratio(interval(4, 0.4), interval(2, 0.2))
    assert found.mean == pytest.approx(2)
    assert found.half_width == pytest.approx(2 * math.hypot(0.1, 0.1))


def test_agreement_counts_pairs() -> None:
    pairs = [(interval(1), interval(1.05)), (interval(1), interval(1.3))]
    found = agreement([*pairs, (interval(1), interval(9, math.inf))])
    assert (found.pairs, found.apart) == (2, 1)
    assert found.ratio is not None
    assert found.ratio.mean == pytest.approx((1.05 + 1.3) / 2)
    assert found.by_chance == pytest.approx(0.1)


def test_one_of_many_apart_is_chance() -> None:
    """One of 20 is what 95 % intervals have; ten of 20 are not."""
    near, far = (interval(1), interval(1.05)), (interval(1), interval(2))
    assert agreement([*[near] * 19, far]).holds
    assert not agreement([*[near] * 10, *[far] * 10]).holds
