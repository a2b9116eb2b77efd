"""κ by model, with its parts, corrected, by the direct method; and against temperature."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ensemble.report.content import Case, Part, Section, Source, section
from ensemble.report.marks import (
    FILLS,
    by_model,
    draw_experiments,
    key,
    keys,
    model_key,
    of_experiments,
    point,
    side_by_side,
    untrusted,
    whiskers,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import INK, QUIET, axis_label, figure, styled, unit
from ensemble.results.advice import interval_text
from ensemble.results.lengths import by_direct
from ensemble.results.table import Row

__all__ = ["by_temperature", "conductivities", "corrections", "direct_by_model"]

PARTS = {"conductive": "+", "convective": "x", "cross": "1"}
"""Of the raw κ, with markers that no model has."""


def conductivities(source: Source) -> Section:
    """Raw Green–Kubo κ of each model and what it consists of, and κ against temperature."""
    parts: list[Part] = []
    for case in source.cases("emd"):
        rows = source.of_case(case, "raw")
        parts.append(
            _with_parts(source, case, rows) if rows else f"{case}: no κ by Green–Kubo to draw."
        )
    if not parts:
        parts.append("κ by model is left out: the campaign has no study in equilibrium.")
    parts += by_temperature(source)
    return section(
        "kappa",
        "Conductivity by model",
        [
            "Raw Green–Kubo κ of every model and its parts. How it splits into what atoms carry "
            "(convective) and what they do to one another (conductive) is each model's own affair."
        ],
        parts,
    )


def _with_parts(source: Source, case: Case, rows: Mapping[str, Row]) -> Picture:
    models, symbol = list(rows), case.system.conductivity_symbol
    with styled():
        found, axes = by_model(models)
        measured = source.experiments(case.material, case.temperature)
        handles = draw_experiments(axes, measured)
        axes.axhline(0, color=QUIET, linewidth=0.6)
        for x, (model, row) in enumerate(rows.items()):
            point(axes, x - 0.24, row.found.kappa, source.looks[model])
            for shift, (name, marker) in zip((0.0, 0.18, 0.36), PARTS.items(), strict=True):
                if (part := getattr(row.found, name)) is not None:
                    below, above = whiskers(part)
                    axes.errorbar(
                        x + shift,
                        part.mean,
                        yerr=None if math.isnan(below) else [[below], [above]],
                        color=source.looks[model].edge,
                        marker=marker,
                        linestyle="none",
                        elinewidth=0.7,
                    )
        axes.set_ylabel(axis_label("κ", symbol))
        names = [key(name, marker, colour=INK) for name, marker in PARTS.items()]
        keys(axes, [key("κ, raw", "o"), *names, *handles])
    texts = {
        model: f"raw {interval_text(row.found.kappa)}"
        + "".join(
            f", {name} {interval_text(part)}"
            for name in PARTS
            if (part := getattr(row.found, name)) is not None
        )
        for model, row in rows.items()
    }
    return Picture(
        name=case.file("kappa"),
        caption=f"{case}: raw Green–Kubo κ by model and its conductive, convective and cross "
        f"parts, which add up to it; 95 % intervals.{of_experiments(measured, case.system)}"
        f"{untrusted(rows.values())}",
        alt=f"κ by model in {symbol}, {case}: {in_words(texts)}.",
        figure=found,
    )


def corrections(source: Source, case: Case) -> Picture | None:
    """Raw κ beside the corrected one and the direct method; None where nothing is corrected."""
    raw, corrected = source.of_case(case, "raw"), source.of_case(case, "corrected")
    if not corrected:
        return None
    direct = {
        row.group.model: row
        for row in by_direct(source.rows("nemd", "direct"))
        if (row.group.material, row.group.temperature) == (case.material, case.temperature)
        and math.isfinite(row.found.kappa.mean)
        and row.group.model in raw
    }
    symbol = case.system.conductivity_symbol
    with styled():
        found, axes = by_model(list(raw))
        measured = source.experiments(case.material, case.temperature)
        handles = [key("raw", "o"), key("corrected", "o", "none")]
        handles += [key("direct method", "o", "left")] if direct else []
        handles += draw_experiments(axes, measured)
        for x, model in enumerate(raw):
            look = source.looks[model]
            point(axes, x - 0.24, raw[model].found.kappa, look)
            if model in corrected:
                point(axes, x, corrected[model].found.kappa, look, "none")
            if model in direct:
                point(axes, x + 0.24, direct[model].found.kappa, look, "left")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(axis_label("κ", symbol))
        keys(axes, handles)
    texts = {
        model: "; ".join(
            f"{name} {interval_text(rows[model].found.kappa)}"
            for name, rows in (("raw", raw), ("corrected", corrected), ("direct", direct))
            if model in rows
        )
        for model in raw
    }
    return Picture(
        name=case.file("onsager"),
        caption=f"{case}: κ as Green–Kubo gives it (filled), with Onsager's correction (open)"
        f"{', and by the direct method (half filled)' if direct else ''}; 95 % intervals."
        f"{of_experiments(measured, case.system)}{untrusted(corrected.values())}",
        alt=f"κ in {symbol}, {case}: {in_words(texts)}.",
        figure=found,
    )


def direct_by_model(source: Source) -> Iterator[Part]:
    """κ of the direct method, that for infinite length where there is one."""
    rows = [
        row
        for row in by_direct(source.rows("nemd", "direct"))
        if math.isfinite(row.found.kappa.mean)
    ]
    conditions = dict.fromkeys((row.group.material, row.group.temperature) for row in rows)
    for condition in conditions:
        yield _direct(
            source,
            [row for row in rows if (row.group.material, row.group.temperature) == condition],
        )


def _direct(source: Source, rows: Sequence[Row]) -> Picture:
    group, system = rows[0].group, source.system
    symbol = system.conductivity_symbol
    with styled():
        found, axes = by_model([row.group.model for row in rows])
        measured = source.experiments(group.material, group.temperature)
        handles = draw_experiments(axes, measured)
        for x, row in enumerate(rows):
            point(axes, x, row.found.kappa, source.looks[row.group.model], "left")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(axis_label("κ", symbol))
        keys(axes, [key("direct method", "o", "left"), *handles])
    texts = {row.group.model: f"{interval_text(row.found.kappa)}{_at(row)}" for row in rows}
    where = f"{group.material} at {group.temperature:g} {system.temperature_symbol}"
    return Picture(
        name=slug("direct", group.material, f"T{group.temperature:g}"),
        caption=f"{where}: κ by the direct method, "
        f"{'; '.join(dict.fromkeys(_at(row).strip() for row in rows))}; 95 % intervals."
        f"{of_experiments(measured, system)}{untrusted(rows)}",
        alt=f"κ by the direct method in {symbol}, {where}: {in_words(texts)}.",
        figure=found,
    )


def _at(row: Row) -> str:
    length = row.found.length or math.nan
    if math.isinf(length):
        return " for infinite length"
    return f" with {length:.4g} {unit(row.system.length_symbol)} of crystal"


def by_temperature(source: Source) -> Iterator[Part]:
    """κ to trust against temperature, for each material that has several temperatures."""
    best = dict[tuple[str, str, float], Row]()
    direct = by_direct(source.rows("nemd", "direct"))
    for row in (*direct, *source.rows("emd", "raw"), *source.rows("emd", "corrected")):
        if math.isfinite(row.found.kappa.mean):
            best[row.group.material, row.group.model, row.group.temperature] = row
    for material in dict.fromkeys(of for of, _, _ in best):
        rows = [row for (of, _, _), row in best.items() if of == material]
        if len({row.group.temperature for row in rows}) > 1:
            yield _against_temperature(source, material, rows)


def _against_temperature(source: Source, material: str, rows: Sequence[Row]) -> Picture:
    system = source.system
    symbol, degrees = system.conductivity_symbol, system.temperature_symbol
    models = list(dict.fromkeys(row.group.model for row in rows))
    shifts = side_by_side((row.group.temperature for row in rows), len(models))
    with styled():
        found = figure(height=2.8, entries=len(models))
        axes = found.subplots()
        for model, shift in zip(models, shifts, strict=True):
            for row in rows:
                if row.group.model == model:
                    x, fill = row.group.temperature + shift, FILLS[row.found.estimate]
                    point(axes, x, row.found.kappa, source.looks[model], fill)
        measured = source.experiments(material)
        for one in measured:
            axes.errorbar(
                one.temperature, one.kappa, yerr=one.error, color=INK, marker="*", markersize=8
            )
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_xlabel(axis_label("temperature", degrees))
        axes.set_ylabel(axis_label("κ", symbol))
        handles = [model_key(model, source.looks[model], "none") for model in models]
        keys(axes, [*handles, *([key("experiment", "*")] if measured else [])])
    texts = {
        f"{row.group.model} at {row.group.temperature:g} {degrees}": interval_text(row.found.kappa)
        for row in rows
    }
    return Picture(
        name=slug("temperature", material),
        caption=f"{material}: κ against temperature, with Onsager's correction (open) where there "
        "is one, else as Green–Kubo gives it (filled), else by the direct method (half filled); "
        f"points of one temperature lie side by side.{of_experiments(measured, system)}"
        f"{untrusted(rows)}",
        alt=f"κ of {material} in {symbol}: {in_words(texts)}.",
        figure=found,
    )
