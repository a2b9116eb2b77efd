"""How far a launch is, kept up to date by what the workers tell and by their receipts."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import Any

from ensemble.cluster.backends import Backend
from ensemble.cluster.jobs import Outcome, Receipt
from ensemble.cluster.prepare import Prepared
from ensemble.cluster.progress import Progress, StudyProgress
from ensemble.plan.cost import makespan, run_seconds
from ensemble.store import ledger
from ensemble.store.errors import StoreError
from ensemble.store.progress import next_segment

FS_PER_NS = 1e6


class Watch:
    """Keeps a `Progress`.

    Parameters
    ----------
    prepared
        What was done before.
    backend
        Where the runs are done.
    """

    def __init__(self, prepared: Prepared, backend: Backend) -> None:
        self._prepared = prepared
        self._backend = backend
        self._reached = dict(prepared.reached)
        self._settled = dict(prepared.reached)
        """Segments that were there when an attempt last ended."""
        self._lock = Lock()
        """Events come in a thread of Dask's."""
        self._seconds = run_seconds(prepared.plan)
        campaign, items = prepared.plan.campaign, list(prepared.items())
        reduced = campaign.units == "lj"
        self.progress = Progress(
            campaign=campaign.name,
            store=str(prepared.paths.root),
            dashboard=backend.client.dashboard_link,
            workers=backend.most,
            studies={},
            time_unit="τ" if reduced else "ns",
            cost=sum(item.cost for item in items),
            estimate=makespan(
                (item.cost / prepared.recipe(item.key).engine.ranks for item in items),
                backend.most,
            ),
        )
        for key, run in prepared.runs.items():
            recipe, segments = prepared.recipe(key), prepared.recipe(key).segments
            step = recipe.trajectory.timestep / (1 if reduced else FS_PER_NS)
            study = self.progress.studies.setdefault(run.study, StudyProgress(0, 0, step))
            study.runs += 1
            study.segments += segments
            study.segments_done += min(self._reached[key], segments)
            study.done += prepared.is_done(key)
            study.failed += key in prepared.failed

    def begin(self) -> None:
        """Write into the ledger what is to be done; on a disk that refuses, do without."""
        items = list(self._prepared.items())
        launch = ledger.Launch(
            runs=len(items),
            workers=self.progress.workers,
            estimate=round(self.progress.estimate, 3),
        )
        with suppress(StoreError, OSError):
            ledger.append(self._prepared.paths, launch)

    def look(self) -> None:
        """See how the cluster is."""
        self.progress.cluster = self._backend.state()

    def note(self, event: dict[str, Any]) -> None:
        """A worker has committed a segment, maybe in the store of another launch."""
        if event["store"] == self._prepared.store:
            self._reach(event["key"], event["segment"] + 1)

    def settle(self, receipt: Receipt, *, given_up: bool) -> None:
        """An attempt has ended."""
        key = receipt.key
        study = self.progress.studies[self._prepared.runs[key].study]
        study.steps += receipt.steps
        study.seconds += receipt.lammps_seconds
        if receipt.segment is not None and receipt.segments:
            self._settled[key] = max(self._settled[key], receipt.segment)
        if receipt.outcome is Outcome.DONE:
            study.done += 1
            self._reach(key, self._prepared.recipe(key).segments)
        elif receipt.outcome is Outcome.FAILED:
            study.failed += given_up
            self.progress.last_failure = f"{key}: {receipt.message}"

    def unseen(self, key: str) -> int:
        """Segments of a run that were committed since it was last looked at."""
        run, recipe = self._prepared.runs[key], self._prepared.recipe(key)
        start = next_segment(self._prepared.paths, recipe, run, self._prepared.index[key])
        reached = recipe.segments if start is None else start.segment
        self._reach(key, reached)
        gained = max(0, reached - self._settled[key])
        self._settled[key] += gained
        return gained

    def _reach(self, key: str, segments: int) -> None:
        recipe, run = self._prepared.recipe(key), self._prepared.runs[key]
        with self._lock:
            gained = min(segments, recipe.segments) - self._reached[key]
            if gained <= 0:
                return
            self._reached[key] += gained
            self.progress.studies[run.study].segments_done += gained
            cost = self._seconds(run) * recipe.engine.ranks
            self.progress.cost_done += cost * gained / recipe.segments
