"""Whether an equilibrium κ is to be trusted, and if not, why."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import fdtrc, stdtr

from ensemble.reduction.currents import Currents
from ensemble.reduction.estimate import Estimate
from ensemble.reduction.intervals import Interval, of_independent

__all__ = ["asks_for_time", "problems", "value_problems"]

Floats = NDArray[np.float64]

CORRELATION_TIMES = 200.0
"""That a series has to last at least. Of fewer, what was tried gave up to 20 % too little, and a
longer memory could hide: where lifetimes have no gap the longest is longer than what is seen."""

RESOLVED = 16.0
"""Frequencies below the cut-off, at least, that a series has to be long enough for."""

UNCERTAIN = 0.2
"""Half-width of an interval relative to κ, at most."""

UNLIKELY = 1e-3
"""Probability, below which a difference is not put down to chance."""

NOTABLE = 0.1
"""Difference of the logarithms of two estimates, at least, that is worth a word."""

MISFIT = 2.75
"""|z| of the best fits to a spectrum."""

RISE = 1.5
"""z of a step towards zero frequency that is not in the fits, at most. Chance makes more of it in
one of seven groups that are long enough; where a memory hides behind it, most are stopped by
this."""

TIME_HELPS = re.compile(
    r"too short|not stationary|not steady|not known to be steady"
    r"|\d+ frequencies are too few|\d+ lags of a series|(the )?window (up to|ends behind)"
)
"""How problems begin that are of the length of runs: those of all of `ensemble.reduction`, and what
`ensemble.results` says of a window that is longer than the runs."""


def asks_for_time(problem: str) -> bool:
    """Whether longer runs would help against a problem, and not more of them."""
    return TIME_HELPS.match(problem) is not None


def problems(
    estimate: Estimate, heat: Floats, of: Currents, *, misfit: float = 0.0, rise: float = 0.0
) -> tuple[str, ...]:
    """What speaks against an estimate, in words; nothing where it is to be trusted.

    Parameters
    ----------
    estimate
        What came out.
    heat
        Shape (samples, rows): what it was made from.
    of
        What else is to be known of the samples.
    misfit, rise
        Of the fits that the estimate stands on: as of
        `ensemble.reduction.zero_frequency.ZeroFrequency`.
    """
    return (
        *estimate.problems,
        *_too_short(estimate, heat, of, rise),
        *_problems(estimate, heat, of, misfit),
    )


def value_problems(value: Interval) -> Iterator[str]:
    """What speaks against a value for what it and its error are, whatever it was made from."""
    if not value.mean > 0:
        yield "the value is not positive"
    elif not value.half_width <= UNCERTAIN * value.mean:
        yield f"too few independent samples: the interval is wider than ± {100 * UNCERTAIN:.0f} %"


def differs_from(estimate: Estimate, value: float, samples: Floats) -> Iterator[str]:
    """Whether another estimate from the same samples differs beyond chance, and not by a little.

    Logarithms are compared: what a spectrum gives scatters in proportion to itself.

    Parameters
    ----------
    estimate
        The one in question.
    value, samples
        The other one, and its values of the samples, shape (samples,).
    """
    own = estimate.value.mean
    if samples.shape != estimate.samples.shape or not own > 0:
        return
    change = of_independent(estimate.samples / own - samples / value, 1 - UNLIKELY)
    if abs(math.log(own / value)) > max(change.half_width, NOTABLE):
        yield f"the spectrum at low frequencies says {value:.3g}, which is another value"


def _too_short(estimate: Estimate, heat: Floats, of: Currents, rise: float) -> Iterator[str]:
    """The first reason there is."""
    slow = estimate.correlation_time or 0.0
    length = heat.shape[-1] * of.timestep
    if length < CORRELATION_TIMES * slow:
        yield (
            f"too short: {length / slow:.0f} correlation times, {CORRELATION_TIMES:.0f} are needed"
        )
    elif estimate.cutoff is not None and estimate.cutoff * length < RESOLVED:
        yield (
            f"too short: {estimate.cutoff * length:.0f} frequencies resolve what decides on the"
            f" value, {RESOLVED:.0f} are needed"
        )
    elif rise > RISE:
        yield (
            f"too short to tell whether the spectrum rises towards zero ({rise:.1f} standard"
            f" deviations, {RISE:.1f} may be chance)"
        )


def _problems(estimate: Estimate, heat: Floats, of: Currents, misfit: float) -> Iterator[str]:
    yield from value_problems(estimate.value)
    if np.ptp(of.runs) == 0:
        # Cut into pieces it looks into its own memory only as far as these are long: of short ones
        # with coupled currents intervals held κ in 71 to 94 %.
        yield "one run alone: only others, with other seeds, show how far it is to be trusted"
    if misfit > MISFIT:
        yield "no smooth function fits the spectrum at low frequencies"
    if _differ(estimate.samples, of.runs) < UNLIKELY:
        yield "the seeds differ by more than their scatter"
    if _differ(estimate.samples, of.components) < UNLIKELY:
        yield "x, y and z differ by more than their scatter: look at each component by itself"
    if _drift(heat, of.timestep, estimate.correlation_time or 0.0) < UNLIKELY:
        yield "not stationary: the second half of the runs fluctuates otherwise than the first"


def _differ(samples: Floats, groups: NDArray[np.intp]) -> float:
    """Probability that groups alike scatter so much (one-way analysis of variance)."""
    names, members = np.unique(groups, return_inverse=True)
    between, within = len(names) - 1, len(samples) - len(names)
    if between < 1 or within < 1:
        return 1.0
    means = np.bincount(members, samples) / np.bincount(members)
    rest = float(np.sum((samples - means[members]) ** 2)) / within
    apart = float(np.sum((means[members] - samples.mean()) ** 2)) / between
    return float(fdtrc(between, within, apart / rest)) if rest > 0 else 1.0


def _drift(heat: Floats, timestep: float, slow: float) -> float:
    """Probability that halves alike differ so much in their low frequencies, by a paired t test."""
    samples, rows = heat.shape
    half = rows // 2
    if samples < 3 or half < 16:
        return 1.0
    halves = np.stack([heat[:, :half], heat[:, half : 2 * half]])
    highest = half // 2
    # A time may be there by a share of next to nothing: it counts if it leaves frequencies out.
    if 2 * np.pi * slow * highest > half * timestep:
        highest = int(half * timestep / (2 * np.pi * slow))
    power = np.abs(fft.rfft(halves, axis=-1)[..., 1 : max(highest, 4) + 1]) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.diff(np.log(power.mean(axis=-1)), axis=0)[0]
    error = change.std(ddof=1) / np.sqrt(samples)
    if not np.isfinite(error) or error == 0:
        return 1.0
    return float(2 * stdtr(samples - 1, -abs(change.mean()) / error))
