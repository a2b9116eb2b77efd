"""Site energies: how each model shares the energy out, and what that does to κ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray
from matplotlib.figure import Figure

from ensemble.report.content import Case, Part, Section, Source, attempt, section
from ensemble.report.marks import by_model, curve_key, key, keys, line, point, untrusted
from ensemble.report.picture import Picture, in_words
from ensemble.report.style import axis_label, figure, short, styled, unit
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["density", "energies"]

BIN = 0.2
"""Of the standard deviation: how wide the bins of a distribution are drawn, at least."""


def energies(source: Source) -> Section:
    """κ of one trajectory in the eyes of all models, and distributions of the site energies."""
    parts: list[Part] = []
    reruns = source.cases("rerun")
    for case in reruns:
        rows = source.of_case(case, "raw")
        parts.append(
            _fixed(source, case, rows) if rows else f"{case}: no κ of the fixed trajectory to draw."
        )
    if not reruns:
        parts.append(
            "κ of one trajectory with the energies of every model is left out: the campaign has no "
            "study with method rerun."
        )
    for case in [*source.cases("emd"), *reruns]:
        parts += attempt(
            f"The distribution of the site energies of {case}",
            _distributions,
            source,
            case,
        )
    return section(
        "energies",
        "Site energies, and one trajectory seen by all models",
        [
            "Forces and the total energy do not say how much energy an atom has: each model shares "
            "it out in its own way, and atoms that diffuse carry it along."
        ],
        parts,
    )


def _fixed(source: Source, case: Case, rows: Mapping[str, Row]) -> Picture:
    """Raw κ with the energies of each model on the trajectory of one, beside κ of its own."""
    of = source.results.info.physics["study"][case.study]["source"]
    own = source.of_case(replace(case, study=of["study"]), "raw")
    models = list(dict.fromkeys([*(model for model in own if model == of["model"]), *rows]))
    texts = {
        model: "; ".join(
            f"{name} {interval_text(some[model].found.kappa)}"
            for name, some in (("own", own), ("fixed", rows))
            if model in some
        )
        for model in models
    }
    return Picture(
        name=case.file("fixed"),
        caption=f"{case}: raw Green–Kubo κ with the site energies and virials of each model on the "
        f"trajectory of {of['model']} in study {of['study']} (open), and on its own (filled); 95 % "
        f"intervals.{untrusted(rows.values())}",
        alt=f"Raw κ in {case.system.conductivity_symbol} on the own and on the fixed trajectory, "
        f"{case}: {in_words(texts)}.",
        figure=_drawn_fixed(source, models, own, rows, of["model"]),
    )


def _drawn_fixed(
    source: Source,
    models: Sequence[str],
    own: Mapping[str, Row],
    fixed: Mapping[str, Row],
    mover: str,
) -> Figure:
    with styled():
        found, axes = by_model(models)
        for x, model in enumerate(models):
            if model in own:
                point(axes, x - 0.12, own[model].found.kappa, source.looks[model])
            if model in fixed:
                point(axes, x + 0.12, fixed[model].found.kappa, source.looks[model], "none")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(axis_label("κ, raw", source.system.conductivity_symbol))
        names = [key("own trajectory", "o"), key(f"trajectory of {short(mover)}", "o", "none")]
        keys(axes, names, columns=2)
    return found


def _distributions(source: Source, case: Case) -> Iterator[Part]:
    found = source.results.site_energies(case.study).sel(
        temperature=case.temperature, supercell=case.labels["supercell"]
    )
    models = [m for m in case.models if m in found.model and int(found.frames.sel(model=m))]
    if not models:
        yield f"{case}: no site energies were counted yet."
        return
    yield _picture(source, case, models, found)


def _picture(source: Source, case: Case, models: list[str], found: xarray.Dataset) -> Picture:
    means = {
        f"{model}, {of}": f"{float(found['mean'].sel(model=model, species=of)):.3g} ± "
        f"{float(found.standard_deviation.sel(model=model, species=of)):.2g}"
        for of in found.species.values
        for model in models
    }
    return Picture(
        name=case.file("site-energies"),
        caption=f"{case}: distribution of the site energies of each species by model, over all "
        "seeds.",
        alt=f"Mean and standard deviation of the site energies in "
        f"{unit(case.system.energy_symbol)}, {case}: {in_words(means)}.",
        figure=_drawn(source, models, found),
    )


def _drawn(source: Source, models: list[str], found: xarray.Dataset) -> Figure:
    """A panel for each species."""
    species, symbol = list(map(str, found.species.values)), source.system.energy_symbol
    with styled():
        drawn = figure(height=0.9 + 1.4 * len(species), entries=len(models))
        panels = drawn.subplots(len(species), sharex=True, squeeze=False)[:, 0]
        for axes, of in zip(panels, species, strict=True):
            for model in models:
                one = found.sel(model=model, species=of)
                energy, share = density(one.counts, float(one.standard_deviation))
                line(axes, energy, share, source.looks[model], model)
            axes.set_ylabel(axis_label(f"p(U), {of}", f"{unit(symbol)}⁻¹"))
            axes.set_ylim(bottom=0)
        panels[-1].set_xlabel(axis_label("site energy U", symbol))
        keys(panels[0], [curve_key(model, source.looks[model]) for model in models])
    return drawn


def density(counts: xarray.DataArray, deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """A histogram as it is drawn: the middle of each bin, some of the store's in one, and the share
    of the atoms over the width of the bin, where there are counts.

    Parameters
    ----------
    counts
        Against ``energy``, as `ensemble.results.site_energies` has them.
    deviation
        Standard deviation of the energies.
    """
    numbers, energy = counts.values, counts.energy.values
    width = float(energy[1] - energy[0]) if len(energy) > 1 else 1.0
    taken = np.flatnonzero(numbers)
    numbers = numbers[taken[0] : taken[-1] + 1]
    energy = energy[taken[0] : taken[-1] + 1]
    together = max(1, round(BIN * deviation / width))
    edges = np.arange(0, len(numbers), together)
    sizes = np.diff([*edges, len(numbers)])
    middles = np.add.reduceat(energy, edges) / sizes
    return middles, np.add.reduceat(numbers, edges) / (numbers.sum() * width * sizes)
