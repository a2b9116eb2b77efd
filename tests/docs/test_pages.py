"""Every code block of README and documentation does what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT, blocks_of
from doc_checks import Workplace, check_block

EXTENDING = ROOT / "docs" / "extending"

NOT_RUN: set[str] = set()
"""Blocks of which only the commands are looked at, by the page and their first words."""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks_of(page) and page.parent != EXTENDING],
    ids=lambda page: page.name,
)
def test_page(page: Path, place: Workplace) -> None:
    """Blocks in their order, in a clone of their own."""
    for block in blocks_of(page):
        check_block(block, place)


def test_what_is_not_run() -> None:
    """No block slips out of the tests by a comment that nobody looked at."""
    blocks = [block for page in PAGES for block in blocks_of(page)]
    found = {f"{b.page.name}: {b.text.splitlines()[0]}" for b in blocks if b.marker == "not run"}
    assert found == NOT_RUN
