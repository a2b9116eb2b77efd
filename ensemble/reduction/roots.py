"""The zero of a function of one number.

By bisection: importing SciPy's optimisers takes a fifth of a second, which whoever asks a store for
results would wait for every time, and what is solved here takes microseconds.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["bisect"]


def bisect(function: Callable[[float], float], low: float, high: float, xtol: float) -> float:
    """Where a function that changes its sign once between two numbers does so, within `xtol`.

    Raises
    ------
    ValueError
        It has the same sign at both.
    """
    at_low, at_high = function(low), function(high)
    if at_low == 0 or at_high == 0:
        return low if at_low == 0 else high
    if (at_low > 0) == (at_high > 0):
        ends = f"{low:g} ({at_low:g}) and {high:g} ({at_high:g})"
        raise ValueError(f"no change of sign between {ends}")
    while high - low > xtol:
        middle = low + (high - low) / 2
        if middle in (low, high):
            break
        if (function(middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return low + (high - low) / 2
