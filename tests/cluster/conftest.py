"""Stores of campaigns that nobody disturbed, each made once."""

from pathlib import Path

import pytest
from crystal import write_crystal
from launches import FLUID, WIDE, check_ranks_agree, launch, write_campaign


@pytest.fixture(scope="session")
def fluid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign file."""
    return write_campaign(tmp_path_factory.mktemp("fluid"), FLUID)


@pytest.fixture(scope="session")
def reference(fluid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of `fluid`; nobody has asked for its results."""
    store = tmp_path_factory.mktemp("reference") / "store"
    finished = launch(fluid, store, "--quiet")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return store


@pytest.fixture(scope="session")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign file."""
    return write_crystal(tmp_path_factory.mktemp("crystal"))


@pytest.fixture(scope="session")
def crystal_reference(crystal: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of `crystal`, by a launch that nobody disturbed."""
    store = tmp_path_factory.mktemp("reference") / "store"
    finished = launch(crystal, store, "--quiet")
    assert finished.returncode == 0, finished.stderr
    return store


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign file."""
    return write_campaign(tmp_path_factory.mktemp("wide"), WIDE)


@pytest.fixture(scope="session")
def wide_reference(wide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of `wide`, made on this machine."""
    store = tmp_path_factory.mktemp("reference") / "store"
    finished = launch(wide, store, "--quiet")
    assert finished.returncode == 0, finished.stderr
    check_ranks_agree(store)
    return store
