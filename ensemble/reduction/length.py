"""κ against length in the direct method, and what it is for an infinite cell.

Phonons that cross the cell without being scattered end at the exchange layers, so a short cell
conducts less: 1/κ(L) = 1/κ∞ · (1 + λ/L), with L the distance of the two exchange layers, half of
a periodic cell (P. K. Schelling, S. R. Phillpot, P. Keblinski, Phys. Rev. B 65, 144306 (2002)).
Where mean free paths differ much, 1/κ bends: a quadratic term in 1/L allows for it (D. P. Sellan et
al., Phys. Rev. B 81, 214305 (2010)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.intervals import LEVEL, Interval
from ensemble.reduction.weighted import Estimates, Fit, fit, misfit_p

__all__ = ["InfiniteLength", "infinite_length"]

Floats = NDArray[np.float64]

SUSPICIOUS = 0.01
"""A fit that chance makes as bad as it is less often than this is not believed."""


@dataclass(frozen=True, kw_only=True)
class InfiniteLength:
    """κ of an infinite cell by extrapolation."""

    kappa: Interval
    """κ∞, to first order in the error of `resistivity`."""
    resistivity: Interval
    """1/κ∞, the intercept of the fit. Its ends are those of κ∞ where the error is large."""
    mean_free_path: Interval
    """λ, in the unit of the lengths: twice the l∞ of Schelling et al., as L is half of the cell."""
    fit: Fit
    """Of 1/κ in powers of 1/L."""
    reduced_chi_square: float
    """χ² over the degrees of freedom; nan where there are none, or where no errors were given."""
    p_value: float
    """How often chance alone gives a χ² as large, at most; nan as before."""
    problem: str = ""
    """Why `kappa` is not to be trusted; empty where nothing is known against it."""

    def at(self, lengths: ArrayLike) -> Floats:
        """κ of the fitted curve at some lengths L."""
        powers = np.arange(len(self.fit.parameters))
        design = np.asarray(lengths, np.float64)[..., None] ** -powers
        kappa: Floats = 1 / (design @ self.fit.parameters)
        return kappa


def infinite_length(
    lengths: ArrayLike, kappas: Sequence[Interval], *, order: int = 1, level: float = LEVEL
) -> InfiniteLength:
    """κ∞ from κ at several lengths.

    Parameters
    ----------
    lengths
        Shape (lengths,): distance of the exchange layers, half of the periodic cell.
    kappas
        κ at each, with its error. Where one of them has none, as of a single short run, the
        scatter about the curve is the error of all.
    order
        Highest power of 1/L: 1 or 2.
    level
        Confidence of the intervals.

    Raises
    ------
    ValueError
        Lengths and κ do not go together, are not positive, or are too few for the order.
    """
    length = np.asarray(lengths, np.float64)
    given = Estimates.of(kappas)
    if order not in (1, 2):
        raise ValueError(f"order {order}: must be 1 or 2")
    if length.shape != given.values.shape:
        raise ValueError(f"{length.shape} lengths, {given.values.shape} conductivities")
    if not ((length > 0).all() and (given.values > 0).all()):
        raise ValueError("lengths and conductivities must be positive")
    if len(set(length.tolist())) <= order:
        raise ValueError(f"{len(set(length.tolist()))} lengths, order {order}: {order + 1} needed")
    found = _fitted(length[:, None] ** -np.arange(order + 1), given)
    intercept, slope, *_ = found.parameters
    rest = [0.0] * (order - 1)
    spare = len(length) - order - 1
    result = InfiniteLength(
        kappa=found.interval(1 / intercept, [-1 / intercept**2, 0, *rest], level),
        resistivity=found.interval(intercept, [1, 0, *rest], level),
        mean_free_path=found.interval(
            slope / intercept, [-slope / intercept**2, 1 / intercept, *rest], level
        ),
        fit=found,
        reduced_chi_square=found.chi_square / spare if spare else np.nan,
        p_value=misfit_p(found.chi_square, found.leverage, found.freedom, order + 1),
    )
    return replace(result, problem=_problem(result))


def _fitted(design: Floats, given: Estimates) -> Fit:
    """1/κ as a polynomial in 1/L.

    The error of 1/κ is that of κ over κ², and κ is taken from the curve: taken from the estimate,
    those that came out small would weigh less than those that came out large.
    """
    resistivity, scale = 1 / given.values, given.moderated()
    curve = resistivity
    for _ in range(3):
        estimates = replace(given, values=resistivity, errors=given.errors * curve**2)
        found = fit(design, estimates, scale * curve**2)
        smooth = design @ found.parameters
        if not (smooth > 0).all():
            break
        curve = smooth
    return found


def _problem(result: InfiniteLength) -> str:
    if result.resistivity.low <= 0:
        return "the lengths are too short, or too few: 1/κ∞ is zero within its error"
    if result.p_value < SUSPICIOUS:
        return f"1/κ does not follow the curve within its errors (p = {result.p_value:.2g})"
    return ""
