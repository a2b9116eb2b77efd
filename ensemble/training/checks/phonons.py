"""Phonon frequencies of a relaxed crystal, by phonopy's finite displacements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.training.checks.crystal import Crystal

if TYPE_CHECKING:
    from phonopy import Phonopy

__all__ = ["Phonons", "phonons"]

Cells = tuple[int, int, int]

DISPLACEMENT = 0.01
"""Of an atom, in Å."""


@dataclass(frozen=True, kw_only=True)
class Phonons:
    """Frequencies on a mesh; an unstable mode has an imaginary one, given as negative."""

    lowest: float
    """In THz, without the three acoustic modes at Γ, which are zero."""
    lowest_at: tuple[float, float, float]
    """Where that is, in units of the primitive cell's reciprocal vectors."""
    highest: float
    """In THz."""
    unstable: float
    """Fraction of the modes on the mesh that have a negative frequency."""


def phonons(crystal: Crystal, *, supercell: Cells, mesh: Cells) -> Phonons:
    """Frequencies of a crystal on a mesh with Γ.

    Those at wave vectors that fit into the supercell are exact, the others interpolated.

    Parameters
    ----------
    crystal
        Relaxed.
    supercell
        Unit cells along each axis, in which atoms are displaced.
    mesh
        Points along each reciprocal vector of the primitive cell.

    Raises
    ------
    ImportError
        phonopy is not installed.
    """
    found = _force_constants(crystal.atoms, supercell)
    found.run_mesh(mesh, is_gamma_center=True)
    on_mesh: Any = found.mesh
    points, weights = on_mesh.qpoints, on_mesh.weights
    frequencies = _without_translations(points, on_mesh.frequencies)
    where = np.unravel_index(np.nanargmin(frequencies), frequencies.shape)
    x, y, z = points[where[0]]
    negative = weights @ (frequencies < 0).sum(axis=1)
    return Phonons(
        lowest=float(frequencies[where]),
        lowest_at=(float(x), float(y), float(z)),
        highest=float(np.nanmax(frequencies)),
        unstable=float(negative / (weights.sum() * frequencies.shape[1])),
    )


def _force_constants(atoms: Atoms, supercell: Cells) -> Phonopy:
    try:
        from phonopy import Phonopy
        from phonopy.structure.atoms import PhonopyAtoms
        from phonopy.structure.cells import guess_primitive_matrix
    except ImportError as error:
        raise ImportError(
            "phonons need phonopy, which is not installed: pip install '.[train]' in the clone"
        ) from error
    unit = PhonopyAtoms(
        symbols=list(atoms.symbols), cell=atoms.cell.array, positions=atoms.positions
    )
    primitive = guess_primitive_matrix(unit)
    found = Phonopy(unit, np.diag(supercell), primitive_matrix=primitive, log_level=0)
    found.generate_displacements(distance=DISPLACEMENT)
    displaced = found.supercells_with_displacements or []
    found.forces = np.array([_forces(one, atoms) for one in displaced if one is not None])
    found.produce_force_constants()
    found.symmetrize_force_constants()
    return found


def _forces(displaced: Any, atoms: Atoms) -> NDArray[np.float64]:
    """Of a supercell of phonopy's, by the calculator of the unit cell."""
    cell = Atoms(displaced.symbols, displaced.positions, cell=displaced.cell, pbc=True)
    cell.calc = atoms.calc
    forces: NDArray[np.float64] = cell.get_forces()
    return forces


def _without_translations(
    points: NDArray[np.float64], frequencies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The frequencies, shape ``(points, modes)``, with nan for the acoustic modes at Γ."""
    kept = frequencies.copy()
    (gamma,) = np.flatnonzero(~points.any(axis=1))
    kept[gamma, np.argsort(np.abs(kept[gamma]))[:3]] = np.nan
    return kept
