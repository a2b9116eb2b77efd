"""Launches of small campaigns in processes of their own, and what they leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import zarr

LIQUID = """
[campaign]
name = "fluid"
units = "lj"

[material.fluid]
prototype = "fcc"
species = ["Ar"]
lattice = 1.8

[models]
style = "lammps"
"""
"""All but models, studies and where it runs."""

LENNARD_JONES = """
[[models.model]]
name = "lj"
commands = ["pair_style lj/cut 2.5", "pair_coeff * * 1 1"]
"""

SOFT_AND_HARD = """
[[models.model]]
name = "soft"
commands = ["pair_style lj/cut 2.5", "pair_coeff * * 1 1"]

[[models.model]]
name = "hard"
commands = ["pair_style lj/cut 2.5", "pair_coeff * * 1.1 1"]
"""

TWO_WORKERS = """
[cluster]
workers = 2
"""

HEAD = LIQUID + SOFT_AND_HARD + TWO_WORKERS

GK = """
[[study]]
name = "gk"
method = "emd"
material = "fluid"
models = ["soft"]
temperatures = [1.35]
supercells = [[3, 3, 3]]
seeds = 2
timestep = 0.004
equilibrate = [{ ensemble = "npt", time = 4, pressure = 1 }, { ensemble = "nve", time = 4 }]
sample = { time = 24, every = 0.04 }
segment = 4
"""

DIRECT = """
[[study]]
name = "direct"
method = "nemd"
material = "fluid"
models = ["soft"]
temperatures = [1.35]
supercells = [[3, 3, 8]]
seeds = 1
timestep = 0.004
equilibrate = [{ ensemble = "nvt", time = 2 }]
bins = 8
swap = { every = 0.04 }
settle = 2
sample = { time = 16, every = 0.04, block = 1 }
segment = 2
"""

FIXED = """
[[study]]
name = "fixed"
method = "rerun"
models = ["hard"]
source = { study = "gk", model = "soft" }
every = 0.08
"""

FLUID = HEAD + GK + DIRECT + FIXED
"""Every kind of stage and of study, in 38 segments of a thousand time steps at most."""

RANKS = """
[[study]]
name = "{name}"
method = "emd"
material = "fluid"
models = ["soft"]
temperatures = [1.35]
supercells = [[4, 4, 4]]
seeds = 2
timestep = 0.004
equilibrate = [{{ ensemble = "nve", time = 0.2 }}]
sample = {{ time = 0.8, every = 0.04 }}
segment = 0.4
engine = {{ ranks = {ranks} }}
"""

WIDE = HEAD + RANKS.format(name="one", ranks=1) + RANKS.format(name="two", ranks=2)
"""The same trajectories on one rank and on two, too short to part."""

T = TypeVar("T")

COMMAND = (sys.executable, "-P", "-m", "ensemble.cli")
WAIT = 0.01
PATIENCE = 240.0


def write_campaign(folder: Path, text: str) -> Path:
    """A campaign file, named as the campaign."""
    path = folder / "campaign.toml"
    path.write_text(text)
    return path


def ensemble(
    folder: Path, *arguments: str | Path, through: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """A command to its end; its working directory is `folder`."""
    return subprocess.run(
        [*through, *COMMAND, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def launch(campaign: Path, store: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """``ensemble launch`` to its end; its working directory is the folder that the store is in."""
    return ensemble(store.parent, "launch", campaign, "--store", store, *options)


class Launcher:
    """``ensemble launch`` in the background, as the leader of a process group.

    Its output goes to ``launch.log`` beside the store; its working directory and the one for
    temporary files are there as well.
    """

    def __init__(self, campaign: Path, store: Path, *options: str) -> None:
        self.log = store.parent / "launch.log"
        command = [*COMMAND, "launch", str(campaign), "--store", str(store), *options]
        with self.log.open("a") as log:
            self.child = subprocess.Popen(
                command,
                cwd=store.parent,
                env=os.environ | {"TMPDIR": str(store.parent)},
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.child.kill()
            self.child.wait()

    @property
    def running(self) -> bool:
        return self.child.poll() is None

    def ended(self) -> int:
        """Its exit status, once it has one."""
        return self.child.wait(timeout=PATIENCE)

    def descendants(self) -> list[psutil.Process]:
        """Workers, LAMMPS, and what is between them."""
        try:
            return psutil.Process(self.child.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def find(self, kind: Callable[[psutil.Process], bool]) -> psutil.Process | None:
        """Waits for a process below it; None if it ends before there is one."""
        while self.running:
            for process in self.descendants():
                try:
                    if kind(process):
                        return process
                except psutil.NoSuchProcess:
                    continue
            time.sleep(WAIT)
        return None

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Returns when something is so, which has to be before it ends."""
        self.wait_for(lambda: condition() or None)

    def wait_for(self, found: Callable[[], T | None]) -> T:
        """What there is, as soon as there is something, which has to be before it ends."""
        while (what := found()) is None:
            assert self.running, self.log.read_text()
            time.sleep(WAIT)
        return what


def named(name: str) -> Callable[[psutil.Process], bool]:
    """Whether a process runs the program of that name."""
    return lambda process: process.name() == name


def is_worker(process: psutil.Process) -> bool:
    """Whether a process is one of Dask's worker processes."""
    return any("spawn_main" in word for word in process.cmdline())


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(WAIT)


def processes_in(folder: Path) -> list[str]:
    """The processes that work in a folder or name it on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if f"{process.cwd()}/".startswith(f"{folder}/") or str(folder) in " ".join(words):
                found.append(f"{process.pid}: {' '.join(words)}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    """The content of every file, by its path in the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def chunks_of(store: Path) -> set[Path]:
    """The segments of samples that are in the store."""
    return set((store / "data.zarr").rglob("c.*"))


def events_of(store: Path) -> list[dict[str, object]]:
    """The ledger but for what launches set out to do; nothing if nothing has ended yet."""
    path = store / "work" / "ledger.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [event for event in map(json.loads, lines) if event["kind"] != "launch"]


def check_same(store: Path, reference: Path, besides: Iterable[str] = ()) -> None:
    """Two stores hold the same, and nothing more than that: all but the ledger, the wall times, the
    results, which whoever asks for them makes where they are missing, and the files named.

    The samples and all their metadata are equal byte for byte, and so are the states that the runs
    ended in.
    """
    here, there = (
        {name: content for name, content in files_in(folder).items() if not _is_result(name)}
        for folder in (store, reference)
    )
    for files, name in product((here, there), ("work/ledger.jsonl", *besides)):
        files.pop(name, None)
    assert here.keys() == there.keys(), sorted(here.keys() ^ there.keys())
    differing = [
        name
        for name, content in here.items()
        if _untimed(name, content) != _untimed(name, there[name])
    ]
    assert not differing, differing
    assert not list((store / "work").rglob("attempt-*"))
    check_complete(store)


def _is_result(name: str) -> bool:
    return name.startswith("work/results/")


def _untimed(name: str, content: bytes) -> object:
    """What a file says, but for how long LAMMPS took."""
    if not name.startswith("work/runs/"):
        return content
    if name.endswith(".json"):
        return json.loads(content) | {"seconds": None}
    return None if name.endswith(".log") else content


def check_ranks_agree(store: Path) -> None:
    """In a store of `WIDE` two ranks have summed up the same as one, in another order."""
    root = zarr.open_group(store / "data.zarr", mode="r")
    one, two = (np.asarray(root[f"{name}/samples"]) for name in ("one", "two"))
    assert one.shape == two.shape
    assert not np.array_equal(one, two)
    scale = np.abs(one).max(axis=-2, keepdims=True)
    assert (np.abs(one - two) < 1e-10 * scale + 1e-11).all()


def check_complete(store: Path) -> None:
    """No sample is missing."""
    root = zarr.open_group(store / "data.zarr", mode="r")
    for name, group in root.groups():
        assert isinstance(samples := group["samples"], zarr.Array)
        assert np.isfinite(np.asarray(samples[:])).all(), name
