"""Which configurations are worth a label: those that the committee disagrees about, newest first.

How new a configuration is, the basis functions of a potential say: it is described by their means
over the atoms of each species. Greedy D-optimal design then takes one after the other, each time
the one whose energy the known and taken ones say least about. For D-optimality in active learning
of moment tensor potentials see Podryabinkin and Shapeev, Comput. Mater. Sci. 140, 171 (2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from ensemble.mtp._core import Kernel
from ensemble.mtp.calculator import find_neighbors, make_kernel, resolve_species
from ensemble.mtp.potential import Potential

__all__ = ["Choice", "choose", "descriptors", "spread_evenly"]

Floats = NDArray[np.float64]

RIDGE = 1e-3
"""What is taken for known of each direction beforehand, in configurations of usual variance. It
keeps out directions that hardly vary, in which everything would be new."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The configurations to label, and how the others are judged."""

    indices: tuple[int, ...]
    """Which candidates are taken, the most novel first."""

    frames: list[Atoms]
    """The same candidates."""

    good: int
    """Candidates that the committee agrees on."""

    wild: int
    """Those at or above the upper bound, or without finite forces."""


def choose(
    candidates: Sequence[Atoms],
    force: ArrayLike,
    *,
    low: float,
    high: float,
    count: int,
    known: Sequence[Atoms],
    potential: Potential,
    apart: float = 0.5,
    species: Sequence[str] | None = None,
) -> Choice:
    """Take the configurations whose labels promise most.

    Those between the bounds are taken first. If places are left, they go to configurations at which
    a trajectory passed both bounds at once: from a potential that gives way so fast there is
    nothing better to learn from. Candidates that are known by their name are not taken again.

    Parameters
    ----------
    candidates
        Configurations from `ensemble.training.explore`.
    force
        Disagreement of the committee about each, see `ensemble.training.committee`, in eV/Å: shape
        ``(ncandidates,)``.
    low, high
        Doubtful is what has a disagreement above the one and below the other, in eV/Å.
    count
        How many to take at most.
    known
        The training set.
    potential
        Its basis functions describe the configurations; a member of the committee.
    apart
        Of one trajectory, no two configurations closer in time than this are taken, in ps.
    species
        Chemical symbols in the order of the potential's species, where it does not name them.

    Raises
    ------
    ValueError
        The disagreement is about other configurations, or the bounds are in the wrong order.
    """
    spread = np.asarray(force, dtype=np.float64)
    if spread.shape != (len(candidates),):
        raise ValueError(f"{len(candidates)} candidates, but disagreement about {spread.size}")
    if not 0 <= low < high:
        raise ValueError(f"bounds {low:g} and {high:g} eV/Å: must be 0 <= low < high")
    wild = ~(spread < high)
    doubtful = ~wild & (spread > low)
    names = {frame.info.get("frame") for frame in known} - {None}
    new = np.array([frame.info.get("frame") not in names for frame in candidates], dtype=bool)
    crossing = np.zeros(len(candidates), dtype=bool)
    crossing[list(_crossings(candidates, spread, low))] = True
    pools = [np.flatnonzero(pool & new).tolist() for pool in (doubtful, wild & crossing)]
    taken = _take(candidates, pools, count, known, potential, apart, species)
    return Choice(
        indices=tuple(taken),
        frames=[candidates[k] for k in taken],
        good=int((~wild & ~doubtful).sum()),
        wild=int(wild.sum()),
    )


def _crossings(candidates: Sequence[Atoms], spread: Floats, low: float) -> Iterator[int]:
    """The first configuration of each trajectory that is not good, if its forces are finite."""
    seen = set()
    for k in sorted(range(len(candidates)), key=lambda k: candidates[k].info.get("time", 0.0)):
        trajectory = candidates[k].info.get("trajectory", k)
        if trajectory not in seen and not spread[k] <= low:
            seen.add(trajectory)
            if np.isfinite(spread[k]):
                yield k


def spread_evenly(candidates: Sequence[Atoms], count: int) -> list[Atoms]:
    """So many of the configurations, in equal distances; all where there are not more."""
    if count >= len(candidates):
        return list(candidates)
    places = (np.arange(count) + 0.5) * len(candidates) / max(count, 1)
    return [candidates[int(place)] for place in places]


def _take(
    candidates: Sequence[Atoms],
    pools: Sequence[list[int]],
    count: int,
    known: Sequence[Atoms],
    potential: Potential,
    apart: float,
    species: Sequence[str] | None,
) -> list[int]:
    """Candidates from the first pool, then from the next, at most `count`."""
    listed = [k for pool in pools for k in pool]
    if not listed or count < 1:
        return []
    rows = descriptors(potential, [*known, *(candidates[k] for k in listed)], species)
    rows -= rows.mean(axis=0)
    scales = rows.std(axis=0)
    rows /= np.where(scales > 1e-9 * scales.max(), scales, np.inf)
    design = _Design(rows[: len(known)])
    row_of = dict(zip(listed, rows[len(known) :], strict=True))
    times = _Times(known, apart)
    taken: list[int] = []

    def left(pool: list[int]) -> list[int]:
        return [k for k in pool if k not in taken and times.far(candidates[k])]

    for pool in pools:
        while len(taken) < count and (free := left(pool)):
            best = free[design.most_novel(np.array([row_of[k] for k in free]))]
            design.add(row_of[best])
            times.add(candidates[best])
            taken.append(best)
    return taken


class _Design:
    """What is known of the space of descriptors: A = ridge + sum of x xᵀ, kept as its inverse."""

    def __init__(self, rows: Floats) -> None:
        known = RIDGE * np.eye(rows.shape[1]) + rows.T @ rows
        self._inverse: Floats = np.linalg.inv(known).astype(np.float64)

    def most_novel(self, rows: Floats) -> int:
        """The row x that makes det(A + x xᵀ) = det A (1 + xᵀ A⁻¹ x) largest."""
        return int(np.einsum("ij,ij->i", rows @ self._inverse, rows).argmax())

    def add(self, row: Floats) -> None:
        """By the formula of Sherman and Morrison."""
        image = self._inverse @ row
        self._inverse -= np.outer(image, image) / (1 + row @ image)


class _Times:
    """When, on each trajectory, something was taken."""

    def __init__(self, frames: Sequence[Atoms], apart: float) -> None:
        self._apart = apart
        self._taken: dict[str, list[float]] = {}
        for frame in frames:
            self.add(frame)

    def add(self, frame: Atoms) -> None:
        if "time" in frame.info and "trajectory" in frame.info:
            self._taken.setdefault(frame.info["trajectory"], []).append(frame.info["time"])

    def far(self, frame: Atoms) -> bool:
        """Whether a frame is far enough in time from all taken ones. To a millionth of a ps."""
        taken = self._taken.get(frame.info.get("trajectory", ""), [])
        return all(abs(frame.info["time"] - time) > self._apart - 1e-6 for time in taken)


def descriptors(
    potential: Potential, frames: Sequence[Atoms], species: Sequence[str] | None = None
) -> Floats:
    """What a configuration is like: by species, the means of the basis functions over its atoms.

    Parameters
    ----------
    potential
        Its radial functions and moments make the basis functions; their coefficients do not count.
    frames
        Configurations.
    species
        Chemical symbols in the order of the potential's species, where it does not name them.

    Returns
    -------
    For each configuration and species, the sum over the atoms of that species of every basis
    function, and their number, both divided by the number of all atoms: shape
    ``(nframes, nspecies * (nscalars + 1))``.
    """
    names = resolve_species(potential, species)
    kernel = make_kernel(potential)
    scalars = len(potential.scalars)
    rows = [_describe(kernel, frame, names, scalars) for frame in frames]
    return np.array(rows).reshape(len(frames), len(names) * (scalars + 1))


def _describe(kernel: Kernel, frame: Atoms, names: Sequence[str], scalars: int) -> Floats:
    """The derivative of the energy by a moment coefficient is the sum of its basis function. An
    atom without neighbours adds nothing to it: so the species are told apart.
    """
    near = find_neighbors(frame.positions, frame.cell.array, frame.pbc, kernel.cutoff)
    types = np.array([names.index(symbol) for symbol in frame.symbols], dtype=np.int32)
    counts = np.diff(near.offsets)
    parts = []
    for kind in range(len(names)):
        own = types == kind
        offsets = np.concatenate([[0], np.cumsum(counts * own)]).astype(np.int32)
        indices = near.indices[np.repeat(own, counts)]
        found = kernel.jacobian(offsets, indices, near.positions, types[near.owners])
        parts.append(np.append(found["energy"][-scalars:], own.sum()) / len(frame))
    return np.concatenate(parts)
