"""The integral of Green and Kubo as the value at frequency zero of a smooth spectrum.

`ensemble.reduction.rational` fits the periodogram below a cut-off. Cut-off and degree are not
chosen but averaged over: the more precise a fit is, the more it counts (error^−5), and the more
the data speak against it *up to twice its cut-off*, the less (exp(−z²/2)). So a fit is used well
below the frequency where it begins to fail, where it has no bias yet that could be seen. What
speaks against it is another step in the spectrum that would make it fit better, wherever that may
be. The idea of averaging fits of simple functions over cut-offs is that of STACIE (T. Toraman,
D. Fauconnier, T. Verstraelen, 2025); likelihood, functions and weights differ.

To first order the result is linear in the periodogram, so each sample has its own value, and the
interval needs no model of the noise. What the choice between fits adds to the error is found by
choosing again without some of the samples. What is added besides is for steps that the data hint
at and that the fits do not have: where relaxation times follow one another without a gap, chance
may hide the slowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ensemble.reduction.rational import AnotherStep, RationalFits, fit_near, fit_rational
from ensemble.reduction.spectrum import Bands

__all__ = ["ZeroFrequency", "zero_frequency"]

Floats = NDArray[np.float64]

DEGREES = (0, 1, 2)
SHARPNESS = 5.0
"""How strongly precise fits are preferred."""

FIRST_CUTOFF = 8
"""Frequencies below the lowest cut-off."""

PER_OCTAVE = 2
"""Cut-offs."""

WIDTHS = 8
"""Of the steps that a fit is tested with."""

EVIDENCE = 0.5
"""How strongly a fit is held against what speaks against it: exp(−EVIDENCE z²)."""

GROUPS = 10
"""Of samples, at most, in the jackknife."""

COUNTING = 1e-3
"""Share of a fit, below which it is left out of that."""

HINT = 2.0
"""z² of a rise towards zero, from which on it is a hint: Akaike's criterion would take it in."""

CHOICE = 0.5
"""How much of the jackknife's variance of the choice counts. It gives too much for what is not
smooth: B. Efron, C. Stein, Ann. Statist. 9, 586 (1981)."""

LEAST = 0.5
"""Of the variance that the samples' scatter gives, the least that is taken for the whole."""

BANDS_A_PARAMETER = 2


@dataclass(frozen=True, kw_only=True)
class ZeroFrequency:
    """S(0) and where it comes from."""

    value: float
    samples: Floats
    """Shape (samples,): what each says with the fits' weights as they are; their mean is the
    value."""
    stretch: float
    """The error in units of that of the samples' mean: what the choice of the fits, and steps that
    they do not have, add to it."""
    cutoff: float
    """Frequency: geometric mean over the fits."""
    correlation_time: float
    """The slowest time in the fits, mean over those; 0 where the spectrum is flat."""
    misfit: float
    """|z| of the fits, root of the mean square."""
    rise: float
    """z of a step towards zero frequency that the fits do not have, mean over those."""


@dataclass(frozen=True)
class _Average:
    """Fits of all degrees and cut-offs, and the share of each in the result."""

    fits: list[RationalFits]
    another: list[AnotherStep]
    """Of each degree."""
    share: Floats
    """Shape (degrees, cutoffs); their sum is 1."""

    def over(self, values: list[Floats]) -> Floats:
        """Mean of values (cutoffs, ...) of each degree."""
        found: Floats = np.einsum("dc,dc...->...", self.share, np.array(values))
        return found

    @property
    def log_zero(self) -> float:
        """Logarithm of S(0)."""
        return float(self.over([_unbiased(fit) for fit in self.fits]))

    @property
    def misfit(self) -> float:
        """|z| of the fits, root of the mean square."""
        return float(np.sqrt(self.over([(one.score**2).max(axis=1) for one in self.another])))

    @property
    def rise(self) -> float:
        """Largest z of a step towards zero frequency, mean over the fits."""
        return float(self.over([np.maximum(one.score.max(axis=1), 0) for one in self.another]))

    @property
    def hidden(self) -> float:
        """Variance of log S(0): what such steps may add where the data hint at them.

        A narrow step can be anything. So none counts for more, per unit of z, than the fit's error.
        """
        found = []
        for fit, (score, effect) in zip(self.fits, self.another, strict=True):
            excess = np.where(score > 0, np.maximum(score**2 - HINT, 0), 0)
            found.append((excess * np.minimum(effect, fit.error[:, None]) ** 2).max(axis=1))
        return float(self.over(found))


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
    if len(cutoffs) <= 2 * PER_OCTAVE:
        raise ValueError(f"{grid.edges[-1]} frequencies are too few for a spectrum")
    below = grid.edges[1:] <= cutoffs[:, None]
    widths = np.geomspace(
        np.full(len(cutoffs), 4 * square[1]), (2 * np.pi * cutoffs * grid.resolution) ** 2, WIDTHS
    ).T
    fits = [fit_rational(mean, weights * below, square, degree) for degree in DEGREES]
    average = _average(fits, below, widths, square)
    value = float(np.exp(average.log_zero))
    response = average.over([fit.response() for fit in fits])
    deviations = (periodograms - mean) @ response
    return ZeroFrequency(
        value=value,
        samples=value * (1 + deviations),
        stretch=_stretch(average, periodograms, deviations, below, widths, square),
        cutoff=float(np.exp(average.over([np.log(cutoffs)] * len(fits)))) * grid.resolution,
        correlation_time=float(average.over([fit.slowest for fit in fits])),
        misfit=average.misfit,
        rise=average.rise,
    )


def _average(
    fits: list[RationalFits], below: NDArray[np.bool_], widths: Floats, square: Floats
) -> _Average:
    another = [fit.another_step(widths, square) for fit in fits]
    return _Average(fits, another, _shares(fits, another, below))


def _stretch(
    average: _Average,
    periodograms: Floats,
    deviations: Floats,
    below: NDArray[np.bool_],
    widths: Floats,
    square: Floats,
) -> float:
    """The whole error of log S(0) in units of that of the samples' mean.

    The shares of the fits are noisy, too. By the jackknife: everything is done again without each
    of a few groups of samples. By how much its variance differs from that of the samples' own
    values is put down to the choice (B. Efron, J. Am. Stat. Assoc. 109, 991 (2014), on the errors
    of averages over models).
    """
    scatter = np.var(deviations) / max(len(deviations) - 1, 1)
    if not scatter > 0:
        return 1.0
    # Fits that count for nothing are not made again, nor are bands looked at behind the others.
    counting = np.flatnonzero(average.share.max(axis=0) > COUNTING)
    cutoffs = slice(max(counting[0] - PER_OCTAVE, 0), counting[-1] + 2 * PER_OCTAVE + 1)
    count = int(below[cutoffs].any(axis=0).sum())
    near = [fit.part(cutoffs, count) for fit in average.fits]
    below, widths, square = below[cutoffs, :count], widths[cutoffs], square[:count]
    groups = np.array_split(np.arange(len(periodograms)), min(len(periodograms), GROUPS))
    without = [np.delete(periodograms[:, :count], group, axis=0).mean(axis=0) for group in groups]
    again = [fit_near(fit, np.array(without), square) for fit in near]
    logs, linear = [], []
    for k, group in enumerate(groups):
        fits = [fit.part(slice(k * len(below), (k + 1) * len(below)), count) for fit in again]
        logs.append(_average(fits, below, widths, square).log_zero)
        linear.append(np.delete(deviations, group).mean())
    choice = CHOICE * (len(groups) - 1) * (np.var(logs) - np.var(linear))
    return float(np.sqrt(max(1 + (choice + average.hidden) / scatter, LEAST)))


def _unbiased(fit: RationalFits) -> Floats:
    """Shape (cutoffs,): log S(0). What is corrected of a poor fit is not more than its error."""
    found: Floats = fit.log_zero - np.clip(fit.bias, -fit.error, fit.error)
    return found


def _cutoffs(grid: Bands) -> Floats:
    """Shape (cutoffs,): in units of the resolution, a constant ratio apart."""
    octaves = np.log2(max(grid.edges[-1] / FIRST_CUTOFF, 1))
    return FIRST_CUTOFF * 2 ** (np.arange(int(octaves * PER_OCTAVE) + 1) / PER_OCTAVE)


def _shares(
    fits: list[RationalFits], another: list[AnotherStep], below: NDArray[np.bool_]
) -> Floats:
    """Shape (degrees, cutoffs), their sum 1: of each fit in the average."""
    against = np.array([(one.score**2).max(axis=1) for one in another])
    logs = np.full(against.shape, -np.inf)
    for row, fit, evidence in zip(logs, fits, against, strict=True):
        parameters = fit.covariance.shape[-1]
        enough = below.sum(axis=1) >= BANDS_A_PARAMETER * parameters + 2
        precise = -SHARPNESS * np.log(fit.error)
        # Of all cut-offs up to twice that of the fit: what rises again hides what fell before.
        most = sliding_window_view(evidence, PER_OCTAVE + 1).max(axis=1)
        row[:-PER_OCTAVE] = precise[:-PER_OCTAVE] - EVIDENCE * most
        row[~enough] = -np.inf
    share: Floats = np.exp(logs - logs.max())
    share /= share.sum()
    return share
