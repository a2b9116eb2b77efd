"""The crystals that a training file names, as atoms."""

from __future__ import annotations

from collections.abc import Iterator

from ase import Atoms

from ensemble.structures import crystal, read_structure, supercell, with_vacancies
from ensemble.training.settings import Training

__all__ = ["cells_text", "supercells_of"]


def supercells_of(training: Training) -> Iterator[tuple[str, Atoms]]:
    """Every supercell of every material, with its vacancies, by a name for it.

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
                atoms = with_vacancies(
                    atoms, empty.species, fraction=empty.fraction, seed=empty.seed
                )
            yield f"{name}-{cells_text(cells)}", atoms


def cells_text(cells: tuple[int, int, int]) -> str:
    """Such as 2x2x2."""
    return "x".join(map(str, cells))
