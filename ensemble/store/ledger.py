"""The attempts at runs and how they ended: one JSON object a line, only ever appended to."""

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

Kind = Literal["done", "failed", "given up", "yielded", "retry"]
"""``done``: the whole run; ``failed``: an attempt, by its cause; ``given up``: the same, and there
will be no other; ``yielded``: it stopped before its time was up; ``retry``: what went before is
forgiven."""

LONGEST_MESSAGE = 1000
"""Characters, so that a line is under 4 kB and is written at once."""


@cache
def _host() -> str:
    return socket.gethostname()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, kw_only=True)
class Event:
    """How an attempt ended."""

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


@dataclass
class History:
    """The attempts at a run."""

    causes: Counter[str] = field(default_factory=Counter)
    """How many attempts failed of what, since the last ``retry``."""
    last: Event | None = None
    failure: Event | None = None
    """The last one that failed, since the last ``retry``."""

    @property
    def failed(self) -> bool:
        """Whether the last attempt did."""
        return self.last is not None and self.last.kind in ("failed", "given up")

    @property
    def given_up(self) -> bool:
        """Whether nothing more is tried."""
        return self.last is not None and self.last.kind == "given up"

    def add(self, event: Event) -> None:
        """One more attempt."""
        self.last = event
        if event.kind in ("failed", "given up"):
            self.causes[event.cause] += 1
            self.failure = event
        elif event.kind == "retry":
            self.causes.clear()
            self.failure = None


def event_of(run: Run, kind: Kind, **about: Any) -> Event:
    """An event of a run; `about` is the rest of the fields."""
    return Event(kind=kind, study=run.study, run=run.name, **about)


def append(paths: StorePaths, event: Event) -> None:
    """Write an event down.

    Raises
    ------
    DiskFull, ReadOnly
        As they say.
    """
    message = event.message
    if len(message) > LONGEST_MESSAGE:
        event = replace(event, message=message[: LONGEST_MESSAGE - 1] + "…")
    fields = {name: value for name, value in vars(event).items() if value not in ("", None)}
    line = json.dumps(fields, ensure_ascii=False).encode() + b"\n"
    with explained(paths.ledger), paths.ledger.open("ab+", buffering=0) as file:
        # A line torn by a crash must not take this one with it.
        if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
            line = b"\n" + line
        file.write(line)


def events(paths: StorePaths) -> Iterator[Event]:
    """Every event, the oldest first; lines that were torn are passed over.

    Raises
    ------
    OSError
        The ledger is there, but cannot be read.
    """
    try:
        content = paths.ledger.read_bytes()
    except FileNotFoundError:
        return
    for line in content.splitlines():
        with suppress(ValueError, TypeError):
            yield Event(**json.loads(line))


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
