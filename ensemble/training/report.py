"""What a training says while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ensemble.cluster.jobs import Receipt
from ensemble.cluster.progress import Progress as Launch
from ensemble.cluster.progress import failure_line
from ensemble.plan.show import duration_text

__all__ = ["Quiet", "Reporter", "Screen", "Trajectories"]


class Reporter(Protocol):
    """Who is told."""

    def say(self, text: str) -> None:
        """A line."""

    def done(self, what: str, count: int, total: int, remark: str = "") -> None:
        """So many of so many pieces of some work are done."""


class Quiet:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def done(self, what: str, count: int, total: int, remark: str = "") -> None:
        """Nothing."""


class Screen:
    """Lines on stderr; on a terminal a bar for each piece of work that goes on.

    Elsewhere, as in a file, a piece of work that takes long has a line now and then.

    Parameters
    ----------
    console
        Where.
    pause
        Seconds between two lines about one piece of work, at least.
    """

    def __init__(self, console: Console | None = None, *, pause: float = 60.0) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remark]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._pause = pause
        self._told: dict[str, float] = {}
        """When there was a line about a piece of work, or it was first heard of."""

    @contextmanager
    def running(self) -> Iterator[Screen]:
        """While there is something to be shown."""
        with self._progress:
            yield self

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(text, markup=False)

    def done(self, what: str, count: int, total: int, remark: str = "") -> None:
        """A bar that goes when its work is done."""
        if not self._console.is_terminal:
            self._line(what, count, total, remark)
            return
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, remark=remark)
        task = self._tasks[what]
        self._progress.update(task, completed=count, total=total, remark=remark)
        if count >= total:
            self._progress.remove_task(task)
            del self._tasks[what]

    def _line(self, what: str, count: int, total: int, remark: str) -> None:
        now = time.monotonic()
        if count >= total:
            self._told.pop(what, None)
        elif now - self._told.setdefault(what, now) >= self._pause:
            self._told[what] = now
            self.say(f"{what}: {count} of {total}" + (f", {remark}" if remark else ""))


class Trajectories:
    """A launch as a piece of the work of a training; see `ensemble.cluster.progress.Reporter`."""

    def __init__(self, what: str, report: Reporter) -> None:
        self._what, self._report = what, report
        self._progress: Launch | None = None

    def start(self, progress: Launch) -> None:
        self._progress = progress

    def update(self) -> None:
        if self._progress is None:
            return
        studies = self._progress.studies.values()
        done, all_of_them = sum(s.segments_done for s in studies), sum(s.segments for s in studies)
        left = self._progress.seconds_left
        remark = "" if left is None else f"about {duration_text(left)} left"
        self._report.done(self._what, done, all_of_them, remark)

    def failure(self, run: str, receipt: Receipt, again: bool) -> None:
        self.note(failure_line(run, receipt, again))

    def note(self, line: str) -> None:
        self._report.say(f"{self._what}: {line}")

    def stop(self, closing: str) -> None:
        self._report.done(self._what, 1, 1)

    def close(self) -> None:
        """The screen is that of the training."""
