"""A browser for all tests, which takes a second to start, and a scheduler for each."""

from collections.abc import Iterator

import pytest
from browser import Browser, browser
from distributed import Client
from schedulers import scheduler


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[Client]:
    with scheduler() as opened:
        yield opened
