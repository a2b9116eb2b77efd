"""Every code block of README and documentation does what its page says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT, blocks_of
from doc_checks import Workplace, check_block

EXTENDING = ROOT / "docs" / "extending"

NOT_RUN = {
    "README.md": 1,  # makes the virtual environment that this runs in
    "quickstart.md": 1,  # the same
    "command-line.md": 13,  # an example of every option, on stores of days
    "running.md": 1,  # a run that has failed
    "live.md": 2,  # a tunnel, and a page that is there only as long as a launch
    "clusters.md": 1,  # a job on a site's own queue
    "mtp.md": 1,  # a LAMMPS's own sources
    "own-lammps.md": 1,  # the same
    "training.md": 1,  # a foundation model's weights, and hours
}
"""How many blocks of a page have only their commands looked at."""


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
    blocks = (block for page in PAGES for block in blocks_of(page))
    assert Counter(b.page.name for b in blocks if b.marker == "not run") == NOT_RUN


def test_files_are_named() -> None:
    """A reader does not see the comment that says where a block belongs."""
    for page in PAGES:
        for block in blocks_of(page):
            how, _, path = block.marker.partition(" ")
            assert how != "file" or f"`{path}`" in page.read_text(), f"{block}: {path}"
