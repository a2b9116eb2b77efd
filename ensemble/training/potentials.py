"""Where a fit starts: untrained potentials, and their coefficients as one vector.

The vector has the order of the kernel's Jacobian: radial coefficients ``[i][j][mu][n]``, species
coefficients, moment coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import Potential

__all__ = [
    "Blocks",
    "blocks",
    "coefficients",
    "raised",
    "species_energies",
    "starting_potential",
]

Floats = NDArray[np.float64]


class Blocks(NamedTuple):
    """Where the three kinds of coefficients stand in the vector."""

    radial: slice
    species: slice
    moments: slice


def blocks(potential: Potential) -> Blocks:
    """Where the kinds of coefficients stand in `coefficients`."""
    first = potential.radial_coeffs.size
    second = first + potential.species_count
    return Blocks(
        slice(first), slice(first, second), slice(second, second + len(potential.scalars))
    )


def coefficients(potential: Potential) -> Floats:
    """All coefficients in the order of the kernel's Jacobian: shape ``(ncoefficients,)``."""
    return np.concatenate(
        [potential.radial_coeffs.ravel(), potential.species_coeffs, potential.moment_coeffs]
    )


def with_coefficients(potential: Potential, values: Floats) -> Potential:
    """The potential with other coefficients, in the order of `coefficients`."""
    radial, species, moments = blocks(potential)
    return replace(
        potential,
        radial_coeffs=values[radial].reshape(potential.radial_coeffs.shape),
        species_coeffs=values[species],
        moment_coeffs=values[moments],
    )


def starting_potential(
    level: int,
    species: Sequence[str],
    *,
    cutoff: float,
    min_dist: float,
    chebyshev: int = 8,
    radial_basis: str = "RBChebyshev",
    species_energies: ArrayLike = 0.0,
    seed: int | np.random.Generator,
) -> Potential:
    """A potential with random radial functions and no interaction yet: the start of a fit.

    The moment coefficients are zero: the fit's first step finds the best ones for the radial
    functions, because the energy is linear in them.

    Parameters
    ----------
    level
        Even, 2 to 28.
    species
        Chemical symbols; their order is that of the file.
    cutoff, min_dist
        Ends of the Chebyshev interval, in Angstrom.
    chebyshev
        Number of Chebyshev polynomials; that of radial functions is MLIP's choice.
    radial_basis
        ``RBChebyshev``, extrapolated below `min_dist`, or ``RBChebyshev_repuls``, which has a
        repulsive wall there. Above `min_dist` they are the same.
    species_energies
        Energy of a lone atom of each species in eV. Where the frames' compositions leave the split
        between species open, the fit stays near these.
    seed
        Of the radial coefficients, or a generator to draw them from.

    Raises
    ------
    ValueError
        An argument out of range, or not one symbol of its own for each species.
    """
    potential = untrained_potential(
        level,
        len(species),
        cutoff=cutoff,
        min_dist=min_dist,
        chebyshev_count=chebyshev,
        species=species,
        seed=seed,
    )
    return replace(
        potential,
        radial_basis=radial_basis,
        species_coeffs=np.broadcast_to(species_energies, len(species)),
        moment_coeffs=np.zeros(len(potential.scalars)),
    )


def raised(
    potential: Potential,
    level: int,
    species: Sequence[str],
    *,
    species_energies: ArrayLike = 0.0,
    seed: int | np.random.Generator,
) -> Potential:
    """A start at a higher level with the radial functions of a potential that was fitted.

    The moments that there were are among those of the higher level, and the fit's first step finds
    the best coefficients of all: it begins where the lower level ended, or below.

    Parameters
    ----------
    potential
        Of a lower level.
    level, species, species_energies
        As of `starting_potential`.
    seed
        Of the radial functions that there were none of.

    Raises
    ------
    ValueError
        As `starting_potential`; the level has fewer radial functions.
    """
    start = starting_potential(
        level,
        species,
        cutoff=potential.max_dist,
        min_dist=potential.min_dist,
        chebyshev=potential.radial_coeffs.shape[3],
        radial_basis=potential.radial_basis,
        species_energies=species_energies,
        seed=seed,
    )
    radial, known = start.radial_coeffs.copy(), potential.radial_coeffs
    if known.shape[2] > radial.shape[2]:
        raise ValueError(f"level {level} has fewer radial functions than the potential")
    radial[:, :, : known.shape[2]] = known
    return replace(start, radial_coeffs=radial)


def species_energies(frames: Sequence[Atoms], species: Sequence[str]) -> Floats:
    """Energies of the species that describe the frames best, in eV: shape ``(nspecies,)``.

    Least squares on the compositions. What they leave open is settled by giving every species the
    mean energy per atom, as nearly as the frames allow.

    Parameters
    ----------
    frames
        With an energy.
    species
        Chemical symbols.
    """
    counts = np.array([[frame.symbols.count(s) for s in species] for frame in frames], dtype=float)
    sizes = counts.sum(axis=1)
    energies = np.array([frame.calc.results["energy"] for frame in frames])
    mean = energies.sum() / sizes.sum()
    excess = np.linalg.lstsq(counts / sizes[:, None], energies / sizes - mean, rcond=1e-3)[0]
    return np.asarray(mean + excess)
