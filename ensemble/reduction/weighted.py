"""Linear fits to a few estimates that each come with an error of their own.

The errors are estimates themselves, of five seeds or so. Three things follow:

* Weights made of them favour what scattered least by chance. So weights are made of errors that
  were moved towards what all have in common (G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3
  (2004)); how certain the result is, the errors say as they were given.
* It is less certain than the textbook has it, by P. Meier, Biometrics 9, 59 (1953), here for any
  number of parameters.
* χ² scatters more than its distribution allows: S. Johansen, Biometrika 67, 85 (1980). Of a mean
  it is Welch's test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc, polygamma, psi, stdtrit

from ensemble.reduction.intervals import LEVEL, Interval
from ensemble.reduction.roots import bisect

__all__ = ["Estimates", "Fit", "fit", "misfit_p"]

Floats = NDArray[np.float64]

CERTAIN = 1e9
"""Degrees of freedom of an error that is known."""


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Independent numbers, their standard errors, and how well these are known."""

    values: Floats
    """Shape (estimates,)."""
    errors: Floats
    """Standard errors; infinite where nothing is known."""
    freedom: Floats
    """Degrees of freedom of the errors."""
    hidden: Floats
    """By how much each may be too low besides, as `Interval.hidden` has it."""

    @classmethod
    def of(cls, intervals: Sequence[Interval]) -> Estimates:
        """From intervals by Student's t."""
        freedom = np.array([_freedom(found) for found in intervals], float)
        quantiles = stdtrit(freedom, [0.5 + found.level / 2 for found in intervals])
        half_widths = np.array([found.half_width for found in intervals], float)
        values = np.array([found.mean for found in intervals], float)
        hidden = np.array([found.hidden for found in intervals], float)
        return cls(values=values, errors=half_widths / quantiles, freedom=freedom, hidden=hidden)

    @property
    def usable(self) -> bool:
        """Whether every error can make a weight."""
        return bool(np.isfinite(self.errors).all() and (self.errors > 0).all())

    def moderated(self) -> Floats:
        """The errors, with what single samples scatter moved towards what they have in common.

        The relative variances are taken for draws of one scaled inverse χ² distribution. Where they
        differ no more than by chance, they become nearly one.

        Returns
        -------
        Shape (estimates,).
        """
        if not self.usable or len(self.values) < 2:
            return self.errors
        own, samples = self.freedom, self.freedom + 1
        relative = (self.errors / self.values) ** 2 * samples
        logs = np.log(relative) - psi(own / 2) + np.log(own / 2)
        differ = float(logs.var(ddof=1) - polygamma(1, own / 2).mean())
        shared, common = float(own.sum()), float(own @ relative / own.sum())
        if differ > 0:
            shared = min(2 * _inverse_trigamma(differ), shared)
            common = math.exp(logs.mean() + psi(shared / 2)) / (shared / 2)
        variance = (shared * common + own * relative) / (shared + own)
        errors: Floats = np.abs(self.values) * np.sqrt(variance / samples)
        return errors


def _freedom(found: Interval) -> float:
    return max(found.samples - 1 if found.freedom is None else found.freedom, 1)


def _inverse_trigamma(value: float) -> float:
    """The x with ψ'(x) = value; ψ'(x) is between 1/x and 1/x + 1/x²."""
    least, most = 0.5 / value, 2 / value + 2 / math.sqrt(value)
    return bisect(lambda x: float(polygamma(1, x)) - value, least, most, xtol=1e-12 * least)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Parameters of a linear model by weighted least squares."""

    parameters: Floats
    """Shape (parameters,)."""
    errors: Floats
    """Of the values that were fitted, shape (estimates,)."""
    freedom: Floats
    """Degrees of freedom of these errors; one and the same number where it is the scatter."""
    gains: Floats
    """Shape (parameters, estimates): what a value adds to each parameter."""
    leverage: Floats
    """Shape (estimates,)."""
    chi_square: float
    """Sum of the squared residuals over the errors."""
    weighted: bool
    """False where the errors are the scatter about the fit."""

    def interval(self, value: float, gradient: ArrayLike, level: float = LEVEL) -> Interval:
        """Of a function of the parameters, to first order.

        Parameters
        ----------
        value
            The function.
        gradient
            Its derivatives by the parameters, shape (parameters,).
        level
            Confidence, between 0 and 1.
        """
        shares = ((np.asarray(gradient, np.float64) @ self.gains) * self.errors) ** 2
        if self.weighted:
            variance = float((shares * (1 + 4 * (1 - self.leverage) / self.freedom)).sum())
            # Satterthwaite's.
            freedom = float(shares.sum() ** 2 / (shares**2 / self.freedom).sum())
        else:
            variance, freedom = float(shares.sum()), float(self.freedom[0])
        if freedom < 1 or not math.isfinite(variance):
            return Interval(mean=value, half_width=math.inf, samples=1, level=level)
        quantile = float(stdtrit(freedom, 0.5 + level / 2))
        return Interval(
            mean=value,
            half_width=quantile * math.sqrt(variance),
            samples=round(min(freedom, CERTAIN)) + 1,
            level=level,
        )


def fit(design: ArrayLike, estimates: Estimates, scale: Floats) -> Fit:
    """Weighted least squares, or with equal weights where errors are unknown.

    Parameters
    ----------
    design
        Shape (estimates, parameters).
    estimates
        What is fitted. Where one error is unknown or zero, the scatter about the fit is the error
        of all.
    scale
        Shape (estimates,): the weights are 1 / scale². The errors, or `Estimates.moderated`.

    Raises
    ------
    ValueError
        There are fewer estimates than parameters, or they do not determine them.
    """
    matrix = np.asarray(design, np.float64)
    count, parameters = matrix.shape
    if np.linalg.matrix_rank(matrix / np.abs(matrix).max(axis=0)) < parameters:
        raise ValueError(f"{count} estimates do not determine {parameters} parameters")
    weighted = estimates.usable
    root = 1 / scale if weighted else np.ones(count)
    # By QR: normal equations would square the condition of powers of 1/L.
    basis, triangle = np.linalg.qr(matrix * root[:, None])
    gains = np.linalg.solve(triangle, basis.T) * root
    found = gains @ estimates.values
    residuals = estimates.values - matrix @ found
    errors, freedom = estimates.errors, estimates.freedom
    if not weighted:
        spare = count - parameters
        scatter = math.sqrt(float(residuals @ residuals) / spare) if spare else math.inf
        errors, freedom = np.full(count, scatter), np.full(count, float(spare))
    return Fit(
        parameters=found,
        errors=errors,
        freedom=freedom,
        gains=gains,
        leverage=(basis**2).sum(axis=1),
        chi_square=float(((residuals * root) ** 2).sum()) if weighted else math.nan,
        weighted=weighted,
    )


def misfit_p(chi_square: float, leverage: Floats, freedom: Floats, parameters: int) -> float:
    """How often a χ² as large as this comes by chance where the model holds; nan with no spare one.

    Parameters
    ----------
    chi_square
        Sum of squared residuals over estimated errors.
    leverage, freedom
        Of each estimate.
    parameters
        That were fitted.
    """
    spare = len(leverage) - parameters
    if spare < 1 or math.isnan(chi_square):
        return math.nan
    excess = float(((1 - leverage) ** 2 / freedom).sum())
    scale = spare + 2 * excess * (spare - 1) / (spare + 2)
    return float(fdtrc(spare, min(spare * (spare + 2) / (3 * excess), CERTAIN), chi_square / scale))
