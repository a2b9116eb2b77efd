"""How far models are apart on the same configurations, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp.calculator import MTPCalculator

__all__ = ["Difference", "compare"]

Floats = NDArray[np.float64]

MILLI = 1e3


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Differences between two models over some configurations."""

    models: tuple[str, str]
    temperature: float | None
    """Of the configurations, in K; None where they do not say."""
    frames: int
    forces: float
    """Mean absolute one over the components of all forces, in meV/Å."""
    forces_rms: float
    """The same, root mean square."""
    energy: float
    """Mean absolute one over the configurations, in meV per atom."""


def compare(models: Mapping[str, MTPCalculator], frames: Sequence[Atoms]) -> list[Difference]:
    """Compare every two models at each temperature that the configurations are from.

    Parameters
    ----------
    models
        By their names.
    frames
        Configurations of the models' species, with ``info["temperature"]``; labels do not count.
    """
    found = []
    for temperature, group in _by_temperature(frames):
        values = {name: _evaluated(model, group) for name, model in models.items()}
        for a, b in combinations(models, 2):
            energy, forces = (x - y for x, y in zip(values[a], values[b], strict=True))
            found.append(
                Difference(
                    models=(a, b),
                    temperature=temperature,
                    frames=len(group),
                    forces=float(np.abs(forces).mean()) * MILLI,
                    forces_rms=float(np.sqrt(np.square(forces).mean())) * MILLI,
                    energy=float(np.abs(energy).mean()) * MILLI,
                )
            )
    return found


def _by_temperature(frames: Sequence[Atoms]) -> Iterator[tuple[float | None, list[Atoms]]]:
    groups: dict[float | None, list[Atoms]] = {}
    for frame in frames:
        groups.setdefault(frame.info.get("temperature"), []).append(frame)
    yield from sorted(groups.items(), key=lambda item: (item[0] is None, item[0] or 0.0))


def _evaluated(model: MTPCalculator, frames: Sequence[Atoms]) -> tuple[Floats, Floats]:
    """Energies per atom, shape ``(frames,)``, and all components of all forces in one row."""
    energies, forces = [], []
    for frame in frames:
        model.calculate(frame)
        energies.append(model.results["energy"] / len(frame))
        forces.append(model.results["forces"].ravel())
    return np.array(energies), np.concatenate(forces)
