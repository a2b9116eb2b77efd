"""What is left of a campaign goes to the workers, and what comes back is settled."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, groupby
from typing import TYPE_CHECKING

from ensemble.cluster.agenda import Agenda, Item, Window, batches
from ensemble.cluster.backends import Backend
from ensemble.cluster.corrections import Corrections
from ensemble.cluster.hosts import Hosts
from ensemble.cluster.jobs import Batch, Outcome, Receipt
from ensemble.cluster.prepare import Prepared
from ensemble.cluster.progress import Reporter
from ensemble.cluster.reductions import POLL_SECONDS, Reductions
from ensemble.cluster.watch import Watch
from ensemble.md.failures import Cause
from ensemble.plan.recipe import Run
from ensemble.plan.show import duration_text
from ensemble.store import ledger
from ensemble.store.errors import StoreError

if TYPE_CHECKING:
    from distributed import Future

__all__ = ["Launcher"]

COLLECT_SECONDS = 0.2
"""For how long receipts are collected when no worker waits: to fetch many at a time costs less."""


class Launcher:
    """Submits what the agenda says through a window, and settles what comes back."""

    def __init__(
        self,
        backend: Backend,
        prepared: Prepared,
        agenda: Agenda,
        hosts: Hosts,
        watch: Watch,
        reporter: Reporter,
        stop: threading.Event,
    ) -> None:
        self._backend = backend
        self._client = client = backend.client
        self._prepared = prepared
        self._agenda = agenda
        self._hosts = hosts
        self._corrections = Corrections()
        self._watch = watch
        self._reporter = reporter
        self._stop = stop
        left = (key for key in agenda if key not in agenda.blocked)
        self._reductions = Reductions(client, prepared, left)
        self._futures: dict[str, tuple[Future[list[Receipt]], Batch]] = {}
        """By the key of the task."""
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> None:
        """Until all is done and reduced, nothing more can be done, or somebody says stop.

        Raises
        ------
        ValueError
            There will be no workers.
        """
        from ensemble.cluster.task import HOSTS, TOPIC

        window = Window(0)
        self._client.subscribe_topic(TOPIC, lambda event: self._watch.note(event[1]))
        self._client.subscribe_topic(HOSTS, lambda event: self._hosts.see(*event[1]))
        while not self._stop.is_set() and not self._agenda.finished:
            self._backend.attend(self._agenda.left)
            window.workers = self._backend.workers()
            self._submit(window)
            receipts = self._collect(patient=len(self._futures) > window.workers)
            window.note(len(receipts), time.monotonic())
            for receipt in receipts:
                self._settle(receipt)
            self._watch.look()
            self._reporter.update()
        for topic in (TOPIC, HOSTS):
            self._client.unsubscribe_topic(topic)
        if self._agenda.store_fault is None:
            self._reductions.wait(self._stop, self._reporter)
        self._reductions.cancel()

    def _submit(self, window: Window) -> None:
        now = time.monotonic()
        items, at_once = self._agenda.take_up_to(window.size(now), now), window.batch(now)
        # Those of one call Dask takes in its own order, so only runs of one length go together.
        for _, equals in groupby(items, key=lambda item: item.cost):
            self._submit_together(batches(list(equals), at_once))

    def _submit_together(self, parts: Sequence[Sequence[Item]]) -> None:
        from ensemble.cluster.task import work_on

        left_out = frozenset(self._hosts.left_out(time.monotonic()))
        work = [Batch(tuple(map(self._prepared.job, part)), left_out) for part in parts]
        keys = [batch.key for batch in work]
        futures = self._client.map(work_on, work, key=keys, pure=False)
        for batch, future in zip(work, futures, strict=True):
            self._futures[batch.key] = future, batch
            future.add_done_callback(lambda ended: self._ended.put(ended.key))

    def _collect(self, *, patient: bool) -> list[Receipt]:
        """The receipts of the tasks that have ended since; waits a moment for the first, and for
        more if `patient`.
        """
        keys = []
        with suppress(queue.Empty):
            keys.append(self._ended.get(timeout=POLL_SECONDS))
            if patient:
                time.sleep(COLLECT_SECONDS)
            while True:
                keys.append(self._ended.get_nowait())
        ended = [self._futures.pop(key) for key in keys if key in self._futures]
        finished = [future for future, _ in ended if future.status == "finished"]
        results: list[list[Receipt]] = []
        if finished:
            results = self._client.gather(finished, errors="skip")
        receipts = list(chain.from_iterable(results))
        arrived = {receipt.key for receipt in receipts}
        lost = [one for one in ended if one[1].jobs[0].run.key not in arrived]
        return receipts + [receipt for one in lost for receipt in self._lost(*one)]

    @staticmethod
    def _lost(future: Future[list[Receipt]], batch: Batch) -> list[Receipt]:
        """For a task that gave no receipts: its worker died, took them with it, or could not even
        begin, as one without this package.

        Which one of several runs that was by is not known. Each is tried again, and alone, so that
        a run that ends workers is found out then.
        """
        if len(batch.jobs) > 1:
            return [Receipt(key=job.run.key, outcome=Outcome.STOPPED) for job in batch.jobs]
        from distributed import KilledWorker

        cause, message = Cause.KILLED, "the worker process died"
        error = future.exception() if future.status == "error" else None
        if error is not None and not isinstance(error, KilledWorker):
            cause, message = Cause.INTERNAL, f"on a worker: {type(error).__name__}: {error}"
        key = batch.jobs[0].run.key
        return [Receipt(key=key, outcome=Outcome.FAILED, cause=cause, message=message)]

    def _settle(self, receipt: Receipt) -> None:
        agenda, prepared = self._agenda, self._prepared
        if self._stop.is_set() and receipt.cause in (Cause.KILLED, Cause.TERMINATED):
            return  # Ctrl-C goes to LAMMPS as well
        run = prepared.runs[receipt.key]
        if receipt.cause is Cause.KILLED and not receipt.segments:
            # A worker that died does not tell what it had committed.
            receipt = replace(receipt, segments=self._watch.unseen(receipt.key))
        now = time.monotonic()
        away = prepared.plan.campaign.cluster.kind != "local"
        agenda.several_hosts = away and self._hosts.maybe_several(self._backend.workers())
        given_up = agenda.settle(receipt, now, excused=self._hosts.excuses(receipt, now))
        self._judge_host(receipt, now)
        self._learn_speed(receipt)
        self._watch.settle(receipt, given_up=receipt.key in agenda.failed)
        if receipt.outcome is Outcome.DONE:
            self._reductions.done(receipt.key)
        self._reductions.over(given_up)
        if receipt.outcome in (Outcome.DONE, Outcome.FAILED):
            self._note(run, receipt)
        if receipt.outcome is Outcome.FAILED:
            again = receipt.key not in agenda.failed and agenda.store_fault is None
            self._reporter.failure(receipt.key, receipt, again)

    def _learn_speed(self, receipt: Receipt) -> None:
        item = self._agenda.item(receipt.key)
        expected = self._prepared.seconds_per_step(receipt.key) * receipt.steps
        self._corrections.note(item.group, expected, receipt.lammps_seconds)
        if (factors := self._corrections.news()) is not None:
            self._agenda.learn(factors)

    def _judge_host(self, receipt: Receipt, now: float) -> None:
        """Leave out a host on which one run after the other fails."""
        bad = self._hosts.note(receipt, now)
        if bad is None:
            return
        self._agenda.pardon(bad.runs)
        self._reporter.note(
            f"{bad.host}: left out for {duration_text(bad.seconds)}, since {len(bad.runs)} runs "
            f"failed there one after the other; the last: {receipt.message}"
        )

    def _note(self, run: Run, receipt: Receipt) -> None:
        """Write an attempt into the ledger; on a disk that refuses, do without: it is a diary."""
        event = ledger.event_of(
            run,
            "done" if receipt.outcome is Outcome.DONE else "failed",
            segment=receipt.segment,
            cause=str(receipt.cause or ""),
            message=receipt.message,
            wall=round(receipt.seconds, 3),
            host=receipt.host,
        )
        with suppress(StoreError, OSError):
            ledger.append(self._prepared.paths, event)
