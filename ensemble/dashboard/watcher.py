"""Looks at a store again and again, and tells what is new."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ensemble.campaign import CampaignError
from ensemble.campaign.studies import Nemd
from ensemble.dashboard.news import (
    Failure,
    GroupKey,
    Layout,
    News,
    Picture,
    StudyLayout,
    Totals,
    Values,
)
from ensemble.dashboard.runs import NUMBER, STATES, Runs
from ensemble.dashboard.speeds import Speeds
from ensemble.plan.plan import Plan
from ensemble.plan.recipe import Run, cells_text, segment_name
from ensemble.store.errors import StoreError
from ensemble.store.info import StoreInfo, read_store
from ensemble.store.layout import StorePaths
from ensemble.store.ledger import Event
from ensemble.store.planned import plan_of
from ensemble.store.progress import State
from ensemble.units import unit_system

if TYPE_CHECKING:
    from ensemble.dashboard.conductivities import Conductivities
    from ensemble.dashboard.curves import Curves

__all__ = ["Watcher"]

LOG_LINES = 12
"""Of the log of a failure."""

LOG_BYTES = 4000
"""That are read to find them."""


class Watcher:
    """What is to be seen of a store.

    Parameters
    ----------
    root
        The store.
    """

    def __init__(self, root: Path) -> None:
        self._paths = StorePaths(root)
        self._metadata: tuple[int, int] | None = None
        """Inode and time of the store's description, as it was read."""
        self._view: View | None = None
        self.picture = Picture()
        """All that was found so far."""

    def look(
        self,
        told: Collection[str] = (),
        wanted: Collection[GroupKey] = (),
        workers: int = 0,
    ) -> News:
        """See what has changed since the last look.

        Parameters
        ----------
        told
            Keys of runs of which a worker has told something.
        wanted
            Groups whose curves somebody looks at.
        workers
            That there are.
        """
        started = time.process_time()
        try:
            news = self._look(told, wanted, workers)
        except (StoreError, CampaignError, OSError) as error:
            self._metadata = None
            news = News(problem=f"{type(error).__name__}: {error}")
        news = replace(news, seconds=time.process_time() - started)
        self.picture.add(news)
        return news

    def _look(self, told: Collection[str], wanted: Collection[GroupKey], workers: int) -> News:
        found = os.stat(self._paths.metadata) if self._paths.metadata.exists() else None
        metadata = None if found is None else (found.st_ino, found.st_mtime_ns)
        if self._view is None or metadata != self._metadata:
            self._view = View(read_store(self._paths.root))
            self._metadata = metadata
        return self._view.look(told, wanted, workers)


class View:
    """The runs of a store for as long as it has the same ones."""

    def __init__(self, info: StoreInfo) -> None:
        self._info = info
        plan = plan_of(info)
        self._layout: Layout | None = _layout(info, plan)
        """Until it was told."""
        self._runs = Runs(info)
        self._speeds = Speeds(info, plan, self._runs)
        self._physics: tuple[Curves, Conductivities] | None = None
        """From the second look on: the runs are to be seen at once."""
        self._told: Values = {}
        self._workers = -1
        self._failures: tuple[Failure, ...] = ()

    def look(self, told: Collection[str], wanted: Collection[GroupKey], workers: int) -> News:
        """As `Watcher.look`; the first time everything is new."""
        self._runs.look(told)
        layout, self._layout = self._layout, None
        rows, values = self._changes()
        totals = failures = None
        if len(rows) or workers != self._workers:
            totals, failures = self._count(workers), self._failed()
            self._workers, self._failures = workers, failures
        news = News(layout=layout, rows=rows, values=values, totals=totals, failures=failures)
        if layout is not None:
            return news
        curves, conductivities = self._physics = self._physics or self._begin()
        found, profiles = curves.look(wanted)
        kappas = conductivities.look()
        return replace(news, curves=tuple(found), profiles=tuple(profiles), kappas=kappas)

    def _begin(self) -> tuple[Curves, Conductivities]:
        # Here, since SciPy takes its time.
        from ensemble.dashboard.conductivities import Conductivities
        from ensemble.dashboard.curves import Curves

        return Curves(self._info, self._runs), Conductivities(self._info, self._runs)

    def _changes(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], Values]:
        """Rows whose values are others than were told, and these."""
        runs, speeds = self._runs, self._speeds
        now: Values = {
            "state": runs.state.copy(),
            "segments": runs.segments.copy(),
            "asked": runs.asked.copy(),
            "speed": speeds.time_per_day.astype(np.float32),
            "microseconds": speeds.microseconds.astype(np.float32),
            "left": speeds.seconds_left.astype(np.float32),
            "attempts": runs.attempts + (runs.state == NUMBER[State.RUNNING]),
            "failure": runs.failure.copy(),
        }
        if not self._told:
            rows = np.arange(len(runs.runs))
        else:
            differs = np.zeros(len(runs.runs), bool)
            for name, values in now.items():
                before = self._told[name]
                same = values == before
                if values.dtype.kind == "f":
                    same |= np.isnan(values) & np.isnan(before)
                differs |= ~same.astype(bool)
            rows = np.flatnonzero(differs)
        self._told = now
        return rows, {name: values[rows] for name, values in now.items()}

    def _count(self, workers: int) -> Totals:
        runs = self._runs
        counts = np.bincount(runs.state, minlength=len(STATES)).tolist()
        return Totals(
            runs=len(runs.runs),
            states={str(state): count for state, count in zip(STATES, counts, strict=True)},
            segments=int(np.minimum(runs.segments, runs.asked).sum()),
            segments_asked=int(runs.asked.sum()),
            workers=workers,
            seconds_left=self._speeds.remaining(workers),
            costs=self._speeds.costs(),
        )

    def _failed(self) -> tuple[Failure, ...]:
        """The runs that have failed and not got past it, the last one first."""
        runs, known = self._runs, {(f.study, f.run, f.time): f for f in self._failures}
        found = []
        for row in np.flatnonzero(runs.failure != "").tolist():
            run, event = runs.runs[row], runs.histories[row].failure
            if event is not None:
                failure = known.get((run.study, run.name, event.time)) or self._failure(run, event)
                state, attempts = str(STATES[runs.state[row]]), int(runs.attempts[row])
                found.append(replace(failure, state=state, attempts=attempts))
        return tuple(sorted(found, key=lambda failure: failure.time, reverse=True))

    def _failure(self, run: Run, event: Event) -> Failure:
        path = self._info.paths.run(run) / f"{segment_name(event.segment or 0)}.log"
        tail = last_lines(path) if event.segment is not None else ""
        return Failure(
            study=run.study,
            run=run.name,
            state="",
            cause=event.cause,
            message=event.message,
            segment=event.segment,
            attempts=0,
            host=event.host,
            time=event.time,
            log=str(path) if tail else "",
            log_tail=tail,
        )


def last_lines(path: Path) -> str:
    """The end of a log; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-LOG_LINES:])


def _layout(info: StoreInfo, plan: Plan) -> Layout:
    system = unit_system(info.units)
    windows = {s.name: s.window for s in plan.campaign.studies if not isinstance(s, Nemd)}
    studies: list[StudyLayout] = []
    names: list[str] = []
    for name, study in info.studies.items():
        members = list(info.runs(name))
        studies.append(
            StudyLayout(
                name=name,
                method=study.method,
                material=study.material,
                models=study.axes.models,
                temperatures=study.axes.temperatures,
                supercells=tuple(map(cells_text, study.axes.supercells)),
                seeds=len(study.axes.seeds),
                first=len(names),
                places=np.array([place for place, _ in members], np.int32),
                window=windows.get(name),
            )
        )
        names += [run.name for _, run in members]
    return Layout(
        campaign=plan.campaign.name,
        description=plan.campaign.header.description,
        store=str(info.root),
        names=tuple(names),
        studies=tuple(studies),
        conductivity=system.conductivity_symbol,
        time=system.time_symbol if system.reduced else "ps",
        speed="τ/day" if system.reduced else "ns/day",
        length=system.length_symbol,
        temperature=system.temperature_symbol,
    )
