"""Elastic constants of a relaxed crystal at 0 K.

The ions are relaxed by linear response rather than by a minimiser, so the constants are defined
also for a crystal that is unstable at 0 K, where a minimiser would leave for another phase:
C = C⁰ - Λᵀ H⁺ Λ / V, with the stiffness C⁰ at fixed fractional coordinates, the Hessian H of the
positions, and Λ, the derivative of the forces by the strain (M. Born, K. Huang, Dynamical Theory of
Crystal Lattices, Oxford 1954, section 11). All three come from central differences of forces and
stresses. Strains are in Voigt's order xx yy zz yz xz xy, shears twice the tensor's components.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.units import GPa
from numpy.typing import NDArray

from ensemble.training.checks.crystal import Crystal, Family

__all__ = ["bulk_modulus", "constants_of", "is_stable", "stiffness"]

Floats = NDArray[np.float64]

STRAIN = 1e-3
"""Step of the differences by strain: of second order, so wrong by 1e-4 at most; forces of single
precision still have three digits at that."""

DISPLACEMENT = 5e-3
"""Step of the differences by position, in Å."""

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))

CONSTANTS: dict[Family, dict[str, tuple[tuple[int, int], ...]]] = {
    "cubic": {
        "C11": ((1, 1), (2, 2), (3, 3)),
        "C12": ((1, 2), (1, 3), (2, 3)),
        "C44": ((4, 4), (5, 5), (6, 6)),
    },
    "hexagonal": {
        "C11": ((1, 1), (2, 2)),
        "C12": ((1, 2),),
        "C13": ((1, 3), (2, 3)),
        "C14": ((1, 4),),
        "C33": ((3, 3),),
        "C44": ((4, 4), (5, 5)),
    },
    "other": {f"C{i}{j}": ((i, j),) for i in range(1, 7) for j in range(i, 7)},
}
"""The independent constants of a family and the elements of the matrix that are equal to each. C14
is that of trigonal crystals, zero in hexagonal ones."""


def stiffness(crystal: Crystal) -> Floats:
    """The elastic constants of a relaxed crystal with relaxed ions, in GPa: shape ``(6, 6)``."""
    atoms = crystal.atoms
    clamped, coupling = _by_strain(atoms)
    response = np.linalg.solve(_hessian(atoms), coupling)
    relaxed = clamped - coupling.T @ response / atoms.get_volume()
    symmetric: Floats = (relaxed + relaxed.T) / (2 * GPa)
    return symmetric


def _by_strain(atoms: Atoms) -> tuple[Floats, Floats]:
    """Derivatives by strain: of the stress, shape ``(6, 6)`` in eV/Å³, and of the forces, shape
    ``(3 natoms, 6)`` in eV/Å.
    """
    stress, forces = np.empty((6, 6)), np.empty((3 * len(atoms), 6))
    for k in range(6):
        sides = [_strained(atoms, k, sign * STRAIN) for sign in (1, -1)]
        (plus, forward), (minus, back) = ((a.get_stress(), a.get_forces()) for a in sides)
        stress[:, k] = (plus - minus) / (2 * STRAIN)
        forces[:, k] = (forward - back).ravel() / (2 * STRAIN)
    return stress, forces


def _strained(atoms: Atoms, component: int, strain: float) -> Atoms:
    i, j = VOIGT[component]
    deformation = np.eye(3)
    # Half of a shear on either side of the diagonal; all of an elongation on it.
    deformation[i, j] += strain / 2
    deformation[j, i] += strain / 2
    strained: Atoms = atoms.copy()
    strained.calc = atoms.calc
    strained.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    return strained


def _hessian(atoms: Atoms) -> Floats:
    """Second derivatives of the energy by the positions, shape ``(3 natoms, 3 natoms)``, in eV/Å².

    Translations cost an energy as well, so that it can be inverted: no strain couples to them.
    """
    size = 3 * len(atoms)
    hessian = np.empty((size, size))
    moved = atoms.copy()
    moved.calc = atoms.calc
    for k in range(size):
        sides = []
        for sign in (1, -1):
            moved.positions.ravel()[k] = atoms.positions.ravel()[k] + sign * DISPLACEMENT
            sides.append(moved.get_forces().ravel())
        moved.positions.ravel()[k] = atoms.positions.ravel()[k]
        hessian[:, k] = (sides[1] - sides[0]) / (2 * DISPLACEMENT)
    translations = np.tile(np.eye(3), (len(atoms), 1)) / len(atoms) ** 0.5
    symmetric: Floats = (hessian + hessian.T) / 2 + translations @ translations.T
    return symmetric


def constants_of(stiffness: Floats, family: Family) -> dict[str, float]:
    """The independent constants by name, each the mean of the elements that symmetry makes equal.

    Parameters
    ----------
    stiffness
        Shape ``(6, 6)``, in any unit.
    family
        Of the crystal.
    """
    return {
        name: float(np.mean([stiffness[i - 1, j - 1] for i, j in places]))
        for name, places in CONSTANTS[family].items()
    }


def bulk_modulus(stiffness: Floats) -> float:
    """-V dp/dV of a crystal whose cell and ions follow the pressure, in the unit of `stiffness`."""
    compliance = np.linalg.inv(stiffness)
    return float(1 / compliance[:3, :3].sum())


def is_stable(stiffness: Floats) -> bool:
    """Whether every strain costs energy (Born)."""
    return bool(np.linalg.eigvalsh(stiffness).min() > 0)
