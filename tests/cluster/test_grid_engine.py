"""Launches on a real Grid Engine of one host, which ends jobs when their walltime is over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance import BackendTests
from daemons import missing
from grid_engine import PROGRAMS, GridEngine
from launches import Launcher, events_of, launch
from queues import causes_in, check_two_ranks, check_undisturbed, disturb, jobs_that_left

from ensemble.campaign.clusters import Cluster, Sge

pytestmark = pytest.mark.sge

CLUSTER = """
[cluster]
kind = "sge"
host = "127.0.0.1"
dashboard_address = "127.0.0.1:0"
memory = "300 MB"
walltime = "00:00:28"
death_timeout = 10
maximum_jobs = 3
job_script_prologue = ["export MPIR_CVAR_ENABLE_HEAVY_YIELD=1"]
"""
"""A job has not the environment of who submits it; tests/conftest.py says what it is for."""

SECTION = Sge(
    kind="sge",
    host="127.0.0.1",
    dashboard_address="127.0.0.1:0",
    maximum_jobs=2,
    cores=1,
    memory="300 MB",
    walltime="00:10:00",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GridEngine]:
    before = dict(os.environ)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    assert not missing(PROGRAMS), f"not installed: {missing(PROGRAMS)}"
    queue = GridEngine(tmp_path_factory.mktemp("sge"))
    os.environ |= queue.environment()
    try:
        queue.start()
        yield queue
    finally:
        queue.stop()
        os.environ.clear()
        os.environ.update(before)


def cluster_file(folder: Path, more: str = "") -> Path:
    path = folder / "sge.toml"
    path.write_text(CLUSTER + more)
    return path


class TestGridEngine(BackendTests):
    @pytest.fixture
    def section(self, engine: GridEngine) -> Cluster:
        return SECTION


def test_many_runs_are_disturbed(
    engine: GridEngine, crystal: Path, crystal_reference: Path, tmp_path: Path
) -> None:
    """Jobs that are cancelled, a worker and the launcher killed. Under the next launcher, whom
    nobody disturbs, no segment is cut off by the end of a job.
    """
    store = tmp_path / "store"
    options = ("--cluster", str(cluster_file(tmp_path)))
    with Launcher(crystal, store, *options) as launcher:
        disturb(engine, launcher, store)
        launcher.child.kill()
        launcher.ended()
    events = len(events_of(store))
    with Launcher(crystal, store, *options) as launcher:
        assert launcher.ended() == 0, launcher.log.read_text()
    assert causes_in(store, since=events) <= {"", None}
    assert jobs_that_left(store) > 0
    # Nobody was left to remove the certificate of the first.
    shutil.rmtree(store / "work" / "private")
    check_undisturbed(engine, store, crystal_reference)


def test_two_ranks(engine: GridEngine, wide: Path, wide_reference: Path, tmp_path: Path) -> None:
    """In a parallel environment, of which the queue tells MPI by variables of its own."""
    cluster = cluster_file(tmp_path, 'cores = 2\nparallel_environment = "smp"')
    check_two_ranks(engine, wide, wide_reference, cluster)


def test_refused(engine: GridEngine, crystal: Path, tmp_path: Path) -> None:
    cluster = cluster_file(tmp_path, 'queue = "nope"')
    done = launch(crystal, tmp_path / "store", "--cluster", str(cluster))
    assert done.returncode == 1
    assert "qsub refuses the job: " in done.stderr
    assert not engine.running() | engine.waiting()
