"""Green–Kubo: κ from the fluctuations of the heat flux in equilibrium.

κ_ab = 1/(k_B T² V) ∫ <J_a(0) J_b(t)> dt from 0 to ∞ with the extensive heat flux J. (R. Zwanzig,
Annu. Rev. Phys. Chem. 16, 67 (1965).) The integral up to a time t first grows towards κ and then
walks away in its own noise; κ is its mean over a window between the two.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["lags_of", "plateau", "running_integral", "window_average"]

Floats = NDArray[np.float64]

LONGEST_LAG = 0.25
"""Of a series: up to which lag a window may be found by itself; behind it the noise of a lag is no
longer what its standard error over a few samples says."""


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


def plateau(integral: ArrayLike) -> int | None:
    """The first lag from which on a window no longer gives more κ than the one before it.

    It is the first lag t at which the mean over [t, 2t] differs from that over [t/2, t], averaged
    over the samples, by less than the standard error of that difference. A later window would
    gain more noise than signal. [t, 2t] is a window in the sense of `window_average`.

    Parameters
    ----------
    integral
        Shape (samples, lags): of each seed and component.

    Returns
    -------
    The lag; None where there is none within half of the lags, for then the series are too short,
    or where there are fewer than three samples.
    """
    values = np.asarray(integral, dtype=np.float64)
    samples, lags = values.shape
    if samples < 3:
        return None
    sums = np.zeros((samples, lags + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    start = np.arange(2, (lags - 1) // 2 + 1)
    half, end = start // 2, 2 * start
    later = (sums[:, end + 1] - sums[:, start]) / (end + 1 - start)
    earlier = (sums[:, start + 1] - sums[:, half]) / (start + 1 - half)
    growth = later - earlier
    error = growth.std(axis=0, ddof=1) / math.sqrt(samples)
    settled = np.flatnonzero(np.abs(growth.mean(axis=0)) < error)
    return int(start[settled[0]]) if settled.size else None
