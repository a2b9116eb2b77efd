"""What figures are put together from: points with intervals, axes of models, experiments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ensemble.campaign.schema import Experiment
from ensemble.plan.recipe import number_text
from ensemble.reduction.intervals import Interval
from ensemble.report.style import COLUMN, INK, LEGEND_COLUMNS, QUIET, WIDE, Look, figure, short
from ensemble.results.findings import Estimated
from ensemble.results.table import Row
from ensemble.units import UnitSystem

__all__ = [
    "FILLS",
    "band",
    "by_model",
    "curve_key",
    "draw_experiments",
    "in_legend",
    "key",
    "keys",
    "line",
    "model_key",
    "name_models",
    "of_experiments",
    "point",
    "side_by_side",
    "untrusted",
    "whiskers",
]

Floats = NDArray[np.float64]

Fill = Literal["full", "left", "none"]

FILLS: dict[Estimated, Fill] = {"raw": "full", "corrected": "none", "direct": "left"}
"""Of the markers of each estimate of κ, in all figures."""

NEXT_TO = 0.15
"""Of the distance of two places: how far points spread that belong to one of them."""

DASHES: tuple[Any, ...] = ("--", ":", "-.")
"""Of values that were measured."""

MANY = 10
"""Models beyond which a figure is as wide as the page."""

LETTER, MARGINS = 4.8, 0.6
"""Of names below the axis: width of a letter in points, of what is beside the axis in inches."""

MOST_MARKED = 12
"""Points of a curve that have a marker each."""


def by_model(models: Sequence[str], *, height: float = 2.6) -> tuple[Figure, Axes]:
    """A figure with the models along x."""
    width = COLUMN if len(models) <= MANY else WIDE
    found = figure(width=width, height=height)
    axes = found.subplots()
    name_models(axes, models, width)
    return found, axes


def name_models(axes: Axes, models: Sequence[str], width: float) -> None:
    """Names of the models below an axis of so many inches, turned where they would touch."""
    names = [short(model) for model in models]
    room = 72 * (width - MARGINS) / len(names)
    turned = LETTER * max(map(len, names)) > room
    axes.set_xticks(range(len(models)), names, rotation=40 if turned else 0)
    if turned:
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.set_xlim(-0.6, len(models) - 0.4)
    axes.set_xlabel("model")
    axes.tick_params(axis="x", which="both", top=False, bottom=False)


def whiskers(interval: Interval) -> list[list[float]] | None:
    """Lengths of the error bar below and above a mean; None where they are not known."""
    below, above = interval.mean - interval.low, interval.high - interval.mean
    if not (math.isfinite(below) and math.isfinite(above)):
        return None
    return [[max(below, 0.0)], [max(above, 0.0)]]


def point(axes: Axes, x: float, interval: Interval, look: Look, fill: Fill = "full") -> None:
    """A mean with its interval, by the look of a model."""
    axes.errorbar(
        x,
        interval.mean,
        yerr=whiskers(interval),
        color=look.colour,
        ecolor=look.edge,
        marker=look.marker,
        fillstyle=fill,
        markeredgecolor=look.edge,
        markerfacecoloralt="white",
        linestyle="none",
        elinewidth=0.9,
    )


def line(axes: Axes, x: Floats, y: Floats, look: Look, name: str) -> None:
    """A curve by the look of a model, with some markers on it."""
    axes.plot(
        x,
        y,
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=3.5,
        markeredgecolor=look.edge,
        markeredgewidth=0.5,
        # Not all at the same places: curves that agree would hide one another.
        markevery=(len(axes.lines) * 0.02, 0.15) if len(x) > MOST_MARKED else None,
        label=in_legend(name),
    )


def band(axes: Axes, x: Floats, y: Floats, error: Floats, look: Look) -> None:
    """One standard error below and above a curve."""
    axes.fill_between(x, y - error, y + error, color=look.colour, alpha=0.15, linewidth=0)


def in_legend(name: str) -> str:
    """A name as a legend shows it: matplotlib leaves those out that begin with an underscore."""
    text = short(name)
    return f" {text}" if text.startswith("_") else text


def key(label: str, marker: str, fill: Fill = "full", colour: str = INK) -> Line2D:
    """An entry of a legend for what a marker is, whatever the model."""
    return Line2D(
        [],
        [],
        color=colour,
        marker=marker,
        fillstyle=fill,
        markerfacecoloralt="white",
        linestyle="none",
        label=label,
    )


def model_key(model: str, look: Look, fill: Fill = "full", suffix: str = "") -> Line2D:
    """An entry for the points of a model."""
    entry = key(f"{in_legend(model)}{suffix}", look.marker, fill, look.colour)
    entry.set_markeredgecolor(look.edge)
    return entry


def curve_key(model: str, look: Look) -> Line2D:
    """An entry for a curve of a model."""
    handle = model_key(model, look)
    handle.set_linestyle(look.line)
    return handle


def keys(axes: Axes, handles: Iterable[Any], columns: int | None = None) -> None:
    """A legend above the axes, where it hides nothing."""
    found = list(handles)
    axes.legend(
        handles=found,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns or min(len(found), LEGEND_COLUMNS),
        borderaxespad=0.2,
        columnspacing=1.2,
    )


def side_by_side(places: Iterable[float], count: int) -> list[float]:
    """Shifts along x for so many points at each place, so that they can be told apart."""
    ordered = sorted(set(places))
    gap = min((b - a for a, b in pairwise(ordered)), default=1.0)
    return [gap * NEXT_TO * (k - (count - 1) / 2) / max(count - 1, 1) for k in range(count)]


def draw_experiments(axes: Axes, found: Iterable[Experiment]) -> list[Line2D]:
    """A line across for each value that was measured, with a band for its error."""
    handles = []
    for number, one in enumerate(found):
        style = DASHES[number % len(DASHES)]
        if one.error is not None:
            axes.axhspan(
                one.kappa - one.error, one.kappa + one.error, color=QUIET, alpha=0.18, lw=0
            )
        axes.axhline(one.kappa, color=INK, linestyle=style, linewidth=0.9, zorder=1)
        label = f"experiment{f' {number + 1}' if number else ''}"
        handles.append(Line2D([], [], color=INK, linestyle=style, linewidth=0.9, label=label))
    return handles


def of_experiments(found: Sequence[Experiment], system: UnitSystem) -> str:
    """Values that were measured, in words for a caption; nothing where there are none."""
    if not found:
        return ""
    values = [
        f"{one.kappa:g}{'' if one.error is None else f' ± {one.error:g}'} "
        f"{system.conductivity_symbol} at {number_text(one.temperature)} "
        f"{system.temperature_symbol}{'' if one.source is None else f' ({one.source})'}"
        for one in found
    ]
    return f" Experiment: {'; '.join(values)}."


def untrusted(rows: Iterable[Row]) -> str:
    """Of what a figure shows, what is not to be trusted, in words for a caption."""
    names = dict.fromkeys(row.group.model for row in rows if not row.trusted)
    return f" Not to be trusted by their verdicts: {', '.join(names)}." if names else ""
