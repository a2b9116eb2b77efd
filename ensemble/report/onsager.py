"""Onsager's correction: raw κ beside the corrected one, γ², and both while the gauge is moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas
from matplotlib.figure import Figure

from ensemble.campaign.schema import Experiment
from ensemble.reduction.intervals import Interval
from ensemble.report.content import Case, Part, Section, Source, attempt, section
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
from ensemble.report.picture import Picture, in_words
from ensemble.report.style import QUIET, axis_label, figure, styled
from ensemble.results.findings import Estimated
from ensemble.results.lengths import by_direct
from ensemble.results.quantities import quantities
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["onsager"]

SHIFTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Of the site energies of one species, times `STEP`."""

BOTH: tuple[Estimated, ...] = ("raw", "corrected")

STEP = {"metal": 1.0, "real": 20.0, "lj": 2.0}
"""In the unit of energy: about as much as models differ."""


def onsager(source: Source) -> Section:
    """What the correction does in each study in equilibrium."""
    parts: list[Part] = []
    for case in source.cases("emd"):
        if not source.of_case(case, "corrected"):
            parts.append(_uncorrected(source, case))
            continue
        parts += [_corrected(source, case), _coupling(source, case)]
        parts += attempt(f"The gauge scan of {case}", _gauge, source, case)
    return section(
        "onsager",
        "Onsager's correction",
        [
            "A shift of the site energies of a species changes no force and no trajectory, only "
            "what atoms carry. The corrected κ is the same for every shift; γ² is the share of the "
            "raw κ that the correction takes away."
        ],
        parts or ["Onsager's correction is left out: the campaign has no study in equilibrium."],
    )


def _uncorrected(source: Source, case: Case) -> str:
    if not source.of_case(case, "raw"):
        return f"{case}: no correction, since there is no κ by Green–Kubo."
    return f"{case}: no correction, since of one species alone there is no current of mass."


def _corrected(source: Source, case: Case) -> Picture:
    """Raw κ beside the corrected one and the direct method."""
    estimates: dict[Estimated, dict[str, Row]] = {
        "raw": source.of_case(case, "raw"),
        "corrected": source.of_case(case, "corrected"),
        "direct": _direct(source, case),
    }
    measured = source.experiments(case.material, case.temperature)
    texts = {
        model: "; ".join(
            f"{name} {interval_text(rows[model].found.kappa)}"
            for name, rows in estimates.items()
            if model in rows
        )
        for model in estimates["raw"]
    }
    beside = ", and by the direct method (half filled)" if estimates["direct"] else ""
    return Picture(
        name=case.file("onsager"),
        caption=f"{case}: κ as Green–Kubo gives it (filled), with Onsager's correction (open)"
        f"{beside}; 95 % intervals.{of_experiments(measured, case.system)}"
        f"{untrusted(estimates['corrected'].values())}",
        alt=f"κ in {case.system.conductivity_symbol}, {case}: {in_words(texts)}.",
        figure=_drawn_estimates(source, case, estimates, measured),
    )


def _direct(source: Source, case: Case) -> dict[str, Row]:
    """What the direct method says under the same conditions, of the models of a case."""
    return {
        row.group.model: row
        for row in by_direct(source.rows("nemd", "direct"))
        if (row.group.material, row.group.temperature) == (case.material, case.temperature)
        and math.isfinite(row.found.kappa.mean)
        and row.group.model in case.models
    }


def _drawn_estimates(
    source: Source,
    case: Case,
    estimates: Mapping[Estimated, Mapping[str, Row]],
    measured: Sequence[Experiment],
) -> Figure:
    models = list(estimates["raw"])
    with styled():
        found, axes = by_model(models)
        handles = [
            key("direct method" if name == "direct" else name, "o", FILLS[name])
            for name, rows in estimates.items()
            if rows
        ]
        handles += draw_experiments(axes, measured)
        for shift, (name, rows) in zip((-0.24, 0.0, 0.24), estimates.items(), strict=True):
            for x, model in enumerate(models):
                if model in rows:
                    kappa, look = rows[model].found.kappa, source.looks[model]
                    point(axes, x + shift, kappa, look, FILLS[name])
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(axis_label("κ", case.system.conductivity_symbol))
        keys(axes, handles)
    return found


def _coupling(source: Source, case: Case) -> Picture:
    rows = source.of_case(case, "corrected")
    gammas = {
        model: row.found.gamma_squared
        for model, row in rows.items()
        if row.found.gamma_squared is not None
    }
    with styled():
        found, axes = by_model(list(gammas), height=2.2)
        for x, (model, gamma) in enumerate(gammas.items()):
            point(axes, x, gamma, source.looks[model])
        axes.axhline(0, color=QUIET, linewidth=0.6)
        axes.axhline(1, color=QUIET, linewidth=0.6)
        axes.set_ylim(-0.1, 1.1)
        axes.set_ylabel(axis_label("γ²", "1"))
    return Picture(
        name=case.file("coupling"),
        caption=f"{case}: γ² = 1 − corrected / raw, 0 where heat and atoms are not coupled; 95 % "
        "intervals.",
        alt=f"γ² by model, {case}: "
        + in_words({model: interval_text(gamma) for model, gamma in gammas.items()})
        + ".",
        figure=found,
    )


def _gauge(source: Source, case: Case) -> Iterator[Part]:
    """Of the models whose raw κ is smallest and largest."""
    rows = source.of_case(case, "raw")
    models = _extremes(rows)
    channels = source.results.info.studies[case.study].channels
    species = str(quantities(channels)["momentum"].labels["species"][0])
    step = STEP[source.system.style]
    scan = source.results.gauge_scan(
        case.study,
        [{species: step * shift} for shift in SHIFTS],
        **{**case.labels, "model": models},
    )
    yield _scanned(source, case, species, scan)


def _extremes(rows: Mapping[str, Row]) -> Sequence[str]:
    ordered = sorted(rows, key=lambda model: rows[model].found.kappa.mean)
    return list(dict.fromkeys([ordered[0], ordered[-1]]))


def _scanned(source: Source, case: Case, species: str, scan: pandas.DataFrame) -> Picture:
    texts = {
        str(model): ", ".join(
            f"{name} {lines[name].min():.3g} to {lines[name].max():.3g}" for name in BOTH
        )
        for model, lines in scan.groupby("model", sort=False)
    }
    which = "the model" if len(texts) == 1 else "the models with the smallest and largest raw κ"
    return Picture(
        name=case.file("gauge"),
        caption=f"{case}: κ of {which} by Green–Kubo (estimator spectrum), raw (filled) and "
        f"corrected (open), while the site energies of {species} are shifted; 95 % intervals.",
        alt=f"κ in {case.system.conductivity_symbol} over all shifts, {case}: {in_words(texts)}.",
        figure=_drawn_scan(source, case, species, scan),
    )


def _drawn_scan(source: Source, case: Case, species: str, scan: pandas.DataFrame) -> Figure:
    handles = []
    with styled():
        found = figure(height=2.8)
        axes = found.subplots()
        for model, lines in scan.groupby("model", sort=False):
            look = source.looks[str(model)]
            shifts = lines[f"shift_{species}"].to_numpy()
            for name in BOTH:
                means, half_widths = lines[name].to_numpy(), lines[f"{name}_half_width"].to_numpy()
                axes.plot(shifts, means, color=look.colour, linestyle=look.line)
                for shift, mean, half_width in zip(shifts, means, half_widths, strict=True):
                    of = Interval(mean=mean, half_width=half_width, samples=0)
                    point(axes, shift, of, look, FILLS[name])
                handles.append(model_key(str(model), look, FILLS[name], f", {name}"))
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_xlabel(axis_label(f"shift of U, {species}", case.system.energy_symbol))
        axes.set_ylabel(axis_label("κ", case.system.conductivity_symbol))
        keys(axes, handles, columns=2)
    return found
