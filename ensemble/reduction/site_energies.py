"""How the site energies of a species are distributed, from counts on a fixed grid.

The split of the total energy into site energies is a convention of the model: only differences of
the total mean anything. Their distributions show how far the conventions of models are apart, and
so what the atoms that diffuse carry with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Distribution", "count", "distribution"]

Counts = Mapping[int, int]
"""How many energies fell into each bin; bin k holds k·width to (k + 1)·width."""

FARTHEST = 1e15
"""Bin that all energies further out are counted in: of a model far from what it was fitted to."""

MOST_BINS = 10**6
"""Of a histogram; with more there is none."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A histogram and its moments."""

    centers: NDArray[np.float64]
    """Shape (bins,): of the bins from the first to the last that is not empty."""
    counts: NDArray[np.int64]
    """Shape (bins,)."""
    width: float
    """Of a bin."""
    mean: float
    standard_deviation: float
    skewness: float
    """Third central moment over the standard deviation cubed; nan where all are in one bin."""

    @property
    def density(self) -> NDArray[np.float64]:
        """Probability per unit of energy, shape (bins,)."""
        found: NDArray[np.float64] = self.counts / (self.counts.sum() * self.width)
        return found


def count(energies: ArrayLike, width: float) -> dict[int, int]:
    """The bins that energies fall into, and how many into each, in rising order.

    Raises
    ------
    ValueError
        An energy is not finite.
    """
    values = np.asarray(energies, np.float64).ravel()
    if not np.isfinite(values).all():
        raise ValueError("site energies hold numbers that are not finite")
    places = np.clip(np.floor(values / width), -FARTHEST, FARTHEST).astype(np.int64)
    bins, counts = np.unique(places, return_counts=True)
    return dict(zip(bins.tolist(), counts.tolist(), strict=True))


def distribution(counts: Iterable[Counts], width: float) -> Distribution:
    """The distribution of all that was counted, of several runs perhaps.

    The moments are those of the bins' centres, the variance without what the width of a bin adds
    to it (W. F. Sheppard, Proc. Lond. Math. Soc. 29, 353 (1898)).

    Raises
    ------
    ValueError
        Nothing was counted, the width is not positive, or the energies are too far apart for a
        histogram.
    """
    total: dict[int, int] = {}
    for one in counts:
        for k, number in one.items():
            total[k] = total.get(k, 0) + number
    if not width > 0 or not sum(total.values()):
        raise ValueError(f"no counts, or bins of width {width:g}")
    first, last = min(total), max(total)
    if last - first >= MOST_BINS:
        ends = f"{first * width:.4g} to {last * width:.4g}"
        raise ValueError(f"site energies from {ends}: no histogram with bins of {width:g}")
    bins = np.arange(first, last + 1)
    numbers = np.array([total.get(k, 0) for k in bins.tolist()], np.int64)
    centers = np.asarray((bins + 0.5) * width, np.float64)
    share = numbers / numbers.sum()
    mean = float(share @ centers)
    variance, third = (float(share @ (centers - mean) ** power) for power in (2, 3))
    deviation = math.sqrt(max(variance - width**2 / 12, 0.0))
    return Distribution(
        centers=centers,
        counts=numbers,
        width=width,
        mean=mean,
        standard_deviation=deviation,
        skewness=third / deviation**3 if deviation else math.nan,
    )
