"""What is left of a launch on the screen."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ensemble.cluster.launch import launch
from ensemble.cluster.launcher import Launcher
from ensemble.cluster.progress import LiveTable

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
"""Of the cursor."""


def test_the_cursor_comes_back_whatever_happens(
    fluid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Launcher) -> None:
        raise ValueError("there will be no workers")

    monkeypatch.setattr(Launcher, "run", fail)
    section = tmp_path / "here.toml"
    section.write_text('[cluster]\ndashboard_address = "127.0.0.1:0"\n')
    out = io.StringIO()
    reporter = LiveTable(Console(file=out, force_terminal=True))
    with pytest.raises(ValueError, match="there will be no workers"):
        launch(fluid, tmp_path / "store", cluster=section, reporter=reporter)
    assert out.getvalue().rindex(SHOWN) > out.getvalue().rindex(HIDDEN)
