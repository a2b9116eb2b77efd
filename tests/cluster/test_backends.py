"""The cluster on this machine, and at the address of a scheduler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from conformance import BackendTests
from distributed import LocalCluster
from launches import Launcher, check_same, named

from ensemble.campaign.clusters import Cluster, Existing, Local
from ensemble.cluster.backends import Setting, open_backend
from ensemble.cluster.backends.certificates import temporary_certificates
from ensemble.cluster.jobs import Batch, Outcome
from ensemble.cluster.launcher import Launcher as TaskLauncher
from ensemble.cluster.local import SETTINGS, uninterrupted
from ensemble.md.failures import Cause


class TestThisMachine(BackendTests):
    @pytest.fixture
    def section(self) -> Cluster:
        return Local(workers=2, dashboard_address="127.0.0.1:0")


class TestAddress(BackendTests):
    """A scheduler with TLS, whose certificates are given."""

    @pytest.fixture
    def section(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
        import dask.config

        folder = tmp_path_factory.mktemp("certificates")
        with (
            dask.config.set(SETTINGS),
            temporary_certificates(folder) as security,
            uninterrupted(),
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                protocol="tls://",
                security=security,
            ) as cluster,
        ):
            yield Existing(
                kind="address",
                address=cluster.scheduler_address,
                tls_ca_file=security.tls_ca_file,
                tls_cert=security.tls_client_cert,
                tls_key=security.tls_client_key,
            )


def test_nobody_answers(tmp_path: Path) -> None:
    section = Existing(kind="address", address="tcp://127.0.0.1:9")
    with (
        pytest.raises(ValueError, match=r"cluster.address: no Dask scheduler answers at tcp://"),
        open_backend(section, Setting(name="nobody", store=tmp_path)),
    ):
        pass


def test_two_launches_at_an_address(fluid: Path, reference: Path, tmp_path: Path) -> None:
    """Each fills its own store, though their runs have the same names; somebody else's workers
    stay.
    """
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        section = tmp_path / "address.toml"
        section.write_text(
            f'[cluster]\nkind = "address"\naddress = "{cluster.scheduler_address}"\n'
        )
        stores = [tmp_path / "one", tmp_path / "other"]
        with (
            Launcher(fluid, stores[0], "--cluster", str(section)) as one,
            Launcher(fluid, stores[1], "--cluster", str(section)) as other,
        ):
            for launcher in (one, other):
                assert launcher.ended() == 0, launcher.log.read_text()
        for store in stores:
            check_same(store, reference)
        assert len(cluster.scheduler.workers) == 2


OTHER = """\
import importlib.metadata


def version(name):
    {does}


importlib.metadata.version = version
"""
"""Has a process believe in another installation."""


@pytest.mark.parametrize(
    ("does", "has"),
    [
        ("raise importlib.metadata.PackageNotFoundError(name)", "no ensemble"),
        ("return '0.0.1'", "ensemble 0.0.1"),
    ],
)
def test_workers_of_another_installation(fluid: Path, tmp_path: Path, does: str, has: str) -> None:
    preload = tmp_path / "preload.py"
    preload.write_text(OTHER.format(does=does))
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        preload=str(preload),
    ) as cluster:
        section = tmp_path / "address.toml"
        section.write_text(
            f'[cluster]\nkind = "address"\naddress = "{cluster.scheduler_address}"\n'
        )
        with Launcher(fluid, tmp_path / "store", "--cluster", str(section)) as launcher:
            assert launcher.ended() == 1
            told = launcher.log.read_text()
    assert re.search(rf"cluster.address: the worker at tcp://\S+ has {has}, this is ", told)


def test_an_error_of_a_task_is_told() -> None:
    """None is known that a task could have; `work_on` raises nothing."""
    error = MemoryError("no room for the receipt")
    future = SimpleNamespace(status="error", exception=lambda: error)
    job = SimpleNamespace(run=SimpleNamespace(key="gk/a-s1"))
    (receipt,) = TaskLauncher._lost(future, Batch((job,)))
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.INTERNAL)
    assert receipt.message == "on a worker: MemoryError: no room for the receipt"


def test_a_local_launch_listens_on_loopback_only(fluid: Path, tmp_path: Path) -> None:
    """Scheduler, dashboard, workers, nannies and LAMMPS with its MPI."""
    with Launcher(fluid, tmp_path / "store") as launcher:
        assert launcher.find(named("lmp")) is not None
        tree = [psutil.Process(launcher.child.pid), *launcher.descendants()]
        hosts = [host for process in tree for host in listening(process)]
        launcher.child.terminate()
        launcher.ended()
    assert len(hosts) >= 4  # a scheduler, its dashboard, two workers
    assert set(hosts) == {"127.0.0.1"}


def listening(process: psutil.Process) -> list[str]:
    """Addresses on which a process waits for connections."""
    try:
        connections = process.net_connections(kind="tcp")
    except psutil.NoSuchProcess:
        return []
    return [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]
