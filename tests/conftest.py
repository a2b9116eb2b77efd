"""Which tests may run side by side, where pytest-xdist runs them in two processes."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

ALONE = {"cluster", "md"}
"""Rooms whose tests start clusters and queues, and look at what runs on the machine: one process
does all of these, in their order.
"""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a module stay together: they share what is made once."""
    for item in items:
        path = item.path.relative_to(TESTS)
        group = "machine" if path.parts[0] in ALONE else str(path)
        item.add_marker(pytest.mark.xdist_group(group))
