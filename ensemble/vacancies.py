"""Vacancies: some sites of a crystal left empty, at random but as far apart as possible."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from ase import Atoms
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

__all__ = ["PeriodicMetric", "spread_sites", "with_vacancies"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

STEEPNESS = (6, 12)
"""Powers of 1/r² that the sites repel one another with, the gentler first to find its way."""

STARTS = (4, 64)
"""Fewest and most random arrangements to begin with; the best of what becomes of them is taken."""

EFFORT = 500_000
"""Sites times chosen ones times starts: small crystals get more starts, for the same time."""


def with_vacancies(
    atoms: Atoms,
    species: str,
    *,
    fraction: float | None = None,
    count: int | None = None,
    seed: int,
) -> Atoms:
    """The crystal with some atoms of one species left out, at random but far from one another.

    Parameters
    ----------
    atoms
        A supercell; it is left as it is.
    species
        Which element is left out.
    fraction, count
        How much of it: either the fraction of its atoms, rounded to whole atoms, or their number.
    seed
        Another seed gives another, equally good arrangement. See `spread_sites`.

    Raises
    ------
    ValueError
        There is no such species, not exactly one of `fraction` and `count` was given, it is out of
        range, or the fraction asked for is less than half an atom.
    """
    sites = np.flatnonzero(atoms.symbols == species)
    if len(sites) == 0:
        present = ", ".join(dict.fromkeys(atoms.symbols))
        raise ValueError(f"vacancies of {species!r}: the structure has only {present}")
    if (fraction is None) == (count is None):
        raise ValueError(f"vacancies of {species}: give either a fraction or a count")
    if fraction is not None:
        count = _vacancy_count(species, fraction, len(sites))
    if count is None or not 0 <= count < len(sites):
        raise ValueError(
            f"vacancies of {species}: count {count} must be from 0 to {len(sites) - 1}, "
            f"there are {len(sites)} atoms of it"
        )
    chosen = spread_sites(atoms.positions[sites], atoms.cell.array, count, seed=seed)
    return atoms[np.delete(np.arange(len(atoms)), sites[chosen])]


def _vacancy_count(species: str, fraction: float, sites: int) -> int:
    if not 0 <= fraction < 1:
        raise ValueError(f"vacancies of {species}: fraction {fraction} must be in [0, 1)")
    count = round(fraction * sites)
    if count == 0 and fraction > 0:
        raise ValueError(
            f"vacancies of {species}: a fraction {fraction} of {sites} atoms is not one atom; "
            f"a supercell {1 / (fraction * sites):.1f} times as large has room for one"
        )
    return count


def spread_sites(positions: Floats, cell: Floats, count: int, *, seed: int) -> Indices:
    """Choose sites of a periodic crystal, at random but as far from one another as possible.

    From a random choice, each chosen site in turn moves to wherever the others repel it least,
    until none can move any more; the best of several such choices is the one with the largest
    shortest distance, and of those the one that has it least often. On the simple cubic sites of
    an antifluorite's cations this reaches 0.82 of the distance in the densest packing of as many
    points in as much space. Time grows as the number of sites times that of the chosen ones.

    Parameters
    ----------
    positions
        The sites, shape ``(nsites, 3)``.
    cell
        Lattice vectors as rows, shape ``(3, 3)``.
    count
        How many sites to choose.
    seed
        Decides the choice completely: distances are rounded, so that the last bits, in which
        machines differ, do not matter.

    Returns
    -------
    Indices of the chosen sites, ascending, shape ``(count,)``.

    Raises
    ------
    ValueError
        `count` is negative or larger than the number of sites.
    """
    if not 0 <= count <= len(positions):
        raise ValueError(f"count {count}: must be from 0 to the number of sites, {len(positions)}")
    if count == 0:
        return np.empty(0, dtype=np.intp)
    rng = np.random.default_rng(seed)
    metric = PeriodicMetric(cell)
    spacing_squared = (abs(np.linalg.det(cell)) / count) ** (2 / 3)
    order = rng.permutation(len(positions))  # of equally good sites the first is taken
    sites = positions[order]

    def squared(site: int) -> Floats:
        """Distances squared of all sites from one, in units of the chosen ones' mean spacing."""
        distances: Floats = metric.squared(sites - sites[site]) / spacing_squared
        return distances.round(9)

    def crowding(chosen: Indices) -> tuple[float, int]:
        """What is to be small: minus the shortest distance squared, and how often it occurs."""
        nearest = np.array(
            [
                np.delete(squared(site)[chosen], k).min(initial=np.inf)
                for k, site in enumerate(chosen)
            ]
        )
        return -float(nearest.min()), int((nearest == nearest.min()).sum())

    arrangements = []
    for _ in range(int(np.clip(EFFORT // (len(sites) * count), *STARTS))):
        chosen = rng.permutation(len(sites))[:count]
        for power in STEEPNESS:
            _relax(chosen, squared, power, rng)
        arrangements.append(chosen)
    return np.sort(order[min(arrangements, key=crowding)])


def _relax(
    chosen: Indices,
    squared: Callable[[int], Floats],
    power: int,
    rng: np.random.Generator,
) -> None:
    """Move chosen sites, in place, to where the others repel them less, until none can move."""

    def repulsion(site: int) -> Floats:
        """By one site at all sites: r^(-2 power), bounded at half the mean spacing."""
        inverse: Floats = 1 / np.maximum(squared(site), 0.25)
        result = inverse.copy()
        for _ in range(power - 1):  # products have the same bits everywhere, powers need not
            result *= inverse
        return result

    field = sum((repulsion(site) for site in chosen), start=np.zeros(len(squared(0))))
    moved = True
    while moved:
        moved = False
        for k in rng.permutation(len(chosen)):
            own = repulsion(chosen[k])
            others = np.round(field - own, 6)
            here = others[chosen[k]]
            others[chosen] = np.inf
            goal = int(others.argmin())
            if others[goal] < here:
                field += repulsion(goal) - own
                chosen[k] = goal
                moved = True


class PeriodicMetric:
    """Distances between points of a periodic crystal, for any cell, however skewed.

    With the lattice reduced (Minkowski), the shortest image of a vector is among the wrapped one
    and its neighbours by one cell; of those only the few are kept that can be shorter for some
    vector, none in an orthogonal cell.
    """

    def __init__(self, cell: Floats) -> None:
        """Take the lattice vectors as rows, shape ``(3, 3)``, linearly independent."""
        reduced: Callable[[Floats], tuple[Floats, Floats]] = minkowski_reduce  # untyped in ASE
        self._lattice, _ = reduced(cell)
        self._inverse = np.linalg.inv(self._lattice)
        gram = self._lattice @ self._lattice.T
        # |s + n|² < |s|² somewhere in the cube |s_k| <= 1/2 just where n·Gn < sum_k |(Gn)_k|.
        self._images = [
            n @ self._lattice
            for n in map(np.array, product((-1, 0, 1), repeat=3))
            if n @ gram @ n < np.abs(gram @ n).sum() - 1e-9 * gram.trace()
        ]

    def squared(self, vectors: Floats) -> Floats:
        """Squared length of the shortest image of each vector, ``(n, 3)`` to ``(n,)``."""
        scaled = vectors @ self._inverse
        wrapped = (scaled - np.rint(scaled)) @ self._lattice
        shortest: Floats = np.square(wrapped).sum(axis=1)
        for image in self._images:
            np.minimum(shortest, np.square(wrapped + image).sum(axis=1), out=shortest)
        return shortest
