"""The columns of a sampled series put together again, as vectors, profiles and sets of species."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.plan.recipe import Channel

__all__ = ["LONG_NAMES", "Quantity", "quantities"]

PARTS = re.compile(
    r"(?P<name>[a-z_]+?)(_(?P<species>[A-Z][a-z]?))?(_(?P<component>[xyz])|_(?P<bin>\d+))?"
)
"""Of a channel's name, as `ensemble.plan.channels` puts it together."""

DIMENSIONS = ("species", "component", "bin")

KINETIC_TEMPERATURE = "kinetic_temperature"
"""The sampled temperature; ``temperature`` alone is the axis of the temperatures asked for."""

LONG_NAMES = {
    "heat_flux": "extensive heat flux",
    "heat_flux_convective": "convective part of the heat flux",
    "heat_flux_conductive": "conductive part of the heat flux",
    "momentum": "momentum",
    "msd": "mean square displacement",
    "square_displacement": "mean square displacement since the last time origin",
    KINETIC_TEMPERATURE: "temperature of all atoms",
    "pressure": "pressure",
    "energy": "total energy",
    "volume": "volume of the cell",
    "temperature_profile": "temperature of a layer",
    "heat_flux_profile": "extensive heat flux of a layer's atoms along the axis",
    "atoms_profile": "atoms in a layer",
    "momentum_profile": "momentum of a species' atoms in a layer along the axis",
    "exchanged_energy": "energy moved from the cold to the hot layer in a block",
    "length": "length of the cell along the axis",
    "area": "cross-section of the cell",
}
"""What the quantities are, in words."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A physical quantity of a study, and the columns that it is in."""

    name: str
    units: str
    labels: dict[str, tuple[str | int, ...]]
    """Its own dimensions with their labels: of ``species``, ``component`` and ``bin``."""
    columns: NDArray[np.intp]
    """Places of its channels, an axis for each dimension of `labels`."""


def quantities(channels: Sequence[Channel]) -> dict[str, Quantity]:
    """The quantities that a study samples, by name, in the order of their first channels."""
    places: dict[str, dict[tuple[tuple[str, str | int], ...], int]] = {}
    units: dict[str, str] = {}
    for place, channel in enumerate(channels):
        name, labels = _parsed(channel.name)
        places.setdefault(name, {})[labels] = place
        units[name] = channel.units
    return {name: _quantity(name, units[name], found) for name, found in places.items()}


def _parsed(channel: str) -> tuple[str, tuple[tuple[str, str | int], ...]]:
    match = PARTS.fullmatch(channel)
    if match is None:
        return channel, ()
    labels: list[tuple[str, str | int]] = []
    for dimension in DIMENSIONS:
        if (label := match[dimension]) is not None:
            labels.append((dimension, int(label) if dimension == "bin" else label))
    name = match["name"]
    if match["bin"] is not None:
        name = f"{name}_profile"
    return KINETIC_TEMPERATURE if name == "temperature" else name, tuple(labels)


def _quantity(
    name: str, units: str, places: dict[tuple[tuple[str, str | int], ...], int]
) -> Quantity:
    labels = {
        dimension: tuple(dict.fromkeys(_labels_along(dimension, places)))
        for dimension, _ in next(iter(places))
    }
    columns = np.array(list(places.values())).reshape([len(found) for found in labels.values()])
    return Quantity(name=name, units=units, labels=labels, columns=columns)


def _labels_along(
    dimension: str, places: Iterable[tuple[tuple[str, str | int], ...]]
) -> Iterable[str | int]:
    return (label for labels in places for name, label in labels if name == dimension)
