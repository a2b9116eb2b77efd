"""What the tests do with a real job queue, whichever it is."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import ClassVar, Protocol

import psutil
from launches import Launcher, check_same, events_of, is_worker, processes_in, wait_until


class JobQueue(Protocol):
    """A queue with room for two jobs of one core at a time."""

    job_variable: ClassVar[str]
    """In the environment of a job: its number."""

    def running(self) -> set[int]:
        """The numbers of the jobs that run."""

    def waiting(self) -> set[int]:
        """The numbers of the jobs that wait."""

    def cancel(self, job: int) -> None:
        """As a user would."""


def check_undisturbed(
    queue: JobQueue, store: Path, reference: Path, besides: tuple[str, ...] = ()
) -> None:
    """The store is the reference's, nobody's attempt counts as an error, nothing is left behind."""
    shutil.rmtree(store / "work" / "jobs")
    check_same(store, reference, besides)
    assert not (store / "work" / "private").exists()
    assert causes_in(store) <= {"", "killed", "terminated", None}
    wait_until(lambda: not queue.running() | queue.waiting())
    wait_until(lambda: processes_in(store.parent) == [])


def causes_in(store: Path, since: int = 0) -> set[object]:
    """Why attempts failed; those that did not have none."""
    return {event.get("cause") for event in events_of(store)[since:]}


def jobs_that_left(store: Path) -> int:
    """Jobs whose worker went before the walltime was over."""
    logs = (path.read_text() for path in (store / "work" / "jobs").iterdir())
    return sum("Reason: the walltime is nearly over" in log for log in logs)


def disturb(queue: JobQueue, launcher: Launcher, store: Path) -> None:
    """Of a launch of three jobs at a time a waiting one is cancelled and a running one, then a
    worker of another one killed.
    """
    launcher.wait_until(lambda: len(queue.running()) == 2 and bool(queue.waiting()))
    first, waiting = min(queue.running()), max(queue.waiting())
    launcher.wait_until(lambda: any((store / "work" / "runs").rglob("*.restart")))
    queue.cancel(waiting)
    launcher.wait_until(lambda: max(queue.running() | queue.waiting()) > waiting)
    queue.cancel(first)
    launcher.wait_for(lambda: worker_of(queue, store, besides=first)).kill()


def check_two_ranks(queue: JobQueue, campaign: Path, reference: Path, cluster: Path) -> None:
    """Runs on two MPI ranks, one after the other where a job has two cores and the queue no more:
    what they compute is what they compute without a queue.
    """
    store, most = cluster.parent / "store", 0
    with Launcher(campaign, store, "--cluster", str(cluster)) as launcher:
        while launcher.running:
            most = max(most, sum(is_rank(process, store) for process in psutil.process_iter()))
            time.sleep(0.02)
        assert launcher.ended() == 0, launcher.log.read_text()
    assert most == 2
    check_undisturbed(queue, store, reference)


def is_rank(process: psutil.Process, store: Path) -> bool:
    """Whether a process is a LAMMPS that works in a store."""
    try:
        return process.name() == "lmp" and f"{process.cwd()}/".startswith(f"{store}/")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def worker_of(queue: JobQueue, store: Path, besides: int | None = None) -> psutil.Process | None:
    """A worker process of a launch's jobs that is not of one job."""
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if "ensemble.cluster.backends.worker" not in words or str(store) not in words:
                continue
            if process.environ().get(queue.job_variable) == str(besides):
                continue
            if workers := [child for child in process.children() if is_worker(child)]:
                return workers[0]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return None
