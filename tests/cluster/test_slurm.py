"""Launches on a real Slurm of one node: the store comes out as that of an undisturbed local launch,
whatever happens to jobs, workers and nodes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance import BackendTests
from daemons import missing, run, wait_until
from distributed import Client, Security
from launches import COMMAND, Launcher, chunks_of, ensemble, files_in, launch
from queues import check_two_ranks, check_undisturbed, disturb, jobs_that_left, worker_of
from slurm_queue import PROGRAMS, SlurmQueue

from ensemble.campaign.clusters import Cluster, Slurm
from ensemble.cluster.backends import Setting, open_backend
from ensemble.cluster.backends.queue import BARREN_JOBS

pytestmark = pytest.mark.slurm

CLUSTER = """
[cluster]
kind = "slurm"
host = "127.0.0.1"
dashboard_address = "127.0.0.1:0"
memory = "300 MB"
walltime = "00:10:00"
death_timeout = 10
"""

SECTION = Slurm(
    kind="slurm",
    host="127.0.0.1",
    dashboard_address="127.0.0.1:0",
    maximum_jobs=2,
    memory="300 MB",
    walltime="00:10:00",
)

ENDS_SOON = "job_script_prologue = ['export ENSEMBLE_JOB_END=$(($(date +%s) + {seconds}))']"
"""Slurm itself counts walltimes in minutes."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmQueue]:
    before = dict(os.environ)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    assert not missing(PROGRAMS), f"not installed: {missing(PROGRAMS)}"
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
        launcher.wait_until(lambda: len(slurm.running()) == 2)
        (key,) = (store / "work" / "private").glob("*/key.pem")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
        secret = key.read_text().splitlines()[1]
        scripts = [
            run("scontrol", "write", "batch_script", f"{job}", "-") for job in slurm.running()
        ]
        assert launcher.ended() == 0, launcher.log.read_text()
    assert str(key) in "".join(scripts)
    assert secret not in "".join(scripts)
    assert secret not in launcher.log.read_text()
    assert not any(secret.encode() in content for content in files_in(store).values())
    check_undisturbed(slurm, store, reference)


def test_many_runs_are_disturbed(
    slurm: SlurmQueue, crystal: Path, crystal_reference: Path, tmp_path: Path
) -> None:
    """Jobs that are too short for it and are cancelled, a worker, Slurm's daemon and the launcher
    killed: the daemon comes back, the next launcher takes over, nothing is different.
    """
    store = tmp_path / "store"
    options = ("--cluster", str(cluster_file(tmp_path, ENDS_SOON.format(seconds=28), 3)))
    with Launcher(crystal, store, *options) as launcher:
        disturb(slurm, launcher, store)
        slurm.kill_node()
        there = chunks_of(store)
        # Nobody is told when a worker leaves, and no other comes, until the daemon is back.
        launcher.wait_until(lambda: chunks_of(store) > there or not worker_of(slurm, store))
        slurm.start_node()
        launcher.child.kill()
        launcher.ended()
    with Launcher(crystal, store, *options) as launcher:
        assert launcher.ended() == 0, launcher.log.read_text()
    assert jobs_that_left(store) > 0
    # Nobody was left to remove the certificate of the first.
    shutil.rmtree(store / "work" / "private")
    check_undisturbed(slurm, store, crystal_reference)


def test_two_ranks(slurm: SlurmQueue, wide: Path, wide_reference: Path, tmp_path: Path) -> None:
    check_two_ranks(slurm, wide, wide_reference, cluster_file(tmp_path, "cores = 2"))


def test_a_launcher_that_is_a_job(
    slurm: SlurmQueue, fluid: Path, reference: Path, tmp_path: Path
) -> None:
    """Its workers are jobs as well; a launch from outside takes over."""
    store = tmp_path / "store"
    cluster = ("--cluster", str(cluster_file(tmp_path)))
    words = [*COMMAND, "launch", str(fluid), "--store", str(store), *cluster, "--in-background"]
    place = (f"--chdir={tmp_path}", f"--output={tmp_path}/launcher.out", "--mem=300M")
    job = int(run("sbatch", "--parsable", *place, "--wrap", shlex.join(words)))
    wait_until(lambda: len(slurm.running()) == 2 and any((store / "work" / "runs").rglob("*.json")))
    assert job in slurm.running()
    assert "launcher in the background: process " in ensemble(tmp_path, "status", store).stdout
    with Launcher(fluid, store, *cluster) as launcher:
        wait_until(lambda: job not in slurm.running())
        assert launcher.ended() == 0, launcher.log.read_text()
    assert "takes over from the launcher in the background" in launcher.log.read_text()
    check_undisturbed(slurm, store, reference)


def test_walltime_that_no_segment_fits_in(slurm: SlurmQueue, fluid: Path, tmp_path: Path) -> None:
    cluster = cluster_file(tmp_path, ENDS_SOON.format(seconds=9))
    done = launch(fluid, tmp_path / "store", "--cluster", str(cluster))
    assert done.returncode == 1
    assert "give jobs more walltime (cluster.walltime)" in done.stderr
    assert not slurm.running() | slurm.waiting()


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
    cluster = cluster_file(tmp_path, more, jobs=BARREN_JOBS)
    done = launch(fluid, tmp_path / "store", "--cluster", str(cluster))
    assert done.returncode == 1
    assert words in done.stderr
    assert not slurm.running() | slurm.waiting()
