"""How far atoms go: mean square displacements, and diffusion coefficients against temperature."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import xarray
from matplotlib.figure import Figure

from ensemble.plan.recipe import cells_text, number_text
from ensemble.report.content import Case, Part, Section, Source, Table, attempt, section
from ensemble.report.marks import (
    Fill,
    band,
    curve_key,
    key,
    keys,
    line,
    model_key,
    point,
    side_by_side,
)
from ensemble.report.picture import Picture, in_words, slug
from ensemble.report.style import axis_label, figure, log_y, styled, unit
from ensemble.results.lines import why_none
from ensemble.results.table import DiffusionRow
from ensemble.results.words import interval_text

__all__ = ["OF_SPECIES", "diffusion"]

MOST_POINTS = 200
"""Of a curve."""

OF_SPECIES: tuple[Fill, ...] = ("full", "none", "left")
"""Of their markers, in their order."""


def diffusion(source: Source) -> Section:
    """Displacements of each study in equilibrium, D(T), and a table of D."""
    parts = [
        part
        for case in source.cases("emd")
        for part in attempt(f"The displacement of {case}", _of, source, case)
    ]
    if not parts:
        parts = ["Displacements are left out: the campaign has no study in equilibrium."]
    rows = source.tables.diffusion
    parts += _against_temperature(source, rows)
    if rows:
        parts.append(_table(rows))
    return section("diffusion", "Diffusion", [], parts)


def _of(source: Source, case: Case) -> Iterator[Part]:
    if not source.of_case(case, "raw"):
        yield f"{case}: no displacements, since no run is done."
        return
    found = source.results.displacements(case.study, **case.labels)
    curves = found.isel(temperature=0, supercell=0).dropna("model", how="all")
    yield _picture(case, curves, _drawn(source, curves))


def _picture(case: Case, curves: xarray.Dataset, drawn: Figure) -> Picture:
    last = curves.isel(lag=-1)
    ends = {
        f"{model}, {of}": f"{float(last.displacement.sel(model=model, species=of)):.3g}"
        for of in last.species.values
        for model in last.model.values
    }
    time = f"{float(last.lag):.3g} {unit(curves.lag.attrs['units'])}"
    return Picture(
        name=case.file("displacement"),
        caption=f"{case}: mean square displacement of each species relative to its centre of mass, "
        "over time origins and seeds; bands are ± one standard error.",
        alt=f"Mean square displacement after {time} in "
        f"{unit(curves.displacement.attrs['units'])}, {case}: {in_words(ends)}.",
        figure=drawn,
    )


def _drawn(source: Source, curves: xarray.Dataset) -> Figure:
    """A panel for each species."""
    shown = curves.isel(lag=slice(None, None, -(-curves.sizes["lag"] // MOST_POINTS)))
    models, species = list(map(str, curves.model.values)), list(map(str, curves.species.values))
    with styled():
        found = figure(height=0.9 + 1.4 * len(species), entries=len(models))
        panels = found.subplots(len(species), sharex=True, squeeze=False)[:, 0]
        for axes, of in zip(panels, species, strict=True):
            for model in models:
                one, look = shown.sel(model=model, species=of), source.looks[model]
                line(axes, one.lag.values, one.displacement.values, look, model)
                error = one.displacement_error.values
                band(axes, one.lag.values, one.displacement.values, error, look)
            axes.set_ylabel(axis_label(f"MSD, {of}", curves.displacement.attrs["units"]))
            axes.set_ylim(bottom=0)
        panels[-1].set_xlabel(axis_label("t", curves.lag.attrs["units"]))
        keys(panels[0], [curve_key(model, source.looks[model]) for model in models])
    return found


def _against_temperature(source: Source, rows: Sequence[DiffusionRow]) -> Iterator[Part]:
    """D against temperature for each material."""
    for material in dict.fromkeys(row.group.material for row in rows):
        mine = [row for row in rows if row.group.material == material]
        known = [row for row in mine if _known(row)]
        if len({row.group.temperature for row in mine}) < 2:
            yield f"D against temperature of {material} is left out: there is one temperature."
        elif not known:
            yield f"D against temperature of {material} is left out: no species diffuses."
        else:
            yield _coefficients(source, material, mine)


def _known(row: DiffusionRow) -> bool:
    return math.isfinite(row.found.coefficient.mean) and row.found.coefficient.mean > 0


def _coefficients(source: Source, material: str, rows: Sequence[DiffusionRow]) -> Picture:
    system = source.system
    degrees = unit(system.temperature_symbol)
    texts = {
        f"{row.found.species}, {row.group.model} at {number_text(row.group.temperature)} "
        f"{degrees}": interval_text(row.found.coefficient)
        for row in rows
        if _known(row)
    }
    return Picture(
        name=slug("diffusion", material),
        caption=f"{material}: diffusion coefficients against temperature, 95 % intervals; arrows "
        "are upper limits where no diffusion is seen, points of one temperature lie side by side.",
        alt=f"D of {material} in {system.diffusivity_symbol}: {in_words(texts)}.",
        figure=_drawn_coefficients(source, rows),
    )


def _drawn_coefficients(source: Source, rows: Sequence[DiffusionRow]) -> Figure:
    models = list(dict.fromkeys(row.group.model for row in rows))
    species = list(dict.fromkeys(row.found.species for row in rows))
    fills = {of: OF_SPECIES[place % len(OF_SPECIES)] for place, of in enumerate(species)}
    shifts = side_by_side((row.group.temperature for row in rows), len(models))
    with styled():
        found = figure(height=2.9, entries=len(models) + len(species))
        axes = found.subplots()
        for row in rows:
            look, limit = source.looks[row.group.model], row.found.upper_limit
            x = row.group.temperature + shifts[models.index(row.group.model)]
            if _known(row):
                point(axes, x, row.found.coefficient, look, fills[row.found.species])
            elif 0 < limit < math.inf:
                axes.errorbar(x, limit, limit / 2, uplims=True, color=look.edge)
        log_y(axes)
        axes.set_xlabel(axis_label("temperature", source.system.temperature_symbol))
        axes.set_ylabel(axis_label("D", source.system.diffusivity_symbol))
        names = [key(of, "o", fill) for of, fill in fills.items()]
        keys(axes, [*names, *(model_key(model, source.looks[model]) for model in models)])
    return found


def _table(rows: Sequence[DiffusionRow]) -> Table:
    system = rows[0].system
    return Table(
        caption=f"Diffusion coefficients, {unit(system.diffusivity_symbol)}, 95 % intervals",
        headings=(
            "study",
            "model",
            "species",
            "or why there is none",
            f"T ({unit(system.temperature_symbol)})",
            "supercell",
            "D",
        ),
        rows=tuple(
            (
                row.group.study,
                row.group.model,
                row.found.species,
                why_none(row),
                number_text(row.group.temperature),
                cells_text(row.group.supercell),
                interval_text(row.found.coefficient),
            )
            for row in rows
        ),
        texts=4,
    )
