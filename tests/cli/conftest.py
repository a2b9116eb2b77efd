"""A store that several launches worked on, and what commands said meanwhile."""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon import TOO_FAST, write_argon
from launches import COMMAND, Launcher, launch

from ensemble.cli import main
from ensemble.store.find import find_run
from ensemble.store.info import read_store
from ensemble.store.layout import StorePaths
from ensemble.store.logs import logs_of

RUN = "gk/first-T40-3x3x3-s1"


@dataclass(frozen=True)
class Launched:
    """A store in a folder ``runs``, alone there: two runs are done, one has failed."""

    store: Path
    watched: subprocess.CompletedProcess[str]
    """``ensemble status --watch --json`` while the first two were done."""
    followed: str
    """What ``ensemble logs --follow`` of one of them said."""
    summary: dict[str, Any]
    """Of ``ensemble launch --json`` of all three."""
    told: str
    """What that said on stderr."""

    @property
    def home(self) -> Path:
        """Where the campaign was launched."""
        return self.store.parents[1]


@pytest.fixture(scope="session")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Launched:
    folder = tmp_path_factory.mktemp("launched")
    store = folder / "runs" / "argon"
    store.parent.mkdir()
    campaign, paths = write_argon(folder), StorePaths(store)
    with Launcher(campaign, store) as launcher:
        launcher.wait_until(paths.metadata.exists)
        with watch(folder) as watching:
            _, run = find_run(read_store(store), RUN)
            launcher.wait_until(lambda: bool(logs_of(paths, run)))
            with redirect_stdout(io.StringIO()) as said:  # in this process: it starts at once
                assert main(["logs", RUN, "--follow", "--store", str(store)]) == 0
            assert launcher.ended() == 0, launcher.log.read_text()
            out, err = watching.communicate(timeout=60)
    watched = subprocess.CompletedProcess(watching.args, watching.returncode, out, err)
    write_argon(folder, TOO_FAST)
    second = launch(campaign, store, "--json")
    assert second.returncode == 1, second.stderr
    return Launched(store, watched, said.getvalue(), json.loads(second.stdout), second.stderr)


def watch(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "status", "--watch", "--every", "0.1s", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
