"""Before anything is submitted: the store made or grown, its files in place, what is left to do.

This is the reconciling half of ``launch``: plan minus store.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from ensemble.campaign import Campaign, CampaignError, CampaignFiles, find_files
from ensemble.campaign.errors import Problem, nearest, one_of, show
from ensemble.cluster.agenda import REAL_FAILURES, Item
from ensemble.cluster.jobs import Job, Outcome, Receipt, Source
from ensemble.md.failures import Cause
from ensemble.plan.axes import Index
from ensemble.plan.cost import run_seconds
from ensemble.plan.crystals import build_structure
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.recipe import Recipe, Run
from ensemble.plan.segments import Segmentation
from ensemble.store import ledger
from ensemble.store.arrays import create_or_grow
from ensemble.store.files import write_if_new
from ensemble.store.info import StoreInfo, check_physics, check_place, known_store
from ensemble.store.layout import StorePaths
from ensemble.store.lease import Lease
from ensemble.store.progress import committed, tidy

PATIENCE = 120.0
"""Seconds that another launcher may take to prepare the same store."""


@dataclass(frozen=True)
class Prepared:
    """A campaign whose store is ready, and how far each of its runs is."""

    paths: StorePaths
    plan: Plan
    runs: dict[str, Run]
    """The runs that count, by their keys: all of the campaign, or those of some studies."""
    index: dict[str, Index]
    """Where each is in its study's hypercube."""
    reached: dict[str, int]
    """Segments of each that are done, equilibration among them."""
    failed: dict[str, Receipt]
    """Runs that were given up in launches before."""
    real_failures: dict[str, int]
    """Errors of their own that runs had before."""

    def recipe(self, key: str) -> Recipe:
        """How a run is done."""
        return self.plan.recipe_of(self.runs[key])

    def is_done(self, key: str) -> bool:
        """Whether all of a run was in the store."""
        return self.reached[key] >= self.recipe(key).segments

    @property
    def done(self) -> set[str]:
        """The runs that were in the store from beginning to end."""
        return {key for key in self.runs if self.is_done(key)}

    def items(self) -> Iterator[Item]:
        """What is left to do, for the agenda; runs that were given up are not."""
        seconds = self._seconds
        for key, run in self.runs.items():
            if self.is_done(key) or key in self.failed:
                continue
            recipe = self.recipe(key)
            source = recipe.source_of(run)
            left = recipe.segments - self.reached[key]
            yield Item(
                key=key,
                cost=left / recipe.segments * seconds(run) * recipe.engine.ranks,
                segments=left,
                group=f"{run.study}/{run.model}",
                needs=None if source is None or self.is_done(source.key) else source.key,
                real_failures=self.real_failures.get(key, 0),
            )

    def job(self, item: Item) -> Job:
        """The next attempt at a run."""
        run = self.runs[item.key]
        return Job(
            store=self.store,
            recipe=self.recipe(item.key),
            run=run,
            index=self.index[item.key],
            source=self._source(run),
            seconds_per_step=self.seconds_per_step(item.key),
            attempt=item.attempts,
        )

    def seconds_per_step(self, key: str) -> float:
        """Of a run's wall time, by estimate."""
        return self._seconds(self.runs[key]) / self.recipe(key).steps

    @cached_property
    def _seconds(self) -> Callable[[Run], float]:
        return run_seconds(self.plan)

    @cached_property
    def store(self) -> str:
        """Its folder, as it is named to the workers."""
        return str(self.paths.root.resolve())

    def _source(self, run: Run) -> Source | None:
        source = self.plan.recipes[run.study].source_of(run)
        if source is None:
            return None
        recipe = self.plan.recipes[source.study]
        return Source(
            run=source,
            index=self.index[source.key],
            equilibration_segments=recipe.equilibration_segments,
            shape=(recipe.rows_per_segment, len(recipe.channels)),
        )


def prepare(
    campaign: Campaign,
    root: Path,
    *,
    studies: Collection[str] | None = None,
    retry_failed: bool = False,
) -> Prepared:
    """Make or grow the store of a campaign, and see what is left to do.

    Parameters
    ----------
    campaign
        All of it is in the store, whatever is to be done now.
    root
        Of the store.
    studies
        Names of those that count; trajectories that they read again come with them. None for all.
    retry_failed
        Whether runs that were given up before are tried again.

    Raises
    ------
    ensemble.campaign.CampaignError
        A file that the campaign names is missing or no good, or it has no such study.
    ensemble.store.errors.StoreError
        The store cannot be written, or holds runs of other physics.
    """
    paths, files = StorePaths(root), find_files(campaign)
    check_place(root)
    _check_studies(campaign, studies)
    recorded = _recorded(known_store(root))
    # What cannot be planned is refused before there is a store.
    plan = make_plan(campaign, files, recorded=recorded)
    with Lease.acquire(paths.lock, patience=PATIENCE) as lease:
        before = known_store(root)
        if _recorded(before) != recorded:  # by another launcher, meanwhile
            plan = make_plan(campaign, files, recorded=_recorded(before))
        if before is not None and campaign.convergence is not None:
            plan = plan.extended({name: one.extensions for name, one in before.studies.items()})
        fingerprints = plan.fingerprints.as_json()
        if before is not None:
            check_physics(before, campaign.physics(), fingerprints)
        shutil.rmtree(paths.aside, ignore_errors=True)  # of who was killed here
        put_files(paths, plan, files)
        info = create_or_grow(paths, plan, versions=versions_of(campaign), confirm=lease.confirm)
    prepared = _chosen(_compare(paths, plan, info), studies)
    _remember(prepared, retry_failed)
    return prepared


def _check_studies(campaign: Campaign, asked: Collection[str] | None) -> None:
    names = [study.name for study in campaign.studies]
    problems = [
        Problem("--study", f"found {show(name)}", one_of(names), nearest(name, names))
        for name in asked or ()
        if name not in names
    ]
    if problems:
        raise CampaignError(campaign.path, problems)


def _chosen(prepared: Prepared, studies: Collection[str] | None) -> Prepared:
    """With the runs of some studies, and those that they need, in the order of the plan."""
    if studies is None:
        return prepared
    wanted = {key for key, run in prepared.runs.items() if run.study in studies}
    sources = (prepared.recipe(key).source_of(prepared.runs[key]) for key in wanted)
    wanted |= {source.key for source in sources if source is not None}
    return replace(prepared, runs={key: run for key, run in prepared.runs.items() if key in wanted})


def _recorded(info: StoreInfo | None) -> dict[str, Segmentation]:
    return {} if info is None else info.segmentation


def versions_of(campaign: Campaign) -> dict[str, str]:
    """Of what makes the numbers. A LAMMPS of the user's own is on the workers, not here; its
    version is in the record of each segment.
    """
    command = campaign.engine.command
    lammps = version("lammps") if command is None else f"as started by: {command}"
    return {"ensemble": version("ensemble"), "lammps": lammps}


def unbegun(plan: Plan) -> Prepared:
    """A plan of which nothing is done; there is no store, so no job can be made of it."""
    runs = {run.key: run for run in plan.runs()}
    return Prepared(StorePaths(Path()), plan, runs, {}, dict.fromkeys(runs, 0), {}, {})


def put_files(paths: StorePaths, plan: Plan, files: CampaignFiles) -> None:
    """Put potentials and supercells into the store, where the workers find them."""
    for model, sources in files.models.items():
        for source in sources:
            target = paths.potential(model) / source.name
            write_if_new(target, source.read_bytes(), aside=paths.aside)
    for recipe in plan.recipes.values():
        for cells in recipe.trajectory.supercells:
            target = paths.structure(recipe.material_name, cells)
            if not target.exists():
                structure = files.structures.get(recipe.material_name)
                data = build_structure(recipe, cells, structure).encode()
                write_if_new(target, data, aside=paths.aside)


def _compare(paths: StorePaths, plan: Plan, info: StoreInfo) -> Prepared:
    """How far every run of a plan is."""
    runs, index, reached = {}, {}, {}
    for study in plan.recipes:
        done = committed(paths, study)
        places = {run: place for place, run in info.runs(study)}
        for run in plan.runs(study):
            key, recipe = run.key, plan.recipe_of(run)
            runs[key], index[key] = run, places[run]
            segments = done.get(index[key], 0)
            reached[key] = recipe.equilibration_segments + segments if segments else 0
            if segments >= recipe.sample_segments:
                tidy(paths, recipe, run, index[key])
    return Prepared(paths, plan, runs, index, reached, {}, {})


def _remember(prepared: Prepared, retry_failed: bool) -> None:
    """What the ledger says of runs that are not done."""
    histories = ledger.read(prepared.paths)
    for key, run in prepared.runs.items():
        history = histories.get((run.study, run.name))
        if history is None or history.failure is None or prepared.is_done(key):
            continue
        if retry_failed:
            ledger.append(prepared.paths, ledger.event_of(run, "retry"))
            continue
        causes = {Cause(cause): count for cause, count in history.causes.items()}
        real = sum(count for cause, count in causes.items() if cause.real)
        prepared.real_failures[key] = real
        if real >= REAL_FAILURES or any(cause.final for cause in causes):
            failure = history.failure
            prepared.failed[key] = Receipt(
                key=key,
                outcome=Outcome.FAILED,
                cause=Cause(failure.cause),
                message=failure.message,
                segment=failure.segment,
            )
