"""Moment tensor potentials on plain arrays and as an ASE calculator.

Both go through the same compiled kernel as the LAMMPS pair style. Units are eV and Angstrom
throughout; per-atom virials are ordered xx yy zz xy xz yz yx zx zy, with xy = r_x F_y.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import atomic_numbers
from numpy.typing import ArrayLike, NDArray
from vesin import NeighborList

from ensemble.mtp import _core
from ensemble.mtp.potential import Potential, read_potential

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

PROPERTIES = ("energy", "free_energy", "energies", "forces", "stress", "virials")


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Atoms, the periodic images that they see, and who sees whom."""

    positions: Floats
    """Atoms first, then images, in Angstrom: shape ``(natoms + nimages, 3)``."""

    owners: Ints
    """The atom that each position belongs to: shape ``(natoms + nimages,)``."""

    offsets: Ints
    """Where each atom's neighbours begin in `indices`: shape ``(natoms + 1,)``."""

    indices: Ints
    """Neighbours as indices into `positions`, atom by atom: shape ``(npairs,)``."""

    @property
    def natoms(self) -> int:
        return len(self.offsets) - 1

    def fold(self, values: Floats) -> Floats:
        """Add the rows of images to those of their owners: ``(natoms, ...)``."""
        folded = values[: self.natoms].copy()
        np.add.at(folded, self.owners[self.natoms :], values[self.natoms :])
        return folded


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Energy of a structure and its derivatives."""

    energy: float
    """Potential energy in eV."""

    site_energies: Floats
    """U_i in eV: shape ``(natoms,)``."""

    forces: Floats
    """In eV/Angstrom: shape ``(natoms, 3)``."""

    virial: Floats
    """Sum of the per-atom virials in eV, minus the derivative by strain: shape ``(9,)``."""

    virials: Floats
    """W_j = -sum_i (r_j - r_i) (x) dU_i/dr_j in eV: shape ``(natoms, 9)``."""


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Derivatives by the coefficients, in the order radial ``[i][j][mu][n]``, species, moment."""

    energy: Floats
    """Shape ``(ncoefficients,)``."""

    forces: Floats
    """Shape ``(ncoefficients, natoms, 3)``."""

    virial: Floats
    """Shape ``(ncoefficients, 9)``."""


def find_neighbors(
    positions: ArrayLike, cell: ArrayLike | None, pbc: ArrayLike, cutoff: float
) -> Neighbors:
    """All pairs closer than `cutoff`, in any cell: triclinic, slab, or smaller than the cutoff.

    Parameters
    ----------
    positions
        In Angstrom: shape ``(natoms, 3)``; they need not lie inside the cell.
    cell
        Lattice vectors as rows, in Angstrom; None for a cluster.
    pbc
        Whether each lattice vector is a period.
    cutoff
        In Angstrom.

    Raises
    ------
    ValueError
        Positions or a cell that are not finite or have a wrong shape; a period of no volume.
    """
    points = np.ascontiguousarray(positions, dtype=np.float64)
    box = np.zeros((3, 3)) if cell is None else np.ascontiguousarray(cell, dtype=np.float64)
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), 3).copy()
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"positions must have the shape (natoms, 3), not {points.shape}")
    if box.shape != (3, 3):
        raise ValueError(f"cell must have the shape (3, 3), not {box.shape}")
    if not (np.isfinite(points).all() and np.isfinite(box).all()):
        raise ValueError("positions and cell must be finite numbers")
    if np.linalg.matrix_rank(box[periodic]) < periodic.sum():
        raise ValueError(
            f"pbc is {periodic.tolist()}, but those lattice vectors span no volume: {box.tolist()}"
        )
    natoms = len(points)
    search = NeighborList(cutoff=cutoff, full_list=True, sorted=True, n_threads=1)
    first, second, shifts = search.compute(points, box, periodic, quantities="ijS")
    indices = second.astype(np.int32)
    # An atom seen through the boundary is an image: one position for each (atom, shift).
    through = np.flatnonzero(shifts.any(axis=1))
    seen = shifts[through]
    lowest = seen.min(axis=0, initial=0)
    grid = (natoms, *(seen.max(axis=0, initial=0) - lowest + 1))
    keys = np.ravel_multi_index((indices[through], *(seen - lowest).T), grid)
    images, which = np.unique(keys, return_inverse=True)
    indices[through] = natoms + which
    owners, *cells = np.unravel_index(images, grid)
    translations = (np.column_stack(cells) + lowest) @ box
    return Neighbors(
        positions=np.concatenate([points, points[owners] + translations]),
        owners=np.concatenate([np.arange(natoms), owners]).astype(np.int32),
        offsets=np.searchsorted(first, np.arange(natoms + 1)).astype(np.int32),
        indices=indices,
    )


def make_kernel(potential: Potential, isa: str = "auto") -> _core.Kernel:
    """Compile a potential for an instruction set: ``auto``, ``plain``, ``avx2`` or ``avx512``."""
    return _core.Kernel(potential.core, isa)


def evaluate(
    kernel: _core.Kernel,
    positions: ArrayLike,
    species: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: ArrayLike = False,
) -> Evaluation:
    """Energy, site energies, forces and virials of one structure.

    Parameters
    ----------
    kernel
        Of `make_kernel`; threads may share it.
    species
        Indices into the species of the potential: shape ``(natoms,)``.
    positions, cell, pbc
        As in `find_neighbors`.
    """
    near = find_neighbors(positions, cell, pbc, kernel.cutoff)
    result = kernel.compute(near.offsets, near.indices, near.positions, _types(species, near))
    return Evaluation(
        energy=result["energy"],
        site_energies=result["site_energies"][: near.natoms],
        forces=near.fold(result["forces"]),
        virial=result["virial"],
        virials=near.fold(result["virials9"]),
    )


def evaluate_jacobian(
    kernel: _core.Kernel,
    positions: ArrayLike,
    species: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: ArrayLike = False,
) -> Jacobian:
    """Derivatives of energy, forces and virial by every coefficient: what a fit needs.

    Parameters are those of `evaluate`. Memory: 24 bytes for each coefficient and position,
    images included.
    """
    near = find_neighbors(positions, cell, pbc, kernel.cutoff)
    result = kernel.jacobian(near.offsets, near.indices, near.positions, _types(species, near))
    forces = near.fold(np.swapaxes(result["forces"], 0, 1))
    return Jacobian(
        energy=result["energy"], forces=np.swapaxes(forces, 0, 1), virial=result["virial"]
    )


def _types(species: ArrayLike, near: Neighbors) -> Ints:
    """Species of atoms and images."""
    types = np.asarray(species)
    if types.shape != (near.natoms,) or not np.issubdtype(types.dtype, np.integer):
        raise ValueError(
            f"species must be {near.natoms} integers, one for each atom, "
            f"not {types.dtype} of shape {types.shape}"
        )
    return types[near.owners].astype(np.int32)


def voigt_stress(virial: Floats, volume: float) -> Floats:
    """Stress in eV/Angstrom^3, in ASE's sign and order xx yy zz yz xz xy.

    Parameters
    ----------
    virial
        In eV: shape ``(..., 9)``.
    volume
        In Angstrom^3.
    """
    xx, yy, zz, xy, xz, yz, yx, zx, zy = np.moveaxis(virial, -1, 0)
    symmetric = [xx, yy, zz, (yz + zy) / 2, (xz + zx) / 2, (xy + yx) / 2]
    return np.stack(symmetric, axis=-1) / -volume


def resolve_species(potential: Potential, species: Sequence[str] | None) -> tuple[str, ...]:
    """Chemical symbols of the potential's species: as given, or as its tag lists them.

    Raises
    ------
    ValueError
        Neither says what they are, or a symbol is unknown, repeated, or missing.
    """
    label = f"potential {potential.name!r}" if potential.name else "the potential"
    names = potential.species_names if species is None else tuple(species)
    if not names:
        raise ValueError(
            f"the potential_tag of {label} does not name its {potential.species_count} species: "
            "give them in its order, as in species=['Cu', 'Se'], "
            "or put 'potential_tag = species Cu Se' into the file"
        )
    unknown = [name for name in names if name not in atomic_numbers]
    if unknown:
        raise ValueError(f"not a chemical symbol: {', '.join(map(repr, unknown))}")
    if len(names) != potential.species_count or len(set(names)) != len(names):
        raise ValueError(
            f"{label} has {potential.species_count} species, "
            f"which need as many different symbols; found: {' '.join(names)}"
        )
    return names


class MTPCalculator(Calculator):
    """ASE calculator of a moment tensor potential.

    Parameters
    ----------
    potential
        A `Potential`, or the path of a ``.mtp`` or ``.almtp`` file.
    species
        Chemical symbols in the order of the potential's species, as in ``["Cu", "Se"]``. Needed
        where the file's ``potential_tag`` does not list them (``species = Cu Se``).
    isa
        Instruction set of the kernel: ``auto``, ``plain``, ``avx2`` or ``avx512``.

    Raises
    ------
    FormatError
        The file is not a potential.
    ValueError
        The species are not known, or not as many as the potential has.

    Notes
    -----
    Next to ASE's properties there is ``virials``: per-atom, in eV, shape ``(natoms, 9)``.
    ``stress`` is there for structures with a volume and periodic boundaries.
    """

    atoms: Atoms

    def __init__(
        self,
        potential: Potential | str | PathLike[str],
        species: Sequence[str] | None = None,
        *,
        isa: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.implemented_properties = list(PROPERTIES)
        if not isinstance(potential, Potential):
            potential = read_potential(potential)
        self.potential = potential
        self.species = resolve_species(potential, species)
        self.isa = isa
        self.kernel = make_kernel(potential, isa)

    def __reduce__(self) -> tuple[object, ...]:
        # The kernel is compiled code's: it is made anew, for the processor it arrives at.
        return partial(type(self), isa=self.isa), (self.potential, self.species)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        result = evaluate(self.kernel, *self._arrays(self.atoms))
        self.results = {
            "energy": result.energy,
            "free_energy": result.energy,
            "energies": result.site_energies,
            "forces": result.forces,
            "virials": result.virials,
        }
        if self.atoms.cell.rank == 3 and self.atoms.pbc.any():
            self.results["stress"] = voigt_stress(result.virial, self.atoms.cell.volume)

    def jacobian(self, atoms: Atoms) -> Jacobian:
        """Derivatives of energy, forces and virial by the coefficients; see `evaluate_jacobian`."""
        return evaluate_jacobian(self.kernel, *self._arrays(atoms))

    def _arrays(self, atoms: Atoms) -> tuple[Floats, Ints, Floats, NDArray[np.bool_]]:
        """Arguments of `evaluate` behind the kernel."""
        index = {symbol: k for k, symbol in enumerate(self.species)}
        unknown = sorted(set(atoms.symbols) - set(index))
        if unknown:
            raise ValueError(
                f"the structure has {', '.join(unknown)}, "
                f"but the potential's species are {' '.join(self.species)}"
            )
        types = np.array([index[symbol] for symbol in atoms.symbols], dtype=np.int32)
        return atoms.positions, types, atoms.cell.array, atoms.pbc
