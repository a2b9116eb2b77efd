"""Numbers and tables as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ensemble.reduction.intervals import Interval
from ensemble.results.words import interval_text

__all__ = ["between", "chance", "count", "number", "percent", "table", "value"]


def value(found: Interval | None) -> str:
    """A mean with its half-width, or a dash."""
    return "–" if found is None else interval_text(found)


def number(found: float, digits: int = 3) -> str:
    """A number to some digits, or a dash."""
    return f"{found:.{digits}g}" if math.isfinite(found) else "–"


def percent(found: float, digits: int = 2) -> str:
    """A share in percent, whole ones where it is many times the whole."""
    if math.isfinite(found) and abs(found) >= 1:
        return f"{100 * found:.0f} %"
    return f"{number(100 * found, digits)} %"


def between(least: float, most: float, digits: int = 3) -> str:
    """A range, or the one number that it is."""
    ends = dict.fromkeys((number(least, digits), number(most, digits)))
    return " to ".join(ends)


def chance(p_value: float) -> str:
    """A p-value, very small ones as what they are below."""
    if not math.isfinite(p_value):
        return "p unknown"
    return "p < 0.001" if p_value < 1e-3 else f"p = {p_value:.2g}"


def count(found: float) -> str:
    """A whole number with its thousands apart, or a dash."""
    return f"{found:,.0f}" if math.isfinite(found) else "–"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table; columns behind the first `words` hold numbers and stand at the right."""
    rule = ["---" if place < words else "--:" for place in range(len(headings))]
    lines = [headings, rule, *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
