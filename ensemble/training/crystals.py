"""The crystals that a training file names, as atoms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.structures import crystal, read_structure, supercell, with_vacancies
from ensemble.training.settings import Training

__all__ = ["cells_text", "of_composition", "supercells_of"]


def supercells_of(
    training: Training, *, arrangement: int | None = None
) -> Iterator[tuple[str, Atoms]]:
    """Every supercell of every material, with its vacancies, by a name for it.

    Parameters
    ----------
    arrangement
        Seed of the vacancies' arrangement, where it is not to be that of the material.

    Raises
    ------
    ValueError
        A structure file is no crystal, or a supercell has no room for its vacancies.
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
            atoms = supercell(unit, cells)
            if material.vacancies is not None:
                empty = material.vacancies
                seed = empty.seed if arrangement is None else arrangement
                atoms = with_vacancies(atoms, empty.species, fraction=empty.fraction, seed=seed)
            yield f"{name}-{cells_text(cells)}", atoms


def of_composition(
    training: Training, material: str | None, frames: Iterable[Atoms]
) -> list[Atoms]:
    """The frames that have a material's composition; all where none is given."""
    if material is None:
        return list(frames)
    prefix, species = f"{material}-", training.header.species
    wanted = next(
        _numbers(atoms, species)
        for name, atoms in supercells_of(training)
        if name.startswith(prefix)
    )

    def has_it(frame: Atoms) -> bool:
        numbers = _numbers(frame, species)
        return bool((numbers * wanted.sum() == wanted * numbers.sum()).all())

    return [frame for frame in frames if has_it(frame)]


def _numbers(atoms: Atoms, species: Sequence[str]) -> NDArray[np.int64]:
    """How many atoms there are of each species."""
    return np.array([atoms.symbols.count(symbol) for symbol in species])


def cells_text(cells: tuple[int, int, int]) -> str:
    """Such as 2x2x2."""
    return "x".join(map(str, cells))
