"""How long the table of results takes: 90 runs of 200,000 rows, first cold, then kept.

    python tests/benchmarks/results.py
    python tests/benchmarks/results.py --models 2 --seeds 2 --picoseconds 200     a small one
    python tests/benchmarks/results.py --json results.json

Samples are synthetic, and written as workers write them: nine models at two temperatures with five
seeds each, all channels of an equilibrium study of two species. They take 3 GB in --folder, which
are removed in the end. What is timed is ``ensemble results``, a process of its own, imports and
all; the samples are in the page cache, since they were just written. ``kept`` is the median of
three.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.campaign import find_files, load_campaign
from ensemble.plan.plan import make_plan
from ensemble.store.arrays import create_or_grow
from ensemble.store.commit import encode_chunk
from ensemble.store.info import StoreInfo
from ensemble.store.layout import StorePaths

COMMAND = [sys.executable, "-P", "-m", "ensemble.cli", "results"]

CAMPAIGN = """
[campaign]
name = "benchmark"

[material.beta]
prototype = "antifluorite"
species = ["Cu", "Se"]
lattice = 5.85

[models]
style = "lammps"
{models}

[[study]]
name = "gk"
method = "emd"
material = "beta"
temperatures = [300, 600]
supercells = [[3, 3, 3]]
seeds = {seeds}
timestep = 1
equilibrate = [{{ ensemble = "nve", time = 10 }}]
sample = {{ time = {picoseconds}, every = 10 }}
segment = 200
"""

MODEL = """
[[models.model]]
name = "mtp{number}"
commands = ["pair_style lj/cut 5.0", "pair_coeff * * 0.01 2.5"]
"""

CORRELATION = {"heat_flux_convective": 30, "heat_flux_conductive": 200, "momentum": 100}
"""Times in rows, of processes of first order."""


def make_store(folder: Path, models: int, seeds: int, picoseconds: float) -> StoreInfo:
    """A store with all samples in place."""
    file = folder / "benchmark.toml"
    names = "".join(MODEL.format(number=k) for k in range(1, models + 1))
    file.write_text(CAMPAIGN.format(models=names, seeds=seeds, picoseconds=picoseconds))
    campaign = load_campaign(file)
    paths = StorePaths(folder / "store")
    info = create_or_grow(
        paths, make_plan(campaign, find_files(campaign)), versions={}, confirm=lambda: None
    )
    study = info.studies["gk"]
    names_of = [channel.name for channel in study.channels]
    for number, (index, _) in enumerate(info.runs("gk")):
        rows = sample(np.random.default_rng(number), study.shape[4], names_of)
        for part, chunk in enumerate(np.split(rows, study.sample_segments)):
            paths.chunk("gk", index, part).write_bytes(encode_chunk(chunk))
    return info


def sample(generator: np.random.Generator, rows: int, channels: list[str]) -> NDArray[np.float64]:
    """Shape (rows, channels): currents that are correlated and coupled, and other noise."""
    series = dict(zip(channels, generator.standard_normal((len(channels), rows)), strict=True))
    for axis in "xyz":
        current = _correlated(series[f"momentum_Cu_{axis}"], CORRELATION["momentum"])
        series[f"momentum_Cu_{axis}"], series[f"momentum_Se_{axis}"] = current, -current
        convective, conductive = f"heat_flux_convective_{axis}", f"heat_flux_conductive_{axis}"
        for name in (convective, conductive):
            series[name] = _correlated(series[name], CORRELATION[name[:-2]])
        series[convective] = series[convective] + 2 * current
        series[f"heat_flux_{axis}"] = series[convective] + series[conductive]
    series["temperature"] = 600 + series["temperature"]
    series["volume"] = np.full(rows, 5400.0)
    return np.stack([series[name] for name in channels], axis=1)


def _correlated(noise: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    memory = np.exp(-1 / time)
    found: NDArray[np.float64] = lfilter([np.sqrt(1 - memory**2)], [1, -memory], noise)
    return found


def timed(store: Path) -> dict[str, float]:
    """Seconds of the wall clock and of the processors, and the most memory, of one command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*COMMAND, store], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall, s": wall, "processors, s": processors, "memory, MB": after.ru_maxrss / 1024}


def measure(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    info = make_store(folder, arguments.models, arguments.seeds, arguments.picoseconds)
    study = info.studies["gk"]
    size = sum(path.stat().st_size for path in info.paths.samples("gk").iterdir())
    yield "store", {"runs": study.axes.run_count, "rows": study.shape[4], "MB": size / 1e6}
    yield "cold", timed(info.root)
    again = [timed(info.root) for _ in range(3)]
    yield "kept", {name: median(one[name] for one in again) for name in again[0]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=9)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--picoseconds", type=float, default=2000)
    parser.add_argument("--folder", type=Path, help="where the store is made for the time")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    arguments = parser.parse_args()
    found: dict[str, object] = {"cores": len(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name, numbers in measure(arguments, Path(folder)):
            print(name, {key: round(value, 3) for key, value in numbers.items()}, flush=True)
            found[name] = numbers
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
