"""The crystals that a training file names, as atoms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.campaign.schema import Vacancies
from ensemble.structures import crystal, read_structure, supercell, with_vacancies
from ensemble.training.seeds import named_seed
from ensemble.training.settings import Training

__all__ = ["Supercell", "cells_text", "of_composition", "supercells_of"]


@dataclass(frozen=True, kw_only=True)
class Supercell:
    """Of a material."""

    name: str
    """Such as ``beta-2x2x2``."""

    material: str
    full: Atoms
    """With no site empty."""

    vacancies: Vacancies | None

    def arranged(self, what: str, *numbers: int) -> Atoms:
        """The atoms with the material's vacancies, in an arrangement of their own for each use.

        Any sites may be empty, neighbours as well, where a campaign keeps them far apart: there are
        few ways to do that in a small cell, and a model should know the others.

        Parameters
        ----------
        what, numbers
            What for, and which of these it is: they and the seed of the material's vacancies
            decide the arrangement.

        Raises
        ------
        ValueError
            There is no room for the vacancies.
        """
        empty, kept = self.vacancies, np.ones(len(self.full), dtype=bool)
        if empty is not None:
            apart = with_vacancies(self.full, empty.species, fraction=empty.fraction, seed=1)
            rng = np.random.default_rng(named_seed(f"vacancies: {what}", empty.seed, *numbers))
            sites = np.flatnonzero(self.full.symbols == empty.species)
            kept[rng.choice(sites, len(self.full) - len(apart), replace=False)] = False
        return self.full[kept]


def supercells_of(training: Training) -> Iterator[Supercell]:
    """Every supercell of every material.

    Raises
    ------
    ValueError
        A structure file is no crystal.
    OSError
        A structure file cannot be read.
    """
    for name, material in training.materials.items():
        if material.structure is not None:
            unit = read_structure(training.path.parent / material.structure)
        else:
            assert material.prototype is not None
            assert material.lattice is not None
            unit = crystal(material.prototype, material.species, material.lattice)
        for cells in training.explore.supercells:
            yield Supercell(
                name=f"{name}-{cells_text(cells)}",
                material=name,
                full=supercell(unit, cells),
                vacancies=material.vacancies,
            )


def of_composition(
    training: Training, material: str | None, frames: Iterable[Atoms]
) -> list[Atoms]:
    """The frames that have a material's composition, that of any of its supercells; all where none
    is given.
    """
    if material is None:
        return list(frames)
    species = training.header.species
    # As many vacancies as a fraction comes to in one cell are another fraction of a larger one.
    compositions = [
        _numbers(cell.arranged("composition"), species)
        for cell in supercells_of(training)
        if cell.material == material
    ]

    def has_it(frame: Atoms) -> bool:
        numbers = _numbers(frame, species)
        return any((numbers * one.sum() == one * numbers.sum()).all() for one in compositions)

    return [frame for frame in frames if has_it(frame)]


def _numbers(atoms: Atoms, species: Sequence[str]) -> NDArray[np.int64]:
    """How many atoms there are of each species."""
    return np.array([atoms.symbols.count(symbol) for symbol in species])


def cells_text(cells: tuple[int, int, int]) -> str:
    """Such as 2x2x2."""
    return "x".join(map(str, cells))
