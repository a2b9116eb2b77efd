"""The models of a training: from what a file says to a fit.

A fit of a high level that starts from random radial functions takes long and often ends in a poor
minimum. So it climbs: a low level is fitted first, to a part of the frames, and its radial
functions are where the next level starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from ensemble.mtp.potential import Potential
from ensemble.training.fit import Fitted, Step, best_start, fit
from ensemble.training.potentials import raised, species_energies, starting_potential
from ensemble.training.problem import Weights
from ensemble.training.settings import Fit

__all__ = ["Fitting", "fitted", "share_of"]

LOWEST_LEVEL = 8
"""That a climb begins at, or up to two above it."""

RUNG = 4
"""Levels from one fit of a climb to the next."""

RUNG_STEPS = 25
"""Of each fit below the last."""

RUNG_FRAMES = 100
"""That these are fitted to, about."""


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """What a fit is made of besides the frames."""

    level: int
    species: tuple[str, ...]
    """Chemical symbols in the order of the potential."""
    seed: int
    """Of the starting points."""
    settings: Fit
    steps: int
    """At most."""
    start: Potential | None = None
    """Where it begins; the best of a few random points where not given."""
    shifts: tuple[float, ...] = ()
    """By species, added to the energy of a lone atom where the fit starts, in eV."""
    cutoff: float | None = None
    """Where another one than that of the settings is wanted."""
    chebyshev: int | None = None
    """Polynomials of a radial function, where another number is wanted."""
    checkpoint: Path | None = None
    """Of a fit that was interrupted, and goes on from there."""


def fitted(
    job: Fitting,
    frames: Sequence[Atoms],
    on_step: Callable[[Step], None] | None = None,
    *,
    workers: int = 1,
) -> Fitted:
    """Fit a potential to frames.

    Parameters
    ----------
    on_step
        Called after every step at the job's level.
    workers
        Threads; the result is the same bits for any number.

    Raises
    ------
    ValueError
        As `ensemble.training.fit.fit`; no frame is calm enough.
    """
    weights = Weights(**job.settings.weights.model_dump())
    frames = _calm(frames, job.settings.largest_force)
    start = job.start or _climbed(job, frames, weights, workers)
    return fit(
        start,
        frames,
        species=job.species,
        weights=weights,
        steps=job.steps,
        workers=workers,
        on_step=on_step,
        checkpoint=job.checkpoint,
    )


def _climbed(job: Fitting, frames: Sequence[Atoms], weights: Weights, workers: int) -> Potential:
    """Where the fit at the job's level starts: the best random start, raised level by level."""
    first, *others = _rungs(job.level)
    generators = np.random.default_rng(job.seed).spawn(job.settings.starts + len(others))
    lone = species_energies(frames, job.species)
    if job.shifts:
        lone = lone + np.array(job.shifts)
    starts = [
        starting_potential(
            first,
            job.species,
            cutoff=job.cutoff or job.settings.cutoff,
            min_dist=job.settings.min_dist,
            chebyshev=job.chebyshev or job.settings.chebyshev,
            species_energies=lone,
            seed=generator,
        )
        for generator in generators[: job.settings.starts]
    ]
    found = starts[0]
    if len(starts) > 1:
        found = best_start(starts, frames, species=job.species, weights=weights, workers=workers)
    part = frames[:: max(1, len(frames) // RUNG_FRAMES)]
    for level, generator in zip(others, generators[job.settings.starts :], strict=True):
        rung = fit(
            found, part, species=job.species, weights=weights, steps=RUNG_STEPS, workers=workers
        )
        found = raised(rung.potential, level, job.species, species_energies=lone, seed=generator)
    return found


def _rungs(level: int) -> list[int]:
    """Levels from the lowest up to this one."""
    return sorted({level, *range(level - RUNG, LOWEST_LEVEL - 1, -RUNG)})


def _calm(frames: Sequence[Atoms], largest_force: float | None) -> Sequence[Atoms]:
    if largest_force is None:
        return frames
    largest = [np.linalg.norm(frame.calc.results["forces"], axis=1).max() for frame in frames]
    calm = [frame for frame, force in zip(frames, largest, strict=True) if force <= largest_force]
    if frames and not calm:
        raise ValueError(
            f"fit.largest_force is {largest_force:g} eV/Å, and each of {len(frames)} frames has a "
            f"larger one, {min(largest):.3g} eV/Å at the least; raise it"
        )
    return calm


def share_of(frames: Sequence[Atoms], share: float, seed: int) -> list[Atoms]:
    """A part of the frames: whole trajectories, drawn until the share is reached."""
    if share == 1:
        return list(frames)
    names = sorted({frame.info["trajectory"] for frame in frames})
    drawn = np.random.default_rng(seed).permutation(len(names))
    kept: set[str] = set()
    count = 0
    for k in drawn:
        if count >= share * len(frames):
            break
        kept.add(names[k])
        count += sum(frame.info["trajectory"] == names[k] for frame in frames)
    return [frame for frame in frames if frame.info["trajectory"] in kept]
