"""The pages on extending: what each adds works, in a copy of the package with its changes made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, blocks_of
from doc_checks import SCRIPTS, Workplace, check_block

import ensemble

PAGES = [page for page in sorted((ROOT / "docs" / "extending").glob("*.md")) if blocks_of(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page: Path, place: Workplace) -> None:
    """In another process each, since this one has the package as it is."""
    shutil.copytree(Path(ensemble.__file__).parent, place.folder / "ensemble")
    for file in ("pyproject.toml", "tests/cluster/conformance.py"):
        target = place.folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, target)
    changed = Workplace(place.folder, {**place.environment, "PYTHONPATH": str(place.folder)})
    for block in blocks_of(page):
        if block.language == "diff":
            change(block, place.folder)
        elif block.language == "toml":
            write(block, place.folder)  # that it can be loaded, what runs it shows
        elif block.language == "python" and not block.marker:
            run(block, changed)
        else:
            check_block(block, changed)


def change(block: Block, folder: Path) -> None:
    """Apply a difference: its hunks fit in one place each, wherever that is."""
    head, *lines = block.text.splitlines()
    path = folder / head.removeprefix("--- ")
    text = path.read_text()
    for hunk in "\n".join(lines).split("\n@@\n"):
        changes = [(line[:1], line[1:]) for line in hunk.splitlines()]
        before = "".join(f"{line}\n" for sign, line in changes if sign != "+")
        after = "".join(f"{line}\n" for sign, line in changes if sign != "-")
        assert text.count(before) == 1, f"{block}: fits {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    path.write_text(text)


def write(block: Block, folder: Path) -> None:
    """A file that the page asks for."""
    how, _, name = block.marker.partition(" ")
    assert how == "file", block
    (folder / name).write_text(block.text)


def run(block: Block, place: Workplace) -> None:
    """A block of Python."""
    done = place.run(sys.executable, "-W", "error", "-c", block.text)
    assert done.returncode == 0, f"{block}:\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_style(page: Path) -> None:
    """What is shown is written as the rest is."""
    for block in blocks_of(page):
        if block.language == "python":
            name = block.marker.removeprefix("file ") or "block.py"
            for words in (["check"], ["format", "--check"]):
                done = subprocess.run(
                    [f"{SCRIPTS}/ruff", *words, "--stdin-filename", name, "-"],
                    cwd=ROOT,
                    input=block.text,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, f"{block}:\n{done.stdout}"
