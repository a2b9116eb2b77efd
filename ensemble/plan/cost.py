"""What a plan costs: core-hours, the longest run, and when all is done with so many workers.

The time of a run is its time steps times its atoms times a model's seconds for one of each. These
seconds are measured (`ensemble.md.calibration`), or else follow from the model's size.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ensemble.plan.plan import Plan
from ensemble.plan.recipe import Cells, Run

__all__ = ["Estimate", "StudyCost", "estimate", "makespan", "run_seconds"]

SEGMENT_START = 0.3
"""Seconds until LAMMPS does its first step, and from its last until the next process starts."""

PARALLEL_EFFICIENCY = 0.9
"""Speed-up on n > 1 MPI ranks, over n."""

Speed = Mapping[str, float] | Callable[[str, int], float]
"""Seconds of one core for one atom and one time step: by model, or of a model and the atoms."""


@dataclass(frozen=True, kw_only=True)
class StudyCost:
    """What a study costs."""

    core_seconds: float
    """Of all its runs."""
    longest_seconds: float
    """Wall time of its longest run."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a campaign costs, from its beginning."""

    studies: dict[str, StudyCost]
    """By study."""
    workers: int
    """Runs at a time."""
    makespan_seconds: float
    """Wall time until the last run is done, the longest first."""
    measured: bool
    """Whether the speeds were measured, or follow from the sizes of the models."""

    @property
    def core_seconds(self) -> float:
        """Of all studies."""
        return sum(cost.core_seconds for cost in self.studies.values())

    @property
    def longest_seconds(self) -> float:
        """Wall time of the longest run."""
        return max(cost.longest_seconds for cost in self.studies.values())


def run_seconds(plan: Plan, speed: Speed | None = None) -> Callable[[Run], float]:
    """A function that gives the wall time of a run in seconds, from its beginning.

    Parameters
    ----------
    plan
        To which the runs belong.
    speed
        Where it was measured. Runs of the same study, model, supercell and sampling time take the
        same time.
    """
    speed = plan.seconds_per_atom_step if speed is None else speed
    per_atom_step = speed if callable(speed) else lambda model, atoms: speed[model]
    known: dict[tuple[str, str, Cells, int], float] = {}

    def seconds(run: Run) -> float:
        place = run.study, run.model, run.supercell, plan.recipe_of(run).sample_segments
        if place not in known:
            known[place] = _seconds(plan, run, per_atom_step)
        return known[place]

    return seconds


def _seconds(plan: Plan, run: Run, per_atom_step: Callable[[str, int], float]) -> float:
    recipe, atoms = plan.recipe_of(run), plan.atom_count(run.study, run.supercell)
    if (source := recipe.source_of(run)) is None:
        per_atom = recipe.steps * per_atom_step(run.model, atoms)
    else:  # the trajectory is made once more, and every frame of it evaluated
        frames = recipe.rows * per_atom_step(run.model, atoms)
        per_atom = recipe.steps * per_atom_step(source.model, atoms) + frames
    ranks = recipe.engine.ranks
    speedup = 1.0 if ranks == 1 else PARALLEL_EFFICIENCY * ranks
    return per_atom * atoms / speedup + recipe.segments * SEGMENT_START


def estimate(plan: Plan, speed: Speed | None = None, *, workers: int) -> Estimate:
    """What a plan costs with `workers` runs at a time, none of which has begun."""
    seconds, times, studies = run_seconds(plan, speed), [], {}
    for name, recipe in plan.recipes.items():
        own = [seconds(run) for run in plan.runs(name)]
        core_seconds = sum(own) * recipe.engine.ranks
        studies[name] = StudyCost(core_seconds=core_seconds, longest_seconds=max(own))
        times += own
    return Estimate(
        studies=studies,
        workers=workers,
        makespan_seconds=makespan(times, workers),
        measured=speed is not None,
    )


def makespan(seconds: Iterable[float], workers: int) -> float:
    """When the last run is done if the longest that is left always goes to the first free worker.

    At most 4/3 of the shortest possible time (Graham, SIAM J. Appl. Math. 17, 416 (1969)). That
    runs may have to wait for others, whose trajectories they follow, is not considered.

    Parameters
    ----------
    seconds
        Time of each run.
    workers
        How many, one at least.
    """
    free_at = [0.0] * workers
    for length in sorted(seconds, reverse=True):
        heapq.heapreplace(free_at, free_at[0] + length)
    return max(free_at)
