"""Confidence intervals of means by Student's t.

t and not a percentile bootstrap: over five seeds the latter covers 77 to 88 % where it says 95 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

__all__ = ["LEVEL", "Interval", "of_independent", "of_series"]

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Of all intervals where no other is asked for."""

FEWEST_BATCHES = 16
"""Of a series; with fewer their correlation could not be seen."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and what is known about it: the truth is within ± `half_width` at `level`."""

    mean: float
    """nan where there was no sample."""
    half_width: float
    """Infinite where the samples say nothing about their spread: there is one, or none."""
    samples: int
    """Independent samples; for a series, how many it is worth."""
    level: float = LEVEL

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width

    def agrees_with(self, other: Interval) -> bool:
        """Whether the difference to another, independent mean is within the two half-widths added
        as squares.
        """
        return abs(self.mean - other.mean) <= math.hypot(self.half_width, other.half_width)


def of_independent(samples: ArrayLike, level: float = LEVEL) -> Interval:
    """Mean of independent samples with Student's t interval.

    Parameters
    ----------
    samples
        Any shape; nan is a sample that is not there.
    level
        Confidence, between 0 and 1.
    """
    values = np.ravel(np.asarray(samples, dtype=np.float64))
    values = values[~np.isnan(values)]
    count = values.size
    if count < 2:
        mean = float(values[0]) if count else math.nan
        return Interval(mean=mean, half_width=math.inf, samples=count, level=level)
    error = float(values.std(ddof=1)) / math.sqrt(count)
    quantile = float(stdtrit(count - 1, 0.5 + level / 2))
    mean = float(values.mean())
    return Interval(mean=mean, half_width=quantile * error, samples=count, level=level)


def of_series(series: ArrayLike, level: float = LEVEL) -> Interval:
    """Mean of one correlated, stationary series with an interval from the means of its batches.

    Batches are made longer, by factors of two, until neighbours are no longer correlated beyond
    what chance gives. What correlation remains, and what so few batches hide of it, is allowed for
    as if they were an autoregressive process of first order: n batches with correlation r are
    worth n (1 − r) / (1 + r).

    Parameters
    ----------
    series
        Shape (rows,), finite.
    level
        Confidence, between 0 and 1.
    """
    rows = np.asarray(series, dtype=np.float64)
    if rows.size < 2:
        return of_independent(rows, level)
    batches = rows
    while batches.size >= 2 * FEWEST_BATCHES and _next_to(batches) > 1 / math.sqrt(batches.size):
        batches = batches[batches.size % 2 :].reshape(-1, 2).mean(axis=1)
    estimate = _next_to(batches)
    # The estimate itself is too small by (1 + 4 r) / n: M. G. Kendall, Biometrika 41, 403 (1954).
    remaining = min(max(estimate + (1 + 4 * estimate) / batches.size, 0.0), 0.99)
    worth = max(batches.size * (1 - remaining) / (1 + remaining), 2.0)
    error = float(batches.std()) / math.sqrt(worth - 1)
    quantile = float(stdtrit(worth - 1, 0.5 + level / 2))
    return Interval(
        mean=float(rows.mean()),
        half_width=quantile * error,
        samples=math.floor(worth),
        level=level,
    )


def _next_to(values: Floats) -> float:
    """Correlation of neighbours; 0 of a constant."""
    deviations = values - values.mean()
    variance = float(deviations @ deviations)
    return float(deviations[1:] @ deviations[:-1]) / variance if variance > 0 else 0.0
