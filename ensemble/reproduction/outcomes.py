"""What follows from numbers with intervals: do models differ, does one thing rise with another,
how large is a ratio, do two measurements agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, spearmanr

from ensemble.reduction.intervals import LEVEL, Interval
from ensemble.reduction.spread import ModelSpread, model_spread
from ensemble.reproduction.evidence import Value

__all__ = ["Agreement", "Compared", "Ranks", "agreement", "compared", "ranks", "ratio"]

Floats = NDArray[np.float64]

FEWEST_RANKS = 4
"""Pairs: three can be in order by chance in one of six."""

EXACT = 8
"""Pairs up to which all orders are counted; with more Student's t is near enough."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A quantity of several models."""

    spread: ModelSpread
    least: tuple[str, Interval]
    most: tuple[str, Interval]
    models: int
    converged: int
    """Of these, how many have nothing known against them."""

    @property
    def significant(self) -> bool:
        """Whether the models differ beyond chance."""
        return self.spread.significant

    @property
    def several(self) -> bool:
        """Whether there is anything to compare."""
        return self.spread.models > 1

    @property
    def relative_limit(self) -> float:
        """The upper end of τ over the mean."""
        return self.spread.deviation_high / abs(self.spread.mean.mean)

    @property
    def factor(self) -> float:
        """The largest over the smallest; nan where one is not positive."""
        least, most = self.least[1].mean, self.most[1].mean
        return most / least if least > 0 else math.nan


def compared(values: Iterable[Value], part: str | None = None) -> Compared | None:
    """κ of several models, or a part of it; None where none has an interval.

    Parameters
    ----------
    values
        One for each model.
    part
        One of `ensemble.reproduction.evidence.PARTS`.
    """
    found, converged = {}, 0
    for value in values:
        number = value.kappa if part is None else value.parts.get(part)
        if number is not None and math.isfinite(number.mean) and 0 < number.half_width < math.inf:
            found[value.model] = number
            converged += value.trusted
    if not found:
        return None
    ordered = sorted(found.items(), key=lambda item: item[1].mean)
    return Compared(
        spread=model_spread(list(found.values())),
        least=ordered[0],
        most=ordered[-1],
        models=len(found),
        converged=converged,
    )


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Whether one quantity rises with another: C. Spearman, Am. J. Psychol. 15, 72 (1904)."""

    rho: float
    """Correlation of the ranks, 1 where the order is the same; nan of fewer than `FEWEST_RANKS`."""
    p_value: float
    """How often chance makes it as far from zero."""
    pairs: int

    @property
    def known(self) -> bool:
        """Whether there are enough pairs."""
        return math.isfinite(self.rho)

    @property
    def significant(self) -> bool:
        """Whether it is more than chance."""
        return self.p_value < 1 - LEVEL


def ranks(x: ArrayLike, y: ArrayLike) -> Ranks:
    """Compare the orders of pairs; those of which one is not finite do not count."""
    first, second = np.asarray(x, float), np.asarray(y, float)
    there = np.isfinite(first) & np.isfinite(second)
    first, second = first[there], second[there]
    pairs = len(first)
    if pairs < FEWEST_RANKS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Ranks(rho=math.nan, p_value=math.nan, pairs=pairs)
    if pairs <= EXACT:
        return _by_all_orders(rankdata(first), rankdata(second))
    found = spearmanr(first, second)
    return Ranks(rho=float(found.statistic), p_value=float(found.pvalue), pairs=pairs)


def _by_all_orders(first: Floats, second: Floats) -> Ranks:
    centred = first - first.mean()
    orders = np.array(list(permutations(second - second.mean())))
    size = math.sqrt(float(centred @ centred) * float(orders[0] @ orders[0]))
    rhos = orders @ centred / size
    rho = float(rhos[0])
    chance = float(np.mean(np.abs(rhos) >= abs(rho) - 1e-9))
    return Ranks(rho=rho, p_value=chance, pairs=len(first))


def ratio(above: Interval, below: Interval) -> Interval:
    """One mean over another, independent one, its error to first order."""
    mean = above.mean / below.mean
    relative = math.hypot(above.half_width / above.mean, below.half_width / below.mean)
    return Interval(
        mean=mean,
        half_width=abs(mean) * relative,
        samples=min(above.samples, below.samples),
    )


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Pairs of measurements of the same thing."""

    pairs: int
    apart: int
    """Pairs that lie farther apart than their half-widths added as squares."""
    ratio: Interval | None
    """Mean over the pairs of the second over the first, by Student's t; None of fewer than two."""

    @property
    def by_chance(self) -> float:
        """Pairs that would lie apart if all were the same."""
        return (1 - LEVEL) * self.pairs

    @property
    def holds(self) -> bool:
        """Whether no more lie apart than chance allows, at the level of the intervals."""
        from scipy.stats import binom

        return bool(binom.sf(self.apart - 1, self.pairs, 1 - LEVEL) > 1 - LEVEL)


def agreement(pairs: Sequence[tuple[Interval, Interval]]) -> Agreement:
    """Whether measurements agree, pair by pair; those without an interval do not count."""
    from ensemble.reduction.intervals import of_independent

    known = [
        (one, other)
        for one, other in pairs
        if math.isfinite(one.half_width) and math.isfinite(other.half_width)
    ]
    ratios = [other.mean / one.mean for one, other in known if one.mean]
    return Agreement(
        pairs=len(known),
        apart=sum(not one.agrees_with(other) for one, other in known),
        ratio=of_independent(ratios) if len(ratios) > 1 else None,
    )
