"""Whether a potential and its kernel keep what they promise, on random structures.

Forces and virial against finite differences of the energy, smoothness where neighbours come and go,
the symmetries of space and of like atoms, and the instruction sets against each other. A potential
that fails one of them must not be used for molecular dynamics. What is allowed but dangerous, above
all dimers that fall together at short distances, is reported as a note.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.mtp import _core
from ensemble.mtp.calculator import Evaluation, evaluate, find_neighbors, make_kernel
from ensemble.mtp.potential import Potential, read_potential

__all__ = ["Check", "Report", "check_potential"]

Floats = NDArray[np.float64]

NATOMS = 10
ATTEMPTS = 100  # to make a structure; one or a few do for cutoffs of some Angstrom
STEP = 1e-3  # Angstrom, of positions
STRAIN = 1e-4
CROSSING = 1e-8  # Angstrom: what a pair moves in and out of the cutoff, or of min_dist
MARGIN = 4 * STEP  # Angstrom: how far pairs stay away from both, for finite differences

TINY = np.finfo(float).tiny  # in place of a scale of 0


@dataclass(frozen=True)
class Check:
    """One test and its outcome."""

    name: str
    """What is tested."""

    error: float
    """Largest deviation, in units of the largest value itself."""

    tolerance: float
    """What is allowed."""

    passed: bool
    """Whether the error is within the tolerance."""


@dataclass(frozen=True)
class Report:
    """The outcome of `check_potential`."""

    name: str
    """The file, or the potential's name."""

    checks: tuple[Check, ...]
    """Every test."""

    notes: tuple[str, ...]
    """What is allowed but worth knowing."""

    @property
    def passed(self) -> bool:
        """Whether every test is passed."""
        return all(check.passed for check in self.checks)

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [
            f"{'ok  ' if check.passed else 'FAIL'}  {check.name:{width}}  "
            f"{check.error:.1e}  (allowed {check.tolerance:.0e})"
            for check in self.checks
        ]
        notes = [f"note  {note}" for note in self.notes]
        verdict = "all checks passed" if self.passed else "CHECKS FAILED"
        return "\n".join([*lines, *notes, f"{self.name}: {verdict}"])


class Structure(NamedTuple):
    """What `evaluate` takes behind the kernel."""

    positions: Floats
    species: NDArray[np.int32]
    cell: Floats
    pbc: bool


class Subject(NamedTuple):
    """A potential under test."""

    potential: Potential
    kernel: _core.Kernel
    structure: Structure
    result: Evaluation
    """Of `structure`."""

    rng: np.random.Generator

    def moved(self, positions: Floats, cell: Floats | None = None) -> Evaluation:
        """The result elsewhere, in the same cell or another one."""
        _, species, before, pbc = self.structure
        return evaluate(self.kernel, positions, species, before if cell is None else cell, pbc)


def check_potential(potential: Potential | str | os.PathLike[str], *, seed: int = 0) -> Report:
    """Test a potential on random structures of its species.

    Parameters
    ----------
    potential
        A potential, or the path of a ``.mtp`` or ``.almtp`` file.
    seed
        Of the structures.

    Raises
    ------
    FormatError
        The file is not a potential.
    OSError
        The file cannot be read.
    ValueError
        The cutoff is too small for finite differences, a fraction of an Angstrom.
    """
    name = "the potential"
    if isinstance(potential, Potential):
        name = potential.name or name
    else:
        name = os.fspath(potential)
        potential = read_potential(potential)
    rng = np.random.default_rng(seed)
    kernel = make_kernel(potential)
    structure = _random_structure(potential, rng)
    subject = Subject(potential, kernel, structure, evaluate(kernel, *structure), rng)
    with np.errstate(all="ignore"):  # Numbers gone wrong are for the report to tell.
        return Report(name, tuple(_run(subject)), tuple(_notes(potential, kernel)))


def _run(subject: Subject) -> Iterator[Check]:
    checks: list[tuple[str, float, Callable[[Subject], float]]] = [
        ("forces are the slope of the energy", 1e-7, _forces),
        ("virial is the slope of the energy by strain", 1e-7, _virial),
        ("per-atom virials add up to the virial", 1e-10, _virial_sum),
        ("forces are continuous at the cutoff", 1e-5, _cutoff),
        ("energy is continuous at min_dist", 1e-5, _min_dist),
        ("rotation turns forces and keeps energies", 1e-9, _rotation),
        ("translation changes nothing", 1e-9, _translation),
        ("permutation of atoms permutes the results", 1e-9, _permutation),
    ]
    for name, tolerance, measure in checks:
        yield _verdict(name, measure(subject), tolerance)
    for isa in _core.available_isas():
        if isa != "plain":
            name = f"instruction set {isa} equals plain"
            yield _verdict(name, _instruction_set(subject, isa), 1e-10)


def _verdict(name: str, error: float, tolerance: float) -> Check:
    # A comparison with NaN is false: a number gone wrong is a failure.
    return Check(name, error, tolerance, error <= tolerance)


# ------------------------------------------------------------------------------ random structures


def _random_structure(potential: Potential, rng: np.random.Generator) -> Structure:
    """A triclinic cell, smaller than twice the cutoff, whose pairs suit finite differences.

    The energy's second derivative jumps at the cutoff, and the slope of a repulsive wall at
    min_dist: no pair is near either.
    """
    separation = _separation(potential)
    for _ in range(ATTEMPTS):
        cell = np.eye(3) + rng.normal(scale=0.15, size=(3, 3))
        cell *= separation * (2.5 * NATOMS / abs(np.linalg.det(cell))) ** (1 / 3)
        positions = _place_atoms(rng, cell, separation)
        if positions is None:
            continue
        distances = _pair_distances(positions, cell, potential.max_dist + MARGIN)
        if np.abs(distances[:, None] - [potential.max_dist, potential.min_dist]).min() > MARGIN:
            species = rng.permutation(np.arange(NATOMS) % potential.species_count)
            return Structure(positions, species.astype(np.int32), cell, True)
    raise ValueError(
        f"no random structure keeps its pairs {MARGIN} Angstrom away from the cutoff of "
        f"{potential.max_dist:g} Angstrom: is the cutoff in another unit?"
    )


def _separation(potential: Potential) -> float:
    """Smallest distance of two atoms in Angstrom: within what the radial functions are made for."""
    cutoff = potential.max_dist
    return float(np.clip(potential.min_dist, 0.3 * cutoff, 0.6 * cutoff)) + 2 * MARGIN


def _place_atoms(rng: np.random.Generator, cell: Floats, separation: float) -> Floats | None:
    """Random sequential insertion; None if it does not get through."""
    placed = np.empty((0, 3))
    for _ in range(100 * NATOMS):
        trial = np.vstack([placed, rng.random(3) @ cell])
        if len(_pair_distances(trial, cell, separation)) == 0:
            placed = trial
            if len(placed) == NATOMS:
                return placed
    return None


def _pair_distances(positions: Floats, cell: Floats, cutoff: float) -> Floats:
    near = find_neighbors(positions, cell, True, cutoff)
    first = np.repeat(np.arange(near.natoms), np.diff(near.offsets))
    vectors = near.positions[near.indices] - near.positions[first]
    return np.asarray(np.linalg.norm(vectors, axis=1))


# ----------------------------------------------------------------------------------------- checks


def _relative(found: Floats, expected: Floats) -> float:
    """Largest deviation in units of the largest expected number; 0 where both vanish."""
    deviation = np.abs(found - expected).max()
    return float(deviation / max(np.abs(expected).max(), TINY))


def _deviation(found: Evaluation, energies: Floats, forces: Floats) -> float:
    """The larger one of the relative errors of site energies and forces."""
    errors = [_relative(found.site_energies, energies), _relative(found.forces, forces)]
    return float(np.max(errors))


def _slope(energy: Callable[[float], float], step: float) -> float:
    """Derivative at 0 by four points, with an error of fourth order in `step`."""
    outer = energy(-2 * step) - energy(2 * step)
    inner = energy(step) - energy(-step)
    return (outer + 8 * inner) / (12 * step)


def _forces(subject: Subject) -> float:
    positions = subject.structure.positions
    slopes = np.empty_like(positions)
    for index in np.ndindex(*positions.shape):
        unit = np.zeros_like(positions)
        unit[index] = 1.0

        def energy(shift: float, unit: Floats = unit) -> float:
            return subject.moved(positions + shift * unit).energy

        slopes[index] = _slope(energy, STEP)
    return _relative(subject.result.forces, -slopes)


def _virial(subject: Subject) -> float:
    """W_ab = -dU/d(strain_ab), where r_b goes to r_b + strain_ab r_a."""
    positions, _, cell, _ = subject.structure
    slopes = np.empty((3, 3))
    for index in np.ndindex(3, 3):
        unit = np.zeros((3, 3))
        unit[index] = 1.0

        def energy(strain: float, unit: Floats = unit) -> float:
            deformed = np.eye(3) + strain * unit
            return subject.moved(positions @ deformed, cell @ deformed).energy

        slopes[index] = _slope(energy, STRAIN)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = -slopes
    return _relative(subject.result.virial, np.array([xx, yy, zz, xy, xz, yz, yx, zx, zy]))


def _virial_sum(subject: Subject) -> float:
    return _relative(subject.result.virials.sum(axis=0), subject.result.virial)


def _cutoff(subject: Subject) -> float:
    """Forces in a cluster that an atom enters, for every pair of species that meets."""
    cutoff = subject.potential.max_dist
    pairs = _species_pairs(subject.potential)
    return float(np.max([_jump(subject, pair, cutoff)[1] for pair in pairs]))


def _min_dist(subject: Subject) -> float:
    """Energies there; the forces of RBChebyshev_repuls do jump, by the slope of its wall."""
    potential = subject.potential
    if potential.min_dist <= 2 * CROSSING:
        return 0.0
    pairs = _species_pairs(potential)
    return float(np.max([_jump(subject, pair, potential.min_dist)[0] for pair in pairs]))


def _species_pairs(potential: Potential) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(range(potential.species_count), 2))


def _jump(subject: Subject, pair: tuple[int, int], distance: float) -> tuple[float, float]:
    """How site energies and forces change while a pair of atoms crosses a distance.

    In units of those of the structure. One of the pair is the structure's first atom, with a half
    of the others around it and no periods; one more atom approaches it from the other side.
    """
    positions, species, _, _ = subject.structure
    cluster = positions - positions[0]
    outside = np.linalg.norm(cluster, axis=1) >= _separation(subject.potential)
    kept = np.concatenate([[0], np.flatnonzero(outside & (cluster[:, 0] < 0))])
    types = np.concatenate([species[kept], [pair[1]]]).astype(np.int32)
    types[0] = pair[0]
    inside, beyond = (
        evaluate(subject.kernel, np.vstack([cluster[kept], [x, 0.0, 0.0]]), types)
        for x in (distance - CROSSING, distance + CROSSING)
    )
    energies = np.abs(inside.site_energies - beyond.site_energies).max()
    forces = np.abs(inside.forces - beyond.forces).max()
    usual = subject.result
    return (
        float(energies / max(np.abs(usual.site_energies).max(), TINY)),
        float(forces / max(np.abs(usual.forces).max(), TINY)),
    )


def _rotation(subject: Subject) -> float:
    """Through a random angle, with and without a reflection."""
    turn, _ = np.linalg.qr(subject.rng.normal(size=(3, 3)))
    positions, _, cell, _ = subject.structure
    expected = subject.result
    errors = [
        _deviation(
            subject.moved(positions @ q, cell @ q),
            expected.site_energies,
            expected.forces @ q,
        )
        for q in (turn, -turn)
    ]
    return float(np.max(errors))


def _translation(subject: Subject) -> float:
    """A shift of all atoms, and one lattice vector for some."""
    positions, _, cell, _ = subject.structure
    shift = subject.rng.normal(scale=5.0, size=3)
    wraps = subject.rng.integers(-2, 3, size=positions.shape) @ cell
    moved = subject.moved(positions + shift + wraps)
    return _deviation(moved, subject.result.site_energies, subject.result.forces)


def _permutation(subject: Subject) -> float:
    positions, species, cell, pbc = subject.structure
    order = subject.rng.permutation(NATOMS)
    permuted = evaluate(subject.kernel, positions[order], species[order], cell, pbc)
    expected = subject.result
    return _deviation(permuted, expected.site_energies[order], expected.forces[order])


def _instruction_set(subject: Subject, isa: str) -> float:
    plain, other = (
        evaluate(make_kernel(subject.potential, name), *subject.structure)
        for name in ("plain", isa)
    )
    virials = _relative(other.virials, plain.virials)
    return float(np.max([_deviation(other, plain.site_energies, plain.forces), virials]))


# ------------------------------------------------------------------------------------------ notes


def _notes(potential: Potential, kernel: _core.Kernel) -> Iterator[str]:
    """What is allowed but dangerous: dimers that attract each other at short distances."""
    names = potential.species_names or [f"species {k}" for k in range(potential.species_count)]
    if potential.min_dist <= 0:
        return
    for first, second in _species_pairs(potential):
        distance = _attraction(potential, kernel, (first, second))
        if distance is not None:
            yield (
                f"a dimer {names[first]}-{names[second]} attracts at {distance:.2f} Angstrom, "
                f"below min_dist = {potential.min_dist:g}: close atoms can fall together"
            )


def _attraction(potential: Potential, kernel: _core.Kernel, pair: tuple[int, int]) -> float | None:
    """The largest distance from a half of min_dist to min_dist where two lone atoms attract."""
    species = np.array(pair, dtype=np.int32)
    for x in np.linspace(1.0, 0.5, 51) * (potential.min_dist - CROSSING):
        force = evaluate(kernel, [[0.0, 0.0, 0.0], [x, 0.0, 0.0]], species).forces[1, 0]
        if force < 0:
            return float(x)
    return None
