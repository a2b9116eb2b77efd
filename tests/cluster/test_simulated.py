"""Many short runs: a campaign whose LAMMPS is played by the benchmark's `instant.cpp`."""

import json
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zarr
from launches import (
    Launcher,
    check_complete,
    ensemble,
    events_of,
    is_worker,
    launch,
    write_campaign,
)

from ensemble.campaign import load_campaign
from ensemble.cluster import task
from ensemble.cluster.jobs import Batch, Outcome
from ensemble.cluster.prepare import prepare
from ensemble.cluster.task import work_on
from ensemble.store.lease import Lease

BENCHMARK = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "launch.py"))
RUNS = 50
MANY = 400
"""So many that several of them go into a task."""


def simulated(folder: Path, runs: int) -> Path:
    """The campaign file."""
    text = BENCHMARK["simulated_campaign"](runs, BENCHMARK["build_instant"](folder))
    return write_campaign(folder, text)


def batch_of(folder: Path, runs: int) -> Batch:
    """All runs of a campaign, whose store is made, in one task."""
    prepared = prepare(load_campaign(simulated(folder, runs)), folder / "store")
    return Batch(tuple(prepared.job(item) for item in prepared.items()))


def test_every_one_of_many_short_runs_is_done_once(tmp_path: Path) -> None:
    campaign, store = simulated(tmp_path, RUNS), tmp_path / "store"

    finished = launch(campaign, store, "--quiet")

    assert (finished.returncode, finished.stderr) == (0, "")
    attempts = Counter((event["run"], event["kind"]) for event in events_of(store))
    assert len(attempts) == RUNS
    assert {kind for _, kind in attempts} == {"done"}
    assert set(attempts.values()) == {1}
    check_complete(store)
    group = zarr.open_group(store / "data.zarr", mode="r")
    samples = np.asarray(group["gk/samples"]).reshape(RUNS, -1)
    assert len(np.unique(samples[:, 0])) == RUNS  # each begins with velocities of its own
    assert not (store / "work" / "results").exists()  # to reduce would be much of the work

    again = launch(campaign, store, "--quiet")

    assert (again.returncode, again.stderr) == (0, "")
    assert len(events_of(store)) == RUNS
    status = json.loads(ensemble(tmp_path, "status", store, "--json").stdout)
    assert status["complete"]
    assert status["studies"][0]["done"] == RUNS


def test_a_run_that_somebody_else_has_does_not_stop_the_others_of_its_task(tmp_path: Path) -> None:
    batch = batch_of(tmp_path, 3)
    folders = tmp_path / "store" / "work" / "runs"
    run = batch.jobs[1].run
    with Lease.acquire(folders / run.study / run.name / "lease"):
        receipts = work_on(batch)
    assert [receipt.key for receipt in receipts] == [job.run.key for job in batch.jobs]
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.HELD, Outcome.DONE]
    assert not list(folders.rglob("attempt-*"))


def test_a_run_that_fails_does_not_stop_the_others_of_its_task(tmp_path: Path) -> None:
    batch = batch_of(tmp_path, 3)
    folders = tmp_path / "store" / "work" / "runs"
    run = batch.jobs[1].run
    (folders / run.study / run.name / "segment-0000.in").mkdir(parents=True)
    receipts = work_on(batch)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.FAILED, Outcome.DONE]
    assert not list(folders.rglob("attempt-*"))


def test_a_task_that_takes_longer_than_it_should_gives_runs_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "LONGEST_BATCH", 0.0)
    batch = batch_of(tmp_path, 3)
    outcomes = [receipt.outcome for receipt in work_on(batch)]
    assert outcomes == [Outcome.DONE, Outcome.STOPPED, Outcome.STOPPED]


def test_runs_whose_worker_died_in_the_midst_of_many_are_done_again(tmp_path: Path) -> None:
    campaign, store = simulated(tmp_path, MANY), tmp_path / "store"
    samples = store / "data.zarr" / "gk" / "samples"
    with Launcher(campaign, store) as launcher:
        launcher.wait_until(lambda: samples.is_dir() and len(list(samples.iterdir())) > MANY // 2)
        worker = launcher.find(is_worker)
        assert worker is not None
        worker.kill()
        assert launcher.ended() == 0, launcher.log.read_text()
    done = Counter(event["run"] for event in events_of(store) if event["kind"] == "done")
    assert len(done) == MANY
    assert set(done.values()) == {1}
    check_complete(store)
    assert not list((store / "work" / "runs").rglob("attempt-*"))
    assert not list((store / "work" / "runs").rglob("lease"))
