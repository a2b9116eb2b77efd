"""What a campaign costs besides LAMMPS: planning, launching, asking how far it is, reading.

    python tests/benchmarks/launch.py simulated                 100, 1000 and 10,000 runs
    python tests/benchmarks/launch.py simulated --runs 1000 --workers 2
    python tests/benchmarks/launch.py overhead --seconds 30     real LAMMPS
    python tests/benchmarks/launch.py all --json launch.json

``simulated``: LAMMPS is played by `instant.cpp`, which writes the rows and the restart file of a
segment at once. A run has two segments, one of equilibration and one that samples 100 rows of 18
channels, so each is four processes, two restart files and a chunk. Everything else is what
``ensemble launch`` does: Dask, leases, checks, files flushed to the disk. The store is made in
--folder, so its disk counts. Every number is of a process of its own; processor times are of the
launcher, and of the workers with all that they start. Only opening and reading leave out the time
that it takes to import xarray.

``overhead``: a Lennard-Jones fluid of 2048 atoms, one run a worker, segments of so many seconds.
Compares the wall time of the attempts with that of their LAMMPS processes, and with the loops of
time steps in these alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

INSTANT = Path(__file__).with_name("instant.cpp")
COMMAND = [sys.executable, "-P", "-m", "ensemble.cli"]
ROUNDS = 3  # of what takes less than a second

Row = dict[str, object]
Numbers = dict[str, float]


# ------------------------------------------------------------------------------------- campaigns

HEAD = """
[campaign]
name = "benchmark"
units = "lj"

[material.fluid]
prototype = "fcc"
species = ["Ar"]
lattice = 1.882

[engine]
{engine}

[models]
style = "lammps"
{models}

[[study]]
name = "gk"
method = "emd"
material = "fluid"
temperatures = {temperatures}
supercells = {supercells}
seeds = {seeds}
timestep = 0.002
{times}
"""

MODEL = """
[[models.model]]
name = "lj{number}"
commands = ["pair_style lj/cut 2.5", "pair_coeff * * 1.0 1.0"]
"""

SHORT = """
equilibrate = [{ ensemble = "nve", time = 0.2 }]
sample = { time = 2.0, every = 0.02 }
segment = 2.0
"""

SHAPES = {10: (1, 1, 1, 10), 100: (2, 2, 5, 5), 1000: (4, 5, 5, 10), 10_000: (5, 10, 5, 40)}
"""Models, temperatures, supercells and seeds by the number of runs."""


def simulated_campaign(runs: int, instant: Path) -> str:
    models, temperatures, supercells, seeds = SHAPES.get(runs, (1, 1, 1, runs))
    return HEAD.format(
        engine=f'command = "{instant}"',
        models="".join(MODEL.format(number=number) for number in range(models)),
        temperatures=[1 + number / 10 for number in range(temperatures)],
        supercells=[[1, 1, n + 1] for n in range(supercells)],
        seeds=seeds,
        times=SHORT,
    )


def build_instant(folder: Path) -> Path:
    program = folder / "instant"
    command = ["c++", "-std=c++17", "-O2", "-static", str(INSTANT), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


# ------------------------------------------------- what is measured in processes of their own


def plan_inside(campaign: str) -> Numbers:
    """Plan a campaign: its runs, and what they cost."""
    from ensemble.campaign import find_files, load_campaign
    from ensemble.plan.cost import estimate
    from ensemble.plan.plan import make_plan

    start = time.perf_counter()
    loaded = load_campaign(campaign)
    plan = make_plan(loaded, find_files(loaded))
    runs = len(list(plan.runs()))
    estimate(plan, workers=2)
    return {"runs": runs, "seconds": time.perf_counter() - start}


def launch_inside(campaign: str, store: str, workers: str) -> Numbers:
    """Launch a campaign; also the processor time and the memory of the launcher."""
    from ensemble.cluster.launch import launch
    from ensemble.cluster.progress import Lines

    start = time.perf_counter()
    summary = launch(campaign, store, workers=int(workers), reporter=Lines(quiet=True))
    seconds = time.perf_counter() - start
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "done": summary.done,
        "seconds": seconds,
        "launcher_seconds": own.ru_utime + own.ru_stime,
        "other_seconds": others.ru_utime + others.ru_stime,
        "megabytes": own.ru_maxrss / 1024,
    }


def read_inside(store: str) -> Numbers:
    """Open a store with xarray, then read one run of it; counts the chunks that are read."""
    import xarray

    from ensemble.results import open_results

    group, opened = str(Path(store, "data.zarr", "gk")), []

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and "/samples/c." in str(arguments[0]):
            opened.append(arguments[0])

    sys.addaudithook(note)
    times: dict[str, list[float]] = {"open_zarr": [], "open_results": [], "read": []}
    for _ in range(ROUNDS):
        with timed(times["open_zarr"]), xarray.open_zarr(group) as dataset:
            assert dataset.samples.size
        with timed(times["open_results"]):
            study = open_results(store)["gk"]
        opened.clear()
        with timed(times["read"]):
            values = study.heat_flux.isel(model=-1, temperature=0, supercell=0, seed=-1).values
        assert not (values != values).any()
    return {name: median(seconds) for name, seconds in times.items()} | {"chunks": len(opened)}


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - start)


INSIDE: dict[str, Callable[..., Numbers]] = {
    "plan": plan_inside,
    "launch": launch_inside,
    "read": read_inside,
}


def measure(name: str, *arguments: object) -> Numbers:
    """Call a function of `INSIDE` in a process of its own."""
    command = [sys.executable, "-P", __file__, "inside", name, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


def seconds_of(*arguments: object) -> float:
    """Wall time of the command ``ensemble``, from start to end."""
    seconds: list[float] = []
    for _ in range(ROUNDS):
        with timed(seconds):
            subprocess.run([*COMMAND, *map(str, arguments)], check=True, capture_output=True)
    return median(seconds)


# ------------------------------------------------------------------------------------- the parts


def simulated(arguments: argparse.Namespace) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        instant = build_instant(folder)
        for runs in arguments.runs:
            campaign, store = folder / f"{runs}.toml", folder / f"store-{runs}"
            campaign.write_text(simulated_campaign(runs, instant))
            yield simulate(campaign, store, arguments.workers)


def simulate(campaign: Path, store: Path, workers: int) -> Row:
    plan = measure("plan", campaign)
    launch = measure("launch", campaign, store, workers)
    runs = plan["runs"]
    assert launch["done"] == runs, launch
    again = seconds_of("launch", campaign, "--store", store, "--quiet")
    status = seconds_of("status", store)
    read = measure("read", store)
    return {
        "runs": runs,
        "plan, s": round(plan["seconds"], 3),
        "launch, s": round(launch["seconds"], 2),
        "runs/s": round(runs / launch["seconds"], 1),
        "launcher, ms/run": round(1e3 * launch["launcher_seconds"] / runs, 2),
        "workers, ms/run": round(1e3 * launch["other_seconds"] / runs, 2),
        "launcher, MB": round(launch["megabytes"]),
        "again, s": round(again, 2),
        "status, s": round(status, 2),
        "open_zarr, s": round(read["open_zarr"], 3),
        "open_results, s": round(read["open_results"], 4),
        "read one, s": round(read["read"], 4),
        "chunks read": read["chunks"],
    }


EVERY = 0.02  # tau
TRIAL_ROWS = 100
LONG = """
equilibrate = [{{ ensemble = "nve", time = {length:.2f} }}]
sample = {{ time = {length:.2f}, every = {every} }}
segment = {length:.2f}
"""
CELLS = [8, 8, 8]


def long_campaign(runs: int, rows: int) -> str:
    """Runs of two segments, one of equilibration and one of sampling, of equal length."""
    return HEAD.format(
        engine="ranks = 1",
        models=MODEL.format(number=0),
        temperatures=[1.0],
        supercells=[CELLS],
        seeds=runs,
        times=LONG.format(length=rows * EVERY, every=EVERY),
    )


def overhead(arguments: argparse.Namespace) -> Iterator[Row]:
    runs = arguments.workers
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        trial = follow(folder, "trial", long_campaign(runs, TRIAL_ROWS), runs)
        seconds = median(attempt["loops"] / attempt["segments"] for attempt in trial.values())
        rows = round(TRIAL_ROWS * arguments.seconds / seconds)
        found = follow(folder, "store", long_campaign(runs, rows), runs)
        for run, attempt in found.items():
            lost = attempt["wall"] - attempt["lammps"]
            yield {
                "run": run,
                "segments": attempt["segments"],
                "wall, s": round(attempt["wall"], 2),
                "LAMMPS, s": round(attempt["lammps"], 2),
                "time steps, s": round(attempt["loops"], 2),
                "besides LAMMPS, s": round(lost, 2),
                "besides LAMMPS": f"{lost / attempt['wall']:.1%}",
                "allowed, s": round(0.02 * attempt["wall"] + 0.5, 2),
            }


def follow(folder: Path, name: str, text: str, workers: int) -> dict[str, Numbers]:
    """Launch a campaign; how long its attempts took, and LAMMPS in them, by run."""
    campaign, store = folder / f"{name}.toml", folder / name
    campaign.write_text(text)
    options = ["--store", str(store), "--workers", str(workers), "--quiet"]
    seen: dict[tuple[str, str], tuple[float, float]] = {}
    with subprocess.Popen([*COMMAND, "launch", str(campaign), *options]) as child:
        while child.poll() is None:
            time.sleep(0.1)
            look(store, seen)
    if child.returncode:
        sys.exit(f"{campaign}: ensemble launch ended with status {child.returncode}")
    attempts: dict[str, Numbers] = {}
    for line in (store / "work" / "ledger.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "launch":
            continue
        times = [both for (run, _), both in seen.items() if run == event["run"]]
        attempts[event["run"]] = {
            "segments": len(times),
            "wall": event["wall"],
            "lammps": sum(process for process, _ in times),
            "loops": sum(loops for _, loops in times),
        }
    return attempts


def look(store: Path, seen: dict[tuple[str, str], tuple[float, float]]) -> None:
    """Note how long the segments took that are in place; the next commit removes their files."""
    for record in store.glob("work/runs/gk/*/segment-*.json"):
        place = record.parent.name, record.stem
        if place not in seen:
            loops = re.findall(r"^Loop time of (\S+)", record.with_suffix(".log").read_text(), re.M)
            process = json.loads(record.read_text())["seconds"]
            seen[place] = process, sum(map(float, loops))


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "simulated": simulated,
    "overhead": overhead,
}


# -------------------------------------------------------------------------------------- printing


def print_rows(rows: Iterable[Row]) -> list[Row]:
    """Each row when it is known, under one header."""
    printed: list[Row] = []
    for row in rows:
        if not printed:
            print("  ".join(row))
        print("  ".join(f"{value!s:>{len(key)}}" for key, value in row.items()), flush=True)
        printed.append(row)
    return printed


def main() -> None:
    if sys.argv[1:2] == ["inside"]:
        name, *rest = sys.argv[2:]
        print(json.dumps(INSIDE[name](*rest)))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=[*PARTS, "all"], nargs="?", default="simulated")
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--seconds", type=float, default=30.0, help="of a segment of `overhead`")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path, help="where the stores are made and removed")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    report: dict[str, object] = {"cores": len(os.sched_getaffinity(0))}
    for name in PARTS if arguments.part == "all" else [arguments.part]:
        print(f"\n{name}")
        report[name] = print_rows(PARTS[name](arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
