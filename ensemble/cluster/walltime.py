"""The time that is left to a job, and how a worker leaves before it is over.

A job that is ended by its queue loses the segment that it is at. So the task looks, before each
segment, whether that one fits in; where it does not, the worker takes no more tasks and closes, the
job ends by itself, and the next job goes on.
"""

from __future__ import annotations

import os
import time
from typing import Any

JOB_END = "ENSEMBLE_JOB_END"
"""Environment variable with the time at which the job is over, in seconds of the epoch."""

JOB_BEGIN = "ENSEMBLE_JOB_BEGIN"
"""Environment variable with the time at which the job began."""

SLURM_JOB_END = "SLURM_JOB_END_TIME"
"""The same by Slurm, which may have less time for a job than was asked for."""

RESERVE = 1.25
"""What a segment may take, over what is expected: nodes differ, and neighbours disturb."""

CLOSING_SECONDS = 10.0
"""For a segment to be committed and the worker to close."""

START_SECONDS = 10.0
"""From the beginning of a job to its worker's first task, about."""

RECEIPT_SECONDS = 2.0
"""For the launcher to fetch the last receipt of a worker that is leaving."""

LEAVING = "ensemble-leaving"
"""Of the events by which workers tell that they leave: their addresses."""

_started = time.time()


def job_end() -> float | None:
    """When the job of this process is over, in seconds of the epoch; None if it is no job, or one
    without a walltime.
    """
    ends = [float(end) for name in (JOB_END, SLURM_JOB_END) if (end := os.environ.get(name))]
    return min(ends) if ends else None


def needed(seconds: float) -> float:
    """What to have left for a segment that is expected to take so many seconds."""
    return RESERVE * seconds + CLOSING_SECONDS


def fits(seconds: float) -> bool:
    """Whether a segment that is expected to take so many seconds comes to its end."""
    end = job_end()
    return end is None or time.time() + needed(seconds) <= end


def could_fit(seconds: float) -> bool:
    """Whether it would if it were the first of a job."""
    return START_SECONDS + needed(seconds) <= walltime()


def walltime() -> float:
    """Seconds that a job of this kind has, from its beginning."""
    end, began = job_end(), os.environ.get(JOB_BEGIN)
    return float("inf") if end is None else end - (float(began) if began else _started)


def leave(worker: Any) -> None:
    """Have a Dask worker take no more tasks, and close when its receipt is fetched. Called in the
    thread of a task.
    """
    from distributed.core import Status

    def pause() -> None:
        worker.log_event(LEAVING, worker.address)
        worker.status = Status.paused
        worker.loop.call_later(RECEIPT_SECONDS, close)

    async def close() -> None:
        await worker.close_gracefully(reason="the walltime is nearly over")

    worker.loop.add_callback(pause)
