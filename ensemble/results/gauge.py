"""κ of Green and Kubo while the site energies of the species are shifted: raw and corrected.

A model may share the energy out among its atoms in any way; a shift of each species' share changes
no force. What moves with it is no property of the material.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ensemble.reduction.currents import Currents, currents_of
from ensemble.reduction.gauge import gauge_scan
from ensemble.results.groups import Group
from ensemble.results.quantities import KINETIC_TEMPERATURE, quantities
from ensemble.results.reduce import EQUILIBRIUM
from ensemble.results.series import read_series
from ensemble.results.settings import Estimator
from ensemble.store.info import StoreInfo
from ensemble.units import unit_system

__all__ = ["mass_of", "scanned"]


def scanned(
    info: StoreInfo, group: Group, estimator: Estimator, shifts: Sequence[Mapping[str, float]]
) -> Iterator[dict[str, Any]]:
    """A line for each set of shifts: the shift of every species, κ raw and corrected, γ².

    Parameters
    ----------
    group
        In equilibrium, with a run that is done.
    shifts
        By species, in the unit of energy; those not named stay.

    Raises
    ------
    ValueError
        There is no such species, or it is the only one.
    """
    momenta = quantities(info.studies[group.study].channels)["momentum"]
    species = [str(symbol) for symbol in momenta.labels["species"]]
    for one in shifts:
        if unknown := set(one) - set(species):
            raise ValueError(
                f"shift of {', '.join(sorted(unknown))}: species are {', '.join(species)}"
            )
    found = gauge_scan(
        _currents(info, group),
        masses=[mass_of(info, group.material, symbol) for symbol in species],
        shifts=[[one.get(symbol, 0.0) for symbol in species] for one in shifts],
        method=estimator,
        isotropic=group.cubic,
    )
    for point in found:
        kappa = point.kappa
        line: dict[str, Any] = {
            "study": group.study,
            "model": group.model,
            "temperature": group.temperature,
            **{f"shift_{s}": shift for s, shift in zip(species, point.shifts, strict=True)},
        }
        for name, interval in (
            ("raw", kappa.raw.value),
            ("corrected", None if kappa.corrected is None else kappa.corrected.value),
            ("gamma_squared", kappa.gamma_squared),
        ):
            line[name] = np.nan if interval is None else interval.mean
            line[f"{name}_half_width"] = np.nan if interval is None else interval.half_width
            line[f"{name}_low"] = np.nan if interval is None else interval.low
            line[f"{name}_high"] = np.nan if interval is None else interval.high
        yield line


def _currents(info: StoreInfo, group: Group) -> Currents:
    study, system = info.studies[group.study], unit_system(info.units)
    runs = [read_series(info, index, run, EQUILIBRIUM) for index, run in group.done]
    volumes, temperatures = (
        np.array([run[name].mean() for run in runs]) for name in ("volume", KINETIC_TEMPERATURE)
    )
    return currents_of(
        [run["heat_flux"] for run in runs],
        scale=np.sqrt(system.green_kubo / volumes) / temperatures,
        timestep=study.row_time * system.picosecond,
        momenta=[run["momentum"] for run in runs],
    )


def mass_of(info: StoreInfo, material: str, symbol: str) -> float:
    """Of an atom as LAMMPS has it: what the campaign says, or the element's."""
    from ase.data import atomic_masses, atomic_numbers

    given: dict[str, float] = info.physics["material"][material]["masses"]
    return float(given[symbol] if symbol in given else atomic_masses[atomic_numbers[symbol]])
