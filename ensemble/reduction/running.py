"""Running integrals of correlation functions, and their means over windows.

The integral up to a time t first grows towards the transport coefficient and then walks away in
its own noise; the coefficient is its mean over a window between the two.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["lags_of", "running_integral", "window_average"]

Floats = NDArray[np.float64]


def running_integral(correlation: ArrayLike, timestep: float) -> Floats:
    """Integral of a correlation function up to each of its lags, by the trapezoidal rule.

    Parameters
    ----------
    correlation
        Shape (..., lags).
    timestep
        Time between two lags.

    Returns
    -------
    Shape (..., lags), zero at the first. Times ``green_kubo`` of `ensemble.units` / (V T²) it is
    κ up to that time.
    """
    values = np.asarray(correlation, dtype=np.float64)
    integral = np.zeros_like(values)
    np.cumsum((values[..., 1:] + values[..., :-1]) * (timestep / 2), axis=-1, out=integral[..., 1:])
    return integral


def lags_of(end: float, timestep: float) -> int:
    """How many lags a window up to the time `end` needs, lag zero among them."""
    return math.floor(end / timestep * (1 + 1e-12)) + 1


def window_average(integral: ArrayLike, timestep: float, start: float, end: float) -> Floats:
    """Mean of a running integral over the lags from `start` to `end`, both within.

    Parameters
    ----------
    integral
        Shape (..., lags).
    timestep, start, end
        In the same unit of time.

    Returns
    -------
    Shape (...).

    Raises
    ------
    ValueError
        The window ends behind the last lag, or there is no lag in it.
    """
    values = np.asarray(integral, dtype=np.float64)
    first = math.ceil(start / timestep * (1 - 1e-12))
    behind = lags_of(end, timestep)
    if behind > values.shape[-1]:
        longest = (values.shape[-1] - 1) * timestep
        raise ValueError(f"window up to {end:g}: the running integral ends at {longest:g}")
    if start < 0 or first >= behind:
        raise ValueError(
            f"window from {start:g} to {end:g}: no lag in it, they are {timestep:g} apart"
        )
    mean: Floats = values[..., first:behind].mean(axis=-1)
    return mean
