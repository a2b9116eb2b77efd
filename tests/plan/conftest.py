"""Fixtures of the plan's tests."""

from pathlib import Path

import pytest
from small_campaigns import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with the potentials of Cu2Se."""
    return Folder(tmp_path)
