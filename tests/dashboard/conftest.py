"""A browser for all tests, which takes a second to start, and a scheduler for each."""

from collections.abc import Iterator

import pytest
from browser import Browser, browser
from distributed import Client, LocalCluster

from ensemble.cluster.local import client_settings


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[Client]:
    """Of a scheduler in this process, without workers."""
    with (
        client_settings(),
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as opened,
    ):
        yield opened
