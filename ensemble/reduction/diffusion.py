"""Diffusion coefficients from mean square displacements.

D = slope / 6 of the mean square displacement where that is a straight line in time (A. Einstein,
Ann. Phys. 322, 549 (1905)). A slope alone is no diffusion: atoms that rattle about their sites have
one at first. So the regime is looked for, and where there is none there is no D, but the largest
one that could have been overlooked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ensemble.reduction.intervals import LEVEL, Interval, of_independent

__all__ = ["Diffusion", "diffusion_coefficient", "mean_square_displacement"]

Floats = NDArray[np.float64]

BLOCK_BYTES = 2**25
"""Of the Fourier transforms that are held at a time."""

LINEAR = 0.1
"""How far the slopes of the two halves of a window may differ, as a fraction of the slope."""

UNCERTAIN = 0.5
"""If that difference, or the exponent, has a larger error, nothing is known."""

MOSTLY = 0.5
"""The least exponent: more than half of the displacement is then no rattling in a cage, which
makes the exponent less than 1, but not the slope less than 6 D."""

EARLIEST, LATEST = 64, 4
"""The window begins at the longest lag over a number between these, and ends with that lag."""

FEWEST_LAGS = 8
"""Behind lag zero; with fewer there is no window to look at."""


@dataclass(frozen=True, kw_only=True)
class Diffusion:
    """What a mean square displacement says of diffusion."""

    coefficient: Interval
    """D in length²/time of what was given: 1 Å²/ps = 1e-4 cm²/s (`UnitSystem.diffusivity`). nan
    where atoms do not diffuse."""
    upper_limit: float
    """What D is below, at the level of the interval; of use where there is no `coefficient`."""
    exponent: Interval
    """α of displacement² ~ t^α within the window: 1 if atoms diffuse, 0 if they stay."""
    bend: Interval
    """Slope of the window's second half minus that of its first, over 6: 0 if atoms diffuse."""
    window: tuple[float, float]
    """The times between which slope and exponent were taken."""
    problem: str = ""
    """Why there is no `coefficient`; empty where there is one."""


def mean_square_displacement(positions: ArrayLike, lags: int | None = None) -> Floats:
    """``<|r(t0 + t) − r(t0)|²>`` over all atoms and all time origins t0, for t = 0, 1, … rows.

    The drift of the atoms as a whole is taken out: a species' atoms have one mass, so that is the
    mean of their positions. By Fourier transforms, of a few atoms at a time, as in V. Calandrini et
    al., Collection SFN 12, 201 (2011).

    Parameters
    ----------
    positions
        Shape (rows, atoms, 3), unwrapped, of one species. A memory map is read piece by piece.
    lags
        How many lags, from 1 to the number of rows: all where not given. The last ones have few
        origins.

    Returns
    -------
    Shape (lags,).

    Raises
    ------
    ValueError
        The shape is another, there are fewer rows than lags, or numbers are not finite.
    """
    path = np.asarray(positions)
    if path.ndim != 3 or path.shape[2] != 3 or 0 in path.shape:
        raise ValueError(f"positions {path.shape}: must be (rows, atoms, 3)")
    rows, atoms, _ = path.shape
    count = rows if lags is None else lags
    if not 1 <= count <= rows:
        raise ValueError(f"{count} lags of {rows} rows: must be from 1 to {rows}")
    drift = path.mean(axis=1, dtype=np.float64)
    if not np.isfinite(drift).all():
        raise ValueError("positions hold numbers that are not finite")
    length = fft.next_fast_len(rows + count - 1, real=True)
    atoms_a_block = max(1, BLOCK_BYTES // (3 * 16 * length))
    total: Floats = np.zeros(count)
    for first in range(0, atoms, atoms_a_block):
        block = path[:, first : first + atoms_a_block] - drift[:, None, :]
        total += _squares(np.ascontiguousarray(block.reshape(rows, -1).T), count, length) / atoms
    return total


def _squares(series: Floats, lags: int, length: int) -> Floats:
    """Σ over series (series, rows) of the mean of (x(t0 + t) − x(t0))² over t0, for each lag t."""
    # Displacements do not care where a series begins, but the digits of their squares do.
    series = series - series.mean(axis=1, keepdims=True)
    rows = series.shape[1]
    spectrum = (np.abs(fft.rfft(series, length)) ** 2).sum(axis=0)
    products = fft.irfft(spectrum, length)[:lags]
    sums = np.concatenate([[0.0], np.cumsum((series**2).sum(axis=0))])
    lag = np.arange(lags)
    # x² over all rows that begin a pair, and over all that end one.
    both = sums[rows - lag] + sums[rows] - sums[lag]
    squares: Floats = np.maximum(both - 2 * products, 0.0) / (rows - lag)
    squares[0] = 0.0
    return squares


def diffusion_coefficient(
    squares: ArrayLike, times: ArrayLike, *, level: float = LEVEL
) -> Diffusion:
    """D from mean square displacements.

    Parameters
    ----------
    squares
        Shape (samples, lags): of independent runs, or of pieces of runs.
    times
        Shape (lags,), increasing; a lag of zero is left out.
    level
        Confidence of the intervals.

    Raises
    ------
    ValueError
        The shapes do not fit, numbers are not finite or negative, or there are too few lags.
    """
    square, time = np.asarray(squares, np.float64), np.asarray(times, np.float64)
    if square.ndim != 2 or time.shape != square.shape[1:]:
        raise ValueError(f"mean square displacements {square.shape}, times {time.shape}")
    if not (np.isfinite(square).all() and (square >= 0).all() and (np.diff(time) > 0).all()):
        raise ValueError("mean square displacements and times must be finite, and times increase")
    square, time = square[:, time > 0], time[time > 0]
    if time.size < FEWEST_LAGS:
        raise ValueError(f"{time.size} lags behind zero: {FEWEST_LAGS} are needed")
    if not square.all():
        return replace(_nothing(square, time, level), problem="the atoms did not move at all")
    tried = [_within(square, time, start, level) for start in _starts(time)]
    for found in tried:
        if _diffuses(found):
            return found
    return _rejected(tried[-1])


def _starts(time: Floats) -> list[int]:
    """Where windows may begin, from the earliest on, by steps of √2."""
    steps = 2 * math.log2(EARLIEST / LATEST)
    wanted = time[-1] / LATEST * 2.0 ** (-np.arange(steps, -1, -1) / 2)
    return sorted({int(start) for start in np.searchsorted(time, wanted * (1 - 1e-12))})


def _within(square: Floats, time: Floats, start: int, level: float) -> Diffusion:
    """What the lags from a place on say."""
    late, logs = time[start:], np.log(time[start:])
    slopes = _slopes(late, square[:, start:]) / 6
    coefficient = of_independent(slopes, level)
    # The displacement itself is a limit as well, and the only one where errors are not known.
    reached = float(square[:, -1].mean()) / (6 * time[-1])
    middle = start + len(late) // 2
    second, first = (
        _slopes(time[half], square[:, half]) / 6
        for half in (slice(middle, None), slice(start, middle))
    )
    return Diffusion(
        coefficient=coefficient,
        upper_limit=max(coefficient.high, 0.0) if math.isfinite(coefficient.high) else reached,
        exponent=of_independent(_slopes(logs, np.log(square[:, start:])), level),
        bend=of_independent(second - first, level),
        window=(float(late[0]), float(late[-1])),
    )


def _slopes(x: Floats, y: Floats) -> Floats:
    """Of straight lines through y (samples, points) by least squares."""
    position = x - x.mean()
    slopes: Floats = y @ position / (position @ position)
    return slopes


def _error(found: Interval) -> float:
    """A single sample is taken for what it is."""
    return found.half_width if found.samples > 1 else 0.0


def _diffuses(found: Diffusion) -> bool:
    slope, bend = found.coefficient.mean, _error(found.bend)
    straight = abs(found.bend.mean) <= max(bend, LINEAR * slope) and bend <= UNCERTAIN * slope
    return straight and found.exponent.mean > MOSTLY and slope > _error(found.coefficient)


def _rejected(last: Diffusion) -> Diffusion:
    """The last window, which shows no diffusion, and why."""
    exponent, error = last.exponent.mean, _error(last.exponent)
    noisy = _error(last.bend) > UNCERTAIN * last.coefficient.mean
    if error > UNCERTAIN or (noisy and exponent + error > MOSTLY):
        problem = "too noisy: longer or more runs are needed to see whether atoms diffuse"
    else:
        grows = f"{exponent:.2f} ± {error:.2f}" if error else f"{exponent:.2f}"
        problem = f"not diffusive: the mean square displacement grows as time to the power {grows}"
    nothing = of_independent([], last.coefficient.level)
    return replace(last, coefficient=nothing, problem=problem)


def _nothing(square: Floats, time: Floats, level: float) -> Diffusion:
    none = of_independent([], level)
    return Diffusion(
        coefficient=none,
        upper_limit=float(square[:, -1].max()) / (6 * time[-1]),
        exponent=none,
        bend=none,
        window=(float(time[0]), float(time[-1])),
    )
