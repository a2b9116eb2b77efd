"""Small stores with planted samples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from planted_stores import Planted, plant_store

__all__ = ["Planted"]


@pytest.fixture
def planted(tmp_path: Path) -> Callable[..., Planted]:
    """Makes an empty store of the campaign in `planted_stores`."""
    return partial(plant_store, tmp_path)
