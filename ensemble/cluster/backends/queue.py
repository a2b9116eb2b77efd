"""A job queue: a scheduler in this process, and jobs that start workers for it.

A thread keeps the books: which jobs there are by the queue, which of them have workers by Dask, how
many are wanted. It submits what is missing, whatever became of the others: over, cancelled,
preempted, lost with their nodes. It cancels what is no longer of use.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ensemble.campaign.clusters import AnyQueue
from ensemble.cluster.backends.certificates import temporary_certificates
from ensemble.cluster.backends.interface import Setting
from ensemble.cluster.backends.kinds import (
    KINDS,
    State,
    list_jobs,
    log_folder,
    make_job,
    private_folder,
    runs_per_job,
)
from ensemble.cluster.local import client_settings, starting, uninterrupted
from ensemble.cluster.walltime import LEAVING

if TYPE_CHECKING:
    from distributed import Client, SpecCluster

LOOK_SECONDS = 3.0
"""Between two looks at the queue, while things happen."""

QUIET_LOOK_SECONDS = 30.0
"""Between two looks while nothing does: they cost the queue something."""

EVENTFUL_SECONDS = 30.0
"""After something happened: a worker came or went, another number of jobs is wanted."""

TICK_SECONDS = 0.5
"""Between two looks at the workers."""

UNSEEN_LOOKS = 2
"""In a row that a job is missing in the queue before it is taken to be over."""

LOST_LOOKS = 10
"""After which the workers of such a job are lost as well, whatever Dask believes."""

AT_ONCE = 20
"""Jobs submitted between two looks."""

BARREN_JOBS = 5
"""In a row that ended without a worker: nothing would come of the next one."""

IDLE_SECONDS = 15.0
"""That a job has nothing to do before it is cancelled as one too many."""


@dataclass
class Entry:
    """A job in the books."""

    name: str
    """Of its workers, or what their names begin with."""
    job: Any
    """Dask-jobqueue's."""
    state: State = State.WAITING
    had_workers: bool = False
    unseen: int = 0
    """Looks at the queue in a row that did not find it."""
    busy: float = field(default_factory=time.monotonic)
    """When its workers were last seen to have something to do."""
    workers: list[str] = field(default_factory=list)
    """Addresses of those that Dask has."""
    leaving: bool = False
    """Whether all its workers have said that they leave, since the walltime is nearly over."""

    @property
    def over(self) -> bool:
        """Whether nothing is left of it."""
        return self.unseen >= UNSEEN_LOOKS and not self.workers


class Seen(NamedTuple):
    """A worker, as Dask has it."""

    name: str
    busy: bool


class QueueBackend:
    """Workers that jobs start."""

    def __init__(self, section: AnyQueue, setting: Setting) -> None:
        self._section = section
        self._setting = setting
        self._per_job = runs_per_job(section, setting)
        self.most = section.maximum_jobs * self._per_job
        if setting.workers is not None:
            self.most = min(self.most, setting.workers)
        self._stack = ExitStack()
        self._jobs: list[Entry] = []
        self._leaving: set[str] = set()
        """Addresses of workers that have said that they leave."""
        self._count = 0
        self._wanted = 0
        self._barren = 0
        self._refused = 0
        self._fault: str = ""
        self._situation = (0, 0, 0)
        """Jobs wanted, workers, jobs: as they were last."""
        self._changed = self._looked = 0.0
        """When that was, and when the queue was looked at."""
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        if " " in str(self._setting.store.resolve()):
            raise ValueError(
                f"{self._setting.store.resolve()}: a blank in the path of the store, which job "
                "scripts cannot have; give another (--store)"
            )
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def _open(self) -> None:
        from distributed import Client, Scheduler, SpecCluster

        section, stack = self._section, self._stack
        log_folder(section, self._setting).mkdir(parents=True, exist_ok=True)
        stack.enter_context(client_settings())
        self._security = None
        if section.tls:
            private = private_folder(self._setting)
            self._security = stack.enter_context(temporary_certificates(private))
        options = {
            "protocol": "tls://" if section.tls else "tcp://",
            "security": self._security,
            "host": section.host,
            "interface": None if section.host else section.interface,
            "dashboard_address": section.dashboard_address,
        }
        with starting(f"{section.kind}'s interface and host"):
            cluster = SpecCluster(
                scheduler={"cls": Scheduler, "options": options},
                workers={},
                security=self._security,
                silence_logs=logging.CRITICAL,
                name=self._setting.name,
            )
        self._cluster: SpecCluster = stack.enter_context(cluster)
        self._scheduler: Any = cluster.scheduler
        self._client: Client = stack.enter_context(Client(cluster))
        self._client.subscribe_topic(LEAVING, lambda event: self._leaving.add(event[1]))
        stack.callback(self._cancel_all)
        self._submit(1)
        if self._fault:
            raise ValueError(self._fault)
        thread = threading.Thread(target=self._keep_books, name="queue", daemon=True)
        with uninterrupted():
            thread.start()
        stack.callback(thread.join)
        stack.callback(self._stop.set)

    @property
    def client(self) -> Client:
        """The launcher's connection to the scheduler."""
        return self._client

    def workers(self) -> int:
        """Those that take tasks; of a job that has more than are wanted, those that get any."""
        return min(len(self._scheduler.running), self.most)

    def attend(self, runs: int) -> None:
        """Have jobs for so many runs, between the bounds.

        Raises
        ------
        ValueError
            The queue takes no jobs, or nothing comes of them.
        """
        if self._fault:
            raise ValueError(self._fault)
        self._wanted = self._jobs_for(runs)

    def state(self) -> str:
        """How many jobs wait and run."""
        jobs = list(self._jobs)
        running = sum(entry.state is State.RUNNING for entry in jobs)
        return f"{self._section.kind}: {running} jobs running, {len(jobs) - running} waiting"

    def _jobs_for(self, runs: int) -> int:
        of_use = math.ceil(min(runs, self.most) / self._per_job)
        return max(of_use, min(self._section.minimum_jobs, runs))

    # The thread

    def _keep_books(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            self._look_at_workers()
            if self._due():
                self._look_at_queue()
                self._remove()
            if self._fault:
                return
            # The successor of a job that is about to end may have to wait: the sooner the better.
            missing = self._wanted - sum(not entry.leaving for entry in self._jobs)
            if missing > 0:
                self._submit(min(missing, AT_ONCE))
            elif missing < 0:
                self._cancel(self._dispensable(-missing))

    def _look_at_workers(self) -> None:
        workers = self._cluster.sync(self._workers)
        for entry in self._jobs:
            own = {a: worker for a, worker in workers.items() if _is_of(worker.name, entry.name)}
            entry.workers = list(own)
            entry.had_workers |= bool(own)
            entry.leaving |= bool(own) and self._leaving.issuperset(own)
            if not own or any(worker.busy for worker in own.values()):
                entry.busy = time.monotonic()

    def _due(self) -> bool:
        """Whether it is time to look at the queue."""
        now, missing = time.monotonic(), any(entry.unseen for entry in self._jobs)
        situation = self._wanted, self.workers(), len(self._jobs)
        if situation != self._situation or missing:
            self._situation, self._changed = situation, now
        eventful = now - self._changed < EVENTFUL_SECONDS
        if now - self._looked < (LOOK_SECONDS if eventful else QUIET_LOOK_SECONDS):
            return False
        self._looked = now
        return True

    def _look_at_queue(self) -> None:
        listed = list_jobs(self._section.kind)
        if listed is None:
            return
        for entry in self._jobs:
            state = listed.get(entry.job.job_id)
            entry.unseen = 0 if state is not None else entry.unseen + 1
            entry.state = state or entry.state
            if entry.unseen == LOST_LOOKS:
                self._forget_workers(entry)

    async def _workers(self) -> dict[str, Seen]:
        """All workers, by their addresses."""
        scheduler = self._scheduler
        return {
            address: Seen(str(worker.name), bool(worker.processing))
            for address, worker in scheduler.workers.items()
        }

    def _remove(self) -> None:
        """Strike off what is over, and cancel what is stuck."""
        stuck = [entry for entry in self._jobs if entry.state is State.STUCK]
        over = [entry for entry in self._jobs if entry.over]
        for entry in (*stuck, *over):
            self._barren = 0 if entry.had_workers else self._barren + 1
        self._jobs = [entry for entry in self._jobs if entry not in over]
        self._cancel(stuck)
        if self._barren >= BARREN_JOBS:
            logs = log_folder(self._section, self._setting)
            self._fault = (
                f"cluster: {self._barren} jobs in a row ended before a worker had come; what they "
                f"print is in {logs}"
            )

    def _submit(self, count: int) -> None:
        for _ in range(count):
            self._count += 1
            name = f"{self._setting.name}-{self._count}"
            job = make_job(
                self._section,
                self._setting,
                name,
                address=self._cluster.scheduler_address,
                security=self._security,
            )
            try:
                self._cluster.sync(job.start)
            except (OSError, RuntimeError, ValueError) as error:
                self._note_refusal(error)
                return
            self._refused = 0
            self._jobs.append(Entry(name, job))

    def _note_refusal(self, error: Exception) -> None:
        """Once may be the queue's bad moment; where no job is in it, or again and again, not."""
        self._refused += 1
        if not self._jobs or self._refused >= BARREN_JOBS:
            command = KINDS[self._section.kind].job_class.submit_command
            reason = str(error).rpartition("stderr:\n")[2].strip() or str(error)
            self._fault = f"cluster: {command} refuses the job: {' '.join(reason.split())}"

    def _dispensable(self, count: int) -> list[Entry]:
        """Jobs that nobody would miss: those that wait, the last first, then those that idle."""
        now = time.monotonic()
        waiting = [entry for entry in reversed(self._jobs) if entry.state is State.WAITING]
        idle = [
            entry
            for entry in reversed(self._jobs)
            if entry.state is State.RUNNING and now - entry.busy > IDLE_SECONDS
        ]
        return [*waiting, *idle][:count]

    def _cancel(self, entries: Iterable[Entry]) -> None:
        gone = list(entries)
        self._jobs = [entry for entry in self._jobs if entry not in gone]

        async def close() -> None:
            await asyncio.gather(*(entry.job.close() for entry in gone), return_exceptions=True)

        if gone:
            self._cluster.sync(close)

    def _cancel_all(self) -> None:
        self._cancel(self._jobs)

    def _forget_workers(self, entry: Entry) -> None:
        """Of a job that is long over: its node went down, and said no word."""

        async def forget() -> None:
            for address in entry.workers:
                await self._scheduler.remove_worker(address, stimulus_id=f"job-over-{time.time()}")

        self._cluster.sync(forget)


def _is_of(worker: str, job: str) -> bool:
    """Whether a worker is one of a job's, by their names."""
    return worker == job or worker.rpartition("-")[0] == job
