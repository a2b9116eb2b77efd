"""Tables of what the runs of a study sampled, thinned to what a figure shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ensemble.campaign.schema import Material
from ensemble.plan.crystals import composition
from ensemble.plan.recipe import cells_text
from ensemble.report.energies import density
from ensemble.results import Results, Selection
from ensemble.results.gauge import mass_of
from ensemble.results.groups import Group, groups_of
from ensemble.results.series import read_series
from ensemble.store.info import StoreInfo
from ensemble.units import unit_system

__all__ = [
    "curves",
    "displacements",
    "distributions",
    "material_of",
    "momenta",
    "site_energies",
]

Line = dict[str, Any]

DISPLACEMENTS = 60
"""Points of a curve of displacements."""

CURVE_POINTS = 80
"""Points of a correlation function and its integral, at equal ratios of the lag."""


def site_energies(results: Results, study: str) -> Iterator[Line]:
    """Mean, standard deviation and skewness of the site energies of each species."""
    for labels, one in _counted(results, study):
        yield {
            **labels,
            "mean": float(one["mean"]),
            "standard_deviation": float(one.standard_deviation),
            "skewness": float(one.skewness),
            "frames": int(one.frames),
        }


def distributions(results: Results, study: str) -> Iterator[Line]:
    """Their histograms, in bins as coarse as the report draws them."""
    for labels, one in _counted(results, study):
        for energy, value in zip(*density(one.counts, float(one.standard_deviation)), strict=True):
            yield {**labels, "energy": float(energy), "density": float(value)}


def _counted(results: Results, study: str) -> Iterator[tuple[Line, Any]]:
    """Each model, temperature, supercell and species that was counted."""
    found = results.site_energies(study)
    for group in groups_of(results.info, Selection(studies=frozenset([study]))):
        labels = _labels(group)
        place = {name: labels[name] for name in ("model", "temperature", "supercell")}
        one = found.sel(place)
        if int(one.frames):
            for species in map(str, one.species.values):
                yield {**labels, "species": species}, one.sel(species=species)


def _labels(group: Group) -> Line:
    return {
        "study": group.study,
        "model": group.model,
        "temperature": group.temperature,
        "supercell": cells_text(group.supercell),
    }


def displacements(results: Results, study: str) -> Iterator[Line]:
    """How far the atoms of each species go, against time."""
    for group in _done(results, study):
        labels = _labels(group)
        found = results.displacements(**labels).isel(model=0, temperature=0, supercell=0)
        lags = np.unique(np.linspace(0, found.sizes["lag"] - 1, DISPLACEMENTS).round().astype(int))
        shown = found.isel(lag=lags)
        for species in map(str, found.species.values):
            one = shown.sel(species=species)
            for lag, mean, error in zip(
                one.lag.values, one.displacement.values, one.displacement_error.values, strict=True
            ):
                yield {
                    **labels,
                    "species": species,
                    "lag": float(lag),
                    "displacement": float(mean),
                    "displacement_error": float(error),
                }


def curves(results: Results, study: str) -> Iterator[Line]:
    """Normalised correlation function of the heat flux, and κ as its running integral."""
    for group in _done(results, study):
        labels = _labels(group)
        found = results.curves(**labels).isel(model=0, temperature=0, supercell=0)
        last = found.sizes["lag"] - 1
        places = np.unique(np.geomspace(1, last, CURVE_POINTS).round().astype(int))
        whole = float(found.correlation.values[0])
        for place in [0, *places.tolist()]:
            yield {
                **labels,
                "lag": float(found.lag.values[place]),
                "correlation": float(found.correlation.values[place]) / whole,
                "kappa": float(found.kappa.values[place]),
                "kappa_error": float(found.kappa_error.values[place]),
            }


def _done(results: Results, study: str) -> Iterator[Group]:
    for group in groups_of(results.info, Selection(studies=frozenset([study]))):
        if group.done:
            yield group


def material_of(info: StoreInfo, name: str) -> Material:
    """A material as the store has it, also where the campaign has dropped it since.

    Raises
    ------
    ValueError
        It has a structure file, which is not in the store.
    """
    return Material.model_validate(info.physics["material"][name])


def momenta(results: Results, study: str) -> Iterator[Line]:
    """The largest total momentum of each run, and what it is of the thermal one, √(3 M k_B T)."""
    info = results.info
    system, of = unit_system(info.units), info.studies[study].material
    material = material_of(info, of)
    for group in _done(results, study):
        counts = composition(material, group.supercell)
        mass = sum(number * mass_of(info, of, symbol) for symbol, number in counts.items())
        thermal = math.sqrt(3 * mass * system.boltzmann * group.temperature / system.mvv2e)
        for index, run in group.done:
            total = read_series(info, index, run, ("momentum",))["momentum"].sum(axis=1)
            largest = float(np.linalg.norm(total, axis=-1).max())
            yield {
                **_labels(group),
                "seed": run.seed,
                "momentum": largest,
                "relative": largest / thermal,
            }
