"""Transport coefficients by cepstral analysis, of one current and of many.

The logarithm of a periodogram is the logarithm of the spectrum plus noise whose mean and variance
are known: of M complex samples averaged ψ(M) − log M and ψ'(M). As a cosine series up to a cut-off
the logarithm of the spectrum needs but few coefficients, and their sum, C_0 + 2 C_1 + ... +
2 C_P−1, is log S(0). (L. Ercole, A. Marcolongo, S. Baroni, Sci. Rep. 7, 15835 (2017).) Of a heat
current while p others do not flow the reduced spectrum takes that place, with M − p samples.
(R. Bertossa, F. Grasselli, L. Ercole, S. Baroni, Phys. Rev. Lett. 122, 255901 (2019).)

The published procedure takes the one P at which Akaike's criterion is least, and a cut-off set by
hand behind the first feature of the spectrum. A slow process is a narrow peak there, which the
criterion, looking at all frequencies alike, gives up for a few coefficients less; the result is
then too small, by 39 % for correlations of 15 ps beside oscillations of a few THz. Here all P are
averaged with Akaike's weights, and all cut-offs with weights that prefer a small error but only
as long as a handful of coefficients will do. The scatter of what is averaged is part of the error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.special import digamma, ndtri, polygamma

from ensemble.reduction.estimate import Estimate
from ensemble.reduction.intervals import LEVEL, Interval, of_independent

__all__ = ["cepstral", "reduced_periodograms"]

Floats = NDArray[np.float64]

FEWEST = 16
"""Frequencies below the lowest cut-off."""

MOST = 1 << 14
"""Frequencies below the highest one. What lies above them no longer matters for the error."""

PER_OCTAVE = 4
"""Cut-offs."""

COEFFICIENTS = 3.0
"""A cut-off that needs so many has a weight of 1/e, with twice as many of 1/e⁴."""

SHARPNESS = 4
"""A cut-off's weight falls with this power of its error."""

TOO_FEW = 36
"""Frequencies below the mean cut-off: with fewer, κ was often more than 10 % too small."""


@dataclass(frozen=True)
class _Cutoff:
    """log S(0) by one cut-off, averaged over the number of coefficients."""

    behind: int
    """The frequency of the cut-off, in units of the resolution."""
    value: float
    variance: float
    coefficients: float
    """Mean number."""
    slope: Floats
    """Shape (behind + 1,): ∂ value / ∂ log periodogram."""


def cepstral(
    periodograms: ArrayLike,
    dof: float,
    resolution: float,
    *,
    cutoff: float | None = None,
    level: float = LEVEL,
) -> Estimate:
    """S(0) of periodograms whose mean scatters about S.

    Parameters
    ----------
    periodograms
        Shape (samples, frequencies), or (frequencies,) of the mean alone; at frequency 0 and the
        multiples of `resolution`. Of one current ``abs(transforms(...))**2``, see
        `ensemble.reduction.spectrum`; of many, `reduced_periodograms`.
    dof
        Complex samples in the mean, less the currents that were projected out.
    resolution
        Distance of two frequencies.
    cutoff
        The one frequency up to which the spectrum is used; where None all are averaged.
    level
        Confidence of the intervals.

    Returns
    -------
    Its `value` has the interval that follows from the known noise of a periodogram and from the
    scatter over cut-offs and numbers of coefficients; `student`, over the samples, knows nothing of
    that choice. Of a mean alone both are the same.

    Raises
    ------
    ValueError
        There are too few frequencies below the cut-off, or no degree of freedom; the mean is not
        finite, or not positive, as that of a constant current.
    """
    each = np.asarray(periodograms, dtype=np.float64)
    if each.ndim == 1:
        each = each[None]
    _check(each, dof)
    values = each.mean(axis=0)
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise ValueError("the periodogram holds numbers that are not finite or not positive")
    log = _unbiased_log(values, dof)
    fits = [_by_cutoff(log, behind, dof) for behind in _cutoffs(values.size, resolution, cutoff)]
    weights = _weights(fits)
    logs = np.array([fit.value for fit in fits])
    mean = float(weights @ logs)
    variance = np.array([fit.variance for fit in fits]) + (logs - mean) ** 2
    error = float(np.sqrt(weights @ variance))
    value = float(np.exp(mean))
    behind = float(np.exp(weights @ np.log([fit.behind for fit in fits])))
    interval = Interval(
        mean=value,
        half_width=float(ndtri(0.5 + level / 2)) * error * value,
        samples=int(dof),
        level=level,
    )
    samples = _pseudo_values(value, each, _slope(fits, weights))
    return Estimate(
        method="cepstral",
        value=interval,
        student=interval if samples.size == 1 else of_independent(samples, level),
        samples=samples,
        cutoff=behind * resolution,
        problems=_problems(behind),
    )


def reduced_periodograms(transforms: ArrayLike) -> tuple[Floats, int]:
    """Periodograms of a heat current with the others projected out, frequency by frequency.

    What is left of the heat current in each of M samples when p others are taken out by least
    squares over the samples. The mean is 1 / [P⁻¹]_00 of the mean matrix P, times M / (M − p): so
    it is without bias.

    Parameters
    ----------
    transforms
        Shape (samples, currents, frequencies): Fourier transforms, the heat current first.

    Returns
    -------
    Shape (samples, frequencies), and the degrees of freedom M − p: what `cepstral` needs.

    Raises
    ------
    ValueError
        There are not more samples than currents, or these depend on one another.
    """
    values = np.asarray(transforms, dtype=np.complex128)
    count, currents, _ = values.shape
    if count <= currents:
        raise ValueError(f"{count} samples of {currents} currents: more samples are needed")
    heat, others = values[:, 0], np.moveaxis(values[:, 1:], -1, 0)
    conjugate = others.conj().swapaxes(1, 2)
    try:
        slopes = np.linalg.solve(conjugate @ others, conjugate @ heat.T[..., None])
    except np.linalg.LinAlgError:
        raise ValueError("the currents depend on one another: leave one of them out") from None
    rest = heat - (others @ slopes)[..., 0].T
    dof = count - (currents - 1)
    reduced: Floats = (rest.real**2 + rest.imag**2) * (count / dof)
    return reduced, dof


def _check(each: Floats, dof: float) -> None:
    if each.ndim != 2 or not len(each) or each.shape[1] <= FEWEST:
        raise ValueError(
            f"periodograms of shape {each.shape}: more than {FEWEST} frequencies are needed"
        )
    if dof < 1:
        raise ValueError(f"{dof:g} degrees of freedom: one is the least")


def _unbiased_log(values: Floats, dof: float) -> Floats:
    """Logarithm of S plus noise of mean zero.

    At frequency zero the samples are real, and count half.
    """
    log: Floats = np.log(values) - (digamma(dof) - np.log(dof))
    log[0] = np.log(values[0]) - (digamma(dof / 2) - np.log(dof / 2))
    return log


def _cutoffs(frequencies: int, resolution: float, cutoff: float | None) -> list[int]:
    """In units of the resolution."""
    most = min(frequencies - 1, MOST)
    if cutoff is None:
        octaves = np.log2(most / FEWEST)
        steps = np.arange(int(octaves * PER_OCTAVE) + 1)
        return [int(behind) for behind in np.round(FEWEST * 2 ** (steps / PER_OCTAVE))]
    behind = round(cutoff / resolution)
    if not FEWEST <= behind < frequencies:
        low, high = FEWEST * resolution, (frequencies - 1) * resolution
        raise ValueError(f"cutoff {cutoff:g}: must be from {low:g} to {high:g}")
    return [behind]


def _by_cutoff(log: Floats, behind: int, dof: float) -> _Cutoff:
    """Averaged over P with Akaike's weights."""
    noise = float(polygamma(1, dof))
    cepstrum: Floats = fft.dct(log[: behind + 1], type=1) / (2 * behind)
    most = behind // 2
    number = np.arange(1, most + 1)
    terms = 2 * cepstrum[:most]
    terms[0] = cepstrum[0]
    values = np.cumsum(terms)
    variances = noise * (2 * number - 1) / behind
    # χ² of the coefficients that are left out.
    left_out = np.cumsum((cepstrum**2)[::-1])[::-1][number] * (2 * behind / noise)
    akaike = left_out + 2 * number
    weights = np.exp((akaike.min() - akaike) / 2)
    weights /= weights.sum()
    value = float(weights @ values)
    # The weight of a coefficient is that of all P that use it; back to the frequencies with it.
    used = np.zeros(behind + 1)
    used[:most] = np.cumsum(weights[::-1])[::-1]
    slope: Floats = fft.dct(used, type=1) / behind
    slope[[0, -1]] /= 2
    return _Cutoff(
        behind=behind,
        value=value,
        variance=float(weights @ (variances + (values - value) ** 2)),
        coefficients=float(weights @ number),
        slope=slope,
    )


def _weights(fits: list[_Cutoff]) -> Floats:
    """Shape (cut-offs,), sum 1."""
    coefficients = np.array([fit.coefficients for fit in fits])
    variance = np.array([fit.variance for fit in fits])
    log = -((coefficients / COEFFICIENTS) ** 2) - SHARPNESS / 2 * np.log(variance)
    weights = np.exp(log - log.max())
    found: Floats = weights / weights.sum()
    return found


def _slope(fits: list[_Cutoff], weights: Floats) -> Floats:
    """∂ log S(0) / ∂ log periodogram, of the highest cut-off's length."""
    total = np.zeros(max(fit.behind for fit in fits) + 1)
    for fit, weight in zip(fits, weights, strict=True):
        total[: fit.behind + 1] += weight * fit.slope
    return total


def _pseudo_values(value: float, each: Floats, slope: Floats) -> Floats:
    """What each sample says, to first order in its deviation from the mean periodogram."""
    below = each[:, : slope.size]
    found: Floats = value * (1 + (below / below.mean(axis=0) - 1) @ slope)
    return found


def _problems(behind: float) -> tuple[str, ...]:
    if behind >= TOO_FEW:
        return ()
    return (f"too short: the spectrum is smooth over {behind:.0f} frequencies, not {TOO_FEW}",)
