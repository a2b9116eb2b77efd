"""The leash: it passes on how a command ended, and nothing outlives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lj_liquid import ENDLESS
from process_tree import Mark, wait_until

from ensemble.campaign.table import Engine
from ensemble.md.engine import lammps_command, lammps_environment
from ensemble.md.process import LEASH

RUN = """
import os, sys
from pathlib import Path
from ensemble.md.process import run_lammps

print(run_lammps(sys.argv[1:], Path.cwd(), os.environ).failure("").cause)
"""


@pytest.fixture
def mark() -> Iterator[Mark]:
    mark = Mark()
    yield mark
    mark.kill_all()


def leash(*command: str, parent: int | None = None) -> list[str]:
    return [str(LEASH), str(parent or os.getpid()), *command]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(leash(*command), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("status", [0, 1, 77, 255])
def test_passes_on_the_exit_status(status: int) -> None:
    assert run("sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_ends_by_the_same_signal(number: signal.Signals, tmp_path: Path) -> None:
    assert run("sh", "-c", f"cd {tmp_path}; kill -{number} $$").returncode == -number


def test_passes_on_input_and_output() -> None:
    shell = leash("sh", "-c", "cat; echo out; echo error >&2")
    found = subprocess.run(shell, input="in\n", capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("in\nout\n", "error\n")


def test_says_what_it_cannot_run(tmp_path: Path) -> None:
    missing = run("no-such-program")
    assert missing.returncode == 127
    assert missing.stderr == "leash: no-such-program: No such file or directory\n"
    plain_file = tmp_path / "file"
    plain_file.touch()
    assert run(str(plain_file)).returncode == 126
    usage = subprocess.run([LEASH, "1"], capture_output=True, text=True, check=False)
    assert usage.returncode == 2
    assert "usage: leash PARENT COMMAND" in usage.stderr


def test_does_nothing_if_the_parent_has_died_already(tmp_path: Path) -> None:
    """Who asked is not the parent any more."""
    command = leash("touch", str(tmp_path / "made"), parent=2**22 + 1)
    assert subprocess.run(command, check=False).returncode == 1
    assert not (tmp_path / "made").exists()


def test_stays_in_the_process_group_and_session(mark: Mark) -> None:
    with subprocess.Popen(leash("sleep", "1000"), env=os.environ | mark.environment) as process:
        (pid,) = mark.wait_for("sleep")
        assert (os.getpgid(pid), os.getsid(pid)) == (os.getpgrp(), os.getsid(0))
        process.terminate()


def test_takes_along_what_left_the_session(mark: Mark) -> None:
    """Also twice removed, when its parents are gone."""
    shell = "setsid sh -c 'setsid sleep 1000 & setsid sleep 1000 & exit' & read line; exit 3"
    command, environment = leash("sh", "-c", shell), os.environ | mark.environment
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        mark.wait_for("sleep", 2)
        process.communicate(b"\n")
        assert process.returncode == 3
    assert mark.processes() == {}


def test_forwards_a_request_to_end_and_then_insists(mark: Mark) -> None:
    polite = leash("sh", "-c", "trap 'echo asked; exit 5' TERM; sleep 1000 & wait")
    with subprocess.Popen(
        polite, env=os.environ | mark.environment, stdout=subprocess.PIPE
    ) as process:
        mark.wait_for("sleep")
        process.terminate()
        assert process.communicate()[0] == b"asked\n"
        assert process.returncode == 5
    stubborn = leash("sh", "-c", "trap '' TERM; sleep 1000; sleep 1000; sleep 1000")
    with subprocess.Popen(stubborn, env=os.environ | mark.environment) as process:
        mark.wait_for("sleep")
        process.terminate()
        assert process.wait() == -signal.SIGKILL
    assert mark.processes() == {}


def test_ignored_signals_stay_ignored(mark: Mark) -> None:
    """As of ``nohup``, and of Dask workers that leave Ctrl-C to others."""
    shell = f"trap '' INT HUP; {LEASH} $$ sh -c 'sleep 1000 & wait; exit 9'; exit $?"
    with subprocess.Popen(["sh", "-c", shell], env=os.environ | mark.environment) as process:
        (sleeper,) = mark.wait_for("sleep")
        (leash_pid,) = mark.named("leash")
        os.kill(leash_pid, signal.SIGINT)
        os.kill(leash_pid, signal.SIGHUP)
        os.kill(sleeper, signal.SIGKILL)
        assert process.wait() == 9


BROKEN = """\
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()
print("orphaned", flush=True)
time.sleep(1000)
"""


def test_does_not_wait_for_who_lost_its_helper_at_once(mark: Mark) -> None:
    """As ``mpiexec`` does when its proxy is killed, however early."""
    with subprocess.Popen(
        leash(sys.executable, "-c", BROKEN),
        env=os.environ | mark.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "orphaned\n"
        assert process.wait(timeout=60) == -signal.SIGKILL
    mark.wait_until_gone()


@pytest.mark.parametrize(
    ("ranks", "victim", "cause"),
    [
        (1, "python", None),
        (1, "leash", "killed"),
        (1, "lmp", "killed"),
        (2, "python", None),
        (2, "leash", "killed"),
        (2, "mpiexec", "killed"),
        (2, "hydra_pmi_proxy", "killed"),
        (2, "lmp", "killed"),
    ],
)
def test_nothing_is_left_after_a_sigkill(
    ranks: int, victim: str, cause: str | None, tmp_path: Path, mark: Mark
) -> None:
    (tmp_path / "in.lammps").write_text(ENDLESS)
    engine = Engine(ranks=ranks)
    command = lammps_command(engine, ["-in", "in.lammps", "-log", "log"])
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *command],
        cwd=tmp_path,
        env=lammps_environment(engine) | mark.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        mark.wait_for("lmp", ranks)
        wait_until(lambda: "Step" in read(tmp_path / "log"), "the first step")
        os.kill(process.pid if victim == "python" else mark.named(victim)[-1], signal.SIGKILL)
        mark.wait_until_gone()
        output, _ = process.communicate()
    assert output.strip() == (cause or "")


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_ranks_are_out_of_reach_of_the_process_group(tmp_path: Path, mark: Mark) -> None:
    """Which is why the leash looks for what is below it, and kills that."""
    (tmp_path / "in.lammps").write_text(ENDLESS)
    engine = Engine(ranks=2)
    command = leash(*lammps_command(engine, ["-in", "in.lammps", "-log", "none"]))
    environment = lammps_environment(engine) | mark.environment
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        ranks = mark.wait_for("lmp", 2)
        assert os.getpgrp() not in {os.getpgid(rank) for rank in ranks}
        process.terminate()
        process.wait()
    assert mark.processes() == {}
