"""κ over models of one material: their mean, how far they differ, and whether that is chance.

One-way analysis with random effects: each model has a κ of its own, κ_m = μ + δ_m, whose spread
over the models has the standard deviation τ, and an estimate of it with a statistical error.

* τ by R. C. Paule and J. Mandel, J. Res. Natl. Bur. Stand. 87, 377 (1982): the spread with which
  Cochran's Q is what is to be expected. Its interval by the profile of Q (W. Viechtbauer, Stat.
  Med. 26, 37 (2007)).
* The interval of the mean with the error by J. Hartung and G. Knapp, Stat. Med. 20, 3875 (2001),
  and Student's t over the models.
* Whether τ is zero, by Cochran's Q as B. L. Welch, Biometrika 38, 330 (1951) has it, because the
  statistical errors are estimates themselves. The profile is read by the same distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ensemble.reduction.intervals import LEVEL, Interval
from ensemble.reduction.roots import bisect
from ensemble.reduction.weighted import Estimates, misfit_p

__all__ = ["ModelSpread", "model_spread"]

Floats = NDArray[np.float64]

FARTHEST = 1e4
"""Times what the estimates lie apart: where the search for the upper end of τ gives up."""


@dataclass(frozen=True, kw_only=True)
class ModelSpread:
    """How the κ of several models compare."""

    mean: Interval
    """μ: the mean over models such as these. Of one model it is that one's own."""
    deviation: float
    """τ: standard deviation over the models, without the statistical errors; nan of one model."""
    deviation_low: float
    deviation_high: float
    """Ends of the interval of τ, at the level of `mean`."""
    statistical_error: float
    """Root mean square of the standard errors of the models."""
    q: float
    """Cochran's Q: squared deviations from the weighted mean over the squared standard errors."""
    p_value: float
    """How often chance alone makes models that are the same differ as much; nan of one model."""
    models: int
    """That have a κ with an error."""

    @property
    def significant(self) -> bool:
        """Whether the models differ beyond their statistical errors."""
        return self.p_value < 1 - self.mean.level


def model_spread(kappas: Sequence[Interval], level: float = LEVEL) -> ModelSpread:
    """Compare the κ of several models.

    Parameters
    ----------
    kappas
        One for each model. Those without a mean or without an error do not count.
    level
        Confidence of the intervals; 1 − level is that of the test.

    Raises
    ------
    ValueError
        There is no κ with an error.
    """
    known = [k for k in kappas if math.isfinite(k.mean) and 0 < k.half_width < math.inf]
    if not known:
        raise ValueError(f"none of {len(kappas)} conductivities has an error")
    found = Estimates.of(known)
    error = float(np.sqrt(np.mean(found.errors**2)))
    if len(known) == 1:
        return ModelSpread(
            mean=_alone(found, known[0], level),
            deviation=math.nan,
            deviation_low=math.nan,
            deviation_high=math.nan,
            statistical_error=error,
            q=math.nan,
            p_value=math.nan,
            models=1,
        )
    profile = _Profile(found)
    variance = profile.variance_with(q=len(known) - 1)
    low, high = (profile.variance_with(p=p) for p in ((1 - level) / 2, (1 + level) / 2))
    return ModelSpread(
        mean=profile.mean(variance, level),
        deviation=math.sqrt(variance),
        deviation_low=math.sqrt(low),
        deviation_high=math.sqrt(high),
        statistical_error=error,
        q=profile.q(0.0),
        p_value=profile.p_value(0.0),
        models=len(known),
    )


def _alone(found: Estimates, kappa: Interval, level: float) -> Interval:
    quantile = float(stdtrit(found.freedom[0], 0.5 + level / 2))
    return replace(kappa, half_width=quantile * float(found.errors[0]), level=level)


@dataclass(frozen=True)
class _Profile:
    """What would be seen of the estimates if the variance over the models were this or that."""

    found: Estimates

    def weights(self, variance: float) -> Floats:
        """Of the models in their mean; they add up to one."""
        weights = 1 / (self.found.errors**2 + variance)
        normalised: Floats = weights / weights.sum()
        return normalised

    def q(self, variance: float) -> float:
        """Squared deviations from the weighted mean, over what they should be."""
        values = self.found.values
        deviations = values - self.weights(variance) @ values
        return float((deviations**2 / (self.found.errors**2 + variance)).sum())

    def p_value(self, variance: float) -> float:
        """How often chance makes `q` as large."""
        # The variance over the models is no estimate here: only the rest is uncertain.
        freedom = self.found.freedom * (1 + variance / self.found.errors**2) ** 2
        return misfit_p(self.q(variance), self.weights(variance), freedom, 1)

    def variance_with(self, *, q: float | None = None, p: float | None = None) -> float:
        """The variance for which Q or the p-value is so much; zero where that takes none."""

        def beyond(variance: float) -> float:
            if p is not None:
                return p - self.p_value(variance)
            assert q is not None
            return self.q(variance) - q

        if beyond(0.0) <= 0:
            return 0.0
        scale = float(np.ptp(self.found.values)) + float(self.found.errors.max())
        if beyond(FARTHEST * scale**2) > 0:
            return math.inf
        return bisect(beyond, 0.0, FARTHEST * scale**2, xtol=1e-12 * scale**2)

    def mean(self, variance: float, level: float) -> Interval:
        """The mean over the models, by Hartung and Knapp.

        Where the models differ less than their errors, these are what counts. What may be hidden in
        one is likely hidden in all: that does not average out, and moves the upper end.
        """
        weights, count = self.weights(variance), len(self.found.values)
        mean = float(weights @ self.found.values)
        known = float(1 / (1 / (self.found.errors**2 + variance)).sum())
        error = math.sqrt(known * max(self.q(variance) / (count - 1), 1.0))
        half_width = float(stdtrit(count - 1, 0.5 + level / 2)) * error
        hidden = float(weights @ self.found.hidden)
        return Interval(
            mean=mean,
            half_width=half_width + hidden / 2,
            offset=hidden / 2,
            samples=count,
            level=level,
        )
