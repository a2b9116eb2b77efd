"""Time of a step of a fit: our Jacobian and normal equations next to motep's, on one core.

    OMP_NUM_THREADS=1 python tests/benchmarks/training.py --level 14 --frames 20

Both compute the derivatives of energy, forces and stress of every frame by every coefficient, and
J^T J and J^T r of them. motep (its C engine, with neighbours found beforehand) has no normal
equations: its Jacobians are put together as ours are, and what that takes is shown beside. Frames
are beta-Cu2Se of 96 atoms with random displacements, the potential a random one. Rounds of both
alternate; the best of each counts. That both find the same J^T J is checked first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers
from ase.spacegroup import crystal
from motep.io.mlip.mtp import read_mtp
from motep.potentials.mtp.cext.engine import CExtMTPEngine
from numpy.typing import NDArray

from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import Potential, write_potential
from ensemble.training.potentials import blocks
from ensemble.training.problem import VOIGT_MULTIPLICITY, FitProblem, NormalEquations, Weights

Floats = NDArray[np.float64]

SPECIES = ("Cu", "Se")
CUTOFF = 5.0  # Angstrom
ROUNDS = 3
WEIGHTS = Weights()


def labelled_frames(count: int) -> list[Atoms]:
    """Displaced crystals with zeros for labels: times do not depend on them."""
    sites = [(0.25, 0.25, 0.25), (0.0, 0.0, 0.0)]
    unit = crystal(["Cu", "Se"], sites, spacegroup=225, cellpar=[5.85] * 3 + [90] * 3)
    frames = []
    for seed in range(count):
        frame = unit.repeat(2)
        frame.rattle(0.15, seed=seed)
        none = {"energy": 0.0, "forces": np.zeros((len(frame), 3)), "stress": np.zeros(6)}
        frame.calc = SinglePointCalculator(frame, **none)
        frames.append(frame)
    return frames


class Motep:
    """motep's training engine, one for each frame, as in its own trainer."""

    def __init__(self, potential: Potential, frames: Sequence[Atoms]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "potential.mtp"
            write_potential(path, potential)
            self.data = read_mtp(path)
        self.data.species = [atomic_numbers[symbol] for symbol in SPECIES]
        self.data.optimized = ["radial_coeffs", "species_coeffs", "moment_coeffs"]
        self.potential = potential
        self.frames = [frame.copy() for frame in frames]
        self.engines = [CExtMTPEngine(self.data, mode="train") for _ in frames]
        self.jacobians()  # finds the neighbours

    def jacobians(self) -> list[tuple[Floats, Floats]]:
        """Residuals and weighted Jacobian of each frame, the coefficients in motep's order."""
        return [self._one(*pair) for pair in zip(self.engines, self.frames, strict=True)]

    def _one(self, engine: CExtMTPEngine, frame: Atoms) -> tuple[Floats, Floats]:
        found = engine.calculate(frame)
        natoms, volume = len(frame), frame.get_volume()
        energy = engine.jac_energy(frame).parameters
        forces = engine.jac_forces(frame).parameters
        stress = engine.jac_stress(frame).parameters
        rows = stress.reshape(len(stress), 9)[:, [0, 4, 8, 5, 2, 1]] * volume
        scales = np.concatenate(
            [
                [np.sqrt(WEIGHTS.energy) / natoms],
                np.full(3 * natoms, np.sqrt(WEIGHTS.forces / natoms)),
                np.sqrt(WEIGHTS.stress * VOIGT_MULTIPLICITY) / natoms,
            ]
        )
        jacobian = np.concatenate([energy[:, None], forces.reshape(len(forces), -1), rows], axis=1)
        predicted = [[found["energy"]], found["forces"].ravel(), found["stress"] * volume]
        return scales * np.concatenate(predicted), scales * jacobian

    def normal_equations(self) -> NormalEquations:
        parts = self.jacobians()
        cost = sum(float(r @ r) for r, _ in parts) / len(parts)
        gradient = sum(j @ r for r, j in parts) / len(parts)
        matrix = sum(j @ j.T for _, j in parts) / len(parts)
        order = self._order()
        return NormalEquations(cost, gradient[order], matrix[np.ix_(order, order)])

    def _order(self) -> NDArray[np.intp]:
        """Ours: radial, species, moments. motep's: moments, species, radial."""
        where = blocks(self.potential)
        total = where.moments.stop
        moments, species = len(self.potential.scalars), self.potential.species_count
        places = np.arange(total)
        return np.concatenate(
            [places[moments + species :], places[moments : moments + species], places[:moments]]
        )


def seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--level", type=int, nargs="+", default=[14])
    parser.add_argument("--frames", type=int, default=10)
    arguments = parser.parse_args()
    frames = labelled_frames(arguments.frames)
    print(f"{len(frames)} frames of {len(frames[0])} atoms, cutoff {CUTOFF:g} Å, ms a frame")
    print(f"{'level':>5} {'ours':>8} {'cost alone':>10} {'motep':>8} {'J alone':>8} {'ratio':>6}")
    for level in arguments.level:
        potential = untrained_potential(
            level, len(SPECIES), cutoff=CUTOFF, min_dist=1.6, species=SPECIES, seed=level
        )
        print(compared(level, potential, frames), flush=True)


def compared(level: int, potential: Potential, frames: Sequence[Atoms]) -> str:
    """A row of the table.

    Raises
    ------
    AssertionError
        The two do not agree.
    """
    problem, motep = FitProblem(frames, SPECIES, CUTOFF, WEIGHTS), Motep(potential, frames)
    for mine, theirs in zip(
        problem.normal_equations(potential), motep.normal_equations(), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-9 * np.abs(theirs).max())
    jobs: list[Callable[[], object]] = [
        lambda: problem.normal_equations(potential),
        lambda: problem.costs(potential),
        motep.normal_equations,
        motep.jacobians,
    ]
    times = np.array([[seconds(job) for job in jobs] for _ in range(ROUNDS)]).min(axis=0)
    ours, cost, theirs, jacobian = 1e3 * times / len(frames)
    return f"{level:5d} {ours:8.2f} {cost:10.3f} {theirs:8.2f} {jacobian:8.2f} {theirs / ours:6.2f}"


if __name__ == "__main__":
    main()
