"""Frames of a rattled argon crystal."""

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator

LENNARD_JONES = "ase.calculators.lj:LennardJones"
ARGUMENTS = {"sigma": 3.4, "epsilon": 0.0104, "rc": 6.5}


def argon(number: int, *, krypton: int = 0) -> Atoms:
    """A sheared and rattled cell of 8 atoms, as drawn from `number`; of which some are Kr."""
    rng = np.random.default_rng(number)
    frame = bulk("Ar", "fcc", a=5.4).repeat(2)
    frame.set_cell(frame.cell @ (np.eye(3) + rng.normal(0, 0.01, (3, 3))), scale_atoms=True)
    frame.positions += rng.normal(0, 0.1, frame.positions.shape)
    frame.symbols[:krypton] = "Kr"
    frame.info = {
        "frame": f"round1-600K-{number:04d}",
        "trajectory": "round1-600K",
        "temperature": 600.0,
        "round": 1,
    }
    return frame


def labelled(number: int, *, teacher: str = "ase LennardJones", krypton: int = 0) -> Atoms:
    """The same with labels of Lennard-Jones."""
    frame = argon(number, krypton=krypton)
    frame.calc = LennardJones(**ARGUMENTS)
    labels = {
        "energy": frame.get_potential_energy(),
        "forces": frame.get_forces(),
        "stress": frame.get_stress(),
    }
    frame.calc = SinglePointCalculator(frame, **labels)
    frame.info["teacher"] = teacher
    return frame
