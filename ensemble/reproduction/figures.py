"""Figures of κ: by model with its parts, against length, corrected, and under shifts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ensemble.reduction.intervals import Interval
from ensemble.report.conductivity import PARTS, draw_parts
from ensemble.report.lengths import inverse
from ensemble.report.marks import (
    FILLS,
    band,
    curve_key,
    in_legend,
    key,
    keys,
    line,
    model_key,
    name_models,
    point,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import (
    INK,
    QUIET,
    WIDE,
    Look,
    axis_label,
    figure,
    log_x,
    log_y,
    looks,
    styled,
)
from ensemble.reproduction.conductivities import Direct, direct, one_length
from ensemble.reproduction.evidence import Campaign, Case, Evidence, Value, interval
from ensemble.reproduction.outcomes import compared
from ensemble.results.findings import Estimated
from ensemble.results.words import interval_text

__all__ = ["conductivity_figures", "model_keys", "panels"]

KAPPA = "W/m/K"

LARGE = 20.0
"""W/m/K; where parts of κ are larger, they are drawn by logarithm."""

FAR_APART = 4.0
"""Largest over smallest value, from which an axis is logarithmic."""

PLACES: dict[Estimated, float] = {"raw": -0.24, "corrected": 0.0, "direct": 0.24}
"""Of the estimates of a model, side by side."""

KEY = 0.9
"""Width of an entry of a legend, in inches."""

PANEL = WIDE / 3
"""Width of the narrowest panels with models along x, in inches."""


def conductivity_figures(evidence: Evidence) -> Iterator[Picture]:
    """In the order of the document."""
    for campaign in evidence.campaigns:
        cases = [case for case in campaign.by("emd") if case.of("raw")]
        if cases:
            yield _parts(campaign, cases)
            yield _running(campaign, cases)
    for found in direct(evidence):
        campaign_of = evidence.campaign(found.case.campaign)
        if found.case.of("direct") and campaign_of is not None:
            yield _lengths(campaign_of, found)
    for campaign in evidence.campaigns:
        cases = [case for case in campaign.by("emd") if case.of("corrected")]
        if cases:
            yield _estimates(evidence, campaign, cases)
        for case in cases:
            if not campaign.rows("gauge", case).empty:
                yield _gauge(campaign, case)


def panels(count: int, *, height: float, rows: int = 1) -> tuple[Figure, list[list[Axes]]]:
    """Columns of panels in a figure as wide as a page; where there is one, as a column of it."""
    wide = count > 1
    found = figure(width=WIDE if wide else WIDE / 2, height=height)
    axes = found.subplots(rows, count, squeeze=False)
    return found, [list(line) for line in axes]


def model_keys(found: Figure, handles: Iterable[Artist]) -> None:
    """A legend of the models above all panels of a figure."""
    listed = list(handles)
    found.legend(handles=listed, loc="outside upper left", ncols=int(found.get_figwidth() / KEY))


def _parts(campaign: Campaign, cases: Sequence[Case]) -> Picture:
    look = looks(campaign.models)
    texts: dict[str, str] = {}
    with styled():
        found, ((*drawn,),) = panels(len(cases), height=2.9)
        for axes, case in zip(drawn, cases, strict=True):
            values = case.of("raw")
            texts |= {f"{m}, {case.title}": interval_text(v.kappa) for m, v in values.items()}
            axes.axhline(0, color=QUIET, linewidth=0.6)
            for x, (model, value) in enumerate(values.items()):
                point(axes, x - 0.24, value.kappa, look[model])
                draw_parts(axes, x, value.parts, look[model])
            _from_afar(axes)
            name_models(axes, list(values), PANEL)
            axes.set_ylabel(axis_label("κ", KAPPA))
            axes.text(0.02, 0.97, case.title, transform=axes.transAxes, va="top")
        keys(drawn[0], [key("κ, raw", "o"), *(key(n, marker) for n, marker in PARTS.items())], 2)
    return Picture(
        name=slug("parts", campaign.system),
        caption=f"{campaign.title}: raw Green–Kubo κ by model with its conductive, convective and "
        "cross parts, which add up to it; 95 % intervals.",
        alt=f"Raw κ in {KAPPA}: {in_words(texts)}.",
        figure=found,
    )


def _from_afar(axes: Axes) -> None:
    """Draw what is large in size by logarithm, and what is small as it is."""
    low, high = axes.get_ylim()
    if max(-low, high) > LARGE:
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_ylim(2 * low, 10 * high)
        axes.yaxis.set_major_formatter("{x:g}")


def _running(campaign: Campaign, cases: Sequence[Case]) -> Picture:
    look = looks(campaign.models)
    with styled():
        found, ((*drawn,),) = panels(len(cases), height=2.9)
        for axes, case in zip(drawn, cases, strict=True):
            axes.axhline(0, color=QUIET, linewidth=0.6)
            for model, lines in campaign.rows("curves", case).groupby("model", sort=False):
                one, there = look[str(model)], lines[lines.lag > 0]
                lag, kappa = there.lag.to_numpy(), there.kappa.to_numpy()
                line(axes, lag, kappa, one, str(model))
                band(axes, lag, kappa, there.kappa_error.to_numpy(), one)
            log_x(axes)
            axes.set_xlabel(axis_label("t", "ps"))
            axes.set_ylabel(axis_label("κ(t)", KAPPA))
            axes.text(0.02, 0.97, case.title, transform=axes.transAxes, va="top")
        model_keys(found, [curve_key(model, one) for model, one in look.items()])
    return Picture(
        name=slug("running", campaign.system),
        caption=f"{campaign.title}: raw κ as the running integral of the heat flux "
        "autocorrelation function; bands are ± one standard error. κ in the tables is from the "
        "spectrum, or from the window that the campaign names.",
        alt=f"Running integrals by model, {', '.join(case.title for case in cases)}.",
        figure=found,
    )


def _lengths(campaign: Campaign, found: Direct) -> Picture:
    case, look = found.case, looks(campaign.models)
    cells = [
        one
        for one in campaign.by("nemd")
        if (one.material, one.temperature) == (case.material, case.temperature)
    ]
    values = [v for one in cells for v in one.of("direct").values() if math.isfinite(v.length)]
    with styled():
        drawn, ((against, over, models),) = panels(3, height=2.6)
        for value in values:
            one = look[value.model]
            point(against, value.length / 10, value.kappa, one, FILLS["direct"])
            if value.kappa.mean > 0:
                point(over, 10 / value.length, inverse(value.kappa), one, FILLS["direct"])
        for fit in found.fits:
            if fit["order"] == 1 and math.isfinite(fit["kappa"]):
                _draw_fit(over, fit, look[fit["model"]])
        _draw_one_length(models, case, look)
        farthest = max((10 / value.length for value in values), default=1.0)
        over.set_xlim(-0.04 * farthest, 1.08 * farthest)
        against.set_ylim(bottom=min(0.0, against.get_ylim()[0]))
        against.set_xlabel(axis_label("L", "nm"))
        against.set_ylabel(axis_label("κ, direct", KAPPA))
        over.set_xlabel(axis_label("1/L", "nm⁻¹"))
        over.set_ylabel(axis_label("1/κ", "m K W⁻¹"))
        shown = [m for m in look if any(value.model == m for value in values)]
        model_keys(drawn, [model_key(m, look[m], FILLS["direct"]) for m in shown])
    dashed = "" if case.paper is None else " and the dashed line what Zhu et al. have"
    texts = {
        f"{v.model}, {v.length / 10:.3g} nm ({v.study})": interval_text(v.kappa) for v in values
    }
    return Picture(
        name=slug("lengths", campaign.system, f"{case.temperature:g}K"),
        caption=f"{case.title}: κ of the direct method against the distance L of the exchange "
        "layers, 1/κ against 1/L with straight lines to infinite length, and κ by model at "
        f"L = {found.nanometres:.3g} nm, the band being the 95 % interval of the mean over the "
        f"models{dashed}; 95 % intervals.",
        alt=f"κ by the direct method in {KAPPA}: {in_words(texts)}.",
        figure=drawn,
    )


def _draw_fit(axes: Axes, fit: Mapping[str, float], look: Look) -> None:
    x = np.linspace(0, 10 / fit["shortest"], 20)
    y = (1 + fit["mean_free_path"] / 10 * x) / fit["kappa"]
    axes.plot(x, y, color=look.colour, linestyle=look.line, linewidth=0.9)


def _draw_one_length(axes: Axes, case: Case, look: Mapping[str, Look]) -> None:
    values = case.of("direct")
    comparison = compared(values.values())
    if comparison is not None and math.isfinite(comparison.spread.mean.half_width):
        mean = comparison.spread.mean
        axes.axhspan(mean.low, mean.high, color=QUIET, alpha=0.18, lw=0)
    for x, (model, value) in enumerate(values.items()):
        point(axes, x, value.kappa, look[model], FILLS["direct"])
    if case.paper is not None:
        axes.axhline(case.paper.one_length, color=INK, linestyle="--", linewidth=0.8)
    name_models(axes, list(values), PANEL)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel(axis_label("κ, direct", KAPPA))


def _estimates(evidence: Evidence, campaign: Campaign, cases: Sequence[Case]) -> Picture:
    look, texts = looks(campaign.models), {}
    with styled():
        found, (above, below) = panels(len(cases), height=4.4, rows=2)
        for axes, under, case in zip(above, below, cases, strict=True):
            models = list(case.of("raw"))
            driven = one_length(evidence, case)
            estimates: dict[Estimated, dict[str, Value]] = {
                "raw": case.of("raw"),
                "corrected": case.of("corrected"),
                "direct": {} if driven is None else driven.of("direct"),
            }
            for name, values in estimates.items():
                for x, model in enumerate(models):
                    if model in values:
                        kappa = values[model].kappa
                        point(axes, x + PLACES[name], kappa, look[model], FILLS[name])
                        texts[f"{model}, {name}, {case.title}"] = interval_text(kappa)
            _draw_gammas(under, models, case, look)
            name_models(axes, models, PANEL)
            name_models(under, models, PANEL)
            _scale(
                axes, [value.kappa for values in estimates.values() for value in values.values()]
            )
            axes.set_ylabel(axis_label("κ", KAPPA))
            axes.text(0.02, 0.97, case.title, transform=axes.transAxes, va="top")
        keys(above[0], [key(name, "o", FILLS[name]) for name in PLACES])
    return Picture(
        name=slug("corrected", campaign.system),
        caption=f"{campaign.title}: κ by model as Green–Kubo gives it (filled), with Onsager's "
        "correction (open), and by the direct method in the cell that most models have (half "
        "filled); below γ² = 1 − corrected / raw; 95 % intervals.",
        alt=f"κ in {KAPPA}: {in_words(texts)}.",
        figure=found,
    )


def _scale(axes: Axes, drawn: Sequence[Interval]) -> None:
    """From zero, or by logarithm where values are so far apart that the small ones would be one."""
    means = [one.mean for one in drawn]
    if drawn and min(one.low for one in drawn) > 0 and max(means) > FAR_APART * min(means):
        log_y(axes)
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def _draw_gammas(axes: Axes, models: Sequence[str], case: Case, look: Mapping[str, Look]) -> None:
    values, lowest = case.of("corrected"), -0.1
    for x, model in enumerate(models):
        if model in values and (gamma := values[model].parts.get("gamma_squared")) is not None:
            point(axes, x, gamma, look[model], "none")
            lowest = min(lowest, gamma.low - 0.02) if math.isfinite(gamma.low) else lowest
    for level in (0, 1):
        axes.axhline(level, color=QUIET, linewidth=0.6)
    axes.set_ylim(lowest, 1.1)
    axes.set_ylabel(axis_label("γ²", "1"))


def _gauge(campaign: Campaign, case: Case) -> Picture:
    rows, look = campaign.rows("gauge", case), looks(campaign.models)
    species = str(rows.species.iloc[0])
    with styled():
        found, ((raw, corrected),) = panels(2, height=2.9)
        shown: tuple[tuple[Axes, Estimated], ...] = (raw, "raw"), (corrected, "corrected")
        for axes, name in shown:
            for model, lines in rows.groupby("model", sort=False):
                one = look[str(model)]
                axes.plot(lines["shift"], lines[name], color=one.colour, linestyle=one.line)
                for row in lines.to_dict("records"):
                    point(axes, row["shift"], interval(row, name), one, FILLS[name])
            axes.set_xlabel(axis_label(f"shift of U, {in_legend(species)}", "eV"))
            axes.set_ylabel(axis_label(f"κ, {name}", KAPPA))
        if rows.raw.min() > 0:
            log_y(raw)
        corrected.set_ylim(bottom=min(0.0, corrected.get_ylim()[0]))
        model_keys(found, [curve_key(model, one) for model, one in look.items()])
    return Picture(
        name=slug("gauge", campaign.system, case.study, f"{case.temperature:g}K"),
        caption=f"{case.title} ({case.study}): κ while the site energies of {species} are shifted, "
        "those of the other species against them, so that the total energy and every force stay: "
        "raw (left) and with Onsager's correction (right); 95 % intervals.",
        alt=f"κ in {KAPPA} over all shifts: raw {rows.raw.min():.3g} to {rows.raw.max():.3g}, "
        f"corrected {rows.corrected.min():.3g} to {rows.corrected.max():.3g}.",
        figure=found,
    )
