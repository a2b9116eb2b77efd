"""The scheduler's part: hands what the reader finds to all pages that are open.

One picture is shared by all of them. While nobody looks on, nothing is read and there is no reader.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

from distributed.diagnostics.plugin import SchedulerPlugin

from ensemble.dashboard.news import GroupKey, News, Picture
from ensemble.dashboard.reader import Form, Reader

if TYPE_CHECKING:
    from distributed import Scheduler

__all__ = ["NAME", "Feed", "Onlooker"]

NAME = "ensemble"
"""Of the plugin, the page, and its place in the dashboard's navigation."""

PERIOD = 0.3
"""Seconds between two looks at the store, at least."""

PACE = 4.0
"""Seconds until the next look for each that one took of a processor: reading takes a quarter of a
core at most, but for the first look."""

RETRY = 10.0
"""Seconds until another process is started, where one has ended by itself."""

PATIENCE = 30.0
"""Seconds that the reader is kept for, when nobody looks on any more."""


class Onlooker(Protocol):
    """An open page."""

    @property
    def wanted(self) -> Collection[GroupKey]:
        """Groups whose curves it shows."""

    def tell(self, news: News) -> None:
        """Something is new."""


class Feed(SchedulerPlugin):
    """What the scheduler has of a store for those who look on.

    Parameters
    ----------
    scheduler
        In whose dashboard they do.
    store
        Folder of the store, as seen from the scheduler.
    topic
        Of the events by which workers tell how far they are; each names a run by its ``key``.
    """

    name = NAME

    def __init__(self, scheduler: Scheduler, store: str, topic: str) -> None:
        self._scheduler = scheduler
        self._topic = topic
        self._told: set[str] = set()
        self._onlookers: list[Onlooker] = []
        self._task: asyncio.Task[None] | None = None
        self._asked = 0
        """Questions that are not answered yet."""
        self._until = self._next = 0.0
        """How long the reader is to be kept, and when the next look is due."""
        self._reader = Reader(store)
        self.picture = Picture()
        """All that is known."""

    def follow(self, store: str) -> None:
        """Show another store from now on."""
        self._reader.stop()
        self._reader, self.picture, self._next = Reader(store), Picture(), 0.0

    def log_event(self, topic: str, msg: Any) -> None:
        """A worker has told something, which is of use only if somebody looks on."""
        if topic == self._topic and self._reader.pid is not None:
            self._told.add(msg["key"])

    async def close(self) -> None:
        """The scheduler goes."""
        if self._task is not None:
            self._task.cancel()
        self._reader.stop()

    def join(self, onlooker: Onlooker) -> None:
        """Have a page told what is new."""
        self._onlookers.append(onlooker)
        self._keep()

    def leave(self, onlooker: Onlooker) -> None:
        """The page was closed."""
        self._onlookers.remove(onlooker)

    async def all(self, form: Form) -> bytes:
        """All that is known now.

        Raises
        ------
        OSError, ValueError, EOFError
            The process that reads cannot be started, or has ended. Another question starts another.
        """
        self._asked += 1
        self._keep()
        try:
            if time.monotonic() >= self._next:
                await self._look()
            return await self._reader.all(form)
        finally:
            self._asked -= 1
            self._until = time.monotonic() + PATIENCE

    def _keep(self) -> None:
        """Look again and again from now on, if that is not so already."""
        self._until = time.monotonic() + PATIENCE
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        while self._onlookers or self._asked or time.monotonic() < self._until:
            if self._onlookers:
                self._until = time.monotonic() + PATIENCE
                try:
                    await self._look()
                except (OSError, ValueError, EOFError) as error:
                    self._next = time.monotonic() + RETRY
                    self._tell(News(problem=f"the process that reads the store ended: {error!r}"))
            await asyncio.sleep(max(PERIOD, self._next - time.monotonic()))
        self._reader.stop()

    async def _look(self) -> None:
        told, self._told = self._told, set()
        wanted = {group for onlooker in self._onlookers for group in onlooker.wanted}
        self._next = time.monotonic() + PERIOD
        news = await self._reader.look(told, wanted, len(self._scheduler.workers))
        pause = PERIOD if news.layout is not None else max(PERIOD, PACE * news.seconds)
        self._next = time.monotonic() + pause
        self._tell(news)

    def _tell(self, news: News) -> None:
        if news.empty and news.problem == self.picture.problem:
            return
        self.picture.add(news)
        for onlooker in self._onlookers:
            onlooker.tell(news)
