"""The verdict: which κ to trust, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ensemble.plan.recipe import cells_text, number_text
from ensemble.report.content import Part, Section, Source, Table, section
from ensemble.report.style import unit
from ensemble.results.advice import advice, interval_text
from ensemble.results.lengths import by_direct
from ensemble.results.table import Row

__all__ = ["verdict"]


def verdict(source: Source) -> Section:
    """Sentences first, then κ of every group of runs."""
    rows = source.tables.kappa
    words = advice(rows) or ["There is nothing to judge: no group of runs was chosen."]
    return section("verdict", "Which κ to trust", words, _tables(source, rows))


def _tables(source: Source, rows: Sequence[Row]) -> Iterator[Part]:
    equilibrium = [row for row in rows if row.group.method != "nemd"]
    direct = [row for row in rows if row.group.method == "nemd"]
    if equilibrium:
        yield _equilibrium(source, equilibrium, direct)
    if direct:
        yield _direct(source, direct)


def _equilibrium(source: Source, rows: Sequence[Row], direct: Sequence[Row]) -> Table:
    beside = {_conditions(row): row for row in by_direct(direct)}
    notes = _notes(rows)
    groups: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        groups.setdefault((row.group.study, row.group.name), {})[row.found.estimate] = row
    lines = []
    for estimates in groups.values():
        raw, corrected = estimates["raw"], estimates.get("corrected")
        best, gamma = corrected or raw, (corrected or raw).found.gamma_squared
        own = None if raw.group.method == "rerun" else beside.get(_conditions(raw))
        lines.append(
            (
                *_point(raw),
                _mark(best, notes),
                *_labels(best),
                _kappa(raw),
                _kappa(corrected),
                _kappa(own),
                "–" if gamma is None else interval_text(gamma),
            )
        )
    system = source.system
    degrees = unit(system.temperature_symbol)
    return Table(
        caption="Thermal conductivity by Green–Kubo and the direct method beside it, "
        f"{unit(system.conductivity_symbol)}, 95 % intervals",
        headings=(
            *("study", "model", "verdict", f"T ({degrees})", "supercell", "atoms", "runs"),
            *(f"⟨T⟩ ({degrees})", "raw", "corrected", "direct", "γ²"),
        ),
        rows=tuple(lines),
        texts=3,
        notes=notes,
    )


def _direct(source: Source, rows: Sequence[Row]) -> Table:
    system, notes = source.system, _notes(rows)
    degrees, length = unit(system.temperature_symbol), unit(system.length_symbol)
    flux = unit(f"{system.energy_symbol}/{system.length_symbol}^2/{system.time_symbol}")
    lines = [
        (
            *_point(row),
            _mark(row, notes),
            *_labels(row),
            "–" if row.found.length is None else f"{row.found.length:.1f}",
            _kappa(row),
            *(
                "–" if j is None else interval_text(j)
                for j in (row.found.swap_flux, row.found.slab_flux)
            ),
        )
        for row in rows
    ]
    return Table(
        caption=f"Direct method, κ in {unit(system.conductivity_symbol)}, fluxes in {flux}, 95 % "
        "intervals",
        headings=(
            *("study", "model", "verdict", f"T ({degrees})", "supercell", "atoms", "runs"),
            *(f"⟨T⟩ ({degrees})", f"L ({length})", "κ", "swap power / 2A", "in the slabs"),
        ),
        rows=tuple(lines),
        texts=3,
        notes=notes,
    )


def _point(row: Row) -> tuple[str, str]:
    return row.group.study, row.group.model


def _labels(row: Row) -> tuple[str, ...]:
    group, sampled = row.group, row.found.temperature
    return (
        number_text(group.temperature),
        cells_text(group.supercell),
        f"{group.atoms:,}",
        f"{len(group.done)} of {group.asked}",
        "–" if sampled is None else f"{sampled:.4g}",
    )


def _notes(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.verdict for row in rows if row.verdict != "converged"))


def _mark(row: Row, notes: Sequence[str]) -> str:
    if row.verdict == "converged":
        return "converged"
    mark = f"[{notes.index(row.verdict) + 1}]"
    return mark if row.trusted else f"no {mark}"


def _kappa(row: Row | None) -> str:
    return "–" if row is None else interval_text(row.found.kappa)


def _conditions(row: Row) -> tuple[str, str, float]:
    return row.group.material, row.group.model, row.group.temperature
