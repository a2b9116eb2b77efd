"""Random structures and potentials for the tests, all from explicit seeds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from reference import image_shifts

from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import Potential

Floats = NDArray[np.float64]

SYMBOLS = ("Cu", "Se", "Ag", "Te")
CUTOFF = 5.0  # Angstrom
MIN_DIST = 1.9  # Angstrom


@dataclass(frozen=True)
class Structure:
    """Plain arrays: what the calculator's functions take behind the kernel."""

    positions: Floats
    species: NDArray[np.int32]
    cell: Floats
    pbc: NDArray[np.bool_]

    @property
    def arrays(self) -> tuple[Floats, NDArray[np.int32], Floats, NDArray[np.bool_]]:
        return self.positions, self.species, self.cell, self.pbc

    @property
    def volume(self) -> float:
        return abs(np.linalg.det(self.cell))

    def atoms(self) -> Atoms:
        symbols = [SYMBOLS[k] for k in self.species]
        return Atoms(symbols, positions=self.positions, cell=self.cell, pbc=self.pbc)

    def moved(self, positions: Floats) -> "Structure":
        return replace(self, positions=positions)

    def strained(self, deformation: Floats) -> "Structure":
        """With r -> r (1 + deformation), positions and lattice vectors being rows."""
        gradient = np.eye(3) + deformation
        return replace(self, positions=self.positions @ gradient, cell=self.cell @ gradient)


def random_potential(seed: int, level: int, species_count: int, **changes: object) -> Potential:
    potential = untrained_potential(
        level,
        species_count,
        cutoff=CUTOFF,
        min_dist=MIN_DIST,
        species=SYMBOLS[:species_count],
        seed=seed,
    )
    return replace(potential, **changes) if changes else potential


def random_structure(
    seed: int,
    natoms: int,
    species_count: int,
    *,
    pbc: tuple[bool, bool, bool] = (True, True, True),
    separation: float = 2.0,
    volume_per_atom: float = 18.0,
) -> Structure:
    """Atoms at random in a triclinic cell, none closer than `separation` to another or its image.

    With 18 Angstrom^3 an atom, up to six atoms make a cell that is smaller than the cutoff.
    """
    rng = np.random.default_rng(seed)
    while True:
        cell = np.eye(3) + rng.normal(scale=0.25, size=(3, 3))
        cell *= (natoms * volume_per_atom / abs(np.linalg.det(cell))) ** (1 / 3)
        positions = _place(rng, natoms, cell, pbc, separation)
        if positions is not None:
            species = rng.permutation(np.arange(natoms) % species_count).astype(np.int32)
            return Structure(positions, species, cell, np.array(pbc))


def _place(
    rng: np.random.Generator,
    natoms: int,
    cell: Floats,
    pbc: tuple[bool, bool, bool],
    separation: float,
) -> Floats | None:
    """Random sequential insertion; None if it does not get through."""
    images = image_shifts(np.zeros((1, 3)), cell, np.array(pbc), 2 * separation) @ cell
    itself = np.linalg.norm(images, axis=1)
    if np.any(itself[itself > 0] < separation):
        return None
    placed = np.empty((0, 3))
    for _ in range(200 * natoms):
        new = rng.random(3) @ cell
        vectors = placed[None] + images[:, None] - new
        if np.all(np.linalg.norm(vectors, axis=-1) >= separation):
            placed = np.vstack([placed, new])
            if len(placed) == natoms:
                return placed
    return None


def pair_distances(structure: Structure, cutoff: float) -> Floats:
    """All distances below `cutoff`, sorted; each pair is seen from both of its ends."""
    positions, cell = structure.positions, structure.cell
    images = image_shifts(positions, cell, structure.pbc, cutoff) @ cell
    vectors = positions[None, None] + images[:, None, None] - positions[None, :, None]
    distances = np.linalg.norm(vectors, axis=-1)
    return np.sort(distances[(distances > 0) & (distances < cutoff)])


def cutoff_in_a_gap(structure: Structure) -> float:
    """A cutoff near `CUTOFF` that no pair is near.

    The energy's second derivative jumps where a pair crosses the cutoff, which would spoil
    finite differences.
    """
    distances = pair_distances(structure, CUTOFF + 0.5)
    distances = distances[distances > CUTOFF - 0.5]
    widest = np.argmax(np.diff(distances))
    assert distances[widest + 1] - distances[widest] > 0.02
    return float(distances[widest : widest + 2].mean())


def derivative(function: Callable[[float], Floats], step: float) -> Floats:
    """Slope at 0 by four points, with an error of fourth order in `step`."""
    outer = function(-2 * step) - function(2 * step)
    inner = function(step) - function(-step)
    return (outer + 8 * inner) / (12 * step)


def random_rotation(seed: int) -> Floats:
    """A proper rotation R, to be applied to rows as r @ R.T."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.linalg.det(q)


def relative_error(found: Floats, expected: Floats) -> float:
    """Largest deviation in units of the largest expected component."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
