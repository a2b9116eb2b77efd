"""Launchers in the background, and who takes over from them."""

from __future__ import annotations

import io
import json
import os
import re
import threading
from pathlib import Path

import psutil
import pytest
from launches import (
    Launcher,
    check_complete,
    check_same,
    ensemble,
    launch,
    processes_in,
    wait_until,
)
from test_fairness import slow_campaign
from test_simulated import simulated

from ensemble.cluster.background import in_place_of_others
from ensemble.cluster.launch import launch as launch_here
from ensemble.cluster.progress import reporter_for
from ensemble.store.layout import StorePaths
from ensemble.store.lease import Holder, Lease

LOG = "work/launch.log"

NOBODY = '[cluster]\nkind = "address"\naddress = "tcp://127.0.0.1:9"\n'
"""A scheduler that does not answer."""


def detach(campaign: Path, store: Path) -> psutil.Process:
    """The launcher, once it is at work."""
    told = launch(campaign, store, "--detach")
    assert told.returncode == 0, told.stderr
    found = re.fullmatch(
        r"launched in the background: process (\d+) on \S+; log: (\S+)\n", told.stdout
    )
    assert found is not None, told.stdout
    assert found[2] == str(store / LOG)
    return psutil.Process(int(found[1]))


def launcher_of(store: Path) -> dict[str, object] | None:
    """As `ensemble status` has it."""
    table = json.loads(ensemble(store.parent, "status", store, "--json").stdout)
    found: dict[str, object] | None = table["launcher"]
    return found


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_the_next_launch_takes_over(fluid: Path, reference: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    launcher = detach(fluid, store)
    assert launcher.terminal() is None
    found = launcher_of(store)
    assert found is not None
    assert (found["pid"], found["alive"], found["log"]) == (launcher.pid, True, str(store / LOG))
    told = ensemble(tmp_path, "status", store).stdout
    assert f"launcher in the background: process {launcher.pid} on " in told

    finished = launch(fluid, store)
    assert finished.returncode == 0, finished.stderr
    assert f"takes over from the launcher in the background, process {launcher.pid} on " in (
        finished.stdout
    )
    wait_until(lambda: gone(launcher))
    assert launcher_of(store) is None
    wait_until(lambda: processes_in(tmp_path) == [])
    check_same(store, reference, (LOG,))


def test_it_stops_when_another_has_taken_over(tmp_path: Path) -> None:
    """Long before all is done, though nobody tells it to."""
    campaign, store = slow_campaign(tmp_path, runs=40), tmp_path / "store"
    first = detach(campaign, store)
    with Launcher(campaign, store) as second:
        wait_until(lambda: gone(first))
        assert second.running
        second.child.terminate()
        assert second.ended() == 130
    said = (store / LOG).read_text().splitlines()[-1]
    assert re.match(r"\d+ of 40 runs done in .*interrupted; the same command goes on", said)
    wait_until(lambda: processes_in(tmp_path) == [])


@pytest.mark.parametrize("background", [False, True])
def test_who_has_no_cluster_takes_nothing_over(
    fluid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], background: bool
) -> None:
    section = tmp_path / "typo.toml"
    section.write_text(NOBODY)
    paths = StorePaths(tmp_path / "store")
    with Lease.acquire(paths.launcher) as lease:
        with pytest.raises(ValueError, match="no Dask scheduler answers"):
            launch_here(fluid, paths.root, cluster=section, background=background)
        lease.confirm()
    assert "takes over" not in capsys.readouterr().out


def test_who_was_told_to_stop_takes_nothing_over(tmp_path: Path) -> None:
    paths, stop, out = StorePaths(tmp_path), threading.Event(), io.StringIO()
    stop.set()
    with (
        Lease.acquire(paths.launcher) as lease,
        in_place_of_others(paths, stop, reporter_for(out=out), background=True),
    ):
        lease.confirm()
    assert out.getvalue() == ""


def test_nobody_takes_over_from_the_dead(tmp_path: Path) -> None:
    """The lease is removed all the same."""
    paths, out = StorePaths(tmp_path), io.StringIO()
    paths.work.mkdir()
    dead = vars(Holder.me()) | {"started": "long ago"}
    paths.launcher.write_text(json.dumps({"token": "theirs", "holder": dead}))
    reporter = reporter_for(out=out)
    with in_place_of_others(paths, threading.Event(), reporter, background=False):
        assert not paths.launcher.exists()
    who = f"process {os.getpid()} on {dead['host']}"
    assert out.getvalue() == f"the launcher in the background died: {who}\n"


def test_a_folder_of_other_things_stays_as_it_is(fluid: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    told = launch(fluid, tmp_path / "thesis", "--detach")
    assert told.returncode == 1
    assert "no store, and not empty: it has chapter1.tex" in told.stderr
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.tex"]


def test_it_goes_on_by_itself(tmp_path: Path) -> None:
    campaign, store = simulated(tmp_path, 20), tmp_path / "store"
    told = launch(campaign, store, "--detach", "--json")
    assert told.returncode == 0, told.stderr
    table = json.loads(told.stdout)
    assert (table["store"], table["launcher"]["log"]) == (str(store), str(store / LOG))
    wait_until(lambda: not (store / "work" / "launcher").exists())
    assert "20 of 20 runs done in " in (store / LOG).read_text()
    check_complete(store)
    wait_until(lambda: processes_in(tmp_path) == [])


def test_a_dead_launcher_is_told(fluid: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    launcher = detach(fluid, store)
    launcher.kill()
    wait_until(lambda: gone(launcher))
    told = ensemble(tmp_path, "status", store).stdout
    assert f"the launcher in the background died: process {launcher.pid} on " in told
    wait_until(lambda: processes_in(tmp_path) == [])


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--cluster=nothing.toml", "nothing.toml"),
        ("--workers=0", "must be a positive whole number"),
    ],
)
def test_what_is_wrong_is_told_at_once(
    fluid: Path, tmp_path: Path, option: str, words: str
) -> None:
    told = launch(fluid, tmp_path / "store", "--detach", option)
    assert told.returncode != 0
    assert words in told.stderr
    assert not (tmp_path / "store").exists()


def test_what_the_launcher_finds_wrong_is_told_as_well(
    fluid: Path, reference: Path, tmp_path: Path
) -> None:
    """A store with other physics."""
    other = tmp_path / "other.toml"
    other.write_text(fluid.read_text().replace("lattice = 1.8", "lattice = 1.9"))
    before = set(reference.rglob("*"))
    told = launch(other, reference, "--detach")
    (reference / LOG).unlink()
    assert told.returncode == 1
    assert "lattice" in told.stderr
    assert set(reference.rglob("*")) == before
