"""Small frames whose labels are those of a known potential."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import Potential

SPECIES = ("Cu", "Se")
CUTOFF = 4.0


def planted_potential(level: int = 8, seed: int = 1) -> Potential:
    """A random potential with four Chebyshev functions."""
    return untrained_potential(
        level, 2, cutoff=CUTOFF, min_dist=1.8, chebyshev_count=4, species=SPECIES, seed=seed
    )


def labelled_frames(
    potential: Potential, count: int, *, seed: int = 2, symbols: str = "Cu5Se3"
) -> list[Atoms]:
    """Rattled, strained crystals of eight atoms, labelled by the potential."""
    rng = np.random.default_rng(seed)
    return [label(_crystal(rng, symbols, k), potential) for k in range(count)]


def label(frame: Atoms, potential: Potential) -> Atoms:
    """A copy with the potential's energy, forces and stress."""
    frame = frame.copy()
    calculator = MTPCalculator(potential, SPECIES)
    names = ("energy", "forces", "stress")
    found = {name: calculator.get_property(name, frame) for name in names}
    frame.calc = SinglePointCalculator(frame, **found)
    return frame


def forces(potential: Potential, frames: Sequence[Atoms]) -> np.ndarray:
    """Forces of a potential on all atoms: shape ``(natoms, 3)``."""
    return np.concatenate([label(frame, potential).calc.results["forces"] for frame in frames])


def _crystal(rng: np.random.Generator, symbols: str, number: int) -> Atoms:
    """2 x 2 x 2 places of a cubic lattice, 2.5 Angstrom apart, species at random places."""
    cell = 5.0 * (np.eye(3) + rng.normal(scale=0.02, size=(3, 3)))
    corners = np.indices((2, 2, 2)).reshape(3, -1).T / 2
    frame = Atoms(symbols, scaled_positions=rng.permutation(corners), cell=cell, pbc=True)
    frame.positions += rng.normal(scale=0.1, size=(len(frame), 3))
    frame.info = {"frame": f"crystal-{number}", "temperature": 300.0 * (1 + number % 2)}
    return frame
