"""What fits into the time that a job has."""

import time

import pytest

from ensemble.cluster import walltime
from ensemble.cluster.walltime import CLOSING_SECONDS, RESERVE, START_SECONDS


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
