"""The direct method: κ against length, by model, and the temperature along the cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray
from matplotlib.figure import Figure

from ensemble.campaign.schema import Experiment
from ensemble.plan.recipe import number_text
from ensemble.report.content import Case, Part, Section, Source, attempt, section
from ensemble.report.lengths import infinite_lengths, lengths
from ensemble.report.marks import (
    FILLS,
    by_model,
    draw_experiments,
    key,
    keys,
    model_key,
    of_experiments,
    point,
    untrusted,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import axis_label, figure, styled, unit
from ensemble.results.lengths import by_direct
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["direct", "profiles"]


def direct(source: Source) -> Section:
    """κ against length, and by model."""
    title = "Direct method"
    if not source.rows("nemd", "direct"):
        absent = "κ against length and κ of the direct method are left out: the campaign has none."
        return section("direct", title, [], [absent])
    parts: list[Part] = [*lengths(source), *_by_model(source)]
    if not any(isinstance(part, Picture) for part in parts):
        parts.append("κ by the direct method is left out: there is no value yet.")
    words = "Exchanged energy over the temperature gradient (Müller-Plathe)."
    return section("direct", title, [words], [*parts, *infinite_lengths(source)])


def _by_model(source: Source) -> Iterator[Part]:
    """κ for infinite length where there is one, else of the longest cell."""
    conditions: dict[tuple[str, float], dict[str, Row]] = {}
    for row in by_direct(source.rows("nemd", "direct")):
        if math.isfinite(row.found.kappa.mean):
            group = row.group
            conditions.setdefault((group.material, group.temperature), {})[group.model] = row
    for (material, temperature), rows in conditions.items():
        measured, system = source.experiments(material, temperature), source.system
        where = f"{material} at {number_text(temperature)} {unit(system.temperature_symbol)}"
        cells = {model: _cell(row) for model, row in rows.items()}
        texts = {m: f"{interval_text(row.found.kappa)} {cells[m]}" for m, row in rows.items()}
        yield Picture(
            name=slug("direct", material, f"T{number_text(temperature)}"),
            caption=f"{where}: κ by the direct method, {'; '.join(dict.fromkeys(cells.values()))}; "
            f"95 % intervals.{of_experiments(measured, system)}{untrusted(rows.values())}",
            alt=f"κ by the direct method in {system.conductivity_symbol}, {where}: "
            f"{in_words(texts)}.",
            figure=_drawn_by_model(source, rows, measured),
        )


def _cell(row: Row) -> str:
    length = row.found.length or math.nan
    if math.isinf(length):
        return "for infinite length"
    return f"with {length:.4g} {unit(row.system.length_symbol)} of crystal"


def _drawn_by_model(
    source: Source, rows: Mapping[str, Row], measured: Sequence[Experiment]
) -> Figure:
    with styled():
        found, axes = by_model(list(rows))
        handles = draw_experiments(axes, measured)
        for x, (model, row) in enumerate(rows.items()):
            point(axes, x, row.found.kappa, source.looks[model], FILLS["direct"])
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(axis_label("κ", source.system.conductivity_symbol))
        keys(axes, [key("direct method", "o", FILLS["direct"]), *handles])
    return found


def profiles(source: Source) -> Section:
    """The temperature along the cell, of the longest cell of each study."""
    longest: dict[tuple[str, float], tuple[float, Case]] = {}
    for case in source.cases("nemd"):
        if rows := source.of_case(case, "direct").values():
            key = case.study, case.temperature
            length = max(row.found.length or 0.0 for row in rows)
            if key not in longest or length > longest[key][0]:
                longest[key] = length, case
    parts = [
        part
        for _, case in longest.values()
        for part in attempt(f"The profile of {case}", _profile, source, case)
    ]
    why = "there is no value yet" if source.cases("nemd") else "the campaign has no direct method"
    absent = f"Temperature profiles are left out: {why}."
    return section("profiles", "Temperature profiles", [], parts or [absent])


def _profile(source: Source, case: Case) -> Iterator[Part]:
    curves = source.results.curves(case.study, **case.labels).isel(temperature=0, supercell=0)
    done = {
        model: curves.sel(model=model)
        for model in case.models
        if np.isfinite(curves.position.sel(model=model)).all()
    }
    spans = {
        model: f"{float(one.temperature_profile.min()):.4g} to "
        f"{float(one.temperature_profile.max()):.4g}"
        for model, one in done.items()
    }
    yield Picture(
        name=case.file("profile"),
        caption=f"{case}: temperature along the cell, mean over the steady blocks and the seeds; "
        "the gradient is taken from the layers with full markers.",
        alt=f"Temperature from the coldest to the hottest layer in "
        f"{unit(case.system.temperature_symbol)}, {case}: {in_words(spans)}.",
        figure=_drawn_profile(source, case, done),
    )


def _drawn_profile(source: Source, case: Case, curves: Mapping[str, xarray.Dataset]) -> Figure:
    with styled():
        found = figure(height=2.9, entries=len(curves))
        axes = found.subplots()
        for model, one in curves.items():
            look = source.looks[model]
            x, y = one.position.values, one.temperature_profile.values
            fitted = one.fitted.values > 0
            axes.plot(x, y, color=look.colour, linestyle=look.line, linewidth=0.8, zorder=1)
            for some, face in ((fitted, look.colour), (~fitted, "white")):
                axes.plot(x[some], y[some], look.marker, color=look.edge, mfc=face, markersize=4)
        axes.set_xlabel(axis_label("position", case.system.length_symbol))
        axes.set_ylabel(axis_label("T", case.system.temperature_symbol))
        keys(axes, [model_key(model, source.looks[model]) for model in curves])
    return found
