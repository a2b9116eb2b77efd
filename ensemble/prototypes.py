"""Crystal structures by name: where the atoms are in the conventional cell.

Plain numbers that cost nothing to import; `ensemble.structures` makes crystals of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PROTOTYPES", "Prototype"]

Point = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Prototype:
    """A crystal structure up to its elements and lattice constants, in its conventional cell."""

    example: str
    """A substance that crystallises so, its elements in the order of `sites`."""

    sites: tuple[tuple[Point, ...], ...]
    """By species, the fractional coordinates of its atoms."""

    hexagonal: bool = False
    """Whether the lattice is hexagonal, with constants a and c, instead of cubic."""

    axial_ratio: float | None = None
    """c/a where the structure has an ideal one, used when c is not given."""

    @property
    def species_count(self) -> int:
        """Number of species."""
        return len(self.sites)

    @property
    def site_counts(self) -> tuple[int, ...]:
        """Sites of each species in the conventional cell."""
        return tuple(len(points) for points in self.sites)

    @property
    def constants(self) -> tuple[int, ...]:
        """How many lattice constants may be given: a, or a and c."""
        if not self.hexagonal:
            return (1,)
        return (2,) if self.axial_ratio is None else (1, 2)


def _shifted(points: Sequence[Point], *shifts: Point) -> tuple[Point, ...]:
    """The points moved by each of the shifts in turn, inside the cell."""
    return tuple(
        ((x + dx) % 1, (y + dy) % 1, (z + dz) % 1) for dx, dy, dz in shifts for x, y, z in points
    )


_ORIGIN: tuple[Point, ...] = ((0, 0, 0),)
_CENTRE: tuple[Point, ...] = ((0.5, 0.5, 0.5),)
_FCC: tuple[Point, ...] = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
_FACES = _FCC[1:]
_QUARTER: Point = (0.25, 0.25, 0.25)
_TETRAHEDRAL = _shifted(_FCC, _QUARTER, (0.75, 0.75, 0.75))
_HCP: tuple[Point, ...] = ((1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75))
_IDEAL_RATIO = (8 / 3) ** 0.5


def _inverted_pair(z: float) -> tuple[Point, ...]:
    """The position 2d of the space group P-3m1."""
    return ((1 / 3, 2 / 3, z), (2 / 3, 1 / 3, 1 - z))


PROTOTYPES: Mapping[str, Prototype] = MappingProxyType(
    {
        "antifluorite": Prototype(example="Cu2Se", sites=(_TETRAHEDRAL, _FCC)),
        "bcc": Prototype(example="W", sites=(_ORIGIN + _CENTRE,)),
        "cesium-chloride": Prototype(example="CsCl", sites=(_ORIGIN, _CENTRE)),
        "diamond": Prototype(example="Si", sites=(_shifted(_FCC, (0, 0, 0), _QUARTER),)),
        "fcc": Prototype(example="Ar", sites=(_FCC,)),
        "fluorite": Prototype(example="CaF2", sites=(_FCC, _TETRAHEDRAL)),
        "half-heusler": Prototype(
            example="ZrNiSn",
            sites=(_FCC, _shifted(_FCC, _QUARTER), _shifted(_FCC, (0.5, 0.5, 0.5))),
        ),
        "hcp": Prototype(example="Mg", sites=(_HCP,), hexagonal=True, axial_ratio=_IDEAL_RATIO),
        # The La2O3 type, P-3m1, with the internal coordinates of Mg3Sb2 itself.
        "mg3sb2": Prototype(
            example="Mg3Sb2",
            sites=(_ORIGIN + _inverted_pair(0.634), _inverted_pair(0.228)),
            hexagonal=True,
        ),
        "perovskite": Prototype(example="CaTiO3", sites=(_ORIGIN, _CENTRE, _FACES)),
        "rocksalt": Prototype(example="NaCl", sites=(_FCC, _shifted(_FCC, (0.5, 0.5, 0.5)))),
        "wurtzite": Prototype(
            example="ZnS",
            sites=tuple(((1 / 3, 2 / 3, z), (2 / 3, 1 / 3, z + 0.5)) for z in (0.0, 0.375)),
            hexagonal=True,
            axial_ratio=_IDEAL_RATIO,
        ),
        "zincblende": Prototype(example="ZnS", sites=(_FCC, _shifted(_FCC, _QUARTER))),
    }
)
"""Prototypes by name; species come in the order of the example's formula."""
