"""What a training says while it runs."""

from __future__ import annotations

import sys
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

__all__ = ["Quiet", "Reporter", "Screen"]


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
    """Lines on stderr; on a terminal a bar for each piece of work that goes on."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remark]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

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
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, remark=remark)
        task = self._tasks[what]
        self._progress.update(task, completed=count, total=total, remark=remark)
        if count >= total:
            self._progress.remove_task(task)
            del self._tasks[what]
