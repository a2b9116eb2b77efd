"""What a row of a sampled series holds: the names and units of its columns, method by method.

Names are put together here alone: a vector has ``_x``, ``_y``, ``_z`` behind its name
(`components`), a profile the number of the bin from 0 (`profile`), what belongs to a species its
symbol (`of_species`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ensemble.campaign.studies import AnyStudy, Nemd, Rerun
from ensemble.campaign.types import Units
from ensemble.plan.recipe import Channel
from ensemble.units import UnitSystem, unit_system

__all__ = [
    "HEAT_FLUX",
    "HEAT_FLUX_CONDUCTIVE",
    "HEAT_FLUX_CONVECTIVE",
    "SQUARE_DISPLACEMENT",
    "channels_of",
    "components",
    "of_species",
    "profile",
]

HEAT_FLUX = "heat_flux"
"""Extensive (no 1/V in it): the sum of the next two."""

HEAT_FLUX_CONVECTIVE = "heat_flux_convective"
"""Σ e_i v_i: what the atoms carry with them."""

HEAT_FLUX_CONDUCTIVE = "heat_flux_conductive"
"""Σ W_i·v_i: what they do to one another, with the per-atom virials W_i."""

SQUARE_DISPLACEMENT = "square_displacement"
"""Mean square displacement since the last time origin; of when that is, `rows_per_origin` tells."""

DIMENSIONLESS = "1"


def components(quantity: str) -> tuple[str, str, str]:
    """The three channels of a vector: ``heat_flux_x``, ``heat_flux_y``, ``heat_flux_z``."""
    return f"{quantity}_x", f"{quantity}_y", f"{quantity}_z"


def profile(quantity: str, bins: int) -> tuple[str, ...]:
    """The channels of a profile, one for each bin: ``temperature_0``, ``temperature_1``, …"""
    return tuple(f"{quantity}_{number}" for number in range(bins))


def of_species(quantity: str, species: str) -> str:
    """The channel, or the vector, of a species: ``msd_Cu``, ``momentum_Cu``."""
    return f"{quantity}_{species}"


def channels_of(study: AnyStudy, species: Sequence[str], units: Units) -> tuple[Channel, ...]:
    """The channels of a study, in the order of the columns.

    A row of ``emd`` and ``rerun`` is a moment:

    * ``heat_flux``, ``heat_flux_convective``, ``heat_flux_conductive``: vectors;
    * ``momentum_SPECIES``: the vector Σ m v over the atoms of a species;
    * ``temperature``, ``pressure``, ``energy`` (potential and kinetic), ``volume``;
    * ``msd_SPECIES``: mean square displacement since sampling began; not of a ``rerun``;
    * ``square_displacement_SPECIES``: the same since the last time origin, of which there are
      several in a segment (`ensemble.plan.segments.rows_per_origin`); not of a ``rerun``.

    A row of ``nemd`` is a block:

    * ``temperature_BIN``, ``heat_flux_BIN`` (along the axis, extensive, of the atoms in the bin)
      and ``atoms_BIN`` (how many they are): means over the block;
    * ``momentum_SPECIES_BIN``: Σ m v along the axis over the species' atoms in the bin, mean over
      the block;
    * ``exchanged_energy``: what the swaps moved in the block, from the cold layer to the hot one;
    * ``momentum``: the vector, of all atoms; ``temperature``, ``pressure``, ``energy``, ``volume``;
    * ``length`` of the cell along the axis, and ``area`` of its cross-section.

    Parameters
    ----------
    study
        A study of any method.
    species
        Symbols in the order of the atom types.
    units
        LAMMPS unit style: everything is in its units.
    """
    system = unit_system(units)
    if isinstance(study, Nemd):
        columns = _of_blocks(study, species, system)
    else:
        columns = _of_moments(species, system)
    found = [Channel(name=name, units=unit) for name, unit in columns]
    if not isinstance(study, Rerun | Nemd):
        area = f"{system.length_symbol}^2"
        found += [
            Channel(name=of_species(quantity, symbol), units=area)
            for quantity in ("msd", SQUARE_DISPLACEMENT)
            for symbol in species
        ]
    return tuple(found)


def _of_moments(species: Sequence[str], system: UnitSystem) -> Iterator[tuple[str, str]]:
    for quantity in (HEAT_FLUX, HEAT_FLUX_CONVECTIVE, HEAT_FLUX_CONDUCTIVE):
        yield from _all_in(system.heat_flux_symbol, components(quantity))
    for symbol in species:
        yield from _all_in(system.momentum_symbol, components(of_species("momentum", symbol)))
    yield from _state(system)


def _of_blocks(
    study: Nemd, species: Sequence[str], system: UnitSystem
) -> Iterator[tuple[str, str]]:
    yield from _all_in(system.temperature_symbol, profile("temperature", study.bins))
    yield from _all_in(system.heat_flux_symbol, profile(HEAT_FLUX, study.bins))
    yield from _all_in(DIMENSIONLESS, profile("atoms", study.bins))
    for symbol in species:
        names = profile(of_species("momentum", symbol), study.bins)
        yield from _all_in(system.momentum_symbol, names)
    yield "exchanged_energy", system.energy_symbol
    yield from _all_in(system.momentum_symbol, components("momentum"))
    yield from _state(system)
    yield "length", system.length_symbol
    yield "area", f"{system.length_symbol}^2"


def _state(system: UnitSystem) -> Iterator[tuple[str, str]]:
    """What describes the state of the whole system."""
    yield "temperature", system.temperature_symbol
    yield "pressure", system.pressure_symbol
    yield "energy", system.energy_symbol
    yield "volume", f"{system.length_symbol}^3"


def _all_in(unit: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((name, unit) for name in names)
