"""How far the members of a committee of potentials disagree about configurations.

The measure is the model deviation of Zhang et al., Phys. Rev. Mater. 3, 023804 (2019): on each
atom, the standard deviation over the members of the force; of a configuration, that of its worst
atom. The sum of the squares is divided by the members less one, where Zhang et al. divide by all:
so the bounds on it mean the same for a committee of any size. Of three members it is larger by
the root of 3/2, of two by the root of 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import Potential

__all__ = ["disagreement"]

Floats = NDArray[np.float64]


def disagreement(
    potentials: Sequence[Potential],
    frames: Sequence[Atoms],
    species: Sequence[str] | None = None,
) -> Floats:
    """Ask every member about every configuration.

    Parameters
    ----------
    potentials
        Members of the committee, two at least.
    frames
        Configurations.
    species
        Chemical symbols in the order of the potentials' species, where these do not name them.

    Returns
    -------
    Of each configuration the largest standard deviation of the force on an atom, in eV/Å: shape
    ``(nframes,)``. It is infinite where a member has no finite answer, or where the configuration
    itself is none.

    Raises
    ------
    ValueError
        There is only one member, or an element that the potentials do not have.
    """
    if len(potentials) < 2:
        raise ValueError(f"a committee of {len(potentials)}: it takes two members to disagree")
    members = [MTPCalculator(potential, species) for potential in potentials]
    return np.array([_about(members, frame) for frame in frames], dtype=np.float64)


def _about(members: Sequence[MTPCalculator], frame: Atoms) -> float:
    if not (np.isfinite(frame.positions).all() and np.isfinite(frame.cell.array).all()):
        return np.inf
    forces = np.array([_forces(member, frame) for member in members])
    # Forces so large that their squares are no numbers are as bad as none.
    with np.errstate(over="ignore", invalid="ignore"):
        variances = forces.var(axis=0, ddof=1).sum(axis=-1)
    return float(np.sqrt(variances.max(initial=0))) if np.isfinite(variances).all() else np.inf


def _forces(member: MTPCalculator, frame: Atoms) -> Floats:
    """In eV/Å: shape ``(natoms, 3)``."""
    member.calculate(frame)
    forces: Floats = member.results["forces"]
    return forces
