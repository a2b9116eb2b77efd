"""What goes wrong on the way: one clear message, nothing lost, and the same bytes afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from argon import EPSILON, TOO_FAST, write_argon, write_table
from launches import (
    COMMAND,
    Launcher,
    check_same,
    ensemble,
    events_of,
    files_in,
    is_worker,
    launch,
    named,
    processes_in,
    wait_until,
)

from ensemble.cluster.agenda import REAL_FAILURES
from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import write_potential

FIRST, SECOND = (f"{model}-T40-3x3x3-s1" for model in ("first", "second"))


@pytest.fixture(scope="module")
def argon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign file."""
    return write_argon(tmp_path_factory.mktemp("argon"))


@pytest.fixture(scope="module")
def done(argon: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of `argon`."""
    store = tmp_path_factory.mktemp("done") / "store"
    assert launch(argon, store).returncode == 0
    return store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that is not there yet, alone in a folder."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs" / "store"


@pytest.fixture(scope="module")
def begun(argon: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose launch was ended when it had its first samples, and the ends of its runs with
    it; to be copied.
    """
    store = tmp_path_factory.mktemp("begun") / "store"
    with Launcher(argon, store) as launcher:
        launcher.wait_until(lambda: len(chunks(store)) > 0)
        launcher.child.send_signal(signal.SIGTERM)
        assert launcher.ended() == 130
    assert 0 < len(chunks(store)) < 8
    return store


def chunks(store: Path) -> list[Path]:
    return sorted((store / "data.zarr" / "gk" / "samples").glob("c.*"))


def run_folder(store: Path, run: str) -> Path:
    return store / "work" / "runs" / "gk" / run


def check_completes(campaign: Path, store: Path, done: Path) -> None:
    """The same command again does what is left."""
    finished = launch(campaign, store)
    assert finished.returncode == 0, finished.stderr
    check_same(store, done)


# Signals


def interrupt(launcher: Launcher) -> None:
    """As Ctrl-C in a terminal does: everything that was started gets the signal as well."""
    os.killpg(launcher.child.pid, signal.SIGINT)


def terminate(launcher: Launcher) -> None:
    launcher.child.terminate()


@pytest.mark.parametrize("end", [interrupt, terminate])
@pytest.mark.parametrize("moment", [named("lmp"), is_worker], ids=["at work", "at the start"])
def test_ended_on_request(
    moment: Callable[[psutil.Process], bool],
    end: Callable[[Launcher], None],
    argon: Path,
    store: Path,
) -> None:
    """While LAMMPS is at work, and while the workers start; `begun` shows that it goes on."""
    with Launcher(argon, store) as launcher:
        assert launcher.find(moment) is not None
        end(launcher)
        assert launcher.ended() == 130
    wait_until(lambda: processes_in(store.parent) == [])
    first, last = launcher.log.read_text().splitlines()
    assert first.startswith("argon: 2 runs to do on 2 workers, about ")
    assert last.endswith("interrupted; the same command goes on from here")
    assert list(store.rglob("attempt-*")) == []
    assert list(store.rglob("lease")) == []


def test_lammps_is_told_to_end(argon: Path, done: Path, store: Path) -> None:
    """As a queueing system does: it is done again at once, and nobody has to do anything."""
    with Launcher(argon, store) as launcher:
        lammps = launcher.find(named("lmp"))
        assert lammps is not None
        lammps.terminate()
        assert launcher.ended() == 0
    told = [line for line in launcher.log.read_text().splitlines() if "SIGTERM" in line]
    assert len(told) == 1
    assert told[0].endswith("LAMMPS was told to end (SIGTERM) (terminated); will be tried again")
    check_same(store, done)


# Memory

TIGHT = """\
#!/bin/sh
count={folder}/$(basename "$PWD")
echo >> "$count"
[ $(wc -l < "$count") -gt {times} ] || echo $$ > {group}
exec {lmp} "$@"
"""
"""The first times that a run begins, its processes may use next to no memory."""


@pytest.fixture
def tight_group() -> Iterator[Path]:
    """The file that takes the processes of such a group."""
    first = Path("/sys/fs/cgroup/memory")
    version = 1 if first.is_dir() else 2
    group = (first if version == 1 else Path("/sys/fs/cgroup")) / f"ensemble-{os.getpid()}"
    group.mkdir()
    limit = group / ("memory.limit_in_bytes" if version == 1 else "memory.max")
    limit.write_text("4M")
    yield group / ("tasks" if version == 1 else "cgroup.procs")
    wait_until(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


def test_memory_is_used_up(
    argon: Path, done: Path, store: Path, tight_group: Path, tmp_path: Path
) -> None:
    """The kernel kills LAMMPS as often as a real error may come, and no run is given up."""
    counts, program = tmp_path / "counts", tmp_path / "tight-lmp"
    counts.mkdir()
    lmp = Path(sys.prefix) / "bin" / "lmp"
    program.write_text(TIGHT.format(folder=counts, times=REAL_FAILURES, group=tight_group, lmp=lmp))
    program.chmod(0o755)
    campaign = argon.with_name("tight.toml")
    campaign.write_text(f'{argon.read_text()}\n[engine]\ncommand = "{program}"\n')
    finished = launch(campaign, store)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("because the memory was used up") == 2 * REAL_FAILURES
    assert finished.stderr.count("will be tried again") == 2 * REAL_FAILURES
    check_same(store, done, ("campaign.toml", "data.zarr/zarr.json"))


# Disks


class Disk:
    """Where there is little room at first, and enough later."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder = folder
        mount = f"mount -t tmpfs -o size={room} none {folder}"
        can_mount = subprocess.run(
            ["unshare", "--mount", "--map-root-user", "sh", "-c", mount],
            capture_output=True,
            check=False,
        )
        if can_mount.returncode == 0:
            self._shell = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
            self._narrow, self._widen = mount, f"mount -o remount,size=64m {folder}"
            self.words = re.compile(
                r"(I/O error|[Nn]o space left).*; make room(,| and) .*launch again"
            )
        else:  # in a container that may not mount anything: no file of more than 8 kB
            self._shell = ["sh", "-c"]
            self._narrow, self._widen = "ulimit -S -f 16", "ulimit -S -f unlimited"
            self.words = re.compile("file too large; make room, then launch again")

    def run(self, before: str, after: str) -> None:
        """Shell commands with little room, and others with enough."""
        script = "\n".join((self._narrow, before, self._widen, after))
        subprocess.run([*self._shell, script], cwd=self.folder.parent, timeout=240, check=True)


def test_a_full_disk(argon: Path, done: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    blocks = sum(-(-path.stat().st_size // 4096) for path in done.rglob("*") if path.is_file())
    disk = Disk(tmp_path / "disk", 4096 * blocks * 3 // 4)
    command = " ".join((*COMMAND, "launch", str(argon), "--store", str(disk.folder / "store")))
    disk.run(
        f"{command} > first 2>&1; echo $? > status",
        f"{command} > second 2>&1; echo $? >> status; cp -a {disk.folder}/store kept",
    )
    first, second = ((tmp_path / name).read_text() for name in ("first", "second"))
    assert (tmp_path / "status").read_text().split() == ["1", "0"], first + second
    assert disk.words.search(first), first
    assert "Traceback" not in first
    check_same(tmp_path / "kept", done)


def test_a_store_that_cannot_be_written(argon: Path, begun: Path, store: Path) -> None:
    shutil.copytree(begun, store)
    before = files_in(store)
    set_writable(store, False)
    finished = ensemble(store.parent, "launch", argon, "--store", store, through=BOUND)
    status = ensemble(store.parent, "status", store, through=BOUND)
    results = ensemble(store.parent, "results", store, through=BOUND)
    set_writable(store, True)
    assert finished.returncode == 1
    assert finished.stderr == (
        f"ensemble: error: {store}/work/lock: permission denied; a store has to be writable\n"
    )
    assert files_in(store) == before
    assert (status.returncode, results.returncode) == (0, 0)


def test_a_run_that_cannot_be_written(argon: Path, begun: Path, done: Path, store: Path) -> None:
    """The fault is the store's, but what is in it stays, and the message says where it is."""
    shutil.copytree(begun, store)
    folder = run_folder(store, SECOND)
    set_writable(folder, False)
    finished = ensemble(store.parent, "launch", argon, "--store", store, through=BOUND)
    set_writable(folder, True)
    assert finished.returncode == 1
    assert f"{folder}/lease: permission denied; a store has to be writable" in finished.stderr
    check_completes(argon, store, done)


BOUND = ("setpriv", "--bounding-set=-dac_override") if os.geteuid() == 0 else ()
"""Has permissions bind root as well."""


def set_writable(folder: Path, writable: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755 if writable else 0o555)


# Files


def test_a_potential_that_was_edited(argon: Path, done: Path, store: Path) -> None:
    shutil.copytree(done, store)
    before = files_in(store)
    campaign = write_argon(store.parent.parent)
    write_table(campaign.with_name("second.table"), 1.06 * EPSILON)
    refused = launch(campaign, store)
    assert refused.returncode == 1
    assert "holds runs of other physics; nothing was touched" in refused.stderr
    assert "model second: its file has changed" in refused.stderr
    assert "--store" in refused.stderr
    assert files_in(store) == before


def test_a_file_that_a_worker_misses(argon: Path, done: Path, store: Path) -> None:
    """It goes away when the runs are prepared and the second one has not begun."""
    with Launcher(argon, store, "--workers", "1") as launcher:
        launcher.wait_until(run_folder(store, FIRST).exists)
        (store / "work" / "potentials" / "second" / "second.table").unlink()
        assert launcher.ended() == 1
    (told,) = (line for line in launcher.log.read_text().splitlines() if SECOND in line)
    assert "second.table" in told
    assert told.endswith("put it in its place and launch again (missing_file)")
    assert len(chunks(store)) == 4
    check_completes(argon, store, done)


def test_files_that_are_damaged(argon: Path, begun: Path, done: Path, store: Path) -> None:
    """A restart file is not believed, and segments are computed again from an earlier one; a line
    of the ledger that was torn is passed over.
    """
    shutil.copytree(begun, store)
    restarts = sorted(store.rglob("*.restart"))
    assert restarts
    for restart in restarts:
        content = bytearray(restart.read_bytes())
        content[len(content) // 2] ^= 1
        restart.write_bytes(content)
    with (store / "work" / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"kind": "failed", "study": "g')
    check_completes(argon, store, done)
    assert ensemble(store.parent, "status", store).returncode == 0


def test_a_chunk_that_is_damaged(argon: Path, done: Path, store: Path) -> None:
    """Who reads it is told what to do, and then it is there again."""
    shutil.copytree(done, store)
    chunk = chunks(store)[2]
    os.truncate(chunk, chunk.stat().st_size // 2)
    results = ensemble(store.parent, "results", store)
    assert results.returncode == 0
    assert f"{chunk}: not the chunk that was written; remove it" in results.stdout
    chunk.unlink()
    check_completes(argon, store, done)


@pytest.mark.parametrize("command", ["launch", "status", "results"])
def test_metadata_that_are_damaged(command: str, argon: Path, done: Path, store: Path) -> None:
    shutil.copytree(done, store)
    metadata = store / "data.zarr" / "zarr.json"
    os.truncate(metadata, 100)
    before = files_in(store)
    arguments = (argon, "--store", store) if command == "launch" else (store,)
    finished = ensemble(store.parent, command, *arguments)
    assert finished.returncode == 1
    assert f"{metadata}: not the metadata of a store" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert files_in(store) == before


def test_a_potential_with_a_number_that_is_none(store: Path) -> None:
    """It is refused before there is a store."""
    campaign = write_argon(store.parent.parent)
    text = campaign.read_text()
    models = text[text.index("[models]") : text.index("[[study]]")]
    campaign.write_text(text.replace(models, '[models]\nstyle = "mtp"\nfiles = "bad.mtp"\n\n'))
    potential = untrained_potential(6, 1, cutoff=5.0, min_dist=2.0, species=["Ar"], seed=1)
    write_potential(campaign.with_name("bad.mtp"), potential)
    lines = campaign.with_name("bad.mtp").read_text().splitlines()
    place = next(k for k, line in enumerate(lines) if line.startswith("moment_coeffs"))
    lines[place] = re.sub(r"-?\d\S*?(?=[,}])", "nan", lines[place], count=1)
    campaign.with_name("bad.mtp").write_text("\n".join(lines) + "\n")
    finished = launch(campaign, store)
    assert finished.returncode == 1
    assert f"bad.mtp:{place + 1}: " in finished.stderr
    assert "nan" in finished.stderr
    assert not store.exists()


# Physics


def test_a_model_that_blows_up(done: Path, store: Path) -> None:
    campaign = write_argon(store.parent.parent, TOO_FAST)
    run = "second-T300-3x3x3-s1"
    finished = launch(campaign, store)
    assert finished.returncode == 1
    (told,) = finished.stderr.splitlines()
    assert told.startswith(f"emd-too-fast/{run}: ")
    assert told.endswith("try a smaller timestep, or look at the potential (numbers); given up")
    assert [chunk.read_bytes() for chunk in chunks(store)] == [c.read_bytes() for c in chunks(done)]

    status = json.loads(ensemble(store.parent, "status", store, "--json").stdout)
    assert [(study["done"], study["failed"]) for study in status["studies"]] == [(2, 0), (0, 1)]
    assert [(failure["study"], failure["run"]) for failure in status["failed"]] == [
        ("too-fast", run)
    ]

    attempts = len(events_of(store))
    again = launch(campaign, store)
    assert again.returncode == 1
    assert again.stderr == finished.stderr
    assert len(events_of(store)) == attempts

    assert launch(campaign, store, "--retry-failed").returncode == 1
    assert [event["kind"] for event in events_of(store)[attempts:]] == ["retry", "failed"]
