"""How far a potential is from the labels of frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.units import GPa
from numpy.typing import NDArray

from ensemble.mtp.calculator import evaluate, make_kernel, resolve_species, voigt_stress
from ensemble.mtp.potential import Potential
from ensemble.training.problem import checked_labels, frame_name, species_indices

__all__ = ["Errors", "errors_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Mean absolute and root mean square errors; NaN of a quantity that no frame is labelled with.

    Energies are per atom, and forces and stresses by component: every frame, and every component of
    every atom or stress, counts the same.
    """

    frames: int
    """Number of frames."""

    energy_mae: float
    """In meV/atom."""

    energy_rmse: float
    """In meV/atom."""

    force_mae: float
    """In meV/Angstrom."""

    force_rmse: float
    """In meV/Angstrom."""

    stress_rmse: float
    """In GPa."""

    groups: Mapping[str, Errors] = field(default_factory=dict)
    """Of each group of frames, where there are any."""

    def __str__(self) -> str:
        return (
            f"energy {self.energy_mae:.2f} meV/atom, forces {self.force_mae:.1f} meV/Å (MAE), "
            f"stress {self.stress_rmse:.3f} GPa (RMSE), {self.frames} frames"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for a record."""
        return asdict(self)


class _Deviations(NamedTuple):
    """Prediction minus label of one frame."""

    energy: Floats
    """Per atom, in eV: shape ``(1,)``."""

    forces: Floats
    """In eV/Angstrom: shape ``(3 natoms,)``."""

    stress: Floats
    """In eV/Angstrom^3: shape ``(6,)``, or ``(0,)`` without a label."""


def errors_of(
    potential: Potential,
    frames: Sequence[Atoms],
    species: Sequence[str] | None = None,
    *,
    by: str | None = None,
) -> Errors:
    """Errors of a potential on frames.

    Parameters
    ----------
    frames
        With energy and forces, and a stress where there is one.
    species
        Chemical symbols in the potential's order; None takes them from its tag.
    by
        Key of ``info`` that groups the frames, as in ``temperature``.

    Raises
    ------
    ValueError
        No frames; labels are missing or not finite; the species do not match; a frame is in no
        group.
    """
    if not frames:
        raise ValueError("there is no frame to measure errors on")
    found = _deviations(potential, frames, resolve_species(potential, species))
    if by is None:
        return _errors(found)
    groups: dict[Any, list[_Deviations]] = {}
    for number, (frame, deviations) in enumerate(zip(frames, found, strict=True)):
        if by not in frame.info:
            raise ValueError(f"frame {frame_name(frame, number)}: found no {by} in its info")
        groups.setdefault(frame.info[by], []).append(deviations)
    return replace(
        _errors(found), groups={str(group): _errors(groups[group]) for group in sorted(groups)}
    )


def _deviations(
    potential: Potential, frames: Iterable[Atoms], species: Sequence[str]
) -> list[_Deviations]:
    kernel = make_kernel(potential)
    deviations = []
    for number, frame in enumerate(frames):
        name = frame_name(frame, number)
        label = checked_labels(frame, name)
        types = species_indices(frame, name, species)
        found = evaluate(kernel, frame.positions, types, frame.cell.array, frame.pbc)
        stress = np.empty(0)
        if label.stress is not None:
            stress = voigt_stress(found.virial, frame.cell.volume) - label.stress
        energy = np.array([found.energy - label.energy]) / len(frame)
        deviations.append(_Deviations(energy, (found.forces - label.forces).ravel(), stress))
    return deviations


def _errors(deviations: Sequence[_Deviations]) -> Errors:
    energy, forces, stress = (np.concatenate(part) for part in zip(*deviations, strict=True))
    return Errors(
        frames=len(deviations),
        energy_mae=1e3 * _mae(energy),
        energy_rmse=1e3 * _rmse(energy),
        force_mae=1e3 * _mae(forces),
        force_rmse=1e3 * _rmse(forces),
        stress_rmse=_rmse(stress) / GPa,
    )


def _mae(values: Floats) -> float:
    return float(np.abs(values).mean())


def _rmse(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else np.nan
