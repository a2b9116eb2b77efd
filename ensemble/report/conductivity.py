"""Raw κ by model with its parts, and the κ to trust against temperature."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ensemble.campaign.schema import Experiment
from ensemble.plan.recipe import cells_text, number_text
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
from ensemble.report.style import INK, QUIET, Look, axis_label, figure, styled, unit
from ensemble.results.findings import Estimated
from ensemble.results.lengths import by_direct
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["PARTS", "conductivities", "draw_parts"]

PARTS = {"conductive": "+", "convective": "x", "cross": "1"}
"""Of the raw κ, with markers that no model has."""

WORTH: tuple[Estimated, ...] = ("direct", "raw", "corrected")
"""Of κ against temperature, where several are trusted or none is: the last one is drawn."""


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
    parts += _by_temperature(source)
    words = (
        "Raw Green–Kubo κ of every model and its parts. How it splits into what atoms carry "
        "(convective) and what they do to one another (conductive) is each model's own affair."
    )
    return section("kappa", "Conductivity by model", [words], parts)


def _with_parts(source: Source, case: Case, rows: Mapping[str, Row]) -> Picture:
    symbol = case.system.conductivity_symbol
    measured = source.experiments(case.material, case.temperature)
    texts = {
        model: ", ".join(
            [
                f"raw {interval_text(row.found.kappa)}",
                *(
                    f"{name} {interval_text(part)}"
                    for name in PARTS
                    if (part := getattr(row.found, name)) is not None
                ),
            ]
        )
        for model, row in rows.items()
    }
    return Picture(
        name=case.file("kappa"),
        caption=f"{case}: raw Green–Kubo κ by model and its conductive, convective and cross "
        f"parts, which add up to it; 95 % intervals.{of_experiments(measured, case.system)}"
        f"{untrusted(rows.values())}",
        alt=f"κ by model in {symbol}, {case}: {in_words(texts)}.",
        figure=_drawn_with_parts(source, case, rows, measured),
    )


def _drawn_with_parts(
    source: Source, case: Case, rows: Mapping[str, Row], measured: Sequence[Experiment]
) -> Figure:
    with styled():
        found, axes = by_model(list(rows))
        handles = draw_experiments(axes, measured)
        axes.axhline(0, color=QUIET, linewidth=0.6)
        for x, (model, row) in enumerate(rows.items()):
            point(axes, x - 0.24, row.found.kappa, source.looks[model])
            draw_parts(axes, x, vars(row.found), source.looks[model])
        axes.set_ylabel(axis_label("κ", case.system.conductivity_symbol))
        names = [key(name, marker) for name, marker in PARTS.items()]
        keys(axes, [key("κ, raw", "o"), *names, *handles])
    return found


def draw_parts(axes: Axes, x: float, found: Mapping[str, Any], look: Look) -> None:
    """Those of `PARTS` that there are, as intervals side by side."""
    for shift, (name, marker) in zip((0.0, 0.18, 0.36), PARTS.items(), strict=True):
        part = found.get(name)
        if part is not None:
            axes.errorbar(
                x + shift,
                part.mean,
                yerr=whiskers(part),
                color=look.edge,
                marker=marker,
                linestyle="none",
                elinewidth=0.7,
            )


def _by_temperature(source: Source) -> Iterator[Part]:
    """κ to trust against temperature, for each material that has several temperatures."""
    found: dict[str, dict[tuple[str, float], list[Row]]] = {}
    direct = by_direct(source.rows("nemd", "direct"))
    for row in (*direct, *source.rows("emd", "raw"), *source.rows("emd", "corrected")):
        if math.isfinite(row.found.kappa.mean):
            places = found.setdefault(row.group.material, {})
            places.setdefault((row.group.model, row.group.temperature), []).append(row)
    for material, places in found.items():
        if len({temperature for _, temperature in places}) > 1:
            yield _against_temperature(source, material, list(places.values()))


def _worth(row: Row) -> tuple[bool, int, int]:
    """By which the one of several κ is chosen that is drawn; of equals it is the first."""
    return row.trusted, WORTH.index(row.found.estimate), row.group.atoms


def _against_temperature(source: Source, material: str, alike: Sequence[Sequence[Row]]) -> Picture:
    system, measured = source.system, source.experiments(material)
    rows = [max(some, key=_worth) for some in alike]
    several = len({_cell(row) for some in alike for row in some}) > 1
    cells = f"; cells: {', '.join(dict.fromkeys(map(_cell, rows)))}" if several else ""
    degrees = unit(system.temperature_symbol)
    texts = {
        f"{row.group.model} at {number_text(row.group.temperature)} {degrees}"
        f"{f', {_cell(row)}' if several else ''}": interval_text(row.found.kappa)
        for row in rows
    }
    return Picture(
        name=slug("temperature", material),
        caption=f"{material}: κ against temperature, of what is to be trusted, if anything is, "
        "with Onsager's correction (open) where there is one, else as Green–Kubo gives it "
        "(filled), else by the direct method (half filled), in the largest cell; points of one "
        f"temperature lie side by side{cells}.{of_experiments(measured, system)}{untrusted(rows)}",
        alt=f"κ of {material} in {system.conductivity_symbol}: {in_words(texts)}.",
        figure=_drawn_against_temperature(source, rows, measured),
    )


def _cell(row: Row) -> str:
    """The supercell that a κ is of."""
    if math.isinf(row.found.length or 0.0):
        return "infinite length"
    return cells_text(row.group.supercell)


def _drawn_against_temperature(
    source: Source, rows: Sequence[Row], measured: Sequence[Experiment]
) -> Figure:
    models = list(dict.fromkeys(row.group.model for row in rows))
    shifts = side_by_side((row.group.temperature for row in rows), len(models))
    with styled():
        found = figure(height=2.8, entries=len(models))
        axes = found.subplots()
        for row in rows:
            x = row.group.temperature + shifts[models.index(row.group.model)]
            look = source.looks[row.group.model]
            point(axes, x, row.found.kappa, look, FILLS[row.found.estimate])
        for one in measured:
            axes.errorbar(
                one.temperature, one.kappa, yerr=one.error, color=INK, marker="*", markersize=8
            )
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_xlabel(axis_label("temperature", source.system.temperature_symbol))
        axes.set_ylabel(axis_label("κ", source.system.conductivity_symbol))
        handles = [model_key(model, source.looks[model], "none") for model in models]
        keys(axes, [*handles, *([key("experiment", "*")] if measured else [])])
    return found
