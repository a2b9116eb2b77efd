"""The integral of Green and Kubo as the value at frequency zero of a smooth spectrum.

`ensemble.reduction.rational` fits the periodogram below a cut-off. Cut-off and degree are not
chosen but averaged over: the more precise a fit is, the more it counts (error^−7), and the more
the data speak against it, the less: exp(−z²/2), where z is the score of another step in the
spectrum that would make it fit better, wherever that may be. It has to stand up to the data *up to
four times its cut-off*, where z² counts for a quarter. So a fit is used well below the frequency
where it begins to fail, where it has no bias yet that could be seen. The idea of averaging fits of
simple functions over cut-offs is that of STACIE (T. Toraman, D. Fauconnier, T. Verstraelen, 2025);
likelihood, functions and weights differ.

To first order the result is linear in the periodogram, so each sample has its own value, and the
interval needs no model of the noise. Its upper end allows for slower parts than those of the fits,
which chance may hide: `ensemble.reduction.hidden`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ensemble.reduction.hidden import hidden_step
from ensemble.reduction.rational import AnotherStep, RationalFits, fit_rational
from ensemble.reduction.spectrum import Bands

__all__ = ["ZeroFrequency", "zero_frequency"]

Floats = NDArray[np.float64]

DEGREES = (0, 1, 2)
SHARPNESS = 7.0
"""How strongly precise fits are preferred."""

FIRST_CUTOFF = 8
"""Frequencies below the lowest cut-off."""

PER_OCTAVE = 2
"""Cut-offs."""

REACH = 2 * PER_OCTAVE
"""Cut-offs above its own, up to which a fit has to stand up to the data."""

WIDTHS = 8
"""Of the steps that a fit is tested with."""

EVIDENCE = 0.5 * 2.0 ** (-np.arange(REACH + 1) / PER_OCTAVE)
"""Shape (REACH + 1,): how strongly a fit is held against what speaks against it: exp(−EVIDENCE z²).
What is above its cut-off counts less, in inverse proportion."""

SLOWER = (0.15, 0.02, 0.7)
"""Probability beforehand of a slower part than those in a fit, for each degree. A liquid has one
step. Where there are two there are many, as a rule; and below a cut-off where none was seen there
may be one."""

LOWEST_STEP = 12
"""In units of the resolution, of the steps that may hide. With a step below, the series would be
shorter than 75 correlation times: too short, by the verdict."""

BANDS_A_PARAMETER = 2


@dataclass(frozen=True, kw_only=True)
class ZeroFrequency:
    """S(0) and where it comes from."""

    value: float
    samples: Floats
    """Shape (samples,): what each says with the fits' weights as they are; their mean is the
    value."""
    hidden: tuple[float, float]
    """Mean and variance of what a slower part that chance hides adds to log S(0)."""
    cutoff: float
    """Frequency: geometric mean over the fits."""
    correlation_time: float
    """The slowest time in the fits, mean over those; 0 where the spectrum is flat."""
    misfit: float
    """``|z|`` of the fits, root of the mean square."""
    rise: float
    """z of a step towards zero frequency that the fits do not have, mean over those."""


def zero_frequency(periodograms: Floats, grid: Bands, *, lost: int = 0) -> ZeroFrequency:
    """S(0) from the periodograms of samples that have one spectrum.

    Parameters
    ----------
    periodograms
        Shape (samples, bands): means over the frequencies of each band.
    grid
        The bands.
    lost
        Degrees of freedom that were taken from each band's samples × frequencies before.

    Raises
    ------
    ValueError
        There are too few frequencies, or a periodogram is zero.
    """
    samples = len(periodograms)
    mean = periodograms.mean(axis=0)
    if not (mean > 0).all():
        raise ValueError("the series is zero, or constant: it has no spectrum")
    square = (2 * np.pi * grid.frequency) ** 2
    weights = np.maximum(samples * grid.count - lost * grid.count / np.diff(grid.edges), 0.25)
    cutoffs = _cutoffs(grid)
    if len(cutoffs) <= REACH:
        raise ValueError(f"{grid.edges[-1]} frequencies are too few for a spectrum")
    below = grid.edges[1:] <= cutoffs[:, None]
    highest = 2 * np.pi * grid.resolution * cutoffs
    widths = np.geomspace(np.full(len(cutoffs), 4 * square[1]), highest**2, WIDTHS).T
    fits = [fit_rational(mean, weights * below, square, degree) for degree in DEGREES]
    another = [fit.another_step(widths, square) for fit in fits]
    share = _shares(fits, another, below)

    def over(values: list[Floats]) -> Floats:
        """Mean over the fits of values (cutoffs, ...) of each degree."""
        found: Floats = np.einsum("dc,dc...->...", share, np.array(values))
        return found

    value = float(np.exp(over([_unbiased(fit) for fit in fits])))
    response = over([fit.response() for fit in fits])
    lowest = 2 * np.pi * grid.resolution * LOWEST_STEP
    hidden = [
        hidden_step(
            step,
            (widths >= lowest**2) & (widths < _corner(fit, highest)[:, None] ** 2),
            probability,
        )
        for fit, step, probability in zip(fits, another, SLOWER, strict=True)
    ]
    mean_hidden, variance_hidden = (float(over(list(of))) for of in zip(*hidden, strict=True))
    return ZeroFrequency(
        value=value,
        samples=value * (1 + (periodograms - mean) @ response),
        hidden=(mean_hidden, variance_hidden),
        cutoff=float(np.exp(over([np.log(cutoffs)] * len(fits)))) * grid.resolution,
        correlation_time=float(over([fit.slowest for fit in fits])),
        misfit=float(np.sqrt(over([(step.score**2).max(axis=1) for step in another]))),
        rise=float(over([np.maximum(step.score.max(axis=1), 0) for step in another])),
    )


def _unbiased(fit: RationalFits) -> Floats:
    """Shape (cutoffs,): log S(0). What is corrected of a poor fit is not more than its error."""
    found: Floats = fit.log_zero - np.clip(fit.bias, -fit.error, fit.error)
    return found


def _cutoffs(grid: Bands) -> Floats:
    """Shape (cutoffs,): in units of the resolution, a constant ratio apart."""
    octaves = np.log2(max(grid.edges[-1] / FIRST_CUTOFF, 1))
    return FIRST_CUTOFF * 2 ** (np.arange(int(octaves * PER_OCTAVE) + 1) / PER_OCTAVE)


def _corner(fit: RationalFits, highest: Floats) -> Floats:
    """Shape (cutoffs,): ω of the slowest step of each fit, or its cut-off where it has none."""
    return 1 / np.maximum(fit.slowest, 1 / highest)


def _shares(
    fits: list[RationalFits], another: list[AnotherStep], below: NDArray[np.bool_]
) -> Floats:
    """Shape (degrees, cutoffs), their sum 1: of each fit in the average."""
    against = np.array([(step.score**2).max(axis=1) for step in another])
    logs = np.full(against.shape, -np.inf)
    for row, fit, evidence in zip(logs, fits, against, strict=True):
        parameters = fit.covariance.shape[-1]
        enough = below.sum(axis=1) >= BANDS_A_PARAMETER * parameters + 2
        precise = -SHARPNESS * np.log(fit.error)
        # The worst of all cut-offs up to the reach: what rises again hides what fell before.
        most = (EVIDENCE * sliding_window_view(evidence, REACH + 1)).max(axis=1)
        row[:-REACH] = precise[:-REACH] - most
        row[~enough] = -np.inf
    share: Floats = np.exp(logs - logs.max())
    share /= share.sum()
    return share
