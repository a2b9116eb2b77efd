"""Stores, and the report of the one that has everything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from launches import launch, write_campaign
from planted_stores import Planted, plant_store
from report_parts import Page, pictures, sections
from report_stores import REAL, plant_everything

from ensemble.report import Written, write_report
from ensemble.report.content import Section
from ensemble.report.picture import Picture
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
def whole(everything: Results) -> dict[str, Section]:
    """The sections of `everything`, by their names."""
    return {section.name: section for section in sections(everything)}


@pytest.fixture(scope="session")
def drawn(whole: dict[str, Section]) -> dict[str, Picture]:
    """The pictures of `everything`."""
    return pictures(list(whole.values()))


@pytest.fixture(scope="session")
def page(written: Written) -> Page:
    """The page of `everything`."""
    return Page(written.page.read_text())


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of real runs."""
    folder = tmp_path_factory.mktemp("real")
    finished = launch(write_campaign(folder, REAL), folder / "store", "--quiet")
    assert finished.returncode == 0, finished.stderr
    return folder / "store"
