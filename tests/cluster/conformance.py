"""What every kind of cluster has to do; each inherits these tests."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dask.config
import pytest

from ensemble.campaign.clusters import Cluster
from ensemble.cluster.backends import Backend, Setting, most_workers, open_backend

PATIENCE = 120.0


class BackendTests:
    """The fixture `section` asks for two workers."""

    def test_it_works(self, section: Cluster, tmp_path: Path) -> None:
        """Two workers come, each a process with one thread; nothing is left behind."""
        setting = Setting(name="conformance", store=tmp_path / "store")
        with open_backend(section, setting) as backend:
            assert backend.most == 2
            await_workers(backend, 2)
            client = backend.client
            assert set(client.nthreads().values()) == {1}
            processes = set(client.run(os.getpid).values())
            assert len(processes) == 2
            assert os.getpid() not in processes
            assert client.submit(abs, -1, pure=False).result(timeout=PATIENCE) == 1
            assert client.dashboard_link.startswith("http://127.0.0.1:")
            assert isinstance(backend.state(), str)
        assert not list(tmp_path.rglob("*.pem"))

    def test_most_workers(self, section: Cluster) -> None:
        assert most_workers(section, ranks=1, workers=1) == 1

    def test_settings_reach_the_workers(self, section: Cluster, tmp_path: Path) -> None:
        """A worker is not ended for the memory that LAMMPS takes."""
        with open_backend(section, Setting(name="settings", store=tmp_path / "store")) as backend:
            await_workers(backend, 1)
            key = "distributed.worker.memory.terminate"
            assert set(backend.client.run(dask.config.get, key).values()) == {False}


def await_workers(backend: Backend, count: int) -> None:
    """Returns when so many workers are there, as the launcher would wait for them."""
    deadline = time.monotonic() + PATIENCE
    while backend.workers() < count:
        backend.attend(count)
        if time.monotonic() > deadline:
            pytest.fail(f"{backend.workers()} workers after {PATIENCE} s: {backend.state()}")
        time.sleep(0.05)
