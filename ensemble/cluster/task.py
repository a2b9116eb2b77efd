"""The worker's task: a thin supervisor that takes a run as far as it can, or a few short ones.

It leases a run, has LAMMPS do one segment after the other, commits each, and returns a receipt.
Whatever goes wrong ends in the receipt: a task that raises would be Dask's to deal with.
"""

from __future__ import annotations

import errno
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.cluster import walltime
from ensemble.cluster.jobs import Batch, Job, Outcome, Receipt, Source
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.segment import SegmentFiles, run_segment
from ensemble.md.shared_memory import remove_abandoned
from ensemble.plan.recipe import Segment
from ensemble.store import errors
from ensemble.store.commit import attempt_folder, commit_segment, empty, read_chunk
from ensemble.store.layout import StorePaths, restart_name
from ensemble.store.lease import Lease
from ensemble.store.progress import Start, next_segment, remove_leftovers

TOPIC = "ensemble"
"""Of the events by which a worker tells how far it is."""

HOSTS = "ensemble-hosts"
"""Of the events by which a worker tells on which host, and at which address, it begins a task."""

DECLINE_SECONDS = 2.0
"""That a worker on a host that is left out keeps a task: others are to have the next one."""

EVENT_SECONDS = 0.5
"""Between two events of a worker, at least: short segments are not worth a message each."""

LONGEST_BATCH = 2.0
"""Seconds after which a task of several runs begins none of them any more: they turned out longer
than those before, and other workers may be waiting for some."""

_last_event = 0.0


@dataclass
class Tally:
    """What an attempt has done so far."""

    segment: int | None = None
    """The one that was begun last."""
    segments: int = 0
    """That were committed."""
    steps: int = 0
    lammps_seconds: float = 0.0


def work_on(batch: Batch) -> list[Receipt]:
    """Do what is left of each run. Called by Dask in a worker; raises nothing."""
    started, cancelled = time.monotonic(), _cancellation(batch.key)
    if (worker := _worker()) is not None:
        host = socket.gethostname()
        worker.log_event(HOSTS, (host, worker.address))
        if host in batch.left_out:
            _decline(cancelled)
            return [Receipt(key=job.run.key, outcome=Outcome.STOPPED) for job in batch.jobs]
    receipts: list[Receipt] = []
    for job in batch.jobs:
        late = receipts and time.monotonic() - started > LONGEST_BATCH
        if late or cancelled():
            receipts.append(Receipt(key=job.run.key, outcome=Outcome.STOPPED))
        else:
            receipts.append(_work_on_run(job, cancelled))
    return receipts


def _decline(cancelled: Callable[[], bool]) -> None:
    """Be busy for a moment. A worker that took no tasks would keep those that wait for it, and one
    that left would have its job start the next on the same host.
    """
    until = time.monotonic() + DECLINE_SECONDS
    while time.monotonic() < until and not cancelled():
        time.sleep(0.1)


def _work_on_run(job: Job, cancelled: Callable[[], bool]) -> Receipt:
    started, tally = time.monotonic(), Tally()
    receipt = _attempt(job, tally, cancelled)
    return replace(
        receipt,
        segment=tally.segment,
        segments=tally.segments,
        steps=tally.steps,
        lammps_seconds=tally.lammps_seconds,
        seconds=time.monotonic() - started,
        host=socket.gethostname(),
    )


def _attempt(job: Job, tally: Tally, cancelled: Callable[[], bool]) -> Receipt:
    key = job.run.key
    try:
        stopped = _do_segments(job, tally, cancelled)
    except (errors.LeaseHeld, errors.LeaseLost) as error:
        return Receipt(key=key, outcome=Outcome.HELD, message=str(error))
    except SegmentFailure as failure:
        if failure.cause is Cause.CANCELLED:
            return Receipt(key=key, outcome=Outcome.STOPPED)
        return Receipt(
            key=key,
            outcome=Outcome.FAILED,
            cause=failure.cause,
            message=failure.message,
            log_tail=failure.log_tail,
        )
    except (errors.DiskFull, errors.ReadOnly) as error:
        cause = Cause.DISK_FULL if isinstance(error, errors.DiskFull) else Cause.READ_ONLY
        return Receipt(key=key, outcome=Outcome.FAILED, cause=cause, message=str(error))
    except OSError as error:
        cause = _cause_of(error)
        message = f"{error.filename or job.store}: {error.strerror or error}"
        return Receipt(key=key, outcome=Outcome.FAILED, cause=cause, message=message)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        tail = traceback.format_exc()
        return Receipt(
            key=key, outcome=Outcome.FAILED, cause=Cause.INTERNAL, message=message, log_tail=tail
        )
    return Receipt(key=key, outcome=Outcome.STOPPED if stopped else Outcome.DONE)


def _cause_of(error: OSError) -> Cause:
    if error.errno in errors.FULL:
        return Cause.DISK_FULL
    if error.errno in errors.READ_ONLY:
        return Cause.READ_ONLY
    known = {errno.ENOENT: Cause.MISSING_FILE, errno.ENOMEM: Cause.MEMORY}
    return known.get(error.errno or 0, Cause.INTERNAL)


def _do_segments(job: Job, tally: Tally, cancelled: Callable[[], bool]) -> bool:
    """Do segments until there is none left; returns whether it was stopped before."""
    paths = StorePaths(Path(job.store))
    remove_abandoned()
    with (
        Lease.acquire(paths.lease(job.run)) as lease,
        attempt_folder(paths, job.run, lease.token) as attempt,
    ):
        while (start := next_segment(paths, job.recipe, job.run, job.index)) is not None:
            if cancelled():
                return True
            segment = job.recipe.segment(start.segment)
            if not _has_time(job, segment, start):
                return True
            tally.segment = segment.number
            _do_segment(job, paths, lease, attempt, segment, start, tally, cancelled)
            _tell(job, segment, tally)
        # Of who was killed behind the last commit, and of segments that filled a gap.
        remove_leftovers(paths, job.recipe, job.run, job.index)
    return False


def _has_time(job: Job, segment: Segment, start: Start) -> bool:
    """Whether a segment comes to its end in this job; if not, the worker leaves, and leaves the run
    to the next job.

    Raises
    ------
    SegmentFailure
        The next job would not have the time either.
    """
    estimate = seconds = job.seconds_per_step * segment.steps
    if start.record is not None and start.record.get("steps"):
        seconds = start.record["seconds"] / start.record["steps"] * segment.steps
    if walltime.fits(seconds):
        return True
    if not walltime.could_fit(seconds):
        # It may be that the segment before was only disturbed.
        seconds = min(seconds, estimate)
        if walltime.fits(seconds):
            return True
    if not walltime.could_fit(seconds):
        raise SegmentFailure(
            Cause.WALLTIME,
            f"a segment takes about {seconds:.0f} s here, and with a reserve longer than a job of "
            f"{walltime.walltime():.0f} s; give jobs more walltime (cluster.walltime), or a new "
            "store shorter segments (study.segment)",
        )
    if (worker := _worker()) is not None:
        walltime.leave(worker)
    return False


def _do_segment(
    job: Job,
    paths: StorePaths,
    lease: Lease,
    attempt: Path,
    segment: Segment,
    start: Start,
    tally: Tally,
    cancelled: Callable[[], bool],
) -> None:
    began = time.monotonic()
    recipe, run = job.recipe, job.run

    def unwanted() -> bool:
        return lease.lost or cancelled()

    try:
        files = SegmentFiles(
            run_folder=paths.run(run),
            attempt=attempt,
            potentials=paths.potentials,
            structure=paths.structure(recipe.material_name, run.supercell),
            source_folder=None if job.source is None else paths.run(job.source.run),
            source_rows=None if job.source is None else _source_rows(paths, job.source, segment),
        )
        result = run_segment(recipe, run, segment, files, start.record, cancelled=unwanted)
        commit_segment(
            paths,
            recipe,
            run,
            job.index,
            segment,
            attempt=attempt,
            rows=result.rows,
            restart=result.restart,
            record=result.record,
            confirm=lease.confirm,
        )
    except (SegmentFailure, OSError):
        # Who has taken over meanwhile has removed what this attempt needs: not its failure.
        lease.confirm()
        raise
    finally:
        empty(attempt)
    tally.segments += 1
    tally.steps += segment.steps
    tally.lammps_seconds += time.monotonic() - began


def _source_rows(paths: StorePaths, source: Source, segment: Segment) -> NDArray[np.float64]:
    """What the store has of the segment of a trajectory that a ``rerun`` makes again.

    Raises
    ------
    SegmentFailure
        The trajectory cannot be made again.
    """
    run = source.run
    before = source.equilibration_segments + segment.number - 1
    if not (paths.run(run) / restart_name(before)).exists():
        raise SegmentFailure(
            Cause.MISSING_FILE,
            f"{paths.run(run)}: the restart files of {run.key} were not kept, since no rerun study "
            "asked for them when it was done; launch the campaign into a new store (--store)",
        )
    return read_chunk(paths.chunk(run.study, source.index, segment.part), source.shape)


def _cancellation(key: str) -> Callable[[], bool]:
    """What says whether a task is still wanted: not when its worker closes, nor when the
    scheduler has taken it back.
    """
    worker = _worker()
    if worker is None:
        return lambda: False

    def cancelled() -> bool:
        task = worker.state.tasks.get(key)
        wanted = task is not None and task.state == "executing"
        return not wanted or worker.status.name not in ("running", "paused")

    return cancelled


def _worker() -> Any:
    """The Dask worker that this is called in, or None."""
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


def _tell(job: Job, segment: Segment, tally: Tally) -> None:
    """An event for whoever watches, unless there was one a moment ago."""
    global _last_event
    now = time.monotonic()
    worker = _worker()
    if worker is None or now - _last_event < EVENT_SECONDS:
        return
    _last_event = now
    worker.log_event(
        TOPIC,
        {
            "store": job.store,
            "key": job.run.key,
            "segment": segment.number,
            "steps": tally.steps,
            "lammps_seconds": tally.lammps_seconds,
        },
    )
