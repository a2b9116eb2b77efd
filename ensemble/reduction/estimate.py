"""What an estimator says of a transport coefficient: a value, an interval, and doubts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.reduction.intervals import Interval

__all__ = ["Estimate"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """∫ <J(0) J(t)> dt from 0 to ∞, or what becomes of it with a prefactor, by one method."""

    method: str
    """``spectrum``, ``window``, ``cepstral``, …"""
    value: Interval
    """By the studentised bootstrap over `samples`."""
    student: Interval
    """By Student's t over `samples`."""
    samples: Floats
    """Shape (samples,): what each seed, component and block of time says of the value. Of an
    estimator that is not linear in the data its linearisation, so that the mean is the value."""
    window: tuple[float, float] | None = None
    """Where a running integral was averaged, in units of time."""
    cutoff: float | None = None
    """Up to which frequency, in cycles per unit of time, the spectrum was used."""
    correlation_time: float | None = None
    """Of what the estimator saw as the slowest part."""
    problems: tuple[str, ...] = ()
    """Why the value is not to be trusted; empty where nothing is known against it."""

    @property
    def converged(self) -> bool:
        """Whether nothing is known against the value."""
        return not self.problems

    def scaled(self, factor: float) -> Estimate:
        """With everything that has the dimension of the value times `factor`."""
        from dataclasses import replace

        return replace(
            self,
            value=self.value.scaled(factor),
            student=self.student.scaled(factor),
            samples=self.samples * factor,
        )
