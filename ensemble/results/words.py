"""A number and its error as text: the same everywhere."""

from __future__ import annotations

import math

from ensemble.reduction.intervals import Interval

__all__ = ["interval_text"]

LOPSIDED = 1.25
"""How much farther away one end of an interval may be for ± to do for both."""


def interval_text(interval: Interval) -> str:
    """A mean and the ends of its interval: ``0.438 ± 0.021``, or ``0.40 −0.10 +0.19`` where one end
    is notably farther away; to two digits of half of the width.

    A width that is not known is a ``?``, a mean that is not there a dash.
    """
    mean, half_width = interval.mean, interval.half_width
    if not math.isfinite(mean):
        return "–"
    if not math.isfinite(half_width) or half_width == 0:
        return f"{mean:.3g}" + (" ± ?" if half_width else "")
    power = math.floor(math.log10(max(abs(mean), half_width)))
    if not -4 < power < 6:
        return f"({interval_text(interval.scaled(10.0**-power))})e{power}"
    digits = max(1 - math.floor(math.log10(half_width)), 0)
    down, up = mean - interval.low, interval.high - mean
    if max(down, up) > LOPSIDED * min(down, up):
        return f"{mean:.{digits}f} −{down:.{digits}f} +{up:.{digits}f}"
    return f"{mean:.{digits}f} ± {half_width:.{digits}f}"
