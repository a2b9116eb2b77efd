"""What the pages are tried in: a clone with the quickstart done, made short."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from doc_blocks import ROOT
from doc_checks import Workplace

SHORTER = {
    'ensemble = "npt", time = 10': 'ensemble = "npt", time = 0.5',
    'ensemble = "nve", time = 5': 'ensemble = "nve", time = 0.5',
    'ensemble = "nvt", time = 5': 'ensemble = "nvt", time = 0.5',
    "time = 60, every = 10": "time = 4, every = 10",
    "time = 50, every = 20, block = 1": "time = 6, every = 20, block = 0.5",
    "seeds = 3": "seeds = 2",
    "settle = 15": "settle = 0.5",
    "[[2, 2, 12]]": "[[1, 1, 12]]",
}
"""In the quickstart's campaign: the same studies, models and labels in seconds."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the quickstart has been done. It is not to be changed."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("campaigns", "deploy", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    quickstart = folder / "campaigns" / "quickstart.toml"
    text = quickstart.read_text()
    for long, short in SHORTER.items():
        assert long in text
        text = text.replace(long, short)
    quickstart.write_text(text)
    done = Workplace(folder).run("ensemble", "launch", "campaigns/quickstart.toml", "--quiet")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Workplace:
    """A clone of one's own, with the quickstart done."""
    folder = tmp_path / "ensemble"
    shutil.copytree(finished, folder)
    return Workplace(folder, {"MPLBACKEND": "agg"})
