"""Which run is next: the longest first, none before what it needs, none too often.

The launcher's decisions, free of Dask, files and clocks: time is handed in.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ensemble.cluster.jobs import Outcome, Receipt
from ensemble.md.failures import Cause

REAL_FAILURES = 2
"""Errors of a run's own after which it is given up. One that repeating cannot help is enough."""

IDLE_ATTEMPTS = 5
"""Attempts in a row that ended by no fault of the run, and without a segment more in the store."""

HELD_DELAY = 1.0
"""Until a run that somebody else has is asked for again, in seconds."""

FIRST_DELAY = 0.5
"""Until a run that failed is tried again, in seconds; doubled each time."""

MEMORY_DELAY = 3.0
"""The same where the memory was used up: others have to be through first."""

AHEAD_SECONDS = 5.0
"""How much work is submitted ahead of what the workers are at."""

BATCH_SECONDS = 0.2
"""How long a task of several runs should take: long for Dask, short for whoever watches."""

STORE_CAUSES = frozenset({Cause.DISK_FULL, Cause.READ_ONLY})
"""Faults of the store, which every other run would meet as well."""


@dataclass
class Item:
    """A run that is to be done."""

    key: str
    cost: float
    """Estimated seconds of a core that are left: longer runs go first."""
    segments: int = 1
    """That are left of it."""
    group: str = ""
    """Runs of one have the same speed."""
    needs: str | None = None
    """Key of the run that has to be done before; it is blocked if nobody does that one."""
    real_failures: int = 0
    """Errors of its own, in this launch and before."""
    idle_attempts: int = 0
    attempts: int = 0

    def progress(self, segments: int) -> None:
        """So many segments more are done."""
        left = max(0, self.segments - segments)
        self.cost *= left / max(1, self.segments)
        self.segments = left


class Agenda:
    """The runs that are left, and what became of the others."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = {item.key: item for item in items}
        self._waiting: dict[str, list[str]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._delayed: list[tuple[float, str]] = []
        self._factors: dict[str, float] = {}
        self._order = {key: number for number, key in enumerate(self._items)}
        self.running: set[str] = set()
        self.done: set[str] = set()
        self.failed: dict[str, Receipt] = {}
        self.blocked: set[str] = set()
        """Runs whose source failed."""
        self.store_fault: Receipt | None = None
        """What made the launcher submit nothing more."""
        self.several_hosts = False
        """Whether what is missing on one host may be there on another."""
        for item in self._items.values():
            if item.needs is None:
                self._push(item)
            elif item.needs in self._items:
                self._waiting.setdefault(item.needs, []).append(item.key)
            else:
                self.blocked.add(item.key)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def item(self, key: str) -> Item:
        """The run of a key."""
        return self._items[key]

    @property
    def left(self) -> int:
        """Runs of which there will be more."""
        return len(self) - len(self.done) - len(self.failed) - len(self.blocked)

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing will."""
        if self.running:
            return False
        return self.store_fault is not None or not (self._ready or self._delayed)

    @property
    def due(self) -> float | None:
        """When the first of the runs that wait to be tried again may be; None if none waits."""
        return self._delayed[0][0] if self._delayed else None

    def take_up_to(self, most: int, now: float) -> list[Item]:
        """What to submit at a time in seconds, so that `most` runs are."""
        taken: list[Item] = []
        while len(self.running) < most and (item := self.take(now)) is not None:
            taken.append(item)
        return taken

    def take(self, now: float) -> Item | None:
        """The next run to submit at a time in seconds, or None."""
        if self.store_fault is not None:
            return None
        while self._delayed and self._delayed[0][0] <= now:
            self._push(self._items[heapq.heappop(self._delayed)[1]])
        if not self._ready:
            return None
        item = self._items[heapq.heappop(self._ready)[2]]
        item.attempts += 1
        self.running.add(item.key)
        return item

    def settle(self, receipt: Receipt, now: float, *, excused: bool = False) -> list[str]:
        """Note how an attempt ended, and decide whether there will be another.

        Parameters
        ----------
        receipt
            Of the attempt.
        now
            A time in seconds.
        excused
            Whether an error was no fault of the run.

        Returns
        -------
        The runs that are given up now: this one, and those that wait for it.
        """
        item = self._items[receipt.key]
        self.running.discard(item.key)
        if receipt.segments:
            # An error that comes for sure would have come before.
            item.idle_attempts = item.real_failures = 0
            item.progress(receipt.segments)
        if receipt.outcome is Outcome.DONE:
            self._finish(item)
        elif receipt.outcome is Outcome.HELD:
            self._delay(item, now + HELD_DELAY)
        elif receipt.outcome is Outcome.STOPPED:
            self._delay(item, now)
        else:
            return self._fail(item, receipt, now, excused)
        return []

    def pardon(self, keys: Iterable[str]) -> None:
        """Runs failed once because of the host that they were on."""
        for key in keys:
            item = self._items[key]
            item.real_failures = max(0, item.real_failures - 1)

    def _finish(self, item: Item) -> None:
        self.done.add(item.key)
        for key in self._waiting.pop(item.key, []):
            self._push(self._items[key])

    def _fail(self, item: Item, receipt: Receipt, now: float, excused: bool) -> list[str]:
        cause = receipt.cause or Cause.INTERNAL
        if cause in STORE_CAUSES:
            self.store_fault = receipt
            return []
        maybe_elsewhere = cause is Cause.MISSING_FILE and self.several_hosts
        if (cause.real or maybe_elsewhere) and not excused:
            item.real_failures += 1
        else:
            item.idle_attempts += 1
        in_vain = cause.final or (cause.environment and not (maybe_elsewhere or excused))
        used_up = item.real_failures >= REAL_FAILURES or item.idle_attempts >= IDLE_ATTEMPTS
        if in_vain or used_up:
            return self._give_up(item, receipt)
        tries = item.real_failures + item.idle_attempts
        first = MEMORY_DELAY if cause is Cause.MEMORY else FIRST_DELAY
        self._delay(item, now + first * 2 ** max(0, tries - 1))
        return []

    def _give_up(self, item: Item, receipt: Receipt) -> list[str]:
        self.failed[item.key] = receipt
        waiting = self._waiting.pop(item.key, [])
        self.blocked.update(waiting)
        return [item.key, *waiting]

    def learn(self, factors: Mapping[str, float]) -> None:
        """By group, how much longer runs take than their costs say; of the other groups under "".
        What is longest by that goes first from now on.
        """
        self._factors = dict(factors)
        self._ready = [self._place(self._items[key]) for *_, key in self._ready]
        heapq.heapify(self._ready)

    def _push(self, item: Item) -> None:
        heapq.heappush(self._ready, self._place(item))

    def _place(self, item: Item) -> tuple[float, int, str]:
        factor = self._factors.get(item.group, self._factors.get("", 1.0))
        return -item.cost * factor, self._order[item.key], item.key

    def _delay(self, item: Item, until: float) -> None:
        heapq.heappush(self._delayed, (until, item.key))


class Window:
    """How many runs to have submitted: one for each worker, and ahead of them as many as have ended
    in the last few seconds.

    So a run of hours waits here and not at the scheduler, and no worker waits for a short one.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        """That are there; they may come and go."""
        self._ended: deque[float] = deque()

    def note(self, runs: int, now: float) -> None:
        """So many runs have ended, at a time in seconds."""
        self._ended.extend([now] * runs)

    def size(self, now: float) -> int:
        """How many to have submitted at a time in seconds."""
        while self._ended and self._ended[0] < now - AHEAD_SECONDS:
            self._ended.popleft()
        return self.workers + len(self._ended) if self.workers else 0

    def batch(self, now: float) -> int:
        """How many runs to put into a task: as many as a worker did of late in `BATCH_SECONDS`."""
        ahead = self.size(now) - self.workers
        return max(1, round(BATCH_SECONDS * ahead / (AHEAD_SECONDS * max(1, self.workers))))


def batches(items: Sequence[Item], size: int) -> list[list[Item]]:
    """Runs of one length, put together for tasks of so many. One that is tried again goes alone: it
    may be what ended the task before, and the others with it.
    """
    first = [item for item in items if item.attempts == 1]
    alone = [[item] for item in items if item.attempts > 1]
    return [first[k : k + size] for k in range(0, len(first), size)] + alone
