"""What the page in the dashboard costs, and how long it takes: 10,000 runs, 500 of them at work.

    PYTHONPATH=tests/dashboard python -P tests/benchmarks/dashboard.py
    PYTHONPATH=tests/dashboard python -P tests/benchmarks/dashboard.py --picture runs.png

A store is written as workers write it, with synthetic samples, 6000 runs done, 100 failed. The
scheduler is a process of its own, the browser Debian's Chromium. ``first paint`` is the time from
asking for the page until something of it is there, by the browser's clock; ``opened`` until the
grid has all runs in it: ``cold`` with nobody else looking on, so that the reader has to start,
``warm`` in a second window. ``update``: a segment is committed and its worker tells of it, until
the browser has it in the grid. Then segments come at --rate for --seconds, and the processor time
of the scheduler is compared with the same without a page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from browser import Browser, browser
from distributed import Client
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.campaign import find_files, load_campaign
from ensemble.dashboard.install import NAME, install
from ensemble.plan.axes import Index
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.recipe import Run
from ensemble.store import ledger
from ensemble.store.arrays import create_or_grow
from ensemble.store.commit import encode_chunk
from ensemble.store.info import StoreInfo
from ensemble.store.layout import StorePaths, record_name
from ensemble.store.lease import Lease

TOPIC = "ensemble"
DRAWN = """
    window.drawn ??= (requestAnimationFrame(() => setTimeout(() => { window.drawn = 2 })), 1)
    return window.drawn == 2
"""
"""JavaScript: whether what was there when it was first asked is on the screen."""

SEGMENTS = 8
DONE, FAILED, WORKING = 0.6, 0.01, 0.05

CAMPAIGN = """
[campaign]
name = "ten-thousand"
description = "Argon by five models"

[material.argon]
prototype = "fcc"
species = ["Ar"]
lattice = 5.4

[models]
style = "lammps"
{models}

[[study]]
name = "gk"
method = "emd"
material = "argon"
temperatures = {temperatures}
supercells = [[4, 4, 4], [5, 5, 5], [6, 6, 6], [7, 7, 7], [8, 8, 8]]
seeds = {seeds}
timestep = 4.0
equilibrate = [{{ ensemble = "nve", time = 10 }}]
sample = {{ time = 160, every = 40 }}
segment = 20
"""

MODEL = """
[[models.model]]
name = "lj{number}"
commands = ["pair_style lj/cut 10.0", "pair_coeff * * 0.0104 3.4"]
"""

MODELS, TEMPERATURES, SUPERCELLS = 5, 10, 5


# ------------------------------------------------------------------------------------- the store


@dataclass
class Played:
    """A store, and what workers would do to it."""

    paths: StorePaths
    info: StoreInfo
    plan: Plan
    chunks: list[Path]
    """Files of samples, to be had under other names."""
    working: dict[Run, tuple[Index, int]] = field(default_factory=dict)
    """Place of each run at work, and segments of sampling that it has."""

    def commit(self, run: Run, place: Index, part: int) -> None:
        """The record and the chunk of a segment of sampling."""
        before = self.plan.recipes["gk"].equilibration_segments
        record = self.paths.run(run) / record_name(before + part)
        record.write_text(json.dumps({"steps": 5000, "seconds": 20.0 + place[0]}))
        os.link(
            self.chunks[(sum(place) + part) % len(self.chunks)], self.paths.chunk("gk", place, part)
        )

    def go_on(self, number: int) -> tuple[Run, int]:
        """One more segment of some run at work; and how many it has then."""
        run = list(self.working)[number % len(self.working)]
        place, part = self.working[run]
        self.commit(run, place, part)
        self.working[run] = place, part + 1
        return run, part + 1 + self.plan.recipes["gk"].equilibration_segments


def samples(info: StoreInfo) -> Iterator[NDArray[np.float64]]:
    """Rows of a segment, over and over: noise that decays in a picosecond or so."""
    study, generator = info.studies["gk"], np.random.default_rng(1)
    decay = np.exp(-study.row_time / 0.5)
    fixed = {"volume": 40000.0, "temperature": 80.0}
    while True:
        noise = generator.normal(size=(study.rows_per_segment, len(study.channels)))
        rows = lfilter([1.0], [1.0, -decay], noise, axis=0)
        for column, channel in enumerate(study.channels):
            if channel.name in fixed:
                rows[:, column] = fixed[channel.name]
        yield rows


def play(folder: Path, seeds: int) -> Played:
    """Write the store."""
    campaign = folder / "campaign.toml"
    campaign.write_text(
        CAMPAIGN.format(
            models="".join(MODEL.format(number=number) for number in range(MODELS)),
            temperatures=[20 + 10 * number for number in range(TEMPERATURES)],
            seeds=seeds,
        )
    )
    loaded = load_campaign(campaign)
    plan, paths = make_plan(loaded, find_files(loaded)), StorePaths(folder / "store")
    info = create_or_grow(paths, plan, versions={}, confirm=lambda: None)
    chunks = []
    for number, rows in zip(range(64), samples(info), strict=False):
        chunks.append(folder / f"chunk-{number}")
        chunks[-1].write_bytes(encode_chunk(rows))
    played = Played(paths, info, plan, chunks)
    members = list(info.runs("gk"))
    order = np.random.default_rng(2).permutation(len(members))
    for rank, number in enumerate(order.tolist()):
        place, run = members[number]
        share = rank / len(members)
        if share >= DONE + FAILED + WORKING:
            break
        paths.run(run).mkdir(parents=True)
        parts = SEGMENTS if share < DONE else 1 + number % (SEGMENTS - 4)
        for part in range(parts):
            played.commit(run, place, part)
        if share < DONE:
            ledger.append(paths, ledger.event_of(run, "done", segment=SEGMENTS, wall=200.0))
        elif share < DONE + FAILED:
            (paths.run(run) / f"segment-{parts:04d}.log").write_text("ERROR: Lost atoms\n" * 20)
            about = {"segment": parts, "cause": "lost_atoms", "message": "lost atoms", "wall": 90.0}
            ledger.append(paths, ledger.event_of(run, "failed", **about))
        else:
            played.working[run] = place, parts
    return played


# ------------------------------------------------------------------------------- what is measured


@contextmanager
def scheduler() -> Iterator[tuple[psutil.Process, Client]]:
    """Dask's own, in a process of its own."""
    command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        options = ["--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)]
        with subprocess.Popen(
            [sys.executable, "-P", *command, *options], stderr=subprocess.DEVNULL
        ) as process:
            try:
                with Client(scheduler_file=str(file), timeout=60) as client:
                    yield psutil.Process(process.pid), client
            finally:
                process.terminate()


def processor_seconds(process: psutil.Process) -> float:
    """That a process has taken so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def work(played: Played, client: Client, seconds: float, rate: float) -> None:
    """Segments at a rate, each with the event of its worker."""
    started = time.monotonic()
    for number in range(round(seconds * rate)):
        run, _ = played.go_on(number)
        client.log_event(TOPIC, {"key": run.key})
        time.sleep(max(0.0, started + (number + 1) / rate - time.monotonic()))


def opened(page: Browser, url: str, runs: int) -> float:
    """Seconds from asking for the page until all runs are in it."""
    started = time.monotonic()
    page.driver.get(url)
    condition = """
        const grid = window.Bokeh?.documents[0]?.get_model_by_name('grid')
        return grid?.children.length
            && grid.children[0].renderers[0].data_source.get_column('state').length == arguments[0]
    """
    page.wait_until(condition, runs)
    page.wait_until(DRAWN)
    return time.monotonic() - started


def updated(page: Browser, played: Played, client: Client, number: int) -> float:
    """Seconds from a commit until it is in the grid."""
    condition = """
        const source = Bokeh.documents[0].get_model_by_name('grid').children[0]
            .renderers[0].data_source
        const row = source.get_column('run').indexOf(arguments[0])
        return source.get_column('segments')[row] == arguments[1]
    """
    started = time.monotonic()
    run, segments = played.go_on(number)
    client.log_event(TOPIC, {"key": run.key})
    page.wait_until(condition, run.name, segments)
    return time.monotonic() - started


def measure(played: Played, arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    runs = len(list(played.info.runs("gk")))
    with ExitStack() as stack:
        process, client = stack.enter_context(scheduler())
        assert client.run_on_scheduler(install, str(played.paths.root), TOPIC)
        url = client.dashboard_link.replace("/status", f"/{NAME}")
        for run in played.working:
            stack.enter_context(Lease.acquire(played.paths.lease(run)))
        time.sleep(5)
        without = _share(process, played, client, arguments)
        page = stack.enter_context(browser(folder / "cold"))
        cold, cold_paint = opened(page, url, runs), page.first_paint()
        second = stack.enter_context(browser(folder / "warm"))
        warm, warm_paint = opened(second, url, runs), second.first_paint()
        second.driver.quit()
        time.sleep(20)  # until the first curves are there, and the second page is forgotten
        updates = [updated(page, played, client, number) for number in range(20)]
        (reader,) = process.children()
        before = processor_seconds(reader)
        with_page = _share(process, played, client, arguments)
        of_reader = (processor_seconds(reader) - before) / arguments.seconds
        if arguments.picture:
            page.picture(arguments.picture, 1440)
        assert page.errors() == [], page.errors()
    return {
        "runs": runs,
        "first paint cold, s": round(cold_paint, 2),
        "opened cold, s": round(cold, 2),
        "first paint warm, s": round(warm_paint, 2),
        "opened warm, s": round(warm, 2),
        "update, median, s": round(median(updates), 2),
        "update, longest, s": round(max(updates), 2),
        "scheduler without a page, % of a core": round(100 * without, 2),
        "scheduler with it, % of a core": round(100 * with_page, 2),
        "reader, % of a core": round(100 * of_reader, 2),
    }


def _share(
    process: psutil.Process, played: Played, client: Client, arguments: argparse.Namespace
) -> float:
    before, started = processor_seconds(process), time.monotonic()
    work(played, client, arguments.seconds, arguments.rate)
    return (processor_seconds(process) - before) / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1.0, help="segments a second")
    parser.add_argument("--folder", type=Path, help="where the store is made and removed")
    parser.add_argument("--picture", type=Path, help="keep a picture of the page")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        seeds = max(1, arguments.runs // (MODELS * TEMPERATURES * SUPERCELLS))
        row = measure(play(folder, seeds), arguments, folder)
    for key, value in row.items():
        print(f"{key:40}{value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(row, indent=2) + "\n")


if __name__ == "__main__":
    main()
