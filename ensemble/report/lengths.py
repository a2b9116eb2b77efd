"""κ of the direct method against length, and for infinite length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ensemble.campaign.schema import Experiment
from ensemble.plan.recipe import number_text
from ensemble.reduction.intervals import Interval
from ensemble.report.content import Part, Source, Table
from ensemble.report.marks import (
    draw_experiments,
    keys,
    model_key,
    of_experiments,
    point,
    untrusted,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import Look, axis_label, figure, styled, unit
from ensemble.results.lengths import extrapolations, kappa_of
from ensemble.results.lines import infinite_cells
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["infinite_lengths", "inverse", "lengths"]

INVERSE = {"W/m/K": "m K W⁻¹", "kB/sigma/tau": "σ τ kB⁻¹"}
"""Units of 1/κ."""

Line = Mapping[str, Any]
"""Of `ensemble.results.lengths.extrapolations`."""


def lengths(source: Source) -> Iterator[Part]:
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
        if len({row.group.supercell for row in mine}) > 1:
            yield _against_length(source, mine)
            continue
        one = len(source.results.info.studies[study].axes.supercells) == 1
        why = "there is one length" if one else "there is no κ of two lengths yet"
        degrees = f"{number_text(temperature)} {unit(source.system.temperature_symbol)}"
        yield f"κ against length of {study} at {degrees} is left out: {why}."


def _against_length(source: Source, rows: Sequence[Row]) -> Picture:
    group, system = rows[0].group, source.system
    symbol, length = system.conductivity_symbol, unit(system.length_symbol)
    fits = {
        line["model"]: line
        for line in extrapolations(rows)
        if line["order"] == 1 and kappa_of(line) is not None
    }
    measured = source.experiments(group.material, group.temperature)
    texts = {
        model: f"{interval_text(kappa)} for infinite length"
        for model, line in fits.items()
        if (kappa := kappa_of(line)) is not None
    } or {
        f"{row.group.model}, L = {row.found.length:.4g} {length}": interval_text(row.found.kappa)
        for row in rows
    }
    degrees = f"{number_text(group.temperature)} {unit(system.temperature_symbol)}"
    where = f"{group.material} at {degrees}"
    return Picture(
        name=slug("length", group.study, f"T{number_text(group.temperature)}"),
        caption=f"{where} ({group.study}): κ of the direct method against the distance L of the "
        "exchange layers, half the cell, and 1/κ against 1/L with straight lines to infinite "
        f"length (full markers at 1/L = 0); 95 % intervals.{of_experiments(measured, system)}"
        f"{untrusted(rows)}",
        alt=f"κ of the direct method against length in {symbol}, {where}: {in_words(texts)}.",
        figure=_drawn(source, rows, fits, measured),
    )


def _drawn(
    source: Source, rows: Sequence[Row], fits: Mapping[str, Line], measured: Sequence[Experiment]
) -> Figure:
    system = source.system
    models = list(dict.fromkeys(row.group.model for row in rows))
    with styled():
        found = figure(height=4.8, entries=len(models))
        above, below = found.subplots(2)
        handles = draw_experiments(above, measured)
        for row in rows:
            length, kappa, look = row.found.length, row.found.kappa, source.looks[row.group.model]
            assert length is not None
            point(above, length, kappa, look, "left")
            if kappa.mean > 0:
                point(below, 1 / length, inverse(kappa), look, "left")
        for model, fit in fits.items():
            _draw_fit(above, below, fit, source.looks[model])
        below.locator_params(axis="x", nbins=5)
        below.set_xlim(left=-0.03 * below.get_xlim()[1])
        above.set_xlabel(axis_label("L", system.length_symbol))
        above.set_ylabel(axis_label("κ", system.conductivity_symbol))
        below.set_xlabel(axis_label("1/L", f"{unit(system.length_symbol)}⁻¹"))
        below.set_ylabel(axis_label("1/κ", INVERSE[system.conductivity_symbol]))
        keys(
            above, [*(model_key(model, source.looks[model], "left") for model in models), *handles]
        )
    return found


def _draw_fit(above: Axes, below: Axes, fit: Line, look: Look) -> None:
    """1/κ = (1 + λ/L) / κ∞, and κ∞ at its end."""
    x = np.linspace(0, 1 / fit["shortest"], 50)
    y = (1 + fit["mean_free_path"] * x) / fit["kappa"]
    below.plot(x, y, color=look.colour, linestyle=look.line, linewidth=0.9)
    above.plot(1 / x[5:], 1 / y[5:], color=look.colour, linestyle=look.line, linewidth=0.9)
    low, high = fit["kappa_low"], fit["kappa_high"]
    if fit["kappa"] > 0:
        ends = Interval(mean=fit["kappa"], half_width=(high - low) / 2, samples=fit["lengths"])
        offset = (high + low) / 2 - ends.mean if math.isfinite(high) else 0.0
        point(below, 0, inverse(replace(ends, offset=offset)), look)


def inverse(kappa: Interval) -> Interval:
    """1/κ, its ends those of κ; without an end where κ may be zero."""
    if not (kappa.low > 0 and math.isfinite(kappa.high)):
        return Interval(mean=1 / kappa.mean, half_width=math.inf, samples=kappa.samples)
    low, high = 1 / kappa.high, 1 / kappa.low
    mean = 1 / kappa.mean
    return replace(kappa, mean=mean, half_width=(high - low) / 2, offset=(high + low) / 2 - mean)


def infinite_lengths(source: Source) -> Iterator[Part]:
    """A table of all that was extrapolated."""
    lines = list(extrapolations(source.rows("nemd", "direct")))
    if not lines:
        return
    degrees = unit(source.system.temperature_symbol)
    yield Table(
        caption=f"κ of the direct method for infinite length, {unit(lines[0]['units'])}, 95 % "
        "intervals",
        headings=(
            *("study", "model", "verdict", f"T ({degrees})", "lengths", "order in 1/L", "κ∞", "p"),
        ),
        rows=tuple(
            (line["study"], line["model"], line["verdict"], *infinite_cells(line)) for line in lines
        ),
        texts=3,
    )
