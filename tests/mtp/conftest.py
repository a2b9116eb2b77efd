"""Fixtures of the potential tests."""

from pathlib import Path

import pytest

MODELS = Path(__file__).parents[1] / "potentials"


@pytest.fixture(params=["level10", "level12", "level14"])
def model(request: pytest.FixtureRequest) -> Path:
    """A shipped potential of Cu2Se; its tag is empty."""
    return MODELS / f"{request.param}.mtp"
