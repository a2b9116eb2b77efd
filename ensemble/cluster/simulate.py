"""A launch without Dask and LAMMPS: what a campaign comes to on a cluster larger than any at hand.

The events of a launch are played one after the other: a job begins, an attempt at a run ends, a
worker dies, a job's time is over. What is decided then is decided by the launcher's own code: the
order of the runs and what becomes of those that fail by the `Agenda`, how many are submitted by the
`Window`, when a worker leaves by `walltime`. Only the times are made up: a segment takes what the
plan says, a worker dies at random.

Simplified: a job has one worker and waits for nothing, nodes are equally fast, and runs of a moment
are not put together in tasks.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ensemble.cluster.agenda import Agenda, Item, Window
from ensemble.cluster.backends.queue import IDLE_SECONDS
from ensemble.cluster.corrections import Corrections
from ensemble.cluster.jobs import Outcome, Receipt
from ensemble.cluster.prepare import unbegun
from ensemble.cluster.walltime import RECEIPT_SECONDS, START_SECONDS, needed
from ensemble.md.failures import Cause
from ensemble.plan.cost import Speed, run_seconds
from ensemble.plan.plan import Plan
from ensemble.plan.show import duration_text

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """A cluster."""

    workers: int
    """Runs at a time."""
    walltime: float = math.inf
    """Of a job, in seconds."""
    failure_rate: float = 0.0
    """Deaths of a worker per hour, at random: 0.01 is one in a hundred hours."""
    seed: int = 0
    """Of the chance."""


@dataclass(frozen=True)
class Work:
    """A run, as the launcher knows it and as it is."""

    item: Item
    """Its cost is the launcher's estimate."""
    seconds: float
    """That it takes, in segments of equal length."""
    estimate: float | None = None
    """Of these, by the launcher; the cost of the item where not given."""


@dataclass(kw_only=True)
class Forecast:
    """What a launch comes to. Times are in seconds, of a worker where nothing else is said."""

    runs: int
    workers: int
    lower_bound: float
    """Of the makespan: no order of the runs is faster, on workers that never start, end or die."""
    makespan: float = 0.0
    """Until the last run is done or given up."""
    done: int = 0
    jobs: int = 0
    deaths: int = 0
    """Of workers at work."""
    useful: float = 0.0
    """Segments that count."""
    lost: float = 0.0
    """Segments that a death cut off."""
    held: float = 0.0
    """Jobs, from their beginning to their end."""
    decisions: float = 0.0
    """Real time: of the launcher, for all its decisions."""

    @property
    def excess(self) -> float:
        """Of the makespan over its lower bound, over that."""
        return self.makespan / self.lower_bound - 1

    @property
    def utilisation(self) -> float:
        """The share of the jobs' time that counts."""
        return self.useful / self.held

    def __str__(self) -> str:
        hours = self.held / SECONDS_PER_HOUR
        lines = [
            f"Simulated on {self.workers:,} workers: {self.done:,} of {self.runs:,} runs done in "
            f"{duration_text(self.makespan)}, {self.excess:.1%} over the lower bound of "
            f"{duration_text(self.lower_bound)}.",
            f"{self.jobs:,} jobs of {hours:,.4g} hours together, {self.utilisation:.1%} of it in "
            f"segments that count; {self.deaths:,} workers died at work, which lost "
            f"{self.lost / self.held:.2%}.",
            f"The launcher's decisions took {1e3 * self.decisions / self.runs:.2g} ms a run.",
        ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, float]:
        """In JSON's types; units are in the names of the keys."""
        return {
            "workers": self.workers,
            "runs": self.runs,
            "done": self.done,
            "makespan_hours": self.makespan / SECONDS_PER_HOUR,
            "lower_bound_hours": self.lower_bound / SECONDS_PER_HOUR,
            "jobs": self.jobs,
            "deaths": self.deaths,
            "job_hours": self.held / SECONDS_PER_HOUR,
            "useful_hours": self.useful / SECONDS_PER_HOUR,
            "lost_hours": self.lost / SECONDS_PER_HOUR,
            "decision_milliseconds_per_run": 1e3 * self.decisions / self.runs,
        }


@dataclass(eq=False)
class Worker:
    """A job's."""

    began: float
    end: float
    """Of the job's walltime."""
    idle_since: float | None = None
    """When it was through with its last task; None while it is at work."""


def work_of(plan: Plan, speed: Speed | None = None) -> list[Work]:
    """All runs of a plan; `speed` is what they really have, where it is not that of the plan."""
    prepared, seconds, estimate = unbegun(plan), run_seconds(plan, speed), run_seconds(plan)
    return [
        Work(item, seconds(run), estimate(run))
        for item in prepared.items()
        for run in [prepared.runs[item.key]]
    ]


def lower_bound(works: Iterable[Work], workers: int) -> float:
    """Seconds that so many workers need at least: they share the work, or wait for one run, with
    the one whose trajectory it follows.
    """
    seconds = {work.item.key: work.seconds for work in works}
    chains = (
        work.seconds + (seconds[work.item.needs] if work.item.needs else 0.0) for work in works
    )
    return max(sum(seconds.values()) / workers, max(chains))


def simulate(works: Iterable[Work], conditions: Conditions) -> Forecast:
    """Play a launch that begins with nothing done."""
    return Simulation([replace(work, item=replace(work.item)) for work in works], conditions).run()


class Simulation:
    """A launch that is played."""

    def __init__(self, works: list[Work], conditions: Conditions) -> None:
        self._works = {work.item.key: work for work in works}
        self._segment = {w.item.key: w.seconds / w.item.segments for w in works}
        self._estimated = {
            w.item.key: (w.item.cost if w.estimate is None else w.estimate) / w.item.segments
            for w in works
        }
        """What the launcher thinks that a segment takes."""
        self._conditions = conditions
        self._random = random.Random(conditions.seed)
        self._agenda = Agenda(work.item for work in works)
        self._window = Window(0)
        self._corrections = Corrections()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._waiting: deque[Item] = deque()
        """Submitted, and not yet with a worker."""
        self._free: deque[Worker] = deque()
        self._workers: set[Worker] = set()
        """That there are, or will be in a moment."""
        self._woken = math.inf
        self._forecast = Forecast(
            runs=len(works),
            workers=conditions.workers,
            lower_bound=lower_bound(works, conditions.workers),
        )

    def run(self) -> Forecast:
        """Until nothing is left to do."""
        now = 0.0
        self._attend(now)
        while not self._agenda.finished:
            now, _, event = heapq.heappop(self._events)
            event(now)
            self._attend(now)
        for worker in self._workers:
            self._forecast.held += now - worker.began
        self._forecast.makespan = now
        self._forecast.done = len(self._agenda.done)
        return self._forecast

    def _at(self, moment: float, event: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, event))

    def _attend(self, now: float) -> None:
        """What the launcher does again and again."""
        for _ in range(min(self._conditions.workers, self._agenda.left) - len(self._workers)):
            self._begin_job(now)
        began = time.perf_counter()
        self._waiting += self._agenda.take_up_to(self._window.size(now), now)
        self._forecast.decisions += time.perf_counter() - began
        while self._waiting and self._free:
            self._give(self._waiting.popleft(), self._free.popleft(), now)
        due = self._agenda.due
        if due is not None and now < due < self._woken:
            self._woken = due
            self._at(due, self._wake)

    def _wake(self, now: float) -> None:
        self._woken = math.inf

    # Jobs

    def _begin_job(self, now: float) -> None:
        worker = Worker(began=now, end=now + self._conditions.walltime)
        self._forecast.jobs += 1
        self._workers.add(worker)

        def come(now: float) -> None:
            self._window.workers += 1
            self._be_free(worker, now)

        self._at(now + START_SECONDS, come)

    def _be_free(self, worker: Worker, now: float) -> None:
        worker.idle_since = now
        self._free.append(worker)

        def look(later: float) -> None:
            """Cancelled, as one too many; where one is wanted later, another job begins."""
            if worker.idle_since == now and len(self._workers) > self._agenda.left:
                self._free.remove(worker)
                self._window.workers -= 1
                self._end_job(worker, later)

        self._at(now + IDLE_SECONDS, look)

    def _end_job(self, worker: Worker, now: float) -> None:
        self._workers.remove(worker)
        self._forecast.held += now - worker.began

    # Runs

    def _give(self, item: Item, worker: Worker, now: float) -> None:
        """A run to a worker: how far it comes is settled here."""
        worker.idle_since = None
        length, left = self._segment[item.key], item.segments
        begun = max(0, min(left, self._that_fit(worker, length, now)))
        end, death = now + begun * length, now + self._lifetime()
        if begun == 0 and START_SECONDS + needed(length) > self._conditions.walltime:
            receipt = _failed(item, Cause.WALLTIME, 0)
        elif death < end:
            segments, end = int((death - now) / length), death
            self._forecast.lost += death - now - segments * length
            receipt = _failed(item, Cause.KILLED, segments)
        else:
            outcome = Outcome.DONE if begun == left else Outcome.STOPPED
            receipt = Receipt(key=item.key, outcome=outcome, segments=begun)
        self._forecast.useful += receipt.segments * length
        self._at(end, lambda now: self._settle(receipt, worker, now))

    def _that_fit(self, worker: Worker, length: float, now: float) -> int:
        """Segments that a worker begins before it leaves."""
        if math.isinf(worker.end):
            return 2**62
        return math.floor((worker.end - needed(length) - now) / length + 1e-9) + 1

    def _lifetime(self) -> float:
        rate = self._conditions.failure_rate / SECONDS_PER_HOUR
        return self._random.expovariate(rate) if rate else math.inf

    def _settle(self, receipt: Receipt, worker: Worker, now: float) -> None:
        began = time.perf_counter()
        self._window.note(1, now)
        self._agenda.settle(receipt, now)
        self._learn_speed(receipt)
        self._forecast.decisions += time.perf_counter() - began
        if receipt.cause is Cause.KILLED:
            self._forecast.deaths += 1
            self._window.workers -= 1
            self._end_job(worker, now)
        elif receipt.outcome is Outcome.STOPPED:
            # Its successor is submitted when it leaves, not when it has gone.
            self._window.workers -= 1
            self._end_job(worker, now)
            self._forecast.held += RECEIPT_SECONDS
        else:
            self._be_free(worker, now)

    def _learn_speed(self, receipt: Receipt) -> None:
        key, segments = receipt.key, receipt.segments
        expected, taken = segments * self._estimated[key], segments * self._segment[key]
        self._corrections.note(self._works[key].item.group, expected, taken)
        if (factors := self._corrections.news()) is not None:
            self._agenda.learn(factors)


def _failed(item: Item, cause: Cause, segments: int) -> Receipt:
    return Receipt(key=item.key, outcome=Outcome.FAILED, cause=cause, segments=segments)
