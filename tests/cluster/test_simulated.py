"""Many short runs: a campaign whose LAMMPS is played by the benchmark's `instant.cpp`."""

import json
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import zarr
from launches import check_complete, ensemble, events_of, launch, write_campaign

BENCHMARK = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "launch.py"))
RUNS = 50


def test_every_one_of_many_short_runs_is_done_once(tmp_path: Path) -> None:
    instant = BENCHMARK["build_instant"](tmp_path)
    campaign = write_campaign(tmp_path, BENCHMARK["simulated_campaign"](RUNS, instant))
    store = tmp_path / "store"

    finished = launch(campaign, store, "--quiet")

    assert (finished.returncode, finished.stderr) == (0, "")
    attempts = Counter((event["run"], event["kind"]) for event in events_of(store))
    assert len(attempts) == RUNS
    assert {kind for _, kind in attempts} == {"done"}
    assert set(attempts.values()) == {1}
    check_complete(store)
    group = zarr.open_group(store / "data.zarr", mode="r")
    samples = np.asarray(group["gk/samples"]).reshape(RUNS, -1)
    assert len(np.unique(samples[:, 0])) == RUNS  # each begins with velocities of its own

    again = launch(campaign, store, "--quiet")

    assert (again.returncode, again.stderr) == (0, "")
    assert len(events_of(store)) == RUNS
    status = json.loads(ensemble(tmp_path, "status", store, "--json").stdout)
    assert status["complete"]
    assert status["studies"][0]["done"] == RUNS
