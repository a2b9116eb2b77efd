"""How far every run of a store is, followed from look to look.

The first look lists the samples, as `ensemble status` does. Later ones look at the runs that
somebody has begun and not finished, and at what the ledger has got besides: they cost what the runs
at work cost, not what all of them do.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Run
from ensemble.store.info import StoreInfo
from ensemble.store.layout import LEASE, StorePaths, chunk_name, record_name
from ensemble.store.lease import is_held
from ensemble.store.ledger import CONVERGENCE, Event, History
from ensemble.store.progress import State, committed

__all__ = ["STATES", "Runs"]

STATES = (State.WAITING, State.PARTIAL, State.RUNNING, State.DONE, State.FAILED)
"""A state's place here is its number."""

NUMBER = {state: number for number, state in enumerate(STATES)}

RECORD = re.compile(r"segment-(\d+)\.json")

READING_SECONDS = 0.05
"""Of a look that may be spent on records of runs whose speed is not known yet."""


class Runs:
    """The runs of a store in its order, a row each.

    Parameters
    ----------
    info
        The store.
    """

    def __init__(self, info: StoreInfo) -> None:
        self._paths = info.paths
        members = [member for study in info.studies for member in info.runs(study)]
        self.runs: tuple[Run, ...] = tuple(run for _, run in members)
        self.places: tuple[Index, ...] = tuple(place for place, _ in members)
        self.row = {(run.study, run.name): row for row, run in enumerate(self.runs)}
        count = len(self.runs)
        self.state: NDArray[np.uint8] = np.zeros(count, np.uint8)
        """Numbers of `STATES`."""
        self.segments: NDArray[np.int32] = np.zeros(count, np.int32)
        """That are done, equilibration among them."""
        before = {name: sum(study.parts) for name, study in info.studies.items()}
        self.before: NDArray[np.int32] = np.array([before[r.study] for r in self.runs], np.int32)
        """Segments before the first that samples."""
        sampling = [info.studies[run.study].segments_of(run) for run in self.runs]
        self.asked: NDArray[np.int32] = self.before + np.array(sampling, np.int32)
        """Segments that there are to be."""
        self.seconds_per_step: NDArray[np.float64] = np.full(count, np.nan)
        """Of the last segment of each run, wall time."""
        self.attempts: NDArray[np.int32] = np.zeros(count, np.int32)
        """That have ended."""
        self.wall: NDArray[np.float64] = np.zeros(count)
        """Seconds that they took."""
        self.settled: NDArray[np.int32] = np.zeros(count, np.int32)
        """Segments that were done when the last of them ended."""
        self.histories = [History() for _ in self.runs]
        self.failure: NDArray[np.object_] = np.full(count, "", object)
        """What went wrong last with each run, if it has not got past it since."""
        self._begun: dict[str, set[str]] = {study: set() for study in info.studies}
        """Names of the runs that have a folder."""
        self._open: set[int] = set()
        """Rows of the runs that were begun and are not done."""
        self._unread: dict[int, None] = {}
        """Rows whose newest record has not been read; those that are open first."""
        self._ledger = 0
        """Bytes of it that were read."""
        self._list_samples(info)

    def look(self, told: Iterable[str] = ()) -> None:
        """See what has changed.

        Parameters
        ----------
        told
            Keys of runs of which a worker has told something.

        Raises
        ------
        OSError
            The store cannot be read.
        """
        self._read_ledger()
        self._see_begun()
        keys = set(told)
        for row in sorted(self._open):
            if self.runs[row].key in keys:
                self._find_newest(row)
            self._see(row)
        self._read_records()

    def sampled(self, row: int) -> int:
        """Sampling segments of a run that are in the store."""
        return max(0, int(self.segments[row]) - int(self.before[row]))

    def _list_samples(self, info: StoreInfo) -> None:
        """How many sampling segments every run has, from one listing for each study."""
        done = {study: committed(info.paths, study) for study in info.studies}
        for row, (place, run) in enumerate(zip(self.places, self.runs, strict=True)):
            if sampled := done[run.study].get(place, 0):
                self._reach(row, int(self.before[row]) + sampled)
        whole = self.segments >= self.asked
        self.state[whole] = NUMBER[State.DONE]
        self._unread = dict.fromkeys(np.flatnonzero(self.segments).tolist())

    def _reach(self, row: int, segments: int) -> None:
        if segments > self.segments[row]:
            self.segments[row] = segments
            self._unread[row] = None

    def _see_begun(self) -> None:
        """Runs that have a folder since the last look."""
        for study, known in self._begun.items():
            with suppress(FileNotFoundError):
                names = set(os.listdir(self._paths.runs(study)))
                for name in names - known:
                    row = self.row.get((study, name))
                    if row is not None and self.segments[row] < self.asked[row]:
                        self._open.add(row)
                        self._find_newest(row)
                known |= names

    def _see(self, row: int) -> None:
        """How far a run that was begun is."""
        run, place = self.runs[row], self.places[row]
        samples = os.fspath(self._paths.samples(run.study))
        while os.path.exists(f"{samples}/{chunk_name((*place, self.sampled(row), 0))}"):
            self._reach(row, max(int(self.segments[row]), int(self.before[row])) + 1)
        if self.segments[row] >= self.asked[row]:
            state = State.DONE
            self._open.discard(row)
        elif is_held(Path(f"{self._paths.runs(run.study)}/{run.name}/{LEASE}")):
            state = State.RUNNING
        else:
            state = State.FAILED if self.histories[row].failed else State.PARTIAL
        self.state[row] = NUMBER[state]

    def _find_newest(self, row: int) -> None:
        """The newest record of a run, by which one in equilibration is told; the segment of one
        that samples is done when its chunk is there.
        """
        with suppress(FileNotFoundError):
            names = os.listdir(self._paths.run(self.runs[row]))
            numbers = [int(found[1]) for name in names if (found := RECORD.fullmatch(name))]
            newest = 1 + max(numbers, default=-1)
            self._reach(row, min(newest, max(int(self.before[row]), int(self.segments[row]))))

    def _read_records(self) -> None:
        """Speeds, as far as the time goes."""
        until = time.monotonic() + READING_SECONDS
        for row in sorted(self._unread, key=lambda row: row not in self._open):
            if time.monotonic() > until:
                return
            del self._unread[row]
            record = self._paths.run(self.runs[row]) / record_name(int(self.segments[row]) - 1)
            with suppress(OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
                table = json.loads(record.read_bytes())
                self.seconds_per_step[row] = table["seconds"] / table["steps"]

    def _read_ledger(self) -> None:
        for event in self._news_of_ledger(self._paths):
            row = self.row.get((event.study, event.run))
            if row is None:
                continue
            history = self.histories[row]
            history.add(event)
            last = history.failure
            self.failure[row] = "" if last is None else last.message or last.cause
            if event.kind == "retry":
                continue
            self.attempts[row] += 1
            self.wall[row] += event.wall
            ended = event.segment or 0
            self.settled[row] = max(self.settled[row], ended + (event.kind == "done"))
            if event.kind == "failed" and self.state[row] != NUMBER[State.DONE]:
                self._open.add(row)

    def _news_of_ledger(self, paths: StorePaths) -> Iterator[Event]:
        """What was appended since the last look; a line that is not whole yet is left."""
        with suppress(FileNotFoundError), paths.ledger.open("rb") as file:
            file.seek(self._ledger)
            content = file.read()
            whole = content.rfind(b"\n") + 1
            self._ledger += whole
            for line in content[:whole].splitlines():
                with suppress(ValueError, TypeError):
                    table: dict[str, Any] = json.loads(line)
                    if table.get("kind") != CONVERGENCE:
                        yield Event(**table)
