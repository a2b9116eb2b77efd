"""Figures of what atoms carry and how far they go: one trajectory, site energies, diffusion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas
from matplotlib.axes import Axes

from ensemble.plan.recipe import number_text
from ensemble.report.diffusion import OF_SPECIES
from ensemble.report.marks import (
    curve_key,
    key,
    keys,
    line,
    model_key,
    name_models,
    point,
    side_by_side,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import QUIET, WIDE, Look, axis_label, figure, log_y, looks, short, styled
from ensemble.reproduction.carried import own_case
from ensemble.reproduction.evidence import Campaign, Case, Evidence, interval
from ensemble.reproduction.figures import KAPPA, model_keys, panels
from ensemble.results.words import interval_text

__all__ = ["atom_figures"]

BESIDE = 50.0
"""Of the lowest and the highest temperature: what else is shown, in K."""


def atom_figures(evidence: Evidence) -> Iterator[Picture]:
    """In the order of the document."""
    for campaign in evidence.campaigns:
        for case in campaign.by("rerun", "centroid"):
            if case.of("raw"):
                yield _fixed(campaign, case)
    for campaign in evidence.campaigns:
        cases = campaign.by("emd")
        if any(not campaign.rows("displacements", case).empty for case in cases):
            yield _motion(campaign, cases)


def _fixed(campaign: Campaign, case: Case) -> Picture:
    """κ of each model beside its own, against its site energies, and how these are distributed."""
    look, own_of = looks(campaign.models), own_case(campaign, case)
    values = case.of("raw")
    own = {} if own_of is None else own_of.of("raw")
    apart = campaign.differences(case)
    species = str(campaign.study(case.study).species).split()
    mover = campaign.study(case.study).source_model
    with styled():
        found = figure(width=WIDE, height=5.2)
        (beside, against), (first, second) = found.subplots(2, 2)
        for x, (model, value) in enumerate(values.items()):
            if model in own:
                point(beside, x - 0.12, own[model].kappa, look[model])
            point(beside, x + 0.12, value.kappa, look[model], "none")
            if model in apart:
                point(against, apart[model], value.kappa, look[model], "none")
        name_models(beside, list(values), WIDE / 2)
        _finish(beside, against, species)
        keys(beside, [key("own trajectory", "o"), key(f"that of {short(mover)}", "o", "none")], 2)
        model_keys(found, [model_key(m, look[m], "none") for m in values])
        rows = campaign.rows("distributions", case)
        for axes, of in zip((first, second), species[:2], strict=False):
            _draw_distributions(axes, rows[rows.species == of], of, look)
    texts = {
        model: f"{interval_text(value.kappa)} with ΔU = {apart.get(model, math.nan):.3g} eV"
        for model, value in values.items()
    }
    return Picture(
        name=slug("fixed", campaign.system, case.study, f"{case.temperature:g}K"),
        caption=f"{case.title}: raw κ with the site energies and virials of each model on the "
        f"trajectory of {mover} (open) beside that on its own (filled), and against the difference "
        f"ΔU of the mean site energies of {' and '.join(species[:2])}; below, the distributions of "
        "the site energies on that trajectory; 95 % intervals.",
        alt=f"Raw κ on the one trajectory in {KAPPA}: {in_words(texts)}.",
        figure=found,
    )


def _finish(beside: Axes, against: Axes, species: Sequence[str]) -> None:
    for axes in (beside, against):
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(axis_label("κ, raw", KAPPA))
    against.set_xlabel(axis_label(f"ΔU = U({species[0]}) − U({species[-1]})", "eV"))


def _draw_distributions(
    axes: Axes, rows: pandas.DataFrame, species: str, look: Mapping[str, Look]
) -> None:
    for model, lines in rows.groupby("model", sort=False):
        energy, share = lines.energy.to_numpy(), lines.density.to_numpy()
        line(axes, energy, share, look[str(model)], str(model))
    axes.set_ylim(bottom=0)
    axes.set_xlabel(axis_label(f"site energy U, {species}", "eV"))
    axes.set_ylabel(axis_label("p(U)", "eV⁻¹"))


def _motion(campaign: Campaign, cases: Sequence[Case]) -> Picture:
    """Displacements at each temperature, and D against temperature."""
    look = looks(campaign.models)
    rows = campaign.tables["diffusion"]
    species = list(dict.fromkeys(rows.species))
    with styled():
        found, ((*drawn, last),) = panels(len(cases) + 1, height=2.8)
        for axes, case in zip(drawn, cases, strict=True):
            _draw_displacements(axes, campaign.rows("displacements", case), species, look)
            axes.text(0.02, 0.97, case.title, transform=axes.transAxes, va="top")
        _draw_coefficients(last, rows[rows.method == "emd"], species, look)
        model_keys(found, [curve_key(model, one) for model, one in look.items()])
        fills = zip(species, OF_SPECIES, strict=False)
        keys(last, [key(f"D({of})", "o", fill) for of, fill in fills])
    known = rows[rows.diffusion.notna()].to_dict("records")
    texts = {
        f"{row['species']}, {row['model']}, {number_text(row['temperature'])} K": interval_text(
            interval(row, "diffusion")
        )
        for row in known
    }
    return Picture(
        name=slug("motion", campaign.system),
        caption=f"{campaign.title}: mean square displacement of {_listed(species)} relative to the "
        "centre of mass of the species, over time origins and seeds, and diffusion coefficients "
        "against temperature; arrows are upper limits where no diffusion is seen, points of one "
        "temperature lie side by side; 95 % intervals.",
        alt=f"D in cm² s⁻¹: {in_words(texts)}.",
        figure=found,
    )


def _listed(species: Sequence[str]) -> str:
    """The first is drawn in the colours of the models, the others are grey."""
    if len(species) < 2:
        return "".join(species)
    return f"{species[0]} (in colours) and {' and '.join(species[1:])} (grey)"


def _draw_displacements(
    axes: Axes, rows: pandas.DataFrame, species: Sequence[str], look: Mapping[str, Look]
) -> None:
    for (model, of), lines in rows.groupby(["model", "species"], sort=False):
        lag, displacement = lines.lag.to_numpy(), lines.displacement.to_numpy()
        if of == species[0]:
            line(axes, lag, displacement, look[str(model)], str(model))
        else:
            axes.plot(lag, displacement, color=QUIET, linewidth=0.6)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(axis_label("t", "ps"))
    axes.set_ylabel(axis_label("MSD", "Å²"))


def _draw_coefficients(
    axes: Axes, rows: pandas.DataFrame, species: Sequence[str], look: Mapping[str, Look]
) -> None:
    models = list(look)
    # Of one temperature alone there is no distance to the next.
    shifts = side_by_side([*rows.temperature, rows.temperature.max() + BESIDE], len(models))
    fills = dict(zip(species, OF_SPECIES, strict=False))
    for row in rows.to_dict("records"):
        x = row["temperature"] + shifts[models.index(row["model"])]
        one, limit = look[row["model"]], row["upper_limit"]
        if row["diffusion"] > 0:
            point(axes, x, interval(row, "diffusion"), one, fills.get(row["species"], "full"))
        elif 0 < limit < math.inf:
            axes.errorbar(x, limit, limit / 2, uplims=True, color=one.edge, linewidth=0.7)
    log_y(axes)
    axes.set_xlim(rows.temperature.min() - BESIDE, rows.temperature.max() + BESIDE)
    axes.set_xlabel(axis_label("temperature", "K"))
    axes.set_ylabel(axis_label("D", "cm²/s"))
