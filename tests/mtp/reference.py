"""A moment tensor potential straight from its formulas: slow, short, and apart from the kernel.

Shapeev, Multiscale Model. Simul. 14, 1153 (2016), with the conventions of MLIP-2: moments are made
of unit vectors, and f_mu(r) = scaling * sum_n c_n T_n(xi) (r - r_cut)^2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebder, chebval
from numpy.typing import NDArray

from ensemble.mtp.potential import Potential

Floats = NDArray[np.float64]

WALL_HEIGHT = 1e4  # eV
WALL_DECAY = 10.0  # 1/Angstrom


@dataclass(frozen=True)
class Site:
    """One central atom."""

    energy: float
    """U_i in eV."""

    gradient: Floats
    """dU_i/dr_j in eV/Angstrom: shape ``(nneighbors, 3)``."""

    moments: Floats
    """Every moment of the graph: shape ``(moment_count,)``."""


def radial_function(p: Potential, coefficients: Floats, r: float) -> tuple[float, float]:
    """f_mu(r) and its derivative, from the Chebyshev coefficients of one mu and pair."""
    if r >= p.max_dist:
        return 0.0, 0.0
    clamped = p.radial_basis == "RBChebyshev_repuls" and r < p.min_dist
    s = p.min_dist if clamped else r
    width = p.max_dist - p.min_dist
    xi = (2 * s - p.min_dist - p.max_dist) / width
    series = chebval(xi, coefficients)
    slope = chebval(xi, chebder(coefficients)) * 2 / width
    value = p.scaling * series * (s - p.max_dist) ** 2
    derivative = p.scaling * (slope * (s - p.max_dist) ** 2 + series * 2 * (s - p.max_dist))
    return value, 0.0 if clamped else derivative


def basic_moment(mu: int, powers: Floats, f: Floats, df: Floats, r: Floats) -> tuple[float, Floats]:
    """M_mu component x^a y^b z^c and its derivative by each neighbour's position.

    `f` and `df` are f_mu(r_j) and f_mu'(r_j), shape ``(nneighbors, radial_count)``; `r` is
    r_j - r_i, shape ``(nneighbors, 3)``.
    """
    distance = np.linalg.norm(r, axis=1)
    monomial = np.prod(r**powers, axis=1)
    rank = powers.sum()
    value = f[:, mu] * monomial / distance**rank
    along = (df[:, mu] - rank * f[:, mu] / distance) * monomial / distance ** (rank + 1)
    gradient = along[:, None] * r
    for axis in np.flatnonzero(powers):
        lowered = powers - np.eye(3, dtype=int)[axis]
        slope = powers[axis] * np.prod(r**lowered, axis=1)
        gradient[:, axis] += f[:, mu] * slope / distance**rank
    return value.sum(), gradient


def evaluate_site(p: Potential, species: int, r: Floats, neighbor_species: list[int]) -> Site:
    """U_i of an atom of `species` whose neighbours stand at `r` = r_j - r_i, all within cutoff."""
    distance = np.linalg.norm(r, axis=1)
    f, df = np.zeros((2, len(r), p.radial_count))
    for j, other in enumerate(neighbor_species):
        for mu in range(p.radial_count):
            coefficients = p.radial_coeffs[species, other, mu]
            f[j, mu], df[j, mu] = radial_function(p, coefficients, distance[j])

    moments = np.zeros(p.moment_count)
    basic_gradients = np.zeros((len(p.basic), len(r), 3))
    for k, (mu, *powers) in enumerate(p.basic):
        moments[k], basic_gradients[k] = basic_moment(mu, np.array(powers), f, df, r)
    for left, right, multiplicity, target in p.products:
        moments[target] += multiplicity * moments[left] * moments[right]

    adjoint = np.zeros(p.moment_count)  # dU_i/dM_k
    np.add.at(adjoint, p.scalars, p.moment_coeffs)
    for left, right, multiplicity, target in p.products[::-1]:
        adjoint[left] += adjoint[target] * multiplicity * moments[right]
        adjoint[right] += adjoint[target] * multiplicity * moments[left]

    energy = p.species_coeffs[species] + p.moment_coeffs @ moments[p.scalars]
    gradient = np.tensordot(adjoint[: len(p.basic)], basic_gradients, axes=1)
    if p.radial_basis == "RBChebyshev_repuls":
        close = distance < p.min_dist
        wall = WALL_HEIGHT * np.exp(-WALL_DECAY * (distance[close] - 1))
        floor = WALL_HEIGHT * np.exp(-WALL_DECAY * (p.min_dist - 1))
        energy += np.sum(wall - floor)
        gradient[close] -= (WALL_DECAY * wall / distance[close])[:, None] * r[close]
    return Site(energy, gradient, moments)


@dataclass(frozen=True)
class Reference:
    """A whole structure; shapes and units as in `ensemble.mtp.calculator.Evaluation`."""

    energy: float
    site_energies: Floats
    forces: Floats
    virials: Floats
    central_virials: Floats
    """-sum_j (r_j - r_i) (x) dU_i/dr_j of the central atom i, its symmetric part in eV: shape
    ``(natoms, 6)``."""


def evaluate(
    p: Potential, positions: Floats, species: NDArray[np.int_], cell: Floats, pbc: NDArray[np.bool_]
) -> Reference:
    """Every image within the cutoff, found by trying all of them."""
    natoms = len(positions)
    site_energies = np.zeros(natoms)
    forces = np.zeros((natoms, 3))
    virials, central_virials = np.zeros((natoms, 9)), np.zeros((natoms, 6))
    images = image_shifts(positions, cell, pbc, p.max_dist) @ cell
    for i in range(natoms):
        vectors = positions[None] + images[:, None] - positions[i]  # (images, natoms, 3)
        distance = np.linalg.norm(vectors, axis=-1)
        image, js = np.nonzero((distance < p.max_dist) & (distance > 0))
        r = vectors[image, js]
        site = evaluate_site(p, species[i], r, [species[j] for j in js])
        site_energies[i] = site.energy
        for j, r_ij, gradient in zip(js, r, site.gradient, strict=True):
            forces[j] -= gradient
            forces[i] += gradient
            (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = -np.outer(r_ij, gradient)
            virials[j] += [xx, yy, zz, xy, xz, yz, yx, zx, zy]
            central_virials[i] += [xx, yy, zz, (xy + yx) / 2, (xz + zx) / 2, (yz + zy) / 2]
    return Reference(site_energies.sum(), site_energies, forces, virials, central_virials)


def image_shifts(
    positions: Floats, cell: Floats, pbc: NDArray[np.bool_], cutoff: float
) -> NDArray[np.int_]:
    """Lattice shifts that can bring any two atoms within the cutoff: shape ``(nimages, 3)``."""
    if not pbc.any():
        return np.zeros((1, 3), dtype=int)
    # Rows of the inverse's transpose are normals of the lattice planes over their distance.
    fractional = positions @ np.linalg.inv(cell)
    spread = np.ptp(fractional, axis=0)
    reach = np.ceil(spread + cutoff * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int)
    ranges = [range(-n, n + 1) if p else range(1) for n, p in zip(reach, pbc, strict=True)]
    return np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
