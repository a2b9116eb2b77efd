"""What a slower part of a current that the data do not show may add to the integral.

Chance can hide a step of the spectrum towards zero frequency as easily as it can feign one, and
where it does nothing in the data tells. What is known is how well they would show it. So the step
is given a probability beforehand, and a height h > 0 with the density exp(−h / h₀) / h₀, and both
are weighed with the data by Bayes' rule. The score z of a step is to first order its height in
units of its error σ, with scatter one; then the height given z is normal with the mean z − σ / h₀
and the variance 1 in these units, cut off at zero.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from ensemble.reduction.rational import AnotherStep

__all__ = ["hidden_step"]

Floats = NDArray[np.float64]

HEIGHT = 0.3
"""h₀, of a step in log S."""


def hidden_step(
    step: AnotherStep, possible: NDArray[np.bool_], probability: float
) -> tuple[Floats, Floats]:
    """Mean and variance of what one more step adds to log S(0), given the data.

    Parameters
    ----------
    step
        What is known of steps of several widths, for several fits: shape (fits, steps).
    possible
        Shape (fits, steps): where a step is looked for. All of a fit are equally likely
        beforehand.
    probability
        Beforehand, that there is one.

    Returns
    -------
    Each of shape (fits,).
    """
    possible = possible & np.isfinite(step.error)
    error = np.where(possible, step.error, HEIGHT)
    middle = step.score - error / HEIGHT
    log_above = log_ndtr(middle)
    log_density = -0.5 * middle**2 - 0.5 * math.log(2 * math.pi)
    ratio = np.exp(log_density - log_above)
    first = error * (middle + ratio)
    second = error**2 * (1 + middle**2 + middle * ratio)
    # Of the step against none: ∫ p(z | h) p(h) dh / p(z | 0).
    log_evidence = np.log(error / HEIGHT) + log_above - log_density
    each = probability / np.maximum(possible.sum(axis=1, keepdims=True), 1)
    logs = np.where(possible, log_evidence + np.log(each), -np.inf)
    none = np.where(possible.any(axis=1), math.log(1 - probability), 0.0)[:, None]
    most = np.maximum(logs.max(axis=1, keepdims=True), none)
    weights = np.exp(logs - most)
    weights /= weights.sum(axis=1, keepdims=True) + np.exp(none - most)
    mean: Floats = (weights * first * step.gain).sum(axis=1)
    square: Floats = (weights * second * step.gain**2).sum(axis=1)
    return mean, square - mean**2
