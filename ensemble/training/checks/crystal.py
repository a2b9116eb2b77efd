"""The perfect crystal at 0 K: its unit cell, relaxed with its symmetry kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from ensemble.campaign.schema import Material
from ensemble.structures import crystal, read_structure

__all__ = ["CheckFailed", "Crystal", "Family", "family_of", "relax", "unit_cell"]

Family = Literal["cubic", "hexagonal", "other"]
"""By the shape of the cell: cubic with the axes along x, y, z; hexagonal with a along x and c along
z, which trigonal crystals in hexagonal cells are as well."""

FORCE = 1e-4
"""Largest force, and largest gradient by the cell, of a relaxed crystal, in eV/Å."""

STEPS = 500

VOLUME_CHANGE = 0.5
"""How far the volume may move, over what it was: no model that is any good goes as far."""

SAME_SHAPE = 1e-4
"""How far edges, over the first one, and cosines of a relaxed cell may be off its family's."""


class CheckFailed(Exception):
    """A model did not get through a check; the message says how, for the model card."""


@dataclass(frozen=True, kw_only=True)
class Crystal:
    """A crystal at 0 K and zero pressure."""

    atoms: Atoms
    """The unit cell, with its calculator."""
    family: Family

    @property
    def lattice(self) -> dict[str, float]:
        """Lattice constants in Å: a of a cubic cell, a and c of a hexagonal one, else a, b, c."""
        a, b, c = map(float, self.atoms.cell.lengths())
        if self.family == "cubic":
            return {"a": a}
        return {"a": a, "c": c} if self.family == "hexagonal" else {"a": a, "b": b, "c": c}

    @property
    def energy(self) -> float:
        """In eV per atom."""
        return float(self.atoms.get_potential_energy()) / len(self.atoms)


def unit_cell(material: Material) -> Atoms:
    """The unit cell of a material with all its sites filled.

    A structure file's path has to be absolute, or to start from the working directory.

    Raises
    ------
    ValueError
        The structure file is no crystal.
    OSError
        It cannot be read.
    """
    if material.structure is not None:
        return read_structure(Path(material.structure))
    assert material.prototype is not None
    assert material.lattice is not None
    return crystal(material.prototype, material.species, material.lattice)


def relax(atoms: Atoms, calculator: BaseCalculator, *, steps: int = STEPS) -> Crystal:
    """Relax cell and positions of a crystal to zero force and pressure.

    The gradient of a symmetric crystal is symmetric, and so are the steps along it: the symmetry
    stays, even where the crystal is a saddle point of the energy, as superionic phases are at 0 K.

    Parameters
    ----------
    atoms
        The unit cell near its equilibrium; it is left as it is.
    calculator
        With energy, forces and stress.
    steps
        At most.

    Raises
    ------
    CheckFailed
        There is no equilibrium nearby, or the cell has lost its symmetry on the way.
    """
    relaxed = atoms.copy()
    relaxed.calc = calculator
    movable: Any = FrechetCellFilter(relaxed)  # ASE's hints know only Atoms here
    search = BFGS(movable, logfile=None)
    try:
        for _ in search.irun(fmax=FORCE, steps=steps):
            _check_volume(relaxed.get_volume() / atoms.get_volume())
    except (ValueError, np.linalg.LinAlgError) as error:  # of what is no number, or no cell
        raise CheckFailed(f"the crystal did not relax: {error}") from error
    if not search.converged():
        raise CheckFailed(f"the crystal did not relax within {steps} steps")
    before, after = family_of(atoms), family_of(relaxed)
    if before != after:
        cell = ", ".join(f"{value:.4f}" for value in relaxed.cell.cellpar())
        raise CheckFailed(f"the {before} cell relaxed into another shape: {cell} (Å, degrees)")
    return Crystal(atoms=relaxed, family=before)


def _check_volume(ratio: float) -> None:
    """Let a relaxation go on while the volume, over what it was, is plausible."""
    if not abs(ratio - 1) <= VOLUME_CHANGE:  # nor is NaN
        raise CheckFailed(f"the crystal relaxed to {ratio:.2g} times the volume it started from")


def family_of(atoms: Atoms) -> Family:
    """Which family the shape and the orientation of a cell belong to."""
    a, _, c = lengths = atoms.cell.lengths()
    half, height = 0.5, 0.75**0.5
    shapes: dict[Family, list[list[float]]] = {
        "cubic": [[a, 0, 0], [0, a, 0], [0, 0, a]],
        "hexagonal": [[a, 0, 0], [-half * a, height * a, 0], [0, 0, c]],
    }
    for family, cell in shapes.items():
        if np.allclose(atoms.cell.array, cell, rtol=0, atol=SAME_SHAPE * lengths[0]):
            return family
    return "other"
