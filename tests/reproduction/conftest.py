"""Planted tables, and the document that was written of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_tables import plant_tables

from ensemble.reproduction import write


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with the tables of models whose raw κ differ, and nothing else."""
    folder = tmp_path / "docs" / "reproduction"
    plant_tables(folder)
    return folder


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document of these tables."""
    folder = tmp_path_factory.mktemp("written") / "reproduction"
    plant_tables(folder)
    return write(folder)


@pytest.fixture(scope="session")
def text(written: Path) -> str:
    """What it says, its lines joined."""
    return " ".join(written.read_text().split())
