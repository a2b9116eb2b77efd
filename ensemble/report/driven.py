"""The direct method: κ against length, by model, and the temperature along the cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ensemble.plan.recipe import number_text
from ensemble.reduction.intervals import Interval
from ensemble.report.conductivity import direct_by_model
from ensemble.report.content import Case, Part, Section, Source, Table, attempt, section
from ensemble.report.marks import (
    draw_experiments,
    keys,
    model_key,
    of_experiments,
    point,
    untrusted,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import axis_label, figure, styled, unit
from ensemble.results.advice import interval_text
from ensemble.results.lengths import extrapolations
from ensemble.results.table import Row

__all__ = ["direct", "profiles"]

INVERSE = {"W/m/K": "m K W⁻¹", "kB/sigma/tau": "σ τ kB⁻¹"}
"""Units of 1/κ."""


def direct(source: Source) -> Section:
    """κ against length, and by model."""
    rows = source.rows("nemd", "direct")
    parts: list[Part] = [*_lengths(source), *direct_by_model(source)]
    if not rows:
        parts = ["κ against length and κ of the direct method are left out: the campaign has none."]
    elif not any(isinstance(part, Picture) for part in parts):
        parts.append("κ by the direct method is left out: there is no value yet.")
    if lines := list(extrapolations(rows)):
        parts.append(_infinite(lines))
    return section(
        "direct",
        "Direct method",
        ["Exchanged energy over the temperature gradient (Müller-Plathe)."] if rows else [],
        parts,
    )


def _lengths(source: Source) -> Iterator[Part]:
    """κ against length for each study and temperature."""
    rows = source.rows("nemd", "direct")
    for study, temperature in dict.fromkeys(
        (row.group.study, row.group.temperature) for row in rows
    ):
        mine = [
            row
            for row in rows
            if (row.group.study, row.group.temperature) == (study, temperature)
            and math.isfinite(row.found.kappa.mean)
        ]
        asked = len(source.results.info.studies[study].axes.supercells)
        degrees = f"{number_text(temperature)} {source.system.temperature_symbol}"
        if len({row.group.supercell for row in mine}) > 1:
            yield _against_length(source, mine)
        elif asked == 1:
            yield f"κ against length of {study} at {degrees} is left out: there is one length."
        else:
            yield (
                f"κ against length of {study} at {degrees} is left out: there is no κ yet of "
                "two lengths."
            )


def _against_length(source: Source, rows: Sequence[Row]) -> Picture:
    group, system = rows[0].group, source.system
    conductivity, length = system.conductivity_symbol, system.length_symbol
    models = list(dict.fromkeys(row.group.model for row in rows))
    lines = {one["model"]: one for one in extrapolations(rows) if one["order"] == 1}
    with styled():
        found = figure(height=4.8, entries=len(models))
        above, below = found.subplots(2)
        measured = source.experiments(group.material, group.temperature)
        handles = draw_experiments(above, measured)
        for model in models:
            look = source.looks[model]
            for row in (row for row in rows if row.group.model == model):
                distance = row.found.length or math.nan
                point(above, distance, row.found.kappa, look, "left")
                if row.found.kappa.mean > 0:
                    point(below, 1 / distance, _inverse(row.found.kappa), look, "left")
            if "kappa" in lines.get(model, {}):
                infinite = lines[model]
                x = np.linspace(0, 1 / infinite["shortest"], 50)
                y = (1 + infinite["mean_free_path"] * x) / infinite["kappa"]
                below.plot(x, y, color=look.colour, linestyle=look.line, linewidth=0.9)
                above.plot(1 / x[5:], 1 / y[5:], color=look.colour, linestyle=look.line, lw=0.9)
                point(below, 0, _inverse(_of_line(infinite)), look)
        below.locator_params(axis="x", nbins=5)
        below.set_xlim(left=-0.03 * below.get_xlim()[1])
        above.set_xlabel(axis_label("L", length))
        above.set_ylabel(axis_label("κ", conductivity))
        below.set_xlabel(axis_label("1/L", f"{unit(length)}⁻¹"))
        below.set_ylabel(axis_label("1/κ", INVERSE[conductivity]))
        names = [model_key(model, source.looks[model], "left") for model in models]
        keys(above, [*names, *handles], columns=3)
    texts = {
        model: f"{interval_text(_of_line(infinite))} for infinite length"
        for model, infinite in lines.items()
        if "kappa" in infinite
    } or {
        f"{row.group.model}, L = {row.found.length:.4g} {unit(length)}": interval_text(
            row.found.kappa
        )
        for row in rows
    }
    where = f"{group.material} at {number_text(group.temperature)} {system.temperature_symbol}"
    return Picture(
        name=slug("length", group.study, f"T{number_text(group.temperature)}"),
        caption=f"{where} ({group.study}): κ of the direct method against the distance L of the "
        "exchange layers, half the cell, and 1/κ against 1/L with straight lines to infinite "
        f"length (full markers at 1/L = 0); 95 % intervals.{of_experiments(measured, system)}"
        f"{untrusted(rows)}",
        alt=f"κ of the direct method against length in {conductivity}, {where}: {in_words(texts)}.",
        figure=found,
    )


def _of_line(infinite: dict[str, Any]) -> Interval:
    """κ∞ with its interval, which is not symmetric."""
    low, high = infinite["kappa_low"], infinite["kappa_high"]
    return Interval(
        mean=infinite["kappa"],
        half_width=(high - low) / 2,
        samples=infinite["lengths"],
        offset=(high + low) / 2 - infinite["kappa"] if math.isfinite(high) else 0.0,
    )


def _inverse(kappa: Interval) -> Interval:
    """1/κ, its ends those of κ; without an end where κ may be zero."""
    if not (kappa.low > 0 and math.isfinite(kappa.high)):
        return Interval(mean=1 / kappa.mean, half_width=math.inf, samples=kappa.samples)
    low, high = 1 / kappa.high, 1 / kappa.low
    mean = 1 / kappa.mean
    middle = (low + high) / 2
    return replace(kappa, mean=mean, half_width=(high - low) / 2, offset=middle - mean)


def _infinite(lines: Sequence[dict[str, Any]]) -> Table:
    headings = ("study", "model", "verdict", "T", "lengths", "order in 1/L", "κ∞", "p")
    return Table(
        caption=f"κ of the direct method for infinite length, {unit(lines[0]['units'])}",
        headings=headings,
        rows=tuple(
            (
                line["study"],
                line["model"],
                line["verdict"],
                number_text(line["temperature"]),
                str(line["lengths"]),
                str(line["order"]),
                interval_text(_of_line(line)) if "kappa" in line else "–",
                f"{line['p_value']:.2g}" if math.isfinite(line.get("p_value", math.nan)) else "–",
            )
            for line in lines
        ),
        texts=3,
    )


def profiles(source: Source) -> Section:
    """The temperature along the cell, of the longest cell of each study."""
    cases: dict[tuple[str, float], Case] = {}
    for case in source.cases("nemd"):
        if source.of_case(case, "direct"):
            longest = cases.get((case.study, case.temperature))
            if longest is None or math.prod(case.supercell) > math.prod(longest.supercell):
                cases[case.study, case.temperature] = case
    parts = [
        part
        for case in cases.values()
        for part in attempt(f"The profile of {case}", _profile, source, case)
    ]
    missing = (
        "there is no value yet." if source.cases("nemd") else "the campaign has no direct method."
    )
    return section(
        "profiles",
        "Temperature profiles",
        [],
        parts or [f"Temperature profiles are left out: {missing}"],
    )


def _profile(source: Source, case: Case) -> Iterator[Part]:
    curves = source.results.curves(case.study, **case.labels).isel(temperature=0, supercell=0)
    models = [model for model in case.models if np.isfinite(curves.position.sel(model=model)).all()]
    degrees, length = case.system.temperature_symbol, case.system.length_symbol
    spans = {}
    with styled():
        found = figure(height=2.9, entries=len(models))
        axes = found.subplots()
        for model in models:
            one, look = curves.sel(model=model), source.looks[model]
            x, y = one.position.values, one.temperature_profile.values
            fitted = one.fitted.values > 0
            axes.plot(x, y, color=look.colour, linestyle=look.line, linewidth=0.8, zorder=1)
            for chosen, face in ((fitted, look.colour), (~fitted, "white")):
                axes.plot(
                    x[chosen],
                    y[chosen],
                    look.marker,
                    color=look.edge,
                    markerfacecolor=face,
                    markersize=4,
                )
            spans[model] = f"{y.min():.4g} to {y.max():.4g}"
        axes.set_xlabel(axis_label("position", length))
        axes.set_ylabel(axis_label("T", degrees))
        keys(
            axes,
            [model_key(model, source.looks[model]) for model in models],
        )
    yield Picture(
        name=case.file("profile"),
        caption=f"{case}: temperature along the cell, mean over the steady blocks and the seeds; "
        "the gradient is taken from the layers with full markers.",
        alt=f"Temperature from the coldest to the hottest layer in {degrees}, {case}: "
        f"{in_words(spans)}.",
        figure=found,
    )
