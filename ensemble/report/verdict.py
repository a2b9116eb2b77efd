"""The verdict: which κ to trust, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ensemble.report.content import Part, Section, Source, Table, section
from ensemble.report.style import unit
from ensemble.results.advice import advice
from ensemble.results.lines import by_method, direct_cells, equilibrium_lines, mark, notes_of
from ensemble.results.table import Row

__all__ = ["verdict"]


def verdict(source: Source) -> Section:
    """Sentences first, then κ of every group of runs."""
    rows = source.tables.kappa
    words = advice(rows, source.tables.components) or [
        "There is nothing to judge: no group of runs was chosen."
    ]
    return section("verdict", "Which κ to trust", words, _tables(source, rows))


def _tables(source: Source, rows: Sequence[Row]) -> Iterator[Part]:
    equilibrium, direct = by_method(rows)
    if equilibrium:
        yield _equilibrium(source, equilibrium, direct)
    if direct:
        yield _direct(source, direct)


def _equilibrium(source: Source, rows: Sequence[Row], direct: Sequence[Row]) -> Table:
    symbol = unit(source.system.conductivity_symbol)
    return _table(
        source,
        f"Thermal conductivity by Green–Kubo and the direct method beside it, {symbol}, 95 % "
        "intervals",
        ("raw", "corrected", "direct", "γ²"),
        equilibrium_lines(rows, direct),
        notes_of(rows),
    )


def _direct(source: Source, rows: Sequence[Row]) -> Table:
    system = source.system
    flux = unit(f"{system.energy_symbol}/{system.length_symbol}^2/{system.time_symbol}")
    return _table(
        source,
        f"Direct method, κ in {unit(system.conductivity_symbol)}, fluxes in {flux}, 95 % intervals",
        (f"L ({unit(system.length_symbol)})", "κ", "swap power / 2A", "in the slabs"),
        ((row, direct_cells(row)) for row in rows),
        notes_of(rows),
    )


def _table(
    source: Source,
    caption: str,
    headings: Sequence[str],
    lines: Iterable[tuple[Row, tuple[str, ...]]],
    notes: tuple[str, ...],
) -> Table:
    """With headings for what names a group of runs before those that are given."""
    degrees = unit(source.system.temperature_symbol)
    return Table(
        caption=caption,
        headings=(
            *("study", "model", "verdict", f"T ({degrees})", "supercell", "atoms", "runs"),
            *(f"⟨T⟩ ({degrees})", *headings),
        ),
        rows=tuple(
            (row.group.study, row.group.model, mark(row, notes), *cells) for row, cells in lines
        ),
        texts=3,
        notes=notes,
    )
