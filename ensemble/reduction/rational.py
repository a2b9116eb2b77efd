"""Smooth even functions of the frequency, fitted to a periodogram below a cut-off.

log S(ω) = log S(0) + Σ_i log(1 + p_i ω²) − log(1 + q_i ω²), p_i and q_i > 0: a quotient of
polynomials of degree d in ω², positive everywhere. Each factor is a step of log S, down (q > p) as
of a part of the current that decays with the time √q, or up (q < p). One Lorentzian upon a
background is d = 1 exactly.

Exponential scatter makes the likelihood that of P. Whittle, Ark. Mat. 2, 423 (1953):
−log L = Σ w (log S + P / S) with w the number of frequencies and samples in P. It is minimised by
Fisher's scoring, for all cut-offs at once. A wide prior keeps steps, of which the data may know
nothing, at frequencies below the cut-off and their heights within a few powers of e.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["AnotherStep", "RationalFits", "fit_rational"]

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

PRIOR = (2.5, 4.0)
"""Standard deviations of log q and of log q/p."""

STEPS = 40
"""At most, of the scoring."""

POLISHING = 4
"""Newton's steps at the end."""

NEAR = 1.0
"""Longest of them, in any parameter."""

TOLERANCE = 1e-5
"""Of −log L, below which a step gains nothing."""

DAMPED = 1.0
"""Of Fisher's matrix: above, a step is too short to be judged by what it gains."""

TELLING = 1.0
"""Information about the height of a step, below which nothing is known of it."""


class AnotherStep(NamedTuple):
    """What is known of another step in log S, of several widths, for several fits."""

    score: Floats
    """Shape (cutoffs, steps): how much the data ask for it, its height in units of its error."""
    error: Floats
    """Shape (cutoffs, steps): of its height; infinite where the fit has such a step already."""
    gain: Floats
    """Shape (cutoffs, steps): what it adds to log S(0), for each unit of its height."""


@dataclass(frozen=True, kw_only=True)
class RationalFits:
    """Fits of one degree, for several cut-offs."""

    log_spectrum: Floats
    """Shape (cutoffs, bands)."""
    gradient: Floats
    """Shape (cutoffs, bands, parameters): of log S."""
    covariance: Floats
    """Shape (cutoffs, parameters, parameters)."""
    weights: Floats
    """Shape (cutoffs, bands): zero behind the cut-off."""
    residuals: Floats
    """Shape (cutoffs, bands): P / S − 1."""
    bias: Floats
    """Shape (cutoffs,): of log S(0), to first order in the covariance, such that exp(log S(0) −
    bias) has the mean S(0)."""
    slowest: Floats
    """Shape (cutoffs,): the longest √q, weighted with what its step is worth; 0 of degree 0."""

    @property
    def log_zero(self) -> Floats:
        """Shape (cutoffs,): log S(0)."""
        found: Floats = self.log_spectrum[:, 0]
        return found

    @property
    def error(self) -> Floats:
        """Shape (cutoffs,): standard error of log S(0), if S is of the form that is fitted."""
        found: Floats = np.sqrt(self.covariance[:, 0, 0])
        return found

    def response(self) -> Floats:
        """Shape (cutoffs, bands): ∂ log S(0) / ∂ P, to first order."""
        leading = np.einsum("cp,cbp->cb", self.covariance[:, 0], self.gradient)
        found: Floats = leading * self.weights * np.exp(-self.log_spectrum)
        return found

    def another_step(self, widths: Floats, square: Floats) -> AnotherStep:
        """How much the data ask for another step in log S, of several widths.

        For each width a multiple of 1 / (1 + ω²/width) is added to log S; z is its score in units
        of its standard deviation, the parameters of the fit let free (C. R. Rao, Proc. Camb. Phil.
        Soc. 44, 50 (1948)). To first order z is also the multiple in units of its error.

        Parameters
        ----------
        widths
            Shape (cutoffs, steps): squares of frequencies ω.
        square
            Shape (bands,): ω².
        """
        step = 1 / (1 + square / widths[:, :, None])
        weighted = step * self.weights[:, None, :]
        overlap = np.matmul(weighted, self.gradient)
        projected = np.matmul(overlap, self.covariance)
        score = np.einsum("csb,cb->cs", weighted, self.residuals)
        known = np.einsum("cbp,cb->cp", self.gradient, self.weights * self.residuals)
        score = score - np.einsum("csp,cp->cs", projected, known)
        information = np.einsum("csb,csb->cs", weighted, step)
        information = information - np.einsum("csp,csp->cs", projected, overlap)
        error = np.full_like(information, np.inf)
        telling = information > TELLING
        error[telling] = information[telling] ** -0.5
        return AnotherStep(
            score=score / np.sqrt(np.maximum(information, 1e-9)),
            error=error,
            gain=1 - projected[:, :, 0],
        )


def fit_rational(periodogram: Floats, weights: Floats, square: Floats, degree: int) -> RationalFits:
    """The most likely S of a degree, for each cut-off.

    Parameters
    ----------
    periodogram
        Shape (bands,), positive.
    weights
        Shape (cutoffs, bands): how many exponential variables a band is the mean of; zero behind
        the cut-off.
    square
        Shape (bands,): ω², that of the first band 0.
    degree
        d.
    """
    start, precision = _prior(weights, square, degree)
    start[:, 0] = np.log(weights @ periodogram / weights.sum(axis=1))
    found = _scored(periodogram, weights, square, precision, start)
    found = _polished(found, periodogram, weights, square, precision, start)
    log_spectrum, gradient = _function(found, square)
    covariance = np.asarray(np.linalg.inv(_fisher(gradient, weights, precision)), np.float64)
    return RationalFits(
        log_spectrum=log_spectrum,
        gradient=gradient,
        covariance=covariance,
        weights=weights,
        residuals=periodogram * np.exp(-log_spectrum) - 1,
        bias=_bias(found, gradient, covariance, weights, square),
        slowest=_slowest(found),
    )


def _scored(
    periodogram: Floats, weights: Floats, square: Floats, precision: Floats, start: Floats
) -> Floats:
    """Parameters close to the minimum, by Fisher's scoring with damping.

    Each row of `weights` and `start` is a fit of its own.
    """
    found, result = start, start.copy()
    going, damping = np.arange(len(found)), np.full(len(found), 1e-2)
    log_spectrum, gradient = _function(found, square)

    def cost(log_spectrum: Floats, ratio: Floats, found: Floats) -> Floats:
        total: Floats = np.einsum("cb,cb->c", weights, log_spectrum + ratio)
        return total + 0.5 * ((found - start) ** 2 @ precision)

    ratio = periodogram * np.exp(-log_spectrum)
    best = cost(log_spectrum, ratio, found)
    for _ in range(STEPS):
        slope = np.einsum("cb,cbp->cp", weights * (ratio - 1), gradient)
        slope -= precision * (found - start)
        fisher = _fisher(gradient, weights, precision)
        diagonal = np.einsum("cpp->cp", fisher)
        diagonal *= 1 + damping[:, None]
        step = np.linalg.solve(fisher, slope[:, :, None])[:, :, 0]
        trial = found + np.clip(step, -2, 2)
        trial_spectrum, trial_gradient = _function(trial, square)
        trial_ratio = periodogram * np.exp(-trial_spectrum)
        trial_cost = cost(trial_spectrum, trial_ratio, trial)
        better: Booleans = trial_cost <= best
        gain = np.where(better, best - trial_cost, np.inf)
        found = np.where(better[:, None], trial, found)
        ratio = np.where(better[:, None], trial_ratio, ratio)
        gradient = np.where(better[:, None, None], trial_gradient, gradient)
        best = np.where(better, trial_cost, best)
        damping = np.where(better, np.maximum(damping * 0.2, 1e-10), damping * 6)
        result[going] = found
        # Damped steps are short, and gain little far from the minimum as well. Where damping is
        # strong and still nothing is gained, the minimum is as near as doubles allow.
        more = ((gain >= TOLERANCE) | (damping > DAMPED)) & (damping <= 1e6)
        if not more.any():
            break
        if not more.all():
            going = going[more]
            weights, start, found, damping, best, ratio, gradient = (
                values[more] for values in (weights, start, found, damping, best, ratio, gradient)
            )
    return result


def _prior(weights: Floats, square: Floats, degree: int) -> tuple[Floats, Floats]:
    """Means (cutoffs, parameters) and precisions (parameters,).

    The steps are spread evenly over the logarithms of the frequencies below the cut-off, and have
    no height.
    """
    lowest = np.log(square[1])
    last = len(square) - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    highest = np.log(square[last])
    mean = np.zeros((len(weights), 1 + 2 * degree))
    for i in range(degree):
        part = (i + 1) / (degree + 1)
        mean[:, 1 + 2 * i] = -(lowest * (1 - part) + highest * part)
    precision = np.zeros(1 + 2 * degree)
    precision[1::2], precision[2::2] = (deviation**-2 for deviation in PRIOR)
    return mean, precision


def _function(parameters: Floats, square: Floats) -> tuple[Floats, Floats]:
    """Values (cutoffs, bands) of log S and its gradient (cutoffs, bands, parameters).

    The parameters are log S(0) and, of each step, log q and log q/p.
    """
    cutoffs, count = parameters.shape
    log_spectrum = np.repeat(parameters[:, :1], len(square), axis=1)
    gradient = np.ones((cutoffs, len(square), count))
    for i in range(1, count, 2):
        log_q, height = parameters[:, i, None], parameters[:, i + 1, None]
        down, up = np.exp(log_q) * square, np.exp(log_q - height) * square
        log_spectrum += np.log1p(up) - np.log1p(down)
        rise = up / (1 + up)
        gradient[:, :, i] = rise - down / (1 + down)
        gradient[:, :, i + 1] = -rise
    return log_spectrum, gradient


def _polished(
    found: Floats,
    periodogram: Floats,
    weights: Floats,
    square: Floats,
    precision: Floats,
    start: Floats,
) -> Floats:
    """The minimum to all digits, by Newton's steps from near by.

    A comparison of costs sees a parameter to half the digits of a double. Without these steps
    rounding in the data could decide on the others.
    """
    for _ in range(POLISHING):
        log_spectrum, gradient = _function(found, square)
        ratio = periodogram * np.exp(-log_spectrum)
        slope = np.einsum("cb,cbp->cp", weights * (ratio - 1), gradient)
        slope -= precision * (found - start)
        hessian = _fisher(gradient, weights * ratio, precision)
        hessian += _bend(found, square, weights * (1 - ratio))
        positive = np.linalg.eigvalsh(hessian)[:, 0] > 0
        hessian[~positive] = _fisher(gradient[~positive], weights[~positive], precision)
        step = np.linalg.solve(hessian, slope[:, :, None])[:, :, 0]
        found = found + np.clip(step, -NEAR, NEAR)
    return found


def _bend(parameters: Floats, square: Floats, factor: Floats) -> Floats:
    """Shape (cutoffs, parameters, parameters): Σ factor ∂² log S over the bands."""
    cutoffs, count = parameters.shape
    found = np.zeros((cutoffs, count, count))
    for i in range(1, count, 2):
        bend_up, bend_down = (
            np.einsum("cb,cb->c", factor, b) for b in _bends(parameters, square, i)
        )
        found[:, i, i] = bend_up - bend_down
        found[:, i, i + 1] = found[:, i + 1, i] = -bend_up
        found[:, i + 1, i + 1] = bend_up
    return found


def _bias(
    parameters: Floats, gradient: Floats, covariance: Floats, weights: Floats, square: Floats
) -> Floats:
    """What a most likely value is off on average, because log S is not linear in the parameters.

    D. R. Cox and E. J. Snell, J. R. Stat. Soc. B 30, 248 (1968), eq. (20), for exponential scatter:
    −½ F⁻¹ Σ w g (tr(H F⁻¹) + g F⁻¹ g) with gradient g and second derivatives H of log S. Half a
    variance comes on top, for the mean of an exponential.
    """
    curved = np.einsum("cbp,cpq,cbq->cb", gradient, covariance, gradient)
    for i in range(1, parameters.shape[1], 2):
        bend_up, bend_down = _bends(parameters, square, i)
        own, mixed, height = (
            covariance[:, [j], k] for j, k in ((i, i), (i, i + 1), (i + 1, i + 1))
        )
        curved += (bend_up - bend_down) * own - 2 * bend_up * mixed + bend_up * height
    slope = np.einsum("cbp,cb->cp", gradient, weights * curved)
    leading = covariance[:, 0]
    found: Floats = 0.5 * (leading[:, 0] - np.einsum("cp,cp->c", leading, slope))
    return found


def _bends(parameters: Floats, square: Floats, i: int) -> tuple[Floats, Floats]:
    """Shape (cutoffs, bands): second derivatives of the two parts of the step at parameter i."""
    log_q, height = parameters[:, i, None], parameters[:, i + 1, None]
    down, up = np.exp(log_q) * square, np.exp(log_q - height) * square
    return up / (1 + up) ** 2, down / (1 + down) ** 2


def _fisher(gradient: Floats, weights: Floats, precision: Floats) -> Floats:
    weighted = gradient * weights[:, :, None]
    found: Floats = np.matmul(weighted.transpose(0, 2, 1), gradient) + np.diag(precision)
    return found


def _slowest(parameters: Floats) -> Floats:
    """The longest time among steps down that are more than half a power of e high."""
    log_q, height = parameters[:, 1::2], parameters[:, 2::2]
    times = np.where(height > 0.5, np.exp(0.5 * log_q), 0.0)
    found: Floats = times.max(axis=1, initial=0.0)
    return found
