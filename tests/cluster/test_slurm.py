"""Launches on a real Slurm of one node: the store comes out as that of an undisturbed local launch,
whatever happens to jobs, workers and nodes.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conformance import BackendTests
from distributed import Client, Security
from launches import (
    DIRECT,
    HEAD,
    Launcher,
    check_same,
    events_of,
    files_in,
    is_worker,
    launch,
    processes_in,
    wait_until,
    write_campaign,
)
from slurm_queue import SlurmQueue, missing_programs, run

from ensemble.campaign.clusters import Cluster, Slurm
from ensemble.cluster.backends import Setting, open_backend

pytestmark = pytest.mark.slurm

CLUSTER = """
[cluster]
kind = "slurm"
host = "127.0.0.1"
dashboard_address = "127.0.0.1:0"
memory = "300 MB"
walltime = "00:10:00"
"""

SECTION = Slurm(
    kind="slurm",
    host="127.0.0.1",
    dashboard_address="127.0.0.1:0",
    maximum_jobs=2,
    memory="300 MB",
    walltime="00:10:00",
)

SLOW_LAMMPS = """\
#!/bin/sh
sleep {seconds}
exec {lmp} "$@"
"""
"""Segments take so long without the work of a processor."""

OWN_ENGINE = ("campaign.toml", "data.zarr/zarr.json")
"""Files of a store that name the command of the engine."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmQueue]:
    before = dict(os.environ)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    assert not missing_programs(), f"not installed: {missing_programs()}"
    queue = SlurmQueue(tmp_path_factory.mktemp("slurm"))
    os.environ["SLURM_CONF"] = str(queue.folder / "slurm.conf")
    try:
        queue.start()
        yield queue
    finally:
        queue.stop()
        os.environ.clear()
        os.environ.update(before)


def cluster_file(folder: Path, more: str = "", jobs: int = 2) -> Path:
    path = folder / "slurm.toml"
    path.write_text(f"{CLUSTER}maximum_jobs = {jobs}\n{more}\n")
    return path


def slow_campaign(folder: Path, fluid: Path, seconds: float) -> Path:
    """The campaign with a LAMMPS that takes its time."""
    program = folder / "slow-lmp"
    lmp = Path(sys.prefix) / "bin" / "lmp"
    program.write_text(SLOW_LAMMPS.format(seconds=seconds, lmp=lmp))
    program.chmod(0o755)
    engine = f'\n[engine]\ncommand = "{program}"\n'
    return write_campaign(folder, fluid.read_text() + engine)


def check_undisturbed(
    slurm: SlurmQueue, store: Path, reference: Path, besides: tuple[str, ...] = ()
) -> None:
    """The store is the reference's, nobody's attempt counts as an error, nothing is left behind."""
    shutil.rmtree(store / "work" / "jobs")
    check_same(store, reference, besides)
    assert not (store / "work" / "private").exists()
    causes = {event.get("cause") for event in events_of(store)}
    assert causes <= {"", "killed", "terminated", None}
    wait_until(lambda: slurm.jobs() == {})
    wait_until(lambda: processes_in(store.parent) == [])


class TestSlurm(BackendTests):
    @pytest.fixture
    def section(self, slurm: SlurmQueue) -> Cluster:
        return SECTION


def test_without_the_certificate(slurm: SlurmQueue, tmp_path: Path) -> None:
    """Neither without TLS, nor with a certificate of one's own."""
    with open_backend(SECTION, Setting(name="closed", store=tmp_path / "store")) as backend:
        address = backend.client.scheduler.address
        assert address.startswith("tls://")
        with pytest.raises(OSError, match=r"reset|closed|Timed out"):
            Client(address.replace("tls", "tcp"), timeout="3s")
        with pytest.raises(OSError, match="TLS certificate does not match"):
            Client(address, security=Security.temporary(), timeout="3s")
        security = backend.client.security
        with Client(address, security=security, timeout="30s") as known:
            assert known.scheduler_info()["address"] == address


def test_campaign(slurm: SlurmQueue, fluid: Path, reference: Path, tmp_path: Path) -> None:
    """Nothing secret is in a script or a log, and only the user can read the key."""
    store = tmp_path / "store"
    with Launcher(fluid, store, "--cluster", str(cluster_file(tmp_path))) as launcher:
        launcher.wait_until(lambda: len(slurm.jobs("running")) == 2)
        (key,) = (store / "work" / "private").glob("*/key.pem")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
        secret = key.read_text().splitlines()[1]
        scripts = [run("scontrol", "write", "batch_script", str(job), "-") for job in slurm.jobs()]
        assert launcher.ended() == 0, launcher.log.read_text()
    assert str(key) in "".join(scripts)
    assert secret not in "".join(scripts)
    assert secret not in launcher.log.read_text()
    assert not any(secret.encode() in content for content in files_in(store).values())
    check_undisturbed(slurm, store, reference)


def test_jobs_are_cancelled_and_workers_killed(
    slurm: SlurmQueue, fluid: Path, reference: Path, tmp_path: Path
) -> None:
    """A job that waits, one that runs, then a worker of a third."""
    store, campaign = tmp_path / "store", slow_campaign(tmp_path, fluid, 0.5)
    cluster = cluster_file(tmp_path, 'job_extra_directives = ["--exclusive"]')
    with Launcher(campaign, store, "--cluster", str(cluster)) as launcher:
        launcher.wait_until(lambda: bool(slurm.jobs("running") and slurm.jobs("pending")))
        first, waiting = max(slurm.jobs("running")), max(slurm.jobs("pending"))
        launcher.wait_until(lambda: any((store / "work" / "runs").rglob("*.restart")))
        run("scancel", str(waiting))
        launcher.wait_until(lambda: max(slurm.jobs()) > waiting)
        run("scancel", str(first))
        worker = launcher.wait_for(lambda: worker_of(store, besides=first))
        worker.kill()
        assert launcher.ended() == 0, launcher.log.read_text()
    check_undisturbed(slurm, store, reference, OWN_ENGINE)


def test_walltime(slurm: SlurmQueue, tmp_path: Path) -> None:
    """Workers leave before it is over, and the next job goes on: nothing is done twice."""
    store, direct = tmp_path / "store", write_campaign(tmp_path, HEAD + DIRECT)
    (tmp_path / "there").mkdir()
    reference = tmp_path / "there" / "store"
    assert launch(direct, reference).returncode == 0
    campaign = slow_campaign(tmp_path, direct, 3)
    short = "job_script_prologue = ['export ENSEMBLE_JOB_END=$(($(date +%s) + 35))']"
    cluster = cluster_file(tmp_path, short, jobs=1)
    with Launcher(campaign, store, "--cluster", str(cluster)) as launcher:
        assert launcher.ended() == 0, launcher.log.read_text()
    logs = [path.read_text() for path in (store / "work" / "jobs").glob("*.err")]
    left = sum("Reason: the walltime is nearly over" in log for log in logs)
    assert 1 <= left < len(logs)
    check_undisturbed(slurm, store, reference, OWN_ENGINE)
    assert {event.get("cause") for event in events_of(store)} <= {"", None}


def test_node_and_launcher_are_killed(
    slurm: SlurmQueue, fluid: Path, reference: Path, tmp_path: Path
) -> None:
    """Slurm's daemon comes back, and the next launcher takes over."""
    store, campaign = tmp_path / "store", slow_campaign(tmp_path, fluid, 0.3)
    options = ("--cluster", str(cluster_file(tmp_path)))
    with Launcher(campaign, store, *options) as launcher:
        launcher.wait_until(lambda: any((store / "work" / "runs").rglob("*.restart")))
        slurm.kill_node()
        launcher.wait_until(lambda: any((store / "data.zarr").rglob("c.*")))
        slurm.start_node()
        launcher.child.kill()
        launcher.ended()
    with Launcher(campaign, store, *options) as launcher:
        assert launcher.ended() == 0, launcher.log.read_text()
    # Nobody was left to remove the certificate of the first.
    shutil.rmtree(store / "work" / "private")
    check_undisturbed(slurm, store, reference, OWN_ENGINE)


def test_walltime_that_no_segment_fits_in(slurm: SlurmQueue, fluid: Path, tmp_path: Path) -> None:
    short = "job_script_prologue = ['export ENSEMBLE_JOB_END=$(($(date +%s) + 9))']"
    cluster = cluster_file(tmp_path, short)
    done = launch(fluid, tmp_path / "store", "--cluster", str(cluster))
    assert done.returncode == 1
    assert "give jobs more walltime (cluster.walltime)" in done.stderr
    assert slurm.jobs() == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('queue = "nope"', "sbatch refuses the job: sbatch: error: invalid partition specified"),
        ('python = "/no/python"', "jobs in a row ended before a worker had come"),
    ],
)
def test_jobs_that_come_to_nothing(
    slurm: SlurmQueue, fluid: Path, tmp_path: Path, more: str, words: str
) -> None:
    """One line says why, and none is left in the queue."""
    cluster = cluster_file(tmp_path, more)
    done = launch(fluid, tmp_path / "store", "--cluster", str(cluster))
    assert done.returncode == 1
    assert words in done.stderr
    assert slurm.jobs() == {}


def worker_of(store: Path, besides: int) -> psutil.Process | None:
    """A worker process of a launch's jobs that is not of one job."""
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if "ensemble.cluster.backends.worker" not in words or str(store) not in words:
                continue
            if process.environ().get("SLURM_JOB_ID") == str(besides):
                continue
            if workers := [child for child in process.children() if is_worker(child)]:
                return workers[0]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return None
