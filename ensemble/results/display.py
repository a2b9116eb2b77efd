"""Thermal conductivities for the terminal, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ensemble.plan.recipe import cells_text, number_text
from ensemble.reduction.intervals import Interval
from ensemble.units import UnitSystem, unit_system

if TYPE_CHECKING:
    from ensemble.results import Results
    from ensemble.results.table import Row

__all__ = ["as_json", "interval_text", "show"]


def show(results: Results) -> RenderableType:
    """κ of each group of runs; for the direct method, how its two heat fluxes agree; notes."""
    rows = results.rows
    system = unit_system(results.info.units)
    notes = list(dict.fromkeys(row.note for row in rows if row.note))
    parts: list[RenderableType] = [_conductivities(rows, system, notes)]
    if direct := [row for row in rows if row.swap_flux is not None]:
        parts.append(_fluxes(direct, system))
    parts += [Text(f"[{number}] {note}") for number, note in enumerate(notes, 1)]
    return Group(*parts)


def as_json(results: Results) -> list[dict[str, Any]]:
    """The rows of `Results.table`, in JSON's types: what is not known is None."""
    return [
        {name: None if _unknown(value) else value for name, value in row.as_dict().items()}
        for row in results.rows
    ]


def _unknown(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _conductivities(rows: Sequence[Row], system: UnitSystem, notes: Sequence[str]) -> Table:
    table = _table("Thermal conductivity, 95 % intervals", system)
    table.add_column("atoms", justify="right")
    table.add_column("runs", justify="right", no_wrap=True)
    table.add_column(f"κ ({system.conductivity_symbol})", justify="right", no_wrap=True)
    if notes:
        table.add_column("note")
    for row in rows:
        mark = [_mark(notes.index(row.note) + 1)] if row.note else []
        runs = f"{row.runs} of {row.runs_asked}"
        table.add_row(*_point(row), f"{row.atoms:,}", runs, interval_text(row.kappa), *mark)
    return table


def _fluxes(rows: Sequence[Row], system: UnitSystem) -> Table:
    unit = rows[0].flux_units
    table = _table(f"Heat flux of the direct method ({unit}), 95 % intervals", system)
    for heading in ("swap power / 2A", "in the slabs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        fluxes = (row.swap_flux, row.slab_flux)
        shown = ("" if flux is None else interval_text(flux) for flux in fluxes)
        table.add_row(*_point(row), *shown)
    return table


def _table(title: str, system: UnitSystem) -> Table:
    """With columns for what names a group of runs."""
    table = Table(title=title, title_justify="left")
    table.add_column("study", overflow="fold")
    table.add_column("model", overflow="fold")
    table.add_column(f"T ({system.temperature_symbol})", justify="right")
    table.add_column("supercell", justify="right", no_wrap=True)
    return table


def _point(row: Row) -> tuple[Text, Text, str, str]:
    return Text(row.study), Text(row.model), number_text(row.temperature), cells_text(row.supercell)


def _mark(number: int) -> Text:
    return Text(f"[{number}]")


def interval_text(interval: Interval) -> str:
    """A mean and its half-width to two digits of the latter: ``0.438 ± 0.021``.

    A half-width that is not known is a ``?``, a mean that is not there a dash.
    """
    mean, half_width = interval.mean, interval.half_width
    if math.isnan(mean):
        return "–"
    if not math.isfinite(half_width) or half_width == 0:
        return f"{mean:.3g}" + (" ± ?" if half_width else "")
    largest = max(abs(mean), half_width)
    power = math.floor(math.log10(largest))
    if -4 < power < 6:
        digits = max(1 - math.floor(math.log10(half_width)), 0)
        return f"{mean:.{digits}f} ± {half_width:.{digits}f}"
    scale = 10.0**power
    scaled = Interval(mean=mean / scale, half_width=half_width / scale, samples=interval.samples)
    return f"({interval_text(scaled)})e{power}"
