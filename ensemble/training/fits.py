"""Fits on Dask's workers, several at a time, each of which shows how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from ase import Atoms

from ensemble.plan.show import duration_text
from ensemble.training.fit import Fitted, Step
from ensemble.training.models import Fitting, fitted
from ensemble.training.report import Reporter
from ensemble.training.tasks import completed

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Task", "fit_all", "threads_each"]

TOPIC = "ensemble-fits"
"""Of the events by which a worker tells how far a fit is."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A fit that is wanted."""

    name: str
    """For the reader of the progress; of its own for each."""

    job: Fitting
    part: tuple[int, ...]
    """The numbers of the frames that it is made to."""


def fit_all(
    client: Client, tasks: Sequence[Task], frames: Sequence[Atoms], report: Reporter
) -> Iterator[tuple[Task, Fitted]]:
    """Make fits, and give each as soon as it is there.

    Where there are fewer fits than workers, each uses several cores; its numbers are the same.

    Parameters
    ----------
    tasks
        Begun in this order.
    frames
        Labelled ones, of which each task takes its part. They are sent to the workers once.

    Raises
    ------
    ValueError
        As `ensemble.training.models.fitted`, with the name of the task.
    RuntimeError
        A worker process died.
    """
    if not tasks:
        return
    threads = threads_each(len(client.nthreads()), len(tasks))
    watch = _Watch(tasks, report)
    client.subscribe_topic(TOPIC, watch.on_event)
    try:
        # In a list, as each element of what is given becomes a piece of data of its own.
        [data] = client.scatter([list(frames)], broadcast=True, hash=False)
        waiting = {client.submit(_fit, one, data, threads, pure=False): one for one in tasks}
        for task, found in completed(waiting):
            watch.end(task)
            yield task, found
    finally:
        client.unsubscribe_topic(TOPIC)


def threads_each(workers: int, tasks: int) -> int:
    """Threads of a fit: so many that no worker's core is idle while all fits go on."""
    return max(1, workers // tasks)


def _fit(task: Task, frames: Sequence[Atoms], threads: int) -> Fitted:
    """On a worker."""
    from distributed import get_worker

    worker = get_worker()

    def on_step(step: Step) -> None:
        event = {"fit": task.name, "step": step.number, "force_rmse": step.force_rmse}
        worker.log_event(TOPIC, event)

    worker.log_event(TOPIC, {"fit": task.name, "step": None})
    mine = [frames[number] for number in task.part]
    try:
        return fitted(task.job, mine, on_step, workers=threads)
    except ValueError as error:
        raise ValueError(f"{task.name}: {error}") from error


class _Watch:
    """Shows what the workers tell of fits, until these are over."""

    def __init__(self, tasks: Sequence[Task], report: Reporter) -> None:
        self._report = report
        self._most = {task.name: task.job.steps for task in tasks}
        """Steps, of the fits that are not over."""
        self._first: dict[str, tuple[int, float]] = {}
        """Step and time at which a fit was first heard of: it may go on where another stopped."""
        self._lock = Lock()
        """Events come in a thread of Dask's."""

    def on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        """A worker has begun a fit, or done a step."""
        name, step = event[1]["fit"], event[1]["step"]
        with self._lock:
            if name not in self._most:
                return
            if step is None:
                self._report.done(name, 0, self._most[name], "looks for a start")
            else:
                remark = f"{event[1]['force_rmse']:.1f} meV/Å{self._left(name, step)}"
                self._report.done(name, step, self._most[name], remark)

    def end(self, task: Task) -> None:
        """A fit is over, most often before its last step."""
        with self._lock:
            most = self._most.pop(task.name)
            self._report.done(task.name, most, most)

    def _left(self, name: str, number: int) -> str:
        """In words, how long the steps take that may follow; nothing is known at the first."""
        now = time.monotonic()
        first, since = self._first.setdefault(name, (number, now))
        if number == first:
            return ""
        left = (now - since) / (number - first) * (self._most[name] - number)
        return f", at most {duration_text(left)} left"
