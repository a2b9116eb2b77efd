"""One LAMMPS process from start to end."""

import os
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lj_liquid import ENDLESS, SHORT
from process_tree import Mark

from ensemble.campaign.table import Engine
from ensemble.md.engine import lammps_command, lammps_environment
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.process import SCREEN_BYTES, Finished, run_lammps


@pytest.fixture
def mark() -> Iterator[Mark]:
    mark = Mark()
    yield mark
    mark.kill_all()


def shell(script: str, folder: Path) -> Finished:
    return run_lammps(["sh", "-c", script], folder, os.environ)


@pytest.mark.parametrize("ranks", [1, 2])
def test_lammps_runs(ranks: int, tmp_path: Path) -> None:
    (tmp_path / "in.lammps").write_text(SHORT)
    engine = Engine(ranks=ranks)
    command = lammps_command(engine, ["-in", "in.lammps", "-log", "log"])
    finished = run_lammps(command, tmp_path, lammps_environment(engine))
    assert finished.ok
    assert finished.signal is None
    assert finished.wall > 0
    assert finished.screen.endswith("Total wall time: 0:00:00\n")
    assert f" on {ranks} procs for 20 steps with 256 atoms" in (tmp_path / "log").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"in.lammps", "log"}


def test_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    finished = shell("seq 100000; echo error >&2", tmp_path)
    assert len(finished.screen) == SCREEN_BYTES
    assert finished.screen.endswith("\n99999\n100000\nerror\n")


def test_output_of_any_bytes(tmp_path: Path) -> None:
    assert shell(r"printf '\377\n'", tmp_path).screen == "\ufffd\n"


def test_no_input(tmp_path: Path) -> None:
    """LAMMPS without an input script must not wait for somebody to type one."""
    assert shell("cat", tmp_path).ok


def test_working_directory_and_environment(tmp_path: Path) -> None:
    finished = run_lammps(["/bin/sh", "-c", "pwd; echo $ONE $HOME"], tmp_path, {"ONE": "1"})
    assert finished.screen.splitlines() == [str(tmp_path), "1"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_cancelled(ranks: int, tmp_path: Path, mark: Mark) -> None:
    (tmp_path / "in.lammps").write_text(ENDLESS)
    engine, log = Engine(ranks=ranks), tmp_path / "log"
    finished = run_lammps(
        lammps_command(engine, ["-in", "in.lammps", "-log", "log"]),
        tmp_path,
        lammps_environment(engine) | mark.environment,
        cancelled=lambda: log.exists() and "Step" in log.read_text(),
    )
    assert finished.cancelled
    assert not finished.ok
    assert finished.failure(log.read_text()).cause is Cause.CANCELLED
    assert mark.processes() == {}


def test_cancelled_while_it_talks(tmp_path: Path) -> None:
    """An output without end leaves time for the question."""
    finished = run_lammps(["yes"], tmp_path, os.environ, cancelled=lambda: True)
    assert finished.cancelled


def test_nothing_is_left_when_the_question_fails(tmp_path: Path, mark: Mark) -> None:
    def fails() -> bool:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        run_lammps(["sleep", "1000"], tmp_path, os.environ | mark.environment, cancelled=fails)
    assert mark.processes() == {}


def test_terminated_from_outside(tmp_path: Path, mark: Mark) -> None:
    (tmp_path / "in.lammps").write_text(ENDLESS)
    found: list[Finished] = []
    command = lammps_command(Engine(), ["-in", "in.lammps", "-log", "none"])
    environment = lammps_environment(Engine()) | mark.environment
    thread = threading.Thread(
        target=lambda: found.append(run_lammps(command, tmp_path, environment))
    )
    thread.start()
    os.kill(mark.wait_for("lmp")[0], 15)
    thread.join()
    assert found[0].signal == 15
    assert found[0].failure("").cause is Cause.TERMINATED


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        SegmentFailure, match=r"cannot start LAMMPS: No such file .*missing"
    ) as info:
        run_lammps(["true"], tmp_path / "missing", os.environ)
    assert info.value.cause is Cause.MISSING_FILE


def test_many_at_once_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """No pipe of one process is held open by another that was started meanwhile."""
    script = shlex.join(["sh", "-c", "sleep 1000 & wait"])
    stop = threading.Event()
    slow = threading.Thread(
        target=run_lammps,
        args=(["sh", "-c", script], tmp_path, os.environ),
        kwargs={"cancelled": stop.is_set},
    )
    slow.start()
    try:
        for _ in range(20):
            assert shell("exit 0", tmp_path).ok
    finally:
        stop.set()
        slow.join()
