"""Cores for the ranks of a run that no other run on this machine has.

Ranks that wait for one another spin. Two runs that share a core slow each other down far more than
by half, and the kernel moves spinning processes about. Not every queue keeps its jobs apart, and
several runs may be in one job. So each run takes cores for itself, out of those that its worker may
use. A core is taken by a name that only one process of the machine can have, a Unix socket's in the
abstract namespace: there is no file, and the kernel gives it back when the process dies.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

CLAIM = "ensemble-core-"
"""How the names begin by which cores are taken."""


@contextmanager
def own_cores(count: int) -> Iterator[set[int]]:
    """What the calling thread starts meanwhile runs on so many cores of its own, those given.

    Where fewer are free, more runs are at work than there are cores for: then on all that this
    thread may use, and the kernel shares them out.
    """
    allowed = os.sched_getaffinity(0)
    with ExitStack() as claims:
        own: set[int] = set()
        for core in sorted(allowed):
            if len(own) < count and (claim := _claim(core)) is not None:
                claims.enter_context(claim)
                own.add(core)
        if len(own) < count:
            claims.close()
            own = allowed
        os.sched_setaffinity(0, own)  # of this thread alone; a child has that of its parent
        try:
            yield own
        finally:
            os.sched_setaffinity(0, allowed)


def _claim(core: int) -> socket.socket | None:
    """A core, until it is closed; None if another run has it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0{CLAIM}{core}")
    except OSError:
        claim.close()
        return None
    return claim
