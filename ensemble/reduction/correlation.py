"""Correlation functions of currents in equilibrium.

The mean of a heat flux or of a species current is known: it is zero. It is not taken from the
series, because a sample mean that is subtracted takes a piece of the correlation with it: the
integral up to lag t of a series of length T would come out too small by about 2t/T of its value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

__all__ = ["autocorrelation", "correlation"]

Floats = NDArray[np.float64]


def autocorrelation(current: ArrayLike, lags: int) -> Floats:
    """<J(0) J(t)> for t = 0, 1, ..., lags − 1 rows; see `correlation`."""
    return correlation(current, current, lags)


def correlation(first: ArrayLike, second: ArrayLike, lags: int) -> Floats:
    """<A(0) B(t)> for t = 0, 1, ..., lags − 1 rows, along the last axis.

    Each lag is the mean over all pairs of rows with that distance, and so without bias. Fourier
    transforms give the sums, padded so that no row meets one from the other end.

    Parameters
    ----------
    first, second
        Shape (..., rows); the axes before the last are broadcast.
    lags
        How many lags, from 1 to the number of rows.

    Returns
    -------
    Shape (..., lags).

    Raises
    ------
    ValueError
        The series differ in length, have fewer rows than lags, or hold a number that is not finite.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape[-1:] != b.shape[-1:]:
        raise ValueError(f"series of {a.shape[-1:]} and {b.shape[-1:]} rows cannot be correlated")
    rows = a.shape[-1] if a.ndim else 0
    if not 1 <= lags <= rows:
        raise ValueError(f"{lags} lags of a series of {rows} rows: must be from 1 to {rows}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("the series holds numbers that are not finite")
    length = fft.next_fast_len(rows + lags - 1, real=True)
    transform = fft.rfft(a, length)
    other = transform if second is first else fft.rfft(b, length)
    sums: Floats = fft.irfft(transform.conj() * other, length)[..., :lags]
    return sums / np.arange(rows, rows - lags, -1)
