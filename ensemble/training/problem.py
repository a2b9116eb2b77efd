"""The least-squares problem of a fit: residuals against labels, and its normal equations.

The cost is the mean over the frames of ::

    w_e (dE/n)^2 + w_f sum_i s_i |dF_i|^2 / n + w_s sum_ab (V ds_ab / n)^2

for a frame of n atoms and volume V: energies in eV, forces in eV/Angstrom, stresses s in
eV/Angstrom^3. Weights mean what they mean in motep, and in MLIP-2 with ``weighting=structures``
(Novikov et al., Mach. Learn.: Sci. Technol. 2, 025002 (2021)). s_i is one, or where there is a
scale_by_force F_0 it is 1 / (1 + |F_i|^2 / F_0^2), F_i being the label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self, TypeVar

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp import _core
from ensemble.mtp.calculator import Neighbors, find_neighbors, make_kernel, voigt_stress
from ensemble.mtp.potential import Potential
from ensemble.training.labels import BadLabel

__all__ = ["Costs", "FitProblem", "NormalEquations", "Weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Result = TypeVar("Result")

CHUNK = 4
"""Frames that are summed in one go: always as many, so that sums are the same bits for any number
of workers."""

VOIGT_MULTIPLICITY = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


@dataclass(frozen=True)
class Weights:
    """Weights of the three kinds of labels in the cost."""

    energy: float = 1.0
    """Of squared energies per atom, in 1/eV^2."""

    forces: float = 0.01
    """Of squared forces, in Angstrom^2/eV^2."""

    stress: float = 0.01
    """Of squared stresses times volume per atom, in 1/eV^2."""

    scale_by_force: float | None = None
    """In eV/Angstrom; None where all forces count the same."""

    def of_forces(self, forces: Floats) -> Floats:
        """Weight of each atom's squared error, shape ``(natoms,)``, from the labels."""
        if self.scale_by_force is None:
            return np.full(len(forces), self.forces)
        squares = np.sum((forces / self.scale_by_force) ** 2, axis=1)
        return np.asarray(self.forces / (1 + squares))


class Costs(NamedTuple):
    """What each kind of labels contributes to the cost."""

    energy: float
    forces: float
    stress: float


class NormalEquations(NamedTuple):
    """The cost and what a Gauss-Newton step needs, J being the residuals' derivatives."""

    cost: float
    """Sum of the squared residuals r."""

    gradient: Floats
    """J^T r, half the gradient of the cost: shape ``(ncoefficients,)``."""

    matrix: Floats
    """J^T J: shape ``(ncoefficients, ncoefficients)``."""


class Labels(NamedTuple):
    """What the teacher says about a frame."""

    energy: float
    """In eV."""

    forces: Floats
    """In eV/Angstrom: shape ``(natoms, 3)``."""

    stress: Floats | None
    """In eV/Angstrom^3, ASE's sign and Voigt order: shape ``(6,)``."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """A frame, ready for the kernel."""

    neighbors: Neighbors
    types: Ints
    """Species of atoms and images: shape ``(natoms + nimages,)``."""

    order: NDArray[np.intp]
    """Atoms and images sorted by the atom they belong to, and ..."""

    starts: NDArray[np.intp]
    """... where each atom's begin: shape ``(natoms,)``."""

    labels: Floats
    """Energy, forces and stress times volume, one after the other: shape ``(nlabels,)``."""

    scales: Floats
    """Square roots of the weights of `labels`: shape ``(nlabels,)``."""

    @property
    def arrays(self) -> tuple[Ints, Ints, Floats, Ints]:
        """Arguments of the kernel."""
        near = self.neighbors
        return near.offsets, near.indices, near.positions, self.types

    def fold(self, forces: Floats) -> Floats:
        """Add what acts on images to their atoms: shape ``(..., natoms, 3)``.

        `Neighbors.fold` for arrays whose last axes are positions and components, and faster.
        """
        return np.asarray(np.add.reduceat(forces[..., self.order, :], self.starts, axis=-2))

    def residuals(self, kernel: _core.Kernel) -> Floats:
        """Weighted prediction minus label: shape ``(nlabels,)``."""
        found = kernel.compute(*self.arrays)
        stress = voigt_stress(found["virial"], 1.0)
        forces = self.fold(found["forces"]).ravel()
        predicted = np.concatenate([[found["energy"]], forces, stress])
        return self.scales * (predicted - self.labels)

    def jacobian(self, kernel: _core.Kernel) -> Floats:
        """Derivatives of `residuals`: shape ``(ncoefficients, nlabels)``."""
        found = kernel.jacobian(*self.arrays)
        energy = found["energy"][:, None]
        forces = self.fold(found["forces"]).reshape(len(energy), -1)
        stress = voigt_stress(found["virial"], 1.0)
        return np.concatenate([energy, forces, stress], axis=1) * self.scales

    def costs(self, kernel: _core.Kernel) -> Floats:
        """Squared residuals of energy, forces and stress: shape ``(3,)``."""
        with np.errstate(over="ignore", invalid="ignore"):  # the caller looks at the sum
            squares = self.residuals(kernel) ** 2
            return np.array([squares[0], squares[1:-6].sum(), squares[-6:].sum()])

    def normal_equations(self, kernel: _core.Kernel) -> NormalEquations:
        with np.errstate(over="ignore", invalid="ignore"):
            residuals, jacobian = self.residuals(kernel), self.jacobian(kernel)
            cost = float(residuals @ residuals)
            return NormalEquations(cost, jacobian @ residuals, jacobian @ jacobian.T)


class FitProblem:
    """Labelled frames that potentials of one cutoff are compared with; neighbours are found once.

    Parameters
    ----------
    frames
        With energy and forces, and a stress where there is one. ``info["frame"]`` is the name that
        errors use.
    species
        Chemical symbols in the order of the potential.
    cutoff
        Of the potential, in Angstrom.
    weights
        Of energies, forces and stresses.
    workers
        Threads: the kernel runs without Python's lock. Results are the same bits for any number of
        them. Set OMP_NUM_THREADS=1, or they compete with those of the linear algebra.

    Raises
    ------
    ValueError
        No frames; a frame without labels, with labels that are not finite, or with another species.
    """

    def __init__(
        self,
        frames: Sequence[Atoms],
        species: Sequence[str],
        cutoff: float,
        weights: Weights | None = None,
        *,
        workers: int = 1,
    ) -> None:
        if not frames:
            raise ValueError("there is no frame to fit to")
        self.species = tuple(species)
        self.cutoff = cutoff
        self.workers = workers
        self._samples = [
            _sample(frame, number, self.species, cutoff, weights or Weights())
            for number, frame in enumerate(frames)
        ]

    def __len__(self) -> int:
        return len(self._samples)

    def every(self, stride: int) -> Self:
        """The problem of every so many-th frame alone."""
        part = object.__new__(type(self))
        part.__dict__.update(self.__dict__)
        part._samples = self._samples[::stride]
        return part

    @cached_property
    def digest(self) -> str:
        """SHA-256 of frames, labels and weights."""
        digest = hashlib.sha256(f"{self.species} {self.cutoff!r} {len(self)}".encode())
        for sample in self._samples:
            for array in (*sample.arrays, sample.labels, sample.scales):
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def costs(self, potential: Potential) -> Costs:
        """The cost in its parts: some fifty times faster than `normal_equations`."""
        kernel = self._kernel(potential)

        def of_chunk(chunk: Sequence[_Sample]) -> Floats:
            return np.asarray(np.sum([sample.costs(kernel) for sample in chunk], axis=0))

        energy, forces, stress = np.sum([*self._map(of_chunk)], axis=0) / len(self)
        return Costs(float(energy), float(forces), float(stress))

    def normal_equations(self, potential: Potential) -> NormalEquations:
        """J^T J and J^T r, summed frame by frame: J itself is never whole in memory."""
        kernel = self._kernel(potential)

        def of_chunk(chunk: Sequence[_Sample]) -> NormalEquations:
            return _total(sample.normal_equations(kernel) for sample in chunk)

        cost, gradient, matrix = _total(self._map(of_chunk))
        return NormalEquations(cost / len(self), gradient / len(self), matrix / len(self))

    def _kernel(self, potential: Potential) -> _core.Kernel:
        if potential.max_dist != self.cutoff or potential.species_count != len(self.species):
            raise ValueError(
                f"the potential has {potential.species_count} species and the cutoff "
                f"{potential.max_dist:g}, but the frames were prepared for {len(self.species)} and "
                f"{self.cutoff:g}"
            )
        return make_kernel(potential)

    def _map(self, function: Callable[[Sequence[_Sample]], Result]) -> Iterator[Result]:
        """The function of each chunk, in their order."""
        chunks = [self._samples[k : k + CHUNK] for k in range(0, len(self), CHUNK)]
        if self.workers == 1:
            yield from map(function, chunks)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(function, chunks)


def _total(parts: Iterable[NormalEquations]) -> NormalEquations:
    """Sum in the order of the parts; the first one's arrays are written over."""
    rest = iter(parts)
    cost, gradient, matrix = next(rest)
    for part in rest:
        cost += part.cost
        gradient += part.gradient
        matrix += part.matrix
    return NormalEquations(cost, gradient, matrix)


def _sample(
    frame: Atoms, number: int, species: Sequence[str], cutoff: float, weights: Weights
) -> _Sample:
    name, natoms = frame_name(frame, number), len(frame)
    label = checked_labels(frame, name)
    # A stress that there is not has no weight.
    stress_weight = 0.0 if label.stress is None else weights.stress
    stress = np.zeros(6) if label.stress is None else label.stress * frame.cell.volume
    near = find_neighbors(frame.positions, frame.cell.array, frame.pbc, cutoff)
    order = np.argsort(near.owners, kind="stable")
    return _Sample(
        neighbors=near,
        types=species_indices(frame, name, species)[near.owners],
        order=order,
        starts=np.searchsorted(near.owners[order], np.arange(natoms)),
        labels=np.concatenate([[label.energy], label.forces.ravel(), stress]),
        scales=np.concatenate(
            [
                [np.sqrt(weights.energy) / natoms],
                np.repeat(np.sqrt(weights.of_forces(label.forces) / natoms), 3),
                np.sqrt(stress_weight * VOIGT_MULTIPLICITY) / natoms,
            ]
        ),
    )


def frame_name(frame: Atoms, number: int) -> str:
    """What errors call a frame."""
    return str(frame.info.get("frame", f"number {number}"))


def species_indices(frame: Atoms, name: str, species: Sequence[str]) -> Ints:
    """Which of the species each atom is: shape ``(natoms,)``.

    Raises
    ------
    ValueError
        None of them.
    """
    if unknown := sorted(set(frame.symbols) - set(species)):
        raise ValueError(
            f"frame {name}: found {', '.join(unknown)}, but the species are {' '.join(species)}"
        )
    return np.array([species.index(symbol) for symbol in frame.symbols], dtype=np.int32)


def checked_labels(frame: Atoms, name: str) -> Labels:
    """Labels of a frame.

    Raises
    ------
    BadLabel
        Energy or forces are missing; something is not finite or has a wrong shape.
    """
    results = {} if frame.calc is None else frame.calc.results
    shapes = {"energy": (), "forces": (len(frame), 3), "stress": (6,)}
    found = {}
    for key, shape in shapes.items():
        if key not in results:
            continue
        found[key] = np.asarray(results[key], dtype=np.float64)
        if found[key].shape != shape:
            raise BadLabel(name, f"{key} of shape {found[key].shape}, must be {shape}")
        if not np.isfinite(found[key]).all():
            raise BadLabel(name, f"{key} not a finite number; leave the frame out")
    if missing := [key for key in ("energy", "forces") if key not in found]:
        raise BadLabel(name, f"found no {' and no '.join(missing)}; label it first")
    return Labels(float(found["energy"]), found["forces"], found.get("stress"))
