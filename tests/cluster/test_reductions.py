"""The workers reduce each group of runs when its last run is over; none of that fails a launch."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from launches import (
    LENNARD_JONES,
    LIQUID,
    TWO_WORKERS,
    Launcher,
    is_worker,
    launch,
    processes_in,
    wait_until,
    write_campaign,
)

from ensemble.campaign import load_campaign
from ensemble.cluster.jobs import Batch
from ensemble.cluster.prepare import prepare
from ensemble.cluster.task import work_on
from ensemble.results import Settings, open_results

ENGINE = f"""
[engine]
command = "{sys.executable} -S {Path(__file__).with_name("noise.py")}"
"""

CAMPAIGN = LIQUID + LENNARD_JONES + TWO_WORKERS + ENGINE

STUDY = """
[[study]]
name = "{name}"
method = "emd"
material = "fluid"
temperatures = [0.5]
supercells = [[1, 1, 1]]
seeds = {seeds}
timestep = 0.002
equilibrate = [{{ ensemble = "nve", time = 0.2 }}]
sample = {{ time = 32, every = 0.02 }}
segment = 8
"""
"""A group of runs whose heat flux is noise."""

GROUP = "lj-T0.5-1x1x1"
Times = dict[Path, int]


def campaign_of(folder: Path, seeds: int) -> Path:
    return write_campaign(folder, CAMPAIGN + STUDY.format(name="gk", seeds=seeds))


def kept(store: Path) -> Times:
    """The results that a store keeps, and when each was put in its place."""
    return {path: path.stat().st_mtime_ns for path in (store / "work" / "results").rglob("*.json")}


def results_name(store: Path, study: str) -> Path:
    return store / "work" / "results" / study / f"{GROUP}-spectrum.json"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """With one run of the two of a group; it is alone in a folder."""
    store = tmp_path / "runs" / "store"
    store.parent.mkdir()
    prepared = prepare(load_campaign(campaign_of(tmp_path, seeds=1)), store)
    for item in prepared.items():
        work_on(Batch((prepared.job(item),)))
    return store


def chunk_of(store: Path) -> Path:
    """Of the run that is done."""
    return store / "data.zarr" / "gk" / "samples" / "c.0.0.0.0.0.0"


# What is kept


def test_results_find_all_that_they_ask_for(reference: Path) -> None:
    """Of every method, by LAMMPS."""
    before = kept(reference)
    assert sorted(path.parent.name for path in before) == ["direct", "fixed", "gk"]
    rows = open_results(reference).tables().kappa
    assert {row.group.study for row in rows} == {"direct", "fixed", "gk"}
    assert kept(reference) == before
    # Asked for in another way they are made, so what is compared can differ.
    open_results(reference).tables(settings=Settings(estimator="cepstral"))
    more = kept(reference)
    for path in more.keys() - before.keys():
        path.unlink()
    assert len(more) == len(before) + 2


def test_runs_that_failed_are_not_waited_for(tmp_path: Path) -> None:
    """A group of which no run is done is not reduced."""
    broken = f'{ENGINE}environment = {{ NOISE_DEFECT = "s2" }}\n'
    text = CAMPAIGN.replace(ENGINE, broken)
    studies = STUDY.format(name="some", seeds=2), STUDY.format(name="none", seeds=[2])
    store = tmp_path / "store"
    finished = launch(write_campaign(tmp_path, "".join((text, *studies))), store, "--quiet")
    assert finished.returncode == 1
    before = kept(store)
    assert list(before) == [results_name(store, "some")]
    (some,) = (row for row in open_results(store).tables().kappa if row.group.study == "some")
    assert (len(some.group.done), some.group.asked) == (1, 2)
    assert before.items() <= kept(store).items()


# What goes wrong


def test_a_chunk_that_is_damaged(store: Path, tmp_path: Path) -> None:
    """Who asks for results is told what to do."""
    chunk = chunk_of(store)
    os.truncate(chunk, chunk.stat().st_size // 2)
    finished = launch(campaign_of(tmp_path, seeds=2), store, "--quiet")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert not kept(store)
    (row,) = open_results(store).tables().kappa
    (problem,) = row.found.problems
    assert problem.startswith(f"{chunk}: not the chunk that was written; remove it")


def test_a_reduction_that_raises(store: Path, tmp_path: Path) -> None:
    """The store's metadata are no good for a while; runs do without them."""
    metadata, run = store / "data.zarr" / "zarr.json", f"{GROUP}-s2"
    campaign = campaign_of(tmp_path, seeds=2)
    with Launcher(campaign, store, "--quiet") as launcher:
        launcher.wait_until((store / "work" / "runs" / "gk" / run).exists)
        content = metadata.read_bytes()
        metadata.write_bytes(b"damaged")
        assert launcher.ended() == 0, launcher.log.read_text()
    assert launcher.log.read_text() == ""
    metadata.write_bytes(content)
    check_nothing_is_lost(campaign, store)


@contextmanager
def endless(store: Path, launcher: Launcher) -> Iterator[psutil.Process]:
    """Lasts from where a worker begins to read samples that never come; gives the worker."""
    ends: list[int] = []

    def somebody_reads() -> bool:
        try:
            ends.append(os.open(chunk_of(store), os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody does
            return False
        return True

    launcher.wait_until(somebody_reads)
    try:
        reader = launcher.find(lambda process: has_open(process, chunk_of(store)))
        assert reader is not None
        yield reader
    finally:
        os.close(ends[0])


def has_open(process: psutil.Process, path: Path) -> bool:
    links = Path(f"/proc/{process.pid}/fd")
    return is_worker(process) and str(path) in map(os.path.realpath, links.iterdir())


def block(store: Path) -> bytes:
    """Put a pipe in place of the samples of the run that is done; returns what they were."""
    chunk = chunk_of(store)
    content = chunk.read_bytes()
    chunk.unlink()
    os.mkfifo(chunk)
    return content


def unblock(store: Path, content: bytes) -> None:
    chunk_of(store).unlink()
    chunk_of(store).write_bytes(content)


def check_nothing_is_lost(campaign: Path, store: Path) -> None:
    """All runs are done, and κ is made for who asks."""
    assert not kept(store)
    assert len(prepare(load_campaign(campaign), store).done) == 2
    (row,) = open_results(store).tables().kappa
    assert row.found.kappa.mean > 0
    assert list(kept(store)) == [results_name(store, "gk")]


def test_ended_on_request(store: Path, tmp_path: Path) -> None:
    """The user was told what there is to wait for, and does not want to."""
    campaign, content = campaign_of(tmp_path, seeds=2), block(store)
    with Launcher(campaign, store) as launcher, endless(store, launcher):
        launcher.wait_until(lambda: "being worked out: 1" in launcher.log.read_text())
        launcher.child.terminate()
        assert launcher.ended() == 0
        wait_until(lambda: processes_in(store.parent) == [])
    assert launcher.log.read_text().splitlines()[-1].startswith("2 of 2 runs done in ")
    unblock(store, content)
    check_nothing_is_lost(campaign, store)


def test_a_worker_that_dies(store: Path, tmp_path: Path) -> None:
    """It is not tried again."""
    campaign, content = campaign_of(tmp_path, seeds=2), block(store)
    with Launcher(campaign, store, "--quiet") as launcher, endless(store, launcher) as worker:
        worker.kill()
        assert launcher.ended() == 0, launcher.log.read_text()
    assert launcher.log.read_text() == ""
    unblock(store, content)
    check_nothing_is_lost(campaign, store)
