"""Wants a lease again and again; for tests with many processes.

``contender.py <what> <folder> <rounds>`` where ``what`` is

``count``
    Add one to the number in the folder's file ``count`` under the lease, in a manner that loses
    counts where two do it at once; every third time be killed by SIGKILL instead of giving it back.
``take``
    For each round wait for its stale lease, try once to take it, and say ``mine`` or ``held``.
"""

import os
import signal
import sys
from pathlib import Path

from ensemble.store.errors import LeaseHeld
from ensemble.store.lease import Lease


def count(folder: Path, rounds: int) -> None:
    """Work under the lease; each round in a process of its own, which may die."""
    for number in range(rounds):
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        with Lease.acquire(folder / "lease", patience=60.0) as lease:
            value = int((folder / "count").read_text())
            lease.confirm()
            (folder / "count").write_text(str(value + 1))
            if number % 3 == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)


def take(folder: Path, rounds: int) -> None:
    """All contenders find each stale lease at about the same time."""
    held, parent = [], os.getppid()
    for number in range(rounds):
        while not (folder / f"go-{number}").exists():
            os.sched_yield()
            if os.getppid() != parent:
                return  # nobody is left to say go
        try:
            held.append(Lease.acquire(folder / f"lease-{number}"))
            held[-1].confirm()
            print("mine", flush=True)
        except LeaseHeld:
            print("held", flush=True)


if __name__ == "__main__":
    what, where, times = sys.argv[1:]
    {"count": count, "take": take}[what](Path(where), int(times))
