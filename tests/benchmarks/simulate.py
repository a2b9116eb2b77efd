"""Launches too large for any machine at hand, played by `ensemble.cluster.simulate`.

    python -P tests/benchmarks/simulate.py
    python -P tests/benchmarks/simulate.py --json simulate.json

Cu1.95Se in full on 100 and 1000 workers, in jobs of four hours, of which a worker dies in one hour
of a hundred; the same with so many seeds that it is 100,000 runs, on 2000 workers, with and without
a walltime. Speeds are those of the models' sizes. Every row is a process of its own, whose largest
memory is given: with Python, the plan, and what the simulation keeps besides the launcher.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FULL = Path(__file__).parents[2] / "campaigns" / "cu195se.toml"
LARGE = 100_000
WALLTIME = 4 * 3600.0

Row = dict[str, object]


def enlarged(runs: int) -> str:
    """The campaign with more seeds, so that it has at least so many runs."""
    text = FULL.read_text().replace("models/", f"{FULL.parent}/models/")
    seeds = 5 * -(-runs // runs_of(FULL))
    text, studies = re.subn(r"^seeds = 5$", f"seeds = {seeds}", text, flags=re.MULTILINE)
    assert studies == 4, text
    return text


def runs_of(campaign: Path) -> int:
    from ensemble.campaign import find_files, load_campaign
    from ensemble.plan.plan import make_plan

    loaded = load_campaign(campaign)
    return make_plan(loaded, find_files(loaded)).run_count


def play(campaign: str, workers: str, walltime: str, rate: str) -> Row:
    """Simulate a launch."""
    from ensemble.campaign import find_files, load_campaign
    from ensemble.cluster.simulate import Conditions, simulate, work_of
    from ensemble.plan.plan import make_plan

    started = time.perf_counter()
    loaded = load_campaign(campaign)
    works = work_of(make_plan(loaded, find_files(loaded)))
    conditions = Conditions(
        workers=int(workers), walltime=float(walltime), failure_rate=float(rate)
    )
    found = simulate(works, conditions)
    assert found.done == found.runs, found
    return {
        "runs": found.runs,
        "workers": found.workers,
        "walltime, h": conditions.walltime / 3600,
        "makespan, h": round(found.makespan / 3600, 2),
        "lower bound, h": round(found.lower_bound / 3600, 2),
        "over it": f"{found.excess:.2%}",
        "jobs": found.jobs,
        "deaths": found.deaths,
        "used": f"{found.utilisation:.2%}",
        "lost": f"{found.lost / found.held:.2%}",
        "decisions, ms/run": round(1e3 * found.decisions / found.runs, 4),
        "memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "simulated in, s": round(time.perf_counter() - started, 1),
    }


def rows(folder: Path) -> Iterator[Row]:
    large = folder / "large.toml"
    large.write_text(enlarged(LARGE))
    for campaign, workers, walltime in (
        (FULL, 100, WALLTIME),
        (FULL, 1000, WALLTIME),
        (large, 2000, WALLTIME),
        (large, 2000, float("inf")),
    ):
        words = [sys.executable, "-P", __file__, "inside", str(campaign)]
        words += [str(workers), str(walltime), "0.01"]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        row: Row = json.loads(done.stdout.splitlines()[-1])
        yield row


def main() -> None:
    if sys.argv[1:2] == ["inside"]:
        print(json.dumps(play(*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder)):
            print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)
            found.append(row)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
