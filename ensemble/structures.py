"""Crystals for molecular dynamics: prototype or file, supercell, vacancies, LAMMPS data file.

Each step takes and gives an `ase.Atoms`, periodic in all directions::

    unit = crystal("antifluorite", ["Cu", "Se"], 5.85)
    perfect = supercell(unit, [5, 5, 5])
    atoms = with_vacancies(perfect, "Cu", fraction=0.025, seed=1)
    Path("start.data").write_text(lammps_data(atoms, ["Cu", "Se"]))

The same input gives the same bytes, on any machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from ensemble.prototypes import PROTOTYPES, Prototype
from ensemble.vacancies import PeriodicMetric, with_vacancies

__all__ = [
    "PROTOTYPES",
    "Prototype",
    "crystal",
    "lammps_data",
    "read_structure",
    "supercell",
    "with_vacancies",
]

Floats = NDArray[np.float64]


def crystal(prototype: str, species: Sequence[str], lattice: float | Sequence[float]) -> Atoms:
    """The conventional cell of a prototype.

    Parameters
    ----------
    prototype
        A name in `PROTOTYPES`.
    species
        Chemical symbols, in the order of the prototype's example: Cu, Se for an antifluorite.
    lattice
        The lattice constant a, or ``[a, c]`` for a hexagonal prototype, where c may be left out if
        an ideal ratio c/a exists. In Å (in σ for the unit system ``lj``).

    Raises
    ------
    ValueError
        Unknown prototype or element, the wrong number of species or of lattice constants.
    """
    kind = _prototype(prototype)
    if len(species) != kind.species_count:
        raise ValueError(
            f"species {list(species)}: the prototype {prototype!r} has {kind.species_count}, "
            f"in the order of {kind.example}"
        )
    for name in species:
        _check_element(name)
    a, c = _lattice_constants(prototype, kind, lattice)
    cell = np.diag([a, a, c])
    if kind.hexagonal:
        cell[1] = [-0.5 * a, 0.75**0.5 * a, 0.0]
    symbols = [name for name, sites in zip(species, kind.sites, strict=True) for _ in sites]
    scaled = np.concatenate([np.array(sites, dtype=np.float64) for sites in kind.sites])
    return Atoms(symbols, scaled_positions=scaled, cell=cell, pbc=True)


def _prototype(name: str) -> Prototype:
    if name in PROTOTYPES:
        return PROTOTYPES[name]
    near = get_close_matches(name.lower(), PROTOTYPES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"prototype {name!r}: must be one of {', '.join(PROTOTYPES)}{hint}")


def _check_element(symbol: str) -> None:
    if symbol not in atomic_numbers:
        near = get_close_matches(symbol.capitalize(), atomic_numbers, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"species {symbol!r}: must be the symbol of a chemical element{hint}")


def _lattice_constants(
    name: str, kind: Prototype, lattice: float | Sequence[float]
) -> tuple[float, float]:
    """The constants a and c; c = a in a cubic crystal."""
    constants = np.atleast_1d(np.asarray(lattice, dtype=np.float64))
    if constants.ndim != 1 or not (np.isfinite(constants).all() and (constants > 0).all()):
        raise ValueError(f"lattice {lattice}: must be positive lengths")
    if constants.size == 1 and not kind.hexagonal:
        return float(constants[0]), float(constants[0])
    if constants.size == 1 and kind.axial_ratio is not None:
        return float(constants[0]), float(constants[0]) * kind.axial_ratio
    if constants.size == 2 and kind.hexagonal:
        return float(constants[0]), float(constants[1])
    wanted = "[a, c]" if kind.hexagonal else "one number, a"
    raise ValueError(f"lattice {lattice}: the prototype {name!r} takes {wanted}")


def read_structure(path: str | os.PathLike[str]) -> Atoms:
    """The crystal in any file that ASE reads; the last one if the file holds several.

    Only elements, cell and positions are taken over.

    Raises
    ------
    ValueError
        ASE cannot read the file, or what it holds is no crystal with all sites filled: there is no
        cell, a site is only partly occupied, or two atoms sit in one place.
    OSError
        The file cannot be opened.
    """
    from ase.io import read  # here: with the spacegroups it takes as long as all else of a plan

    file = os.fspath(path)
    try:
        found = read(file, index=-1)
    except Exception as error:  # each of ASE's formats fails in its own way, one as an OSError
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{file}: ASE cannot read it: {error or type(error).__name__}") from error
    if not isinstance(found, Atoms) or found.cell.rank != 3 or len(found) == 0:
        raise ValueError(f"{file}: {len(found)} atoms and no three-dimensional cell")
    for site in found.info.get("occupancy", {}).values():
        if len(site) > 1 or min(site.values()) < 1:
            parts = ", ".join(f"{element} {part:g}" for element, part in site.items())
            raise ValueError(
                f"{file}: a site is only partly occupied ({parts}); "
                "fill it in the file and ask for vacancies instead"
            )
    atoms = Atoms(found.numbers, found.positions, cell=found.cell, pbc=True)
    _refuse_coinciding(file, atoms)
    return atoms


def _refuse_coinciding(file: str, atoms: Atoms) -> None:
    """No two nuclei of a crystal are within 0.5 Å: such a file has split sites, or nanometres."""
    metric = PeriodicMetric(atoms.cell.array)
    for i in range(len(atoms) - 1):
        squared = metric.squared(atoms.positions[i + 1 :] - atoms.positions[i])
        if squared.min() < 0.25:
            j = i + 1 + int(squared.argmin())
            raise ValueError(
                f"{file}: atoms {i + 1} ({atoms.symbols[i]}) and {j + 1} ({atoms.symbols[j]}) are "
                f"{squared.min() ** 0.5:.3f} Å apart; lengths must be in Å, every site filled once"
            )


def supercell(unit: Atoms, repeats: Sequence[int]) -> Atoms:
    """The unit cell repeated ``[nx, ny, nz]`` times along its axes, the last axis fastest.

    Raises
    ------
    ValueError
        `repeats` is not three positive integers.
    """
    counts = list(repeats)
    if len(counts) != 3 or not all(isinstance(n, int | np.integer) and n > 0 for n in counts):
        raise ValueError(f"supercell {counts}: must be three positive integers, [nx, ny, nz]")
    origins = np.indices(counts).reshape(3, -1).T @ unit.cell.array
    positions = (origins[:, None] + unit.positions).reshape(-1, 3)
    numbers = np.tile(unit.numbers, len(origins))
    return Atoms(numbers, positions, cell=unit.cell.array * np.array(counts)[:, None], pbc=True)


def lammps_data(
    atoms: Atoms,
    species: Sequence[str],
    *,
    masses: Mapping[str, float] | None = None,
    velocities: Floats | None = None,
) -> str:
    """The text of a LAMMPS data file, ``atom_style atomic``, periodic in all directions.

    The crystal is turned as LAMMPS wants it: a along x, b in the xy plane, the tilts at most half a
    box length; atoms keep their order and are wrapped into the box. Lengths have ten decimals: more
    than matters, fewer than differ between machines.

    Parameters
    ----------
    atoms
        The crystal. Only elements, positions and cell count.
    species
        Chemical symbols in the order of the atom types. There may be more than `atoms` has.
    masses
        By species, in the simulation's unit of mass; those not given are the elements', in g/mol
        (so give them in ``lj``).
    velocities
        In the simulation's units and the axes of `atoms`, shape ``(natoms, 3)``; none by default.

    Raises
    ------
    ValueError
        An atom is of none of the `species`, one is named twice or unknown, a mass is not positive,
        the cell is flat, or the velocities have another shape.
    """
    types = _atom_types(atoms, species)
    box, turn = _lammps_box(atoms.cell.array)
    scaled = atoms.positions @ turn @ np.linalg.inv(box)
    # An atom a rounding error below the box belongs to its lower face.
    positions = (scaled - np.floor(scaled + 1e-9)) @ box
    lines = [f"LAMMPS data file: {atoms.symbols}", "", f"{len(atoms)} atoms"]
    lines += [f"{len(species)} atom types", ""]
    lines += [f"0.0 {_length(box[k, k])} {x}lo {x}hi" for k, x in enumerate("xyz")]
    if np.any(tilts := box[[1, 2, 2], [0, 0, 1]]):
        lines.append(f"{' '.join(map(_length, tilts))} xy xz yz")
    lines += ["", "Masses", ""]
    lines += [f"{k + 1} {_mass(name, masses)} # {name}" for k, name in enumerate(species)]
    lines += ["", "Atoms # atomic", ""]
    for k, (kind, position) in enumerate(zip(types, positions, strict=True)):
        lines.append(f"{k + 1} {kind} {' '.join(map(_length, position))}")
    if velocities is not None:
        if velocities.shape != positions.shape:
            raise ValueError(f"velocities of shape {velocities.shape}: must be {positions.shape}")
        lines += ["", "Velocities", ""]
        for k, velocity in enumerate(velocities @ turn):
            lines.append(f"{k + 1} {' '.join(f'{v:.12g}' for v in velocity)}")
    return "\n".join(lines) + "\n"


def _atom_types(atoms: Atoms, species: Sequence[str]) -> list[int]:
    """The type of each atom, from 1."""
    if len(set(species)) != len(species):
        raise ValueError(f"species {list(species)}: each must be named once")
    if missing := set(atoms.symbols) - set(species):
        raise ValueError(
            f"species {list(species)}: the structure also has {', '.join(sorted(missing))}"
        )
    return [species.index(symbol) + 1 for symbol in atoms.symbols]


def _lammps_box(cell: Floats) -> tuple[Floats, Floats]:
    """LAMMPS' box for a cell, and what turns row vectors: both of shape ``(3, 3)``.

    The rows of the box are lattice vectors, lower triangular with a positive diagonal. Where a, b
    and c are left-handed, -c takes the place of c: the lattice is the same, nothing is mirrored.
    """
    a, b, c = cell
    volume = float(np.dot(np.cross(a, b), c))
    if abs(volume) < 1e-6 * np.linalg.norm(cell, axis=1).prod():
        raise ValueError(f"cell {cell.tolist()}: it has no volume")
    if volume < 0:
        c = -c
    # The rows of `frame` are the unit vectors of LAMMPS' axes.
    x = a / np.linalg.norm(a)
    z = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    frame = np.array([x, np.cross(z, x), z])
    box = np.tril(np.array([a, b, c]) @ frame.T)
    box[np.abs(box) < 1e-12 * np.abs(box).max()] = 0.0
    for upper, lower in ((2, 1), (2, 0), (1, 0)):
        tilt = round(float(box[upper, lower] / box[lower, lower]), 9)  # a half stays as it is
        box[upper] -= box[lower] * round(tilt)
    return box, frame.T


def _length(value: float) -> str:
    return f"{round(float(value), 10) + 0.0:.10f}"


def _mass(name: str, masses: Mapping[str, float] | None) -> float:
    if masses is not None and name in masses:
        mass = float(masses[name])
        if not (np.isfinite(mass) and mass > 0):
            raise ValueError(f"mass of {name}: {mass} must be positive")
        return mass
    _check_element(name)
    return float(atomic_masses[atomic_numbers[name]])
