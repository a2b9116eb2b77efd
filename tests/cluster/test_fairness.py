"""Who has nothing to do, and for how long."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from distributed import LocalCluster
from launches import GK, HEAD, Launcher, events_of, launch, wait_until, write_campaign

LATE = 10.0
"""Seconds in which a worker that joins has something to do."""

SEGMENT = 2.0
"""Seconds that a segment takes here at least, without the work of a processor."""

SEGMENTS = 3
"""Of a run."""

SLOW = """\
#!/bin/sh
sleep {seconds}
exec {lmp} "$@"
"""


def slow_campaign(folder: Path, runs: int) -> Path:
    """Equal runs of `SEGMENTS` segments each."""
    program = folder / "slow-lmp"
    program.write_text(SLOW.format(seconds=SEGMENT, lmp=Path(sys.prefix) / "bin" / "lmp"))
    program.chmod(0o755)
    study = GK.replace("time = 24", "time = 4").replace("seeds = 2", f"seeds = {runs}")
    engine = f'\n[engine]\ncommand = "{program}"\n'
    return write_campaign(folder, HEAD + study + engine)


def test_a_worker_that_joins_late_has_work_soon(tmp_path: Path) -> None:
    """Though a run of another one is far from its end."""
    campaign = slow_campaign(tmp_path, runs=20)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        section = tmp_path / "address.toml"
        section.write_text(
            f'[cluster]\nkind = "address"\naddress = "{cluster.scheduler_address}"\n'
        )
        workers = cluster.scheduler.workers
        with Launcher(campaign, tmp_path / "store", "--cluster", str(section)) as launcher:
            launcher.wait_until(lambda: all(worker.processing for worker in workers.values()))
            (first,) = workers
            cluster.scale(3)
            wait_until(lambda: len(workers) == 3)
            joined = time.monotonic()
            late = [worker for address, worker in workers.items() if address != first]
            launcher.wait_until(lambda: all(worker.processing for worker in late))
            assert time.monotonic() - joined < LATE
            launcher.child.terminate()
            launcher.ended()


def test_the_last_worker_waits_for_less_than_a_segment(tmp_path: Path) -> None:
    """Where there is equal work for both."""
    store = tmp_path / "store"
    done = launch(slow_campaign(tmp_path, runs=4), store, "--quiet")
    assert done.returncode == 0, done.stderr
    events = sorted(events_of(store), key=lambda event: str(event["time"]))
    ends = [datetime.fromisoformat(str(event["time"])).timestamp() for event in events]
    assert len(ends) == 4
    gaps = [later - sooner for sooner, later in pairwise(ends)]
    # The first two end together, then the other two. On a busy machine segments take longer.
    assert gaps[-1] < (ends[-1] - ends[1]) / SEGMENTS
    assert gaps[1] > (SEGMENTS - 1) * SEGMENT
