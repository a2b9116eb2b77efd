"""How far the members of a committee of potentials disagree about configurations.

The measure is the model deviation of Zhang et al., Phys. Rev. Mater. 3, 023804 (2019): on each
atom, the standard deviation over the members of the force; of a configuration, that of its worst
atom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import Potential

__all__ = ["Disagreement", "disagreement"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Disagreement:
    """Of a committee, configuration by configuration.

    It is infinite where a member has no finite answer, or where the configuration itself is none.
    """

    force: Floats
    """Largest standard deviation of the force on an atom in eV/Å: shape ``(nframes,)``."""

    rms: Floats
    """Root mean square of it over the atoms in eV/Å: shape ``(nframes,)``."""

    energy: Floats
    """Standard deviation of the energy per atom in eV, each member's mean over all configurations
    taken off before: the zero of energy is nobody's: shape ``(nframes,)``."""

    members: Floats
    """By member, the largest deviation of its force on an atom from the committee's mean in eV/Å:
    shape ``(nmembers, nframes)``."""

    per_atom: tuple[Floats, ...]
    """By configuration, the standard deviation of the force on each atom in eV/Å: shapes
    ``(natoms,)``."""


def disagreement(
    potentials: Sequence[Potential],
    frames: Sequence[Atoms],
    species: Sequence[str] | None = None,
) -> Disagreement:
    """Ask every member about every configuration.

    Parameters
    ----------
    potentials
        Members of the committee, two at least.
    frames
        Configurations.
    species
        Chemical symbols in the order of the potentials' species, where these do not name them.

    Raises
    ------
    ValueError
        There is only one member, or an element that the potentials do not have.
    """
    if len(potentials) < 2:
        raise ValueError(f"a committee of {len(potentials)}: it takes two members to disagree")
    members = [MTPCalculator(potential, species) for potential in potentials]
    energies = np.full((len(members), len(frames)), np.nan)
    farthest = np.full((len(members), len(frames)), np.inf)
    per_atom = []
    for k, frame in enumerate(frames):
        energies[:, k], forces = _answers(members, frame)
        # Forces so large that their squares are no numbers are as bad as none.
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.square(forces - forces.mean(axis=0)).sum(axis=-1)
            deviations = np.sqrt(squares.mean(axis=0))
        sound = bool(np.isfinite(deviations).all() and np.isfinite(energies[:, k]).all())
        per_atom.append(deviations if sound else np.full(len(frame), np.inf))
        if sound:
            farthest[:, k] = np.sqrt(squares.max(axis=1, initial=0))
    return Disagreement(
        force=np.array([atoms.max(initial=0) for atoms in per_atom]),
        rms=np.array([np.sqrt(np.square(atoms).mean()) for atoms in per_atom]),
        energy=_energy_spread(energies, np.isfinite(farthest).all(axis=0)),
        members=farthest,
        per_atom=tuple(per_atom),
    )


def _answers(members: Sequence[MTPCalculator], frame: Atoms) -> tuple[Floats, Floats]:
    """Energies per atom in eV, ``(nmembers,)``, and forces in eV/Å, ``(nmembers, natoms, 3)``."""
    shape = (len(members), len(frame), 3)
    if not (np.isfinite(frame.positions).all() and np.isfinite(frame.cell.array).all()):
        return np.full(len(members), np.nan), np.full(shape, np.nan)
    energies, forces = np.empty(len(members)), np.empty(shape)
    for k, member in enumerate(members):
        member.calculate(frame)
        energies[k] = member.results["energy"] / len(frame)
        forces[k] = member.results["forces"]
    return energies, forces


def _energy_spread(energies: Floats, sound: NDArray[np.bool_]) -> Floats:
    """Standard deviations over the members, where these are sound; infinite elsewhere."""
    spread = np.full(len(sound), np.inf)
    if sound.any():
        finite = energies[:, sound]
        spread[sound] = (finite - finite.mean(axis=1, keepdims=True)).std(axis=0)
    return spread
