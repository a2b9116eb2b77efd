"""The attempts at runs and how they ended, what was decided of groups of runs, and what launches
set out to do: one JSON object a line, only ever appended to.
"""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from ensemble.plan.recipe import Run
from ensemble.store.errors import explained
from ensemble.store.layout import StorePaths

Kind = Literal["done", "failed", "retry"]
"""``done``: the whole run; ``failed``: an attempt, by its cause; ``retry``: what went before is
forgiven."""

CONVERGENCE: Literal["convergence"] = "convergence"
"""The kind of a `Decision`."""

LAUNCH: Literal["launch"] = "launch"
"""The kind of a `Launch`."""

LONGEST_MESSAGE = 1000
"""Characters, so that a line is under 4 kB and is written at once."""


@cache
def _host() -> str:
    return socket.gethostname()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, kw_only=True)
class Event:
    """How an attempt at a run ended."""

    kind: Kind
    study: str
    run: str
    """Name of the run in its study."""
    segment: int | None = None
    """The one that failed, or the last one that was done."""
    cause: str = ""
    message: str = ""
    wall: float = 0.0
    """Seconds that the attempt took."""
    host: str = field(default_factory=_host)
    time: str = field(default_factory=_now)
    """ISO 8601, UTC."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What ``[convergence]`` has decided of a group of runs."""

    kind: Literal["convergence"] = CONVERGENCE
    study: str
    group: str
    """Name of the group in its study: that of its runs without the seed."""
    decision: str
    """``met``, ``seeds``, ``time``, ``limits``, ``systematic``, ``error`` or ``failed``."""
    runs: int
    """That κ was made from."""
    kappa: float | None = None
    relative_error: float | None = None
    """Half-width of the interval of κ, over κ."""
    seeds: int
    """That the group is to have from now on."""
    segments: int
    """Of sampling, that each of its runs is to have."""
    message: str = ""
    host: str = field(default_factory=_host)
    time: str = field(default_factory=_now)
    """ISO 8601, UTC."""

    @property
    def final(self) -> bool:
        """Whether the group gets nothing more."""
        return self.decision not in ("seeds", "time")

    def says_the_same_as(self, other: Decision | None) -> bool:
        """Whether two differ only in who came to them, and when."""
        return other is not None and replace(other, host=self.host, time=self.time) == self


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What a launch, or a round of one, set out to do."""

    kind: Literal["launch"] = LAUNCH
    runs: int
    """That were left to do."""
    workers: int
    """At most."""
    estimate: float
    """Seconds that they were expected to take, all workers at work."""
    host: str = field(default_factory=_host)
    time: str = field(default_factory=_now)
    """ISO 8601, UTC."""


@dataclass
class History:
    """The attempts at a run."""

    causes: Counter[str] = field(default_factory=Counter)
    """How many attempts failed of what: those that count, since the run has not got past them and
    there was no ``retry``."""
    last: Event | None = None
    failure: Event | None = None
    """The last one that failed, of those that count."""

    @property
    def failed(self) -> bool:
        """Whether the last attempt did."""
        return self.last is not None and self.last.kind == "failed"

    def add(self, event: Event) -> None:
        """One more attempt."""
        if event.kind != "failed" or self._is_past(event):
            self.causes.clear()
            self.failure = None
        if event.kind == "failed":
            self.causes[event.cause] += 1
            self.failure = event
        self.last = event

    def _is_past(self, event: Event) -> bool:
        """Whether an event is of a later segment than the last failure."""
        failed = None if self.failure is None else self.failure.segment
        return failed is not None and event.segment is not None and event.segment > failed


def event_of(run: Run, kind: Kind, **about: Any) -> Event:
    """An event of a run; `about` is the rest of the fields."""
    return Event(kind=kind, study=run.study, run=run.name, **about)


def append(paths: StorePaths, event: Event | Decision | Launch) -> None:
    """Write an event down.

    Raises
    ------
    DiskFull, ReadOnly
        As they say.
    """
    if not isinstance(event, Launch) and len(event.message) > LONGEST_MESSAGE:
        event = replace(event, message=event.message[: LONGEST_MESSAGE - 1] + "…")
    fields = {name: value for name, value in vars(event).items() if value not in ("", None)}
    line = json.dumps(fields, ensure_ascii=False).encode() + b"\n"
    with explained(paths.ledger), paths.ledger.open("ab+", buffering=0) as file:
        # A line torn by a crash must not take this one with it.
        if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
            line = b"\n" + line
        file.write(line)


def events(paths: StorePaths) -> Iterator[Event]:
    """Every attempt, the oldest first; lines that were torn are passed over.

    Raises
    ------
    OSError
        The ledger is there, but cannot be read.
    """
    for table in _lines(paths):
        if table.get("kind") not in (CONVERGENCE, LAUNCH):
            with suppress(TypeError):
                yield Event(**table)


def decisions(paths: StorePaths) -> dict[tuple[str, str], Decision]:
    """The last decision on each group that there was one on, by the names of study and group.

    Raises
    ------
    OSError
        The ledger is there, but cannot be read.
    """
    found = {}
    for table in _lines(paths):
        if table.get("kind") == CONVERGENCE:
            with suppress(TypeError):
                decision = Decision(**table)
                found[decision.study, decision.group] = decision
    return found


def launches(paths: StorePaths) -> Iterator[Launch]:
    """Every launch that had something to do, the oldest first.

    Raises
    ------
    OSError
        The ledger is there, but cannot be read.
    """
    for table in _lines(paths):
        if table.get("kind") == LAUNCH:
            with suppress(TypeError):
                yield Launch(**table)


def _lines(paths: StorePaths) -> Iterator[dict[str, Any]]:
    try:
        content = paths.ledger.read_bytes()
    except FileNotFoundError:
        return
    for line in content.splitlines():
        with suppress(ValueError):
            table = json.loads(line)
            if isinstance(table, dict):
                yield table


def read(paths: StorePaths) -> dict[tuple[str, str], History]:
    """The attempts at each run that there was one at, by the names of study and run.

    Raises
    ------
    OSError
        The ledger is there, but cannot be read.
    """
    histories: dict[tuple[str, str], History] = {}
    for event in events(paths):
        histories.setdefault((event.study, event.run), History()).add(event)
    return histories
