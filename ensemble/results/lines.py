"""The cells of tables to be read, as texts: the same ones for the terminal and for the report.

What names a line, its study and model, and its verdict stand where each of them wants them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ensemble.plan.recipe import cells_text, number_text
from ensemble.reduction.intervals import Interval
from ensemble.results.lengths import by_direct, kappa_of
from ensemble.results.table import DiffusionRow, Row
from ensemble.results.words import interval_text

__all__ = [
    "by_method",
    "direct_cells",
    "equilibrium_lines",
    "group_cells",
    "infinite_cells",
    "mark",
    "notes_of",
    "why_none",
]


def by_method(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Those of equilibrium, and those of the direct method."""
    direct = [row for row in rows if row.group.method == "nemd"]
    return [row for row in rows if row.group.method != "nemd"], direct


def notes_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The verdicts that are too long for a cell, which `mark` refers to."""
    return tuple(dict.fromkeys(row.verdict for row in rows if row.verdict != "converged"))


def mark(row: Row, notes: Sequence[str]) -> str:
    """``converged``, or the number of the note that says what there is to be known."""
    if row.verdict == "converged":
        return "converged"
    number = f"[{notes.index(row.verdict) + 1}]"
    return number if row.trusted else f"no {number}"


def group_cells(row: Row | DiffusionRow) -> tuple[str, ...]:
    """Temperature, supercell, atoms, and how many runs are done."""
    group = row.group
    return (
        number_text(group.temperature),
        cells_text(group.supercell),
        f"{group.atoms:,}",
        f"{len(group.done)} of {group.asked}",
    )


def equilibrium_lines(
    rows: Sequence[Row], direct: Sequence[Row]
) -> Iterator[tuple[Row, tuple[str, ...]]]:
    """The best estimate of each group, or of each component of one, which the verdict is of, and
    the cells: those of the group, the component if there are any, ⟨T⟩, raw κ, corrected κ, κ of the
    direct method on the same material and model, and γ².
    """
    beside = {_conditions(row, row.group.direction): row for row in by_direct(direct)}
    components = any(row.found.component for row in rows)
    lines: dict[tuple[str, str, str | None], dict[str, Row]] = {}
    for row in rows:
        key = row.group.study, row.group.name, row.found.component
        lines.setdefault(key, {})[row.found.estimate] = row
    for estimates in lines.values():
        raw, corrected = estimates["raw"], estimates.get("corrected")
        best = corrected or raw
        direction = None if raw.group.cubic else raw.found.component
        own = None if raw.group.method == "rerun" else beside.get(_conditions(raw, direction))
        yield (
            best,
            (
                *group_cells(raw),
                *[best.found.component or ""] * components,
                _sampled(best),
                *map(_kappa, (raw, corrected, own)),
                _interval(best.found.gamma_squared),
            ),
        )


def direct_cells(row: Row) -> tuple[str, ...]:
    """Those of the group, ⟨T⟩, length, κ, and the two heat fluxes."""
    found = row.found
    return (
        *group_cells(row),
        _sampled(row),
        "–" if found.length is None else f"{found.length:.1f}",
        *map(_interval, (found.kappa, found.swap_flux, found.slab_flux)),
    )


def infinite_cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    """Temperature, lengths, order, κ∞ and p of a line of `ensemble.results.lengths`."""
    p_value = line.get("p_value", math.nan)
    return (
        number_text(line["temperature"]),
        str(line["lengths"]),
        str(line["order"]),
        _interval(kappa_of(line)),
        f"{p_value:.2g}" if math.isfinite(p_value) else "–",
    )


def why_none(row: DiffusionRow) -> str:
    """Why there is no diffusion coefficient, and the limit below which it is; empty if there is."""
    found = row.found
    if found.problem and math.isfinite(found.upper_limit):
        return f"below {found.upper_limit:.1e}; {found.problem}"
    return found.problem


def _interval(found: Interval | None) -> str:
    return "–" if found is None else interval_text(found)


def _kappa(row: Row | None) -> str:
    return _interval(None if row is None else row.found.kappa)


def _sampled(row: Row) -> str:
    return "–" if row.found.temperature is None else f"{row.found.temperature:.4g}"


def _conditions(row: Row, direction: str | None) -> tuple[str, str, float, str | None]:
    return row.group.material, row.group.model, row.group.temperature, direction
