"""What the campaigns in full come to: by the plan, played on clusters, and in their first segments.

Everything is computed from the files of the campaigns; no store is needed, but where there is one,
what its first segments took stands beside what the plan says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ensemble.campaign import find_files, load_campaign
from ensemble.cluster.simulate import Conditions, simulate, work_of
from ensemble.plan.cost import SEGMENT_START, Speed, estimate
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.recipe import Recipe, Run
from ensemble.reproduction.tables import OF_PLANS, write_table
from ensemble.store.info import StoreInfo, known_store
from ensemble.store.layout import record_name
from ensemble.store.planned import plan_of

__all__ = ["price"]

Line = dict[str, Any]

SIMULATED = "cu195se"
"""The campaign that is played."""

WORKERS = (100, 1000)
WALLTIME_HOURS = 4.0
FAILURE_RATE = 0.01
"""Deaths of a worker in an hour."""

SECONDS_PER_HOUR = 3600.0


def price(files: Sequence[Path], stores: Path, folder: Path, *, measure: bool = False) -> None:
    """Write the tables of the campaigns in full.

    Parameters
    ----------
    files
        The campaigns; those that are not there are passed over.
    stores
        Folder in which their stores are, by the campaign's name; there may be none.
    folder
        For the tables.
    measure
        Whether the speed of the models is measured on this machine now; else it follows from their
        sizes, and is the same on every machine at any time.

    Raises
    ------
    CampaignError
        One cannot be planned.
    StoreError, OSError
        A file cannot be read or written.
    """
    plans = [_plan(path, measure) for path in files if path.exists()]
    if not plans:
        return
    lines = (line for plan, speed in plans for line in _priced(plan, speed))
    write_table(folder, OF_PLANS["plan"], lines)
    played = (
        line
        for plan, speed in plans
        if plan.campaign.name == SIMULATED
        for line in _played(plan, speed)
    )
    write_table(folder, OF_PLANS["simulated"], played)
    found = [known_store(stores / plan.campaign.name) for plan, _ in plans]
    begun = [line for info in found if info is not None for line in _first_segments(info)]
    if begun or not (folder / "first_segments.csv").exists():
        write_table(folder, OF_PLANS["first_segments"], begun)


def _plan(path: Path, measure: bool) -> tuple[Plan, Speed | None]:
    """The plan of a campaign, and the speeds of its models if they are to be measured."""
    from ensemble.md.calibration import measured_speeds

    campaign = load_campaign(path)
    files = find_files(campaign)
    plan = make_plan(campaign, files)
    return plan, measured_speeds(plan, files) if measure else None


def _priced(plan: Plan, speed: Speed | None) -> Iterator[Line]:
    found = estimate(plan, speed, workers=1)
    for name, recipe in plan.recipes.items():
        axes, cost = plan.axes[name], found.studies[name]
        atoms = [plan.atom_count(name, cells) for cells in axes.supercells]
        yield {
            "campaign": plan.campaign.name,
            "study": name,
            "method": recipe.study.method,
            "runs": axes.run_count,
            "atoms_least": min(atoms),
            "atoms_most": max(atoms),
            "steps": recipe.steps,
            "core_hours": cost.core_seconds / SECONDS_PER_HOUR,
            "longest_hours": cost.longest_seconds / SECONDS_PER_HOUR,
            "measured": int(found.measured),
        }


def _played(plan: Plan, speed: Speed | None) -> Iterator[Line]:
    works = work_of(plan, speed)
    for workers in WORKERS:
        conditions = Conditions(
            workers=workers,
            walltime=WALLTIME_HOURS * SECONDS_PER_HOUR,
            failure_rate=FAILURE_RATE,
        )
        found = simulate(works, conditions)
        yield {
            "campaign": plan.campaign.name,
            "workers": workers,
            "walltime_hours": WALLTIME_HOURS,
            "failure_rate": FAILURE_RATE,
            "runs": found.runs,
            "done": found.done,
            "makespan_hours": found.makespan / SECONDS_PER_HOUR,
            "lower_bound_hours": found.lower_bound / SECONDS_PER_HOUR,
            "jobs": found.jobs,
            "deaths": found.deaths,
            "utilisation": found.utilisation,
        }


def _first_segments(info: StoreInfo) -> Iterator[Line]:
    """Every segment of which there is still a record, with what the plan says of it."""
    plan = plan_of(info)
    for name, recipe in plan.recipes.items():
        for _, run in info.runs(name):
            for record in _records(info, recipe, run):
                number = record["segment"]
                yield {
                    "campaign": plan.campaign.name,
                    "study": name,
                    "run": run.name,
                    "model": run.model,
                    "segment": number,
                    "kind": _kind(recipe, number),
                    "atoms": record["atoms"],
                    "steps": record["steps"],
                    "seconds": record["seconds"],
                    "planned": _planned(plan, recipe, run, number),
                }


def _records(info: StoreInfo, recipe: Recipe, run: Run) -> Iterator[Line]:
    for number in range(recipe.segments):
        with suppress(FileNotFoundError, NotADirectoryError, ValueError):
            record = json.loads((info.paths.run(run) / record_name(number)).read_bytes())
            if {"segment", "atoms", "steps", "seconds"} <= record.keys():
                yield record


def _kind(recipe: Recipe, number: int) -> str:
    """What is done in a segment, in a word."""
    segment = recipe.segment(number)
    if segment.samples:
        return "sampling"
    stage = recipe.stages[segment.stage].stage
    return "settling" if stage is None else stage.ensemble


def _planned(plan: Plan, recipe: Recipe, run: Run, number: int) -> float:
    """Seconds of a segment, as `ensemble.plan.cost` has those of a run."""
    atoms, steps = plan.atom_count(run.study, run.supercell), recipe.segment(number).steps
    speed = plan.seconds_per_atom_step
    if (source := recipe.source_of(run)) is None:
        per_atom = steps * speed[run.model]
    else:
        per_atom = steps * speed[source.model] + recipe.rows_per_segment * speed[run.model]
    return per_atom * atoms + SEGMENT_START
