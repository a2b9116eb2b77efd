"""The cluster on this machine, and at the address of a scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conformance import BackendTests
from distributed import LocalCluster
from launches import Launcher, check_same, named

from ensemble.campaign.clusters import Cluster, Existing, Local
from ensemble.cluster.backends import Setting, open_backend
from ensemble.cluster.backends.certificates import temporary_certificates
from ensemble.cluster.local import SETTINGS, uninterrupted


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


def test_a_launch_at_an_address(fluid: Path, reference: Path, tmp_path: Path) -> None:
    """Somebody else's workers stay."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        section = tmp_path / "address.toml"
        section.write_text(
            f'[cluster]\nkind = "address"\naddress = "{cluster.scheduler_address}"\n'
        )
        store = tmp_path / "store"
        with Launcher(fluid, store, "--cluster", str(section)) as launcher:
            assert launcher.ended() == 0, launcher.log.read_text()
        check_same(store, reference)
        assert len(cluster.scheduler.workers) == 2


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
