"""Transport coefficients as the mean of a running integral over a window, given or found.

The window is found behind the time t* at which correlations have died away, by a comparison with
their own noise. Of n Gaussian currents that are no longer correlated, with the integrals L_ij, the
noise of a piece of the integral between two lags that are w apart is known: N series of length T
give it the variance L_ii L_jj · 4 w / (N T), which is that of white noise with the same L. So the
verdict needs no scatter between the samples, of which there may be three. It is made for all
currents together, by the trace of the squared ratio of the piece to L: no linear combination of
the currents, no site energy of a species, changes t* or the window.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.correlation import Correlator
from ensemble.reduction.estimate import Estimate
from ensemble.reduction.intervals import of_independent, studentised
from ensemble.reduction.running import lags_of, running_integral, window_average

__all__ = ["by_window", "coupled_samples", "decay_lag", "longest_lags", "of_series"]

Floats = NDArray[np.float64]

LONGEST = 0.25
"""Of a series: up to which lag a window is looked for, and should be given; behind it few
independent pairs of rows are left."""

LATEST = 0.1
"""Of a series: up to which lag a window that was found ends where the series is long enough. In
shorter ones the noise hides correlations that matter: κ was up to 30 % too small."""

SMOOTHING = 1.2
"""The correlation function at t is averaged from t / SMOOTHING to t · SMOOTHING."""

NOISE = 1.25
"""Averaged from t* to 2 t*, its square is less than that of so many standard errors."""

WINDOW = (2.0, 4.0)
"""In units of t*. An earlier window would be less noisy and more often too early for its error."""

FIRST_LAGS = 4096
"""That are correlated to find the window of series; four times as many where it is not there."""

GRID = 0.03
"""Relative distance of the lags at which t* is looked for."""


def longest_lags(rows: int) -> int:
    """How many lags `by_window` can use, of a series of `rows` rows, to find its window."""
    return max(math.floor(rows * LONGEST), 1)


def of_series(
    currents: ArrayLike, timestep: float, *, window: tuple[float, float] | None = None
) -> Estimate:
    """`by_window` of series, correlated as far as the window takes it and not further.

    Parameters
    ----------
    currents
        Shape (samples, rows), or (samples, currents, rows) with the heat current first.
    timestep
        Time between two rows.
    window
        First and last time; found where None.

    Raises
    ------
    ValueError
        A given window ends behind the series or holds no lag; the series are not finite, or not of
        such a shape.
    """
    values = np.asarray(currents, dtype=np.float64)
    if values.ndim == 2:
        values = values[:, None]
    if values.ndim != 3 or not values.size:
        raise ValueError(f"currents of shape {values.shape}: samples and rows are needed")
    rows = values.shape[-1]
    longest = longest_lags(rows) if window is None else lags_of(window[1], timestep)
    lags = longest if window is not None else min(longest, FIRST_LAGS)
    while True:
        found = by_window(_integrals(values, timestep, lags), timestep, rows=rows, window=window)
        if found.converged or lags == longest:
            return found
        lags = min(4 * lags, longest)


def _integrals(currents: Floats, timestep: float, lags: int) -> Floats:
    """Running integrals, shape (samples, currents, currents, lags)."""
    count = currents.shape[1]
    correlator = Correlator(lags, pairs=[(i, j) for i in range(count) for j in range(count)])
    correlator.add(*np.moveaxis(currents, 1, 0))
    found = running_integral(np.stack(correlator.result(), axis=1), timestep)
    return found.reshape(len(currents), count, count, lags)


def by_window(
    integral: ArrayLike,
    timestep: float,
    *,
    rows: int,
    window: tuple[float, float] | None = None,
) -> Estimate:
    """∫ <J(0) J(t)> dt as the mean of its running integral over a window.

    Parameters
    ----------
    integral
        Shape (samples, lags): the running integral of each seed, component and block of time. Or
        (samples, currents, currents, lags): of <J_i(0) J_j(t)>, the heat current first; then its
        coefficient while no other current flows is found, see `coupled_samples`.
    timestep
        Time between two lags.
    rows
        Of the series that a sample was made from.
    window
        First and last time; found where None.

    Raises
    ------
    ValueError
        A given window does not fit to the lags, or the integral is not finite; or the other
        currents depend on one another.
    """
    values = _matrices(integral)
    chosen, problems = _window(values, timestep, rows, window)
    samples = coupled_samples(window_average(values, timestep, *chosen))
    if samples.size < 2:
        problems = [*problems, f"{samples.size} sample: nothing is known of the error"]
    return Estimate(
        method="window",
        value=studentised(samples, lost=values.shape[1] - 1),
        student=of_independent(samples),
        samples=samples,
        window=chosen,
        problems=tuple(problems),
    )


def coupled_samples(coefficients: ArrayLike) -> Floats:
    """What each sample says of L_00 − L_0m (L_mm)⁻¹ L_m0 with the mean L of all samples.

    Parameters
    ----------
    coefficients
        Shape (samples, n, n): averages of running integrals over a window. Only what is symmetric
        in them counts, as Onsager has it.

    Returns
    -------
    Shape (samples,). Jackknife values: the deviations from what is found without a sample, times
    the number of those left, about the value of the mean L, which is their mean. They carry the
    errors of all L together, covariances included.

    Raises
    ------
    ValueError
        The currents other than the first depend on one another.
    """
    values = np.asarray(coefficients, dtype=np.float64)
    values = (values + values.swapaxes(1, 2)) / 2
    if values.shape[1] == 1:
        return values[:, 0, 0]
    count = len(values)
    mean = values.mean(axis=0)
    value = _alone(mean)
    if count == 1:
        return value[None]
    without = _alone((count * mean - values) / (count - 1))
    found: Floats = value + (count - 1) * (without.mean() - without)
    return found


def _alone(coefficients: Floats) -> Floats:
    """The coefficient (...) of the first current with no other, from (..., n, n)."""
    coupling = coefficients[..., 1:, :1]
    try:
        solved = np.linalg.solve(coefficients[..., 1:, 1:], coupling)
    except np.linalg.LinAlgError:
        raise ValueError("the currents depend on one another: leave one of them out") from None
    found: Floats = coefficients[..., 0, 0] - (coupling * solved).sum(axis=(-2, -1))
    return found


def decay_lag(integral: ArrayLike, rows: int) -> int | None:
    """t*: the lag from which on the correlations are no larger than their noise.

    Parameters
    ----------
    integral
        Shape (samples, currents, currents, lags): running integrals, symmetric in the currents.
    rows
        Of the series that a sample was made from.

    Returns
    -------
    In rows; None where there is none, up to half of the lags.
    """
    values = np.asarray(integral, dtype=np.float64)
    count, currents, _, lags = values.shape
    centre, low, high = _grid(lags)
    mean = np.moveaxis(values.mean(axis=0), -1, 0)
    sums = np.concatenate([np.zeros((1, currents, currents)), np.cumsum(mean, axis=0)])
    piece = mean[high] - mean[low]
    level = (sums[high + 1] - sums[low]) / (high + 1 - low)[:, None, None]
    # A current that never was has neither: the inverse is that on what there is.
    ratio = np.linalg.pinv(level, hermitian=True) @ piece
    square = np.einsum("tij,tji->t", ratio, ratio)
    # Of the trace: one for each diagonal element, half for each of the others.
    noise = 4 * (high - low) / (count * rows) * currents * (currents + 1) / 2
    excess = np.concatenate([[0.0], np.cumsum(square / noise)])
    last = np.searchsorted(centre, 2 * centre, side="right")
    first = np.flatnonzero(2 * centre <= centre[-1]) if centre.size else centre
    quiet = (excess[last[first]] - excess[first]) / (last[first] - first) <= NOISE**2
    return int(centre[first[quiet][0]]) if quiet.any() else None


def _grid(lags: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Lags, and the first and the last lag that the correlation function is averaged over there."""
    longest = max((lags - 1) / SMOOTHING, 1.0)
    steps = np.arange(math.ceil(math.log(longest) / GRID) + 1)
    centre = np.unique(np.round(np.exp(GRID * steps)).astype(np.intp))
    low = np.minimum(np.round(centre / SMOOTHING).astype(np.intp), centre - 1)
    high = np.maximum(np.round(centre * SMOOTHING).astype(np.intp), centre + 1)
    inside = (centre > 1) & (high < lags)
    return centre[inside], low[inside], high[inside]


def _window(
    integral: Floats, timestep: float, rows: int, window: tuple[float, float] | None
) -> tuple[tuple[float, float], list[str]]:
    """The window (start, end), and what speaks against it."""
    quarter = rows * LONGEST * timestep
    if window is not None:
        late = window[1] > quarter
        return window, [f"the window ends behind a quarter of the series, {quarter:g}"] * late
    lags = min(integral.shape[-1], longest_lags(rows))
    longest = (lags - 1) * timestep
    lag = decay_lag(integral[..., :lags], rows)
    if lag is None:
        problem = f"too short: correlations have not died away up to {longest:g}"
        return (longest / 2, longest), [problem]
    start, end = (factor * lag * timestep for factor in WINDOW)
    if end > longest:
        problem = f"too short: the window should end at {end:g}, the lags end at {longest:g}"
        return (longest / 2, longest), [problem]
    short = end > LATEST * rows * timestep
    problem = f"too short: the correlations last up to {start:g}, the series {rows * timestep:g}"
    return (start, end), [problem] * short


def _matrices(integral: ArrayLike) -> Floats:
    """Shape (samples, currents, currents, lags), symmetric."""
    values = np.asarray(integral, dtype=np.float64)
    if values.ndim == 2:
        values = values[:, None, None]
    if values.ndim != 4 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"running integrals of shape {np.shape(integral)}: "
            "samples and lags of finite numbers are needed"
        )
    return values if values.shape[1] == 1 else (values + values.swapaxes(1, 2)) / 2
