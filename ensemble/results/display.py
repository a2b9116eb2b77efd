"""Thermal conductivities for the terminal, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ensemble.results.advice import advice
from ensemble.results.groups import Selection
from ensemble.results.lengths import extrapolations
from ensemble.results.lines import (
    by_method,
    direct_cells,
    equilibrium_lines,
    group_cells,
    infinite_cells,
    mark,
    notes_of,
    why_none,
)
from ensemble.results.settings import Settings
from ensemble.results.table import COLUMNS, DiffusionRow, Row, Tables
from ensemble.results.words import interval_text
from ensemble.units import UnitSystem

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from ensemble.results.queries import Results

__all__ = ["as_csv", "as_json", "laid_out", "show"]

TITLE = "Thermal conductivity, 95 % intervals"


def show(
    results: Results, selection: Selection | None = None, settings: Settings | None = None
) -> RenderableType:
    """κ of each group of runs by all methods, what else came out, and which number to trust."""
    return laid_out(results.tables(selection, settings))


def laid_out(tables: Tables) -> RenderableType:
    """The same of tables that are there, of one group of runs at least."""
    from rich.console import Group
    from rich.text import Text

    rows = tables.kappa
    system = rows[0].system
    notes = notes_of(rows)
    equilibrium, direct = by_method(rows)
    parts: list[RenderableType] = []
    if equilibrium:
        parts.append(_equilibrium(equilibrium, direct, system, notes))
    if direct:
        parts.append(_direct(direct, system, notes))
        if lines := list(extrapolations(direct)):
            parts.append(_infinite(lines, system))
    if tables.diffusion:
        parts.append(_diffusion(tables.diffusion, system))
    parts += [Text(f"[{number}] {note}") for number, note in enumerate(notes, 1)]
    parts += [Text(sentence) for sentence in _advice(tables)]
    return Group(*parts)


def _advice(tables: Tables) -> list[str]:
    """Of means over the components alone."""
    rows = tables.kappa
    return [] if any(row.found.component for row in rows) else advice(rows, tables.components)


def as_json(tables: Tables) -> dict[str, Any]:
    """All that is known, in JSON's types: what is not known is None."""
    return {
        "kappa": _lines(tables.kappa),
        "infinite_length": [_known(line) for line in extrapolations(tables.kappa)],
        "diffusion": _lines(tables.diffusion),
        "advice": _advice(tables),
    }


def _lines(rows: Sequence[Row | DiffusionRow]) -> list[dict[str, Any]]:
    return [_known(row.as_dict()) for row in rows]


def as_csv(rows: Sequence[Row]) -> str:
    """κ as a table with a heading; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_lines(rows))
    return text.getvalue()


def _known(line: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in line.items()
    }


def _equilibrium(
    rows: Sequence[Row], direct: Sequence[Row], system: UnitSystem, notes: Sequence[str]
) -> Table:
    """A line for each group, and beside it the direct method on the same material and model."""
    components = any(row.found.component for row in rows)
    table = _table(f"{TITLE}, κ in {system.conductivity_symbol}", system)
    for heading in [*["component"] * components, "⟨T⟩", "raw Green–Kubo", "corrected", "direct"]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("γ²", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for best, cells in equilibrium_lines(rows, direct):
        table.add_row(*_names(best), *cells, _verdict(best, notes))
    return table


def _direct(rows: Sequence[Row], system: UnitSystem, notes: Sequence[str]) -> Table:
    """κ of the direct method, and how its two heat fluxes agree."""
    flux = f"{system.energy_symbol}/{system.length_symbol}^2/{system.time_symbol}"
    table = _table(f"Direct method, κ in {system.conductivity_symbol}, fluxes in {flux}", system)
    length = f"L ({system.length_symbol})"
    for heading in ("⟨T⟩", length, "κ", "swap power / 2A", "in the slabs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in rows:
        table.add_row(*_names(row), *direct_cells(row), _verdict(row, notes))
    return table


def _infinite(lines: Sequence[dict[str, Any]], system: UnitSystem) -> Table:
    """κ∞ by a straight line through 1/κ against 1/L, and by a parabola."""
    from rich.table import Table
    from rich.text import Text

    title = f"Direct method for infinite length, κ in {system.conductivity_symbol}"
    table = Table(title=title, title_justify="left")
    for heading in ("study", "model"):
        table.add_column(heading, overflow="fold")
    for heading in (f"T ({system.temperature_symbol})", "lengths", "order in 1/L", "κ", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for line in lines:
        names = Text(line["study"]), Text(line["model"])
        table.add_row(*names, *infinite_cells(line), line["verdict"])
    return table


def _diffusion(rows: Sequence[DiffusionRow], system: UnitSystem) -> Table:
    table = _table(f"Diffusion coefficients, D in {system.diffusivity_symbol}", system)
    table.add_column("species")
    table.add_column("D", justify="right", no_wrap=True)
    table.add_column("or why there is none")
    for row in rows:
        coefficient = interval_text(row.found.coefficient)
        cells = *group_cells(row), row.found.species, coefficient, why_none(row)
        table.add_row(*_names(row), *cells)
    return table


def _table(title: str, system: UnitSystem) -> Table:
    """With columns for what names a group of runs."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("study", overflow="fold")
    table.add_column("model", overflow="fold")
    table.add_column(f"T ({system.temperature_symbol})", justify="right")
    table.add_column("supercell", justify="right", no_wrap=True)
    table.add_column("atoms", justify="right")
    table.add_column("runs", justify="right", no_wrap=True)
    return table


def _names(row: Row | DiffusionRow) -> tuple[RenderableType, ...]:
    from rich.text import Text  # in names of studies and models brackets are no markup

    return Text(row.group.study), Text(row.group.model)


def _verdict(row: Row, notes: Sequence[str]) -> RenderableType:
    from rich.text import Text

    return Text(mark(row, notes))
