"""How fast the runs are, what they have cost, and what is left to do.

Speeds are measured: wall time over time steps of the last segment of each run. Where there is none
yet, it is what the plan estimates, times how wrong the estimate was for runs of the same study and
model, or else for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.dashboard.runs import NUMBER, Runs
from ensemble.plan.cost import makespan, run_seconds
from ensemble.plan.plan import Plan
from ensemble.plan.recipe import Recipe, Run
from ensemble.store.info import StoreInfo
from ensemble.store.progress import State

__all__ = ["Cost", "Speeds"]

Floats = NDArray[np.float64]

SECONDS_PER_DAY = 86400.0
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Core-hours of a study."""

    study: str
    spent: float
    """Attempts that have ended, and segments that are in the store besides."""
    expected: float
    """Spent, and what is left at the speeds that were measured."""
    planned: float
    """As ``ensemble plan`` has it; nan where the campaign has not got the study any more."""


class Speeds:
    """Speeds and costs of the runs of a store.

    Parameters
    ----------
    info, plan
        The store, and the plan of its campaign.
    runs
        How far they are.
    """

    def __init__(self, info: StoreInfo, plan: Plan, runs: Runs) -> None:
        self._runs = runs
        self._studies = tuple(info.studies)
        names = {study: number for number, study in enumerate(self._studies)}
        kinds: dict[tuple[str, str], int] = {}
        self._study = np.array([names[run.study] for run in runs.runs], np.intp)
        self._kind = np.array(
            [kinds.setdefault((run.study, run.model), len(kinds)) for run in runs.runs], np.intp
        )
        """Runs of one have the same speed for the same number of atoms."""
        # Under lj times are in τ, which have no larger unit.
        reduced = info.units == "lj"
        step = {n: s.row_time / s.steps_per_row for n, s in info.studies.items()}
        self._step = np.array([step[run.study] for run in runs.runs])
        self._step *= 1.0 if reduced else 1e-3
        """Of each run, in ns, under ``lj`` in τ."""
        steps = {name: _steps(info, plan, name) for name in self._studies}
        self._steps_before = np.array([steps[run.study][0] for run in runs.runs], np.float64)
        self._steps_sampling = np.array([steps[run.study][1] for run in runs.runs], np.float64)
        ranks = {name: recipe.engine.ranks for name, recipe in plan.recipes.items()}
        self._ranks = np.array([ranks.get(run.study, 1) for run in runs.runs], np.float64)
        self._atoms = np.array(
            [
                info.studies[run.study].atoms[place[2]]
                for place, run in zip(runs.places, runs.runs, strict=True)
            ],
            np.float64,
        )
        seconds = _estimates(plan)
        self._planned = np.array([seconds(run) for run in runs.runs], np.float64)

    @property
    def time_per_day(self) -> Floats:
        """Simulated time of each run, in ns/day (τ/day under ``lj``); nan where not known."""
        found: Floats = self._step * SECONDS_PER_DAY / self._runs.seconds_per_step
        return found

    @property
    def microseconds(self) -> Floats:
        """Of a core for an atom and a time step, by run; nan where not known."""
        return 1e6 * self._runs.seconds_per_step * self._ranks / self._atoms

    @property
    def seconds_left(self) -> Floats:
        """Of each run whose speed is known, 0 where it is done; nan of the others."""
        return (self._steps(self._runs.asked) - self._done) * self._runs.seconds_per_step

    def remaining(self, workers: int) -> float:
        """Wall time in seconds until all is done with so many workers; nan where that is unknown:
        there are none, or nothing is known of a run. Runs that have failed are not waited for.
        """
        waiting = ~np.isin(self._runs.state, [NUMBER[State.DONE], NUMBER[State.FAILED]])
        left = self._expected_left[waiting]
        if not waiting.any():
            return 0.0
        if workers < 1 or not np.isfinite(left).all():
            return float("nan")
        return makespan(left.tolist(), workers)

    def costs(self) -> tuple[Cost, ...]:
        """Of each study."""
        runs, hours = self._runs, self._ranks / SECONDS_PER_HOUR
        since = np.maximum(self._done - self._steps(runs.settled), 0)
        spent = (runs.wall + np.nan_to_num(since * self._speed)) * hours
        left = np.where(runs.state == NUMBER[State.FAILED], 0.0, self._expected_left) * hours
        found = []
        for number, study in enumerate(self._studies):
            mine = self._study == number
            found.append(
                Cost(
                    study=study,
                    spent=float(spent[mine].sum()),
                    expected=float((spent + left)[mine].sum()),
                    planned=float((self._planned * hours)[mine].sum()),
                )
            )
        return tuple(found)

    @property
    def _done(self) -> Floats:
        """Time steps that are done, by run."""
        return self._steps(self._runs.segments)

    @property
    def _expected_left(self) -> Floats:
        """Wall time in seconds of what is left of each run."""
        return (self._steps(self._runs.asked) - self._done) * self._speed

    @property
    def _speed(self) -> Floats:
        """Seconds for a time step of each run: measured, or expected."""
        measured = self._runs.seconds_per_step
        estimated = self._planned / self._steps(self._runs.asked)
        known = np.isfinite(measured) & np.isfinite(estimated)
        if not known.any():
            return np.where(np.isfinite(measured), measured, estimated)
        count = int(self._kind.max()) + 1
        taken = np.bincount(self._kind[known], measured[known], count)
        expected = np.bincount(self._kind[known], estimated[known], count)
        overall = taken.sum() / expected.sum()
        factors = np.divide(taken, expected, out=np.full(count, overall), where=expected > 0)
        return np.where(np.isfinite(measured), measured, estimated * factors[self._kind])

    def _steps(self, segments: NDArray[np.int32]) -> Floats:
        """Time steps in the first segments of each run. Those before the sampling are taken to be
        of one length.
        """
        before = self._runs.before
        early = np.minimum(segments, before) / np.maximum(before, 1)
        late = np.maximum(segments - before, 0)
        found: Floats = early * self._steps_before + late * self._steps_sampling
        return found


def _steps(info: StoreInfo, plan: Plan, study: str) -> tuple[int, int]:
    """Time steps before the sampling, and of a segment of it."""
    recipe: Recipe | None = plan.recipes.get(study)
    about = info.studies[study]
    before = 0 if recipe is None else sum(stage.steps for stage in recipe.stages)
    return before, about.rows_per_segment * about.steps_per_row


def _estimates(plan: Plan) -> Callable[[Run], float]:
    """Wall time of a run by the plan; nan where it has no such run."""
    seconds = run_seconds(plan)

    def estimate(run: Run) -> float:
        known = run.study in plan.recipes and run.model in plan.seconds_per_atom_step
        return seconds(run) if known else float("nan")

    return estimate
