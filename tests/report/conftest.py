"""Stores, and the report of the one that has everything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from launches import launch, write_campaign
from planted_stores import Planted, plant_store
from report_stores import REAL, plant_everything

from ensemble.report import Written, write_report
from ensemble.results import Results, open_results


@pytest.fixture
def planted(tmp_path: Path) -> Callable[..., Planted]:
    """Makes an empty store of the campaign in `planted_stores`."""
    return partial(plant_store, tmp_path)


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Of a store with planted samples of all methods."""
    store = plant_everything(tmp_path_factory.mktemp("everything"))
    return open_results(store.paths.root)


@pytest.fixture(scope="session")
def written(everything: Results, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report of `everything`."""
    return write_report(everything, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of real runs."""
    folder = tmp_path_factory.mktemp("real")
    finished = launch(write_campaign(folder, REAL), folder / "store", "--quiet")
    assert finished.returncode == 0, finished.stderr
    return folder / "store"
