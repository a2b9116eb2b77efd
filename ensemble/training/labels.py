"""What a labelled frame says, and whether to believe it: one teacher, nothing absurd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.units import GPa
from numpy.typing import NDArray

__all__ = [
    "BadLabel",
    "FrameError",
    "Limits",
    "NoLabel",
    "References",
    "check_labels",
    "check_names",
    "energy_references",
    "labels_of",
    "name_of",
    "one_teacher",
]

Floats = NDArray[np.float64]

_REWEIGHTINGS = 50
_SMALL = 1e-3
"""Deviations from the energy of a composition that do not matter, eV per atom."""

_DETERMINED = 1e-6
"""What part of a composition may be none of a mixture of those that energies are known of."""


class FrameError(ValueError):
    """Frames that cannot be used: the file or the frame, what was found, what would do."""


class BadLabel(FrameError):
    """A label that nothing should be fitted to.

    Attributes
    ----------
    frame : str
        Name of the frame.
    reason : str
        What is wrong with it.
    """

    def __init__(self, frame: str, reason: str) -> None:
        super().__init__(f"frame {frame}: {reason}")
        self.frame, self.reason = frame, reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.frame, self.reason)


class NoLabel(BadLabel):
    """The teacher gave no answer: it may be the frame's fault, or that of its surroundings."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond which a label is absurd: far more than any solid or liquid that one would run."""

    force: float = 30.0
    """Largest force on an atom, eV/Å."""

    stress: float = 50.0
    """Largest component of the stress, GPa."""

    volume: tuple[float, float] = (3.0, 200.0)
    """Smallest and largest volume of an atom, Å³. An atom in diamond has 5.7, in caesium 118."""

    energy: float = 2.0
    """Largest distance of the energy from what the composition suggests, eV per atom."""


@dataclass(frozen=True)
class References:
    """What energies the species have, and of which compositions that tells the energy."""

    energies: dict[str, float]
    """Of an atom of each species, eV."""

    directions: Floats
    """Orthonormal compositions of which mixtures are known: shape (n, species)."""

    def energy_of(self, frame: Atoms) -> float:
        """What the composition suggests for all atoms, eV; NaN where it suggests nothing."""
        if not set(frame.symbols) <= self.energies.keys():
            return np.nan
        fractions = _counts([frame], list(self.energies))[0] / len(frame)
        known = fractions @ self.directions.T @ self.directions
        if np.linalg.norm(fractions - known) > _DETERMINED:
            return np.nan
        return float(len(frame) * fractions @ np.array([*self.energies.values()]))


def check_labels(
    frame: Atoms,
    limits: Limits | None = None,
    references: References | None = None,
) -> None:
    """See that a frame's labels are numbers that a potential could and should have.

    Parameters
    ----------
    frame
        A labelled one.
    limits
        The defaults where not given.
    references
        Energies of the species, see `energy_references`. Without them any finite energy will do.

    Raises
    ------
    BadLabel
        With the frame's name.
    """
    reason = _fault(frame, limits or Limits(), references)
    if reason:
        raise BadLabel(name_of(frame), reason)


def energy_references(frames: Sequence[Atoms]) -> References:
    """Energy of an atom of each species: a linear fit to the frames' energies per atom.

    The sum of the absolute deviations is made least, by reweighted least squares: one absurd
    energy does not make the others look wrong. Where the composition never changes, only the sum
    over a formula unit means anything, and nothing is known of other compositions.

    Raises
    ------
    ValueError
        No frames.
    """
    if not frames:
        raise ValueError("no frames to take energies from")
    species = sorted({symbol for frame in frames for symbol in frame.symbols})
    counts = _counts(frames, species)
    sizes = counts.sum(axis=1)
    fractions = counts / sizes[:, None]
    energies = np.array([labels_of(frame)[0] for frame in frames]) / sizes
    roots = np.ones(len(frames))
    for _ in range(_REWEIGHTINGS):
        weighted = roots[:, None] * fractions
        fitted = np.linalg.lstsq(weighted, roots * energies, rcond=None)[0]
        deviations = np.abs(energies - fractions @ fitted)
        roots = 1 / np.sqrt(np.maximum(deviations, _SMALL))
    _, weights, directions = np.linalg.svd(fractions, full_matrices=False)
    known = directions[weights > _DETERMINED * weights[0]]
    return References(dict(zip(species, fitted.tolist(), strict=True)), known)


def _counts(frames: Sequence[Atoms], species: Sequence[str]) -> NDArray[np.int64]:
    """Atoms of each species: shape (frames, species)."""
    return np.array([[list(frame.symbols).count(one) for one in species] for frame in frames])


def one_teacher(frames: Sequence[Atoms], teacher: str | None = None) -> str:
    """Who labelled the frames: energies of two teachers have nothing to do with each other.

    Parameters
    ----------
    frames
        Labelled ones.
    teacher
        Whose labels they have to be; that of the first frame where not given.

    Raises
    ------
    FrameError
        Two teachers, with a frame of each, or a frame that does not say.
    ValueError
        No frames, and no teacher given.
    """
    if teacher is None and not frames:
        raise ValueError("no frames: nobody labelled them")
    first = "wanted" if teacher else f"frame {name_of(frames[0])}"
    wanted = teacher or _teacher_of(frames[0])
    for frame in frames:
        if (found := _teacher_of(frame)) != wanted:
            raise FrameError(
                f'labels of two teachers: "{wanted}" ({first}) and "{found}" '
                f"(frame {name_of(frame)}); label all frames with one of them"
            )
    return wanted


def name_of(frame: Atoms) -> str:
    """The name of a frame.

    Raises
    ------
    FrameError
        It has none.
    """
    name = frame.info.get("frame")
    if not isinstance(name, str) or not name:
        raise FrameError(f"{frame.symbols}: this frame has no name; give it one in info['frame']")
    return name


def check_names(frames: Iterable[Atoms], where: str = "") -> None:
    """See that every frame has a name of its own.

    Raises
    ------
    FrameError
        It begins with `where`.
    """
    for name, count in Counter(map(name_of, frames)).items():
        if count > 1:
            raise FrameError(f"{where}frame {name}: {count} frames have this name; rename them")


def labels_of(frame: Atoms) -> tuple[float, Floats, Floats]:
    """Energy (eV), forces (eV/Å, shape (atoms, 3)) and stress (eV/Å³, shape (6,)) of a frame."""
    results = frame.calc.results
    return float(results["energy"]), results["forces"], results["stress"]


def _teacher_of(frame: Atoms) -> str:
    found = frame.info.get("teacher")
    if not found:
        raise FrameError(
            f"frame {name_of(frame)}: it does not say who labelled it; write teacher=... into its "
            "comment line if you know, or label it anew"
        )
    return str(found)


def _fault(frame: Atoms, limits: Limits, references: References | None) -> str:
    """What is wrong with the labels; nothing if nothing is."""
    energy, forces, stress = labels_of(frame)
    for what, values in ("energy", energy), ("forces", forces), ("stress", stress):
        if not np.isfinite(values).all():
            return f"{what} not a finite number"
    least, most = limits.volume
    volume = frame.get_volume() / len(frame)
    if not least <= volume <= most:
        return f"volume of {volume:.4g} Å³ per atom; between {least:g} and {most:g} is plausible"
    lengths = np.linalg.norm(forces, axis=1)
    worst = int(np.argmax(lengths))
    if lengths[worst] > limits.force:
        atom = f"atom {worst} ({frame.symbols[worst]})"
        return (
            f"force of {lengths[worst]:.4g} eV/Å on {atom}; at most {limits.force:g} is plausible"
        )
    if (largest := np.abs(stress).max() / GPa) > limits.stress:
        return f"stress of {largest:.4g} GPa; at most {limits.stress:g} is plausible"
    return _energy_fault(frame, energy, limits, references) if references else ""


def _energy_fault(frame: Atoms, energy: float, limits: Limits, references: References) -> str:
    # NaN where nothing is known of the composition: any energy will do.
    distance = (energy - references.energy_of(frame)) / len(frame)
    if abs(distance) > limits.energy:
        return (
            f"energy of {energy / len(frame):.4g} eV per atom, {distance:+.4g} from the other "
            f"frames' for this composition; at most {limits.energy:g} is plausible"
        )
    return ""
