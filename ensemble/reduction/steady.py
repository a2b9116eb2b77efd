"""From which block on a driven run is steady: found in the blocks, not assumed.

The beginning is cut off where that makes the mean of the rest most certain (MSER: K. P. White,
Simulation 69, 323 (1997)). The rest is steady if it has no trend beyond its noise.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.intervals import LEVEL, Interval, of_series

__all__ = ["FEWEST_BLOCKS", "first_steady_block", "trend"]

Floats = NDArray[np.float64]

FEWEST_BLOCKS = 8
"""Fewer cannot be told to be steady."""


def first_steady_block(series: ArrayLike) -> int:
    """The first block of the part whose mean is most certain, in the first half of the series.

    It minimises the variance of the blocks from there on over their number: a block is left out if
    it is further from the others' mean than its own share in the average is worth.

    Parameters
    ----------
    series
        Shape (blocks,): block means, of one run or averaged over runs alike.
    """
    values = np.asarray(series, dtype=np.float64)[::-1]
    count = np.arange(1, values.size + 1)
    mean = np.cumsum(values - values.mean()) / count
    square = np.cumsum((values - values.mean()) ** 2) / count
    uncertainty = ((square - mean**2) / count)[::-1]
    return int(np.argmin(uncertainty[: values.size // 2 + 1]))


def trend(series: ArrayLike, level: float = LEVEL) -> Interval:
    """How much a straight line through a series rises from its first to its last block.

    The interval allows for correlated blocks: what they scatter about a parabola, so that a bend
    is not taken for noise, is averaged as in `of_series`, and a line's rise is √12 times less
    certain than a mean.

    Parameters
    ----------
    series
        Shape (blocks,), at least `FEWEST_BLOCKS`.
    """
    values = np.asarray(series, dtype=np.float64)
    position = np.linspace(-0.5, 0.5, values.size)
    rise = float(position @ values) / float(position @ position)
    bend = position**2 - np.mean(position**2)
    scatter = values - values.mean() - rise * position
    scatter -= float(bend @ values) / float(bend @ bend) * bend
    interval = of_series(scatter, level)
    lost = math.sqrt(values.size / (values.size - 3))
    return Interval(
        mean=rise,
        half_width=math.sqrt(12) * lost * interval.half_width,
        samples=interval.samples,
        level=level,
    )
