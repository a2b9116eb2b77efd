"""Hosts on which runs fail one after the other, while there are others to do them.

On a node whose disk is broken, or that lacks a library, each run fails at once, so that the node is
free for the next one at once: it would spoil them all. Such a host is left out for a time. The
decisions are free of Dask and of clocks: time is handed in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ensemble.cluster.jobs import Outcome, Receipt
from ensemble.md.failures import Cause

SUSPICIOUS_RUNS = 3
"""That fail on a host, without any that gets on there between them."""

QUICK_SECONDS = 60.0
"""A failure that takes longer may be anybody's."""

FIRST_REST = 600.0
"""For how long a host is left out, in seconds; doubled each time."""

LONGEST_REST = 3600.0

BLAMED = frozenset({Cause.LAMMPS_ERROR, Cause.INTERNAL, Cause.MISSING_FILE})
"""Causes that may be the host's."""


@dataclass(frozen=True)
class LeftOut:
    """A host that has nothing to do for a time."""

    host: str
    seconds: float
    runs: frozenset[str]
    """By their keys: what failed there, and may do well elsewhere."""


class Hosts:
    """What is known of the hosts of a launch."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._told: set[str] = set()
        """Addresses of the workers that have told theirs."""
        self._failed: dict[str, set[str]] = {}
        """By host, the runs that failed there since the last that got on, and nowhere else."""
        self._until: dict[str, float] = {}
        self._times: Counter[str] = Counter()

    def see(self, host: str, worker: str) -> None:
        """A worker on it, by its address, is at work."""
        self._known.add(host)
        self._told.add(worker)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._known) > 1

    def maybe_several(self, workers: int) -> bool:
        """Whether there may be: of so many workers not all have told theirs."""
        return self.several or len(self._told) < workers

    def left_out(self, now: float) -> dict[str, float]:
        """The hosts that are, and for how many seconds more."""
        return {host: until - now for host, until in self._until.items() if until > now}

    def excuses(self, receipt: Receipt, now: float) -> bool:
        """Whether an error says nothing of the run: its host is left out, or the run has failed
        there before.
        """
        left_out = receipt.host in self.left_out(now)
        again = self.several and receipt.key in self._failed.get(receipt.host, ())
        return receipt.cause in BLAMED and (left_out or again)

    def note(self, receipt: Receipt, now: float) -> LeftOut | None:
        """How an attempt ended; returns its host if that is to be left out from now on."""
        host = receipt.host
        if not host:
            return None  # a worker that died does not tell
        self._known.add(host)
        if receipt.segments or receipt.outcome is Outcome.DONE:
            self._failed.pop(host, None)
            self._times.pop(host, None)
            return None
        if receipt.cause not in BLAMED or receipt.seconds > QUICK_SECONDS:
            return None
        if host in self.left_out(now):
            return None  # by a run that was on its way there
        if self._failed_elsewhere(receipt.key, host):
            return None
        failed = self._failed.setdefault(host, set())
        failed.add(receipt.key)
        others = self._known - self.left_out(now).keys() - {host}
        if len(failed) < SUSPICIOUS_RUNS or not others:
            return None
        return self._leave_out(host, now)

    def _failed_elsewhere(self, key: str, host: str) -> bool:
        """Then it is the run that is to blame, and no host."""
        others = [runs for other, runs in self._failed.items() if other != host and key in runs]
        for runs in others:
            runs.discard(key)
        return bool(others)

    def _leave_out(self, host: str, now: float) -> LeftOut:
        seconds = min(LONGEST_REST, FIRST_REST * 2 ** self._times[host])
        self._times[host] += 1
        self._until[host] = now + seconds
        return LeftOut(host, seconds, frozenset(self._failed.pop(host)))
