"""Launches a campaign whose processes are killed at random moments, until it is done.

By hand, with more kills than the tests have time for::

    python tests/cluster/kills.py --kills 200 --seed 7
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from launches import (
    FLUID,
    Launcher,
    check_same,
    is_worker,
    launch,
    named,
    processes_in,
    wait_until,
    write_campaign,
)

BELOW: Mapping[str, Callable[[psutil.Process], bool]] = {
    "worker": is_worker,
    "leash": named("leash"),
    "LAMMPS": named("lmp"),
    "mpiexec": named("mpiexec"),
    "proxy": named("hydra_pmi_proxy"),
}
"""Processes below the launcher; the last two are there with more than one rank."""

LONGEST_PAUSE = 1.5
"""Between two kills, in seconds; a segment takes about half a second."""


class Killer:
    """Kills with SIGKILL what a launch has started, or itself.

    Parameters
    ----------
    weights
        Kinds of processes, and how often each is killed.
    seed
        Of the order of the kinds and of the moments.
    """

    def __init__(self, weights: Mapping[str, int], seed: int) -> None:
        self._random = random.Random(seed)
        self._kinds, self._weights = list(weights), list(weights.values())
        self.killed: Counter[str] = Counter()

    def disturb(self, campaign: Path, store: Path, kills: int) -> None:
        """Launch a campaign again and again until it is done; it is left alone after `kills`."""
        last = self.killed.total() + kills
        while True:
            with Launcher(campaign, store) as launcher:
                while launcher.running and self.killed.total() < last:
                    self._kill_one(launcher)
                if launcher.ended() == 0:
                    return

    def _kill_one(self, launcher: Launcher) -> None:
        kind = self._random.choices(self._kinds, self._weights)[0]
        time.sleep(self._random.uniform(0, LONGEST_PAUSE))
        victim = self._victim(launcher, kind)
        if victim is None:
            return
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return
        if kind == "launcher":
            launcher.ended()
        self.killed[kind] += 1

    @staticmethod
    def _victim(launcher: Launcher, kind: str) -> psutil.Process | None:
        if kind != "launcher":
            return launcher.find(BELOW[kind])
        return psutil.Process(launcher.child.pid) if launcher.running else None


def kill_and_compare(
    campaign: Path, reference: Path, folder: Path, killer: Killer, kills: int
) -> None:
    """Disturb stores, one after the other, until there were so many kills; each has to come out as
    the one that was never disturbed, and nothing may be left behind.
    """
    store = folder / "store"
    while (left := kills - killer.killed.total()) > 0:
        shutil.rmtree(store, ignore_errors=True)
        killer.disturb(campaign, store, left)
        check_same(store, reference)
    wait_until(lambda: processes_in(folder) == [])
    assert not list(folder.glob("dask-scratch-space/worker-*"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=1, help="MPI ranks of each LAMMPS")
    parser.add_argument("--folder", type=Path, help="an empty one, which is kept")
    arguments = parser.parse_args()
    weights = {"launcher": 1, "worker": 1, "leash": 1, "LAMMPS": 2}
    if arguments.ranks > 1:
        weights |= {"mpiexec": 1, "proxy": 1}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        campaign = write_campaign(folder, f"{FLUID}\n[engine]\nranks = {arguments.ranks}\n")
        (folder / "reference").mkdir()
        reference = folder / "reference" / "store"
        launch(campaign, reference).check_returncode()
        (folder / "disturbed").mkdir()
        killer = Killer(weights, arguments.seed)
        kill_and_compare(campaign, reference, folder / "disturbed", killer, arguments.kills)
    print(", ".join(f"{count} × {kind}" for kind, count in killer.killed.items()), "killed: same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
