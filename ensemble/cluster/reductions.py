"""κ of groups of runs, made by the workers as soon as the last run of a group is over.

What comes out is kept in the store, where `ensemble results` and the judging of groups find it.
Nothing waits for a reduction while there are runs to do, and none is tried twice: one that fails
is made anew by whoever asks for results, and is told what was wrong.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

from ensemble.cluster.prepare import Prepared
from ensemble.cluster.progress import Reporter
from ensemble.plan.cost import run_seconds

if TYPE_CHECKING:
    from distributed import Client, Future

    from ensemble.results.groups import Place

PRIORITY = -1
"""Below that of runs, which is 0. What a worker has begun it ends, though."""

WORTH_SECONDS = 1.0
"""That a run takes, by estimate. The groups of shorter ones are left to who asks for results: their
reductions would be a notable part of a launch."""

POLL_SECONDS = 0.2
"""Between two looks at the clock, while nothing happens."""

MOMENT = 2.0
"""Seconds of waiting without a word."""

GroupPlace: TypeAlias = "tuple[str, Place]"
"""A group, by its study and its place there."""


def keep_reduced(store: str, study: str, place: Place) -> None:
    """Reduce a group of runs for the store to keep. Called by Dask in a worker."""
    from ensemble.results import reduce_group  # here, since the launcher does without

    reduce_group(store, study, place)


class Reductions:
    """Submits the groups of a launch, each when its last run is over.

    Parameters
    ----------
    runs
        Keys of those that are to be done in this launch. Groups that have none of them are not
        looked at.
    """

    def __init__(self, client: Client, prepared: Prepared, runs: Iterable[str]) -> None:
        self._client = client
        self._prepared = prepared
        self._store = str(prepared.paths.root.resolve())
        self._seconds = run_seconds(prepared.plan)
        self._left = Counter(map(self._group, runs))
        self._known = set(map(self._group, prepared.done))
        """Groups that have a run that is done."""
        self._futures: set[Future[None]] = set()
        """That have not ended."""

    def done(self, key: str) -> None:
        """A run is in the store from beginning to end."""
        self._known.add(self._group(key))
        self.over([key])

    def over(self, keys: Iterable[str]) -> None:
        """Of these runs there will be nothing more."""
        for key in keys:
            group = self._group(key)
            self._left[group] -= 1
            worth = self._seconds(self._prepared.runs[key]) >= WORTH_SECONDS
            if not self._left[group] and group in self._known and worth:
                self._submit(group)

    def wait(self, stop: Event, reporter: Reporter) -> None:
        """Until all is reduced, or somebody says stop."""
        told = time.monotonic() + MOMENT
        while (left := len(self._futures)) and not stop.wait(POLL_SECONDS):
            reporter.update()
            if time.monotonic() > told:
                reporter.note(f"groups of runs whose κ is being worked out: {left}")
                told = float("inf")

    def cancel(self) -> None:
        """Give up what has not ended."""
        self._client.cancel(list(self._futures))

    def _group(self, key: str) -> GroupPlace:
        model, temperature, supercell, _ = self._prepared.index[key]
        return self._prepared.runs[key].study, (model, temperature, supercell)

    def _submit(self, group: GroupPlace) -> None:
        future = self._client.submit(
            keep_reduced, self._store, *group, pure=False, priority=PRIORITY
        )
        self._futures.add(future)
        # Also of one that failed: its worker died, say.
        future.add_done_callback(self._futures.discard)
