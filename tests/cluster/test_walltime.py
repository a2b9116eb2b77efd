"""What fits into the time that a job has."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from test_simulated import batch_of

from ensemble.cluster import task, walltime
from ensemble.cluster.walltime import CLOSING_SECONDS, RESERVE, START_SECONDS
from ensemble.md.failures import SegmentFailure
from ensemble.store.progress import Start


def in_job(monkeypatch: pytest.MonkeyPatch, began: float, lasts: float) -> None:
    """In a job that began so many seconds ago, and lasts so many."""
    now = time.time()
    monkeypatch.setenv(walltime.JOB_BEGIN, str(now - began))
    monkeypatch.setenv(walltime.JOB_END, str(now - began + lasts))


def test_no_job() -> None:
    assert walltime.job_end() is None
    assert walltime.fits(1e9)
    assert walltime.could_fit(1e9)


def test_a_segment_leaves_time_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    in_job(monkeypatch, began=1000, lasts=2000)
    most = (1000 - CLOSING_SECONDS) / RESERVE
    assert walltime.fits(most - 1)
    assert not walltime.fits(most + 1)
    assert walltime.could_fit(most + 1)


def test_the_first_segment_of_a_job_leaves_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or each job would find that it has too little left, and leave it to the next."""
    in_job(monkeypatch, began=0, lasts=2000)
    most = (2000 - START_SECONDS - CLOSING_SECONDS) / RESERVE
    assert walltime.could_fit(most - 0.1)
    assert not walltime.could_fit(most + 0.1)


def test_the_queue_may_give_less(monkeypatch: pytest.MonkeyPatch) -> None:
    in_job(monkeypatch, began=0, lasts=2000)
    monkeypatch.setenv(walltime.SLURM_JOB_END, str(int(time.time()) + 500))
    assert walltime.walltime() == pytest.approx(500, abs=2)


def test_a_segment_that_was_only_disturbed_says_little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its time the next one would fit into no job, but not by the estimate."""
    in_job(monkeypatch, began=0, lasts=100)
    job = batch_of(tmp_path, 1).jobs[0]
    segment = job.recipe.segment(1)
    slow = Start(segment=1, restart=None, record={"seconds": 500.0, "steps": segment.steps})
    assert task._has_time(job, segment, slow)
    long = replace(job, seconds_per_step=500.0 / segment.steps)
    with pytest.raises(SegmentFailure, match=r"a segment takes about 500 s here"):
        task._has_time(long, segment, slow)
