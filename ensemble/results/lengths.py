"""κ of the direct method against length, and what it is for an infinite cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ensemble.reduction.intervals import Interval
from ensemble.reduction.length import InfiniteLength, infinite_length
from ensemble.reduction.verdict import value_problems
from ensemble.results.table import Row

__all__ = [
    "FEWEST_LENGTHS",
    "LENGTH_COLUMNS",
    "by_direct",
    "extrapolations",
    "infinite",
    "kappa_of",
]

FEWEST_LENGTHS = 3
"""That a straight line is put through."""

LENGTH_COLUMNS = (
    "study",
    "material",
    "model",
    "temperature",
    "order",
    "lengths",
    "shortest",
    "longest",
    "kappa",
    "kappa_half_width",
    "kappa_low",
    "kappa_high",
    "units",
    "mean_free_path",
    "mean_free_path_half_width",
    "reduced_chi_square",
    "p_value",
    "verdict",
)


def extrapolations(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """κ∞ of each study, model and temperature with enough lengths, linear and quadratic in 1/L.

    Parameters
    ----------
    rows
        Of the direct method. Those without κ do not count.
    """
    members: dict[tuple[str, str, float], list[Row]] = {}
    for row in rows:
        kappa, length = row.found.kappa, row.found.length
        if row.found.estimate == "direct" and length and math.isfinite(kappa.mean):
            key = row.group.study, row.group.model, row.group.temperature
            members.setdefault(key, []).append(row)
    for alike in members.values():
        lengths = [row.found.length or math.nan for row in alike]
        for order in (1, 2):
            if _different(alike) >= max(FEWEST_LENGTHS, order + 2):
                yield _line(alike, lengths, order)


def infinite(rows: Sequence[Row]) -> Interval | None:
    """κ∞ of one model by a straight line, where nothing is known against it.

    Parameters
    ----------
    rows
        As for `extrapolations`, of one study, model and temperature.
    """
    usable = [row for row in rows if row.trusted and row.found.length]
    lengths = [row.found.length or math.nan for row in usable]
    if _different(usable) < FEWEST_LENGTHS:
        return None
    found = _fitted(lengths, [row.found.kappa for row in usable], 1)
    return None if isinstance(found, str) or _problems(found) else found.kappa


def by_direct(rows: Iterable[Row]) -> Iterator[Row]:
    """What the direct method says of each material, model and temperature, and of each direction
    where these are not alike.

    That is κ for infinite length where the cells allow it, the length then being infinite; else κ
    of the longest cell, of those to be trusted if there are any.
    """
    members: dict[tuple[str, str, float, str | None], list[Row]] = {}
    for row in rows:
        if row.found.estimate == "direct":
            of = row.group
            key = of.material, of.model, of.temperature, of.direction
            members.setdefault(key, []).append(row)
    for alike in members.values():
        longest = max(alike, key=lambda row: (row.trusted, row.found.length or 0.0))
        kappa = infinite([row for row in alike if row.group.study == longest.group.study])
        if kappa is None:
            yield longest
        else:
            yield replace(longest, found=replace(longest.found, kappa=kappa, length=math.inf))


def kappa_of(line: Mapping[str, Any]) -> Interval | None:
    """κ∞ of a line of `extrapolations`; None without a fit.

    With the ends of its interval, which is that of 1/κ, or where the upper one is not known with
    half its width by the error of 1/κ to first order.
    """
    if "kappa" not in line:
        return None
    low, high = line["kappa_low"], line["kappa_high"]
    half_width, offset = line["kappa_half_width"], 0.0
    if math.isfinite(high):
        half_width, offset = (high - low) / 2, (high + low) / 2 - line["kappa"]
    return Interval(
        mean=line["kappa"], half_width=half_width, offset=offset, samples=line["lengths"]
    )


def _line(rows: Sequence[Row], lengths: Sequence[float], order: int) -> dict[str, Any]:
    group = rows[0].group
    found = _fitted(lengths, [row.found.kappa for row in rows], order)
    table: dict[str, Any] = {
        "study": group.study,
        "material": group.material,
        "model": group.model,
        "temperature": group.temperature,
        "order": order,
        "lengths": _different(rows),
        "shortest": min(lengths),
        "longest": max(lengths),
        "units": rows[0].system.conductivity_symbol,
    }
    if isinstance(found, str):
        return table | {"verdict": found}
    # The interval is that of 1/κ, which where the error is large is not symmetric in κ.
    least, most = found.resistivity.low, found.resistivity.high
    return table | {
        "kappa": found.kappa.mean,
        "kappa_half_width": found.kappa.half_width,
        "kappa_low": 1 / most,
        "kappa_high": 1 / least if least > 0 else math.inf,
        "mean_free_path": found.mean_free_path.mean,
        "mean_free_path_half_width": found.mean_free_path.half_width,
        "reduced_chi_square": found.reduced_chi_square,
        "p_value": found.p_value,
        "verdict": "; ".join(_problems(found)) or _doubts(rows) or "converged",
    }


def _different(rows: Iterable[Row]) -> int:
    """How many lengths there are: what is measured of cells of one length is not quite the same."""
    along = {row.group.supercell["xyz".index(row.group.axis or "z")] for row in rows}
    return len(along)


def _fitted(
    lengths: Sequence[float], kappas: Sequence[Interval], order: int
) -> InfiniteLength | str:
    """The fit, or why there is none."""
    try:
        return infinite_length(lengths, kappas, order=order)
    except ValueError as error:
        return str(error)


def _problems(found: InfiniteLength) -> list[str]:
    """What is known against κ∞ itself."""
    return [*filter(None, [found.problem]), *value_problems(found.kappa)]


def _doubts(rows: Sequence[Row]) -> str:
    """What is known against the κ that go in."""
    doubted = [row.found.length for row in rows if not row.trusted]
    if not doubted:
        return ""
    return f"κ is not to be trusted at L = {', '.join(f'{x:.4g}' for x in doubted)}"
