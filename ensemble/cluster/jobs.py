"""What goes to a worker and what comes back: small, plain, and never data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from ensemble.md.failures import Cause
from ensemble.plan.axes import Index
from ensemble.plan.recipe import Recipe, Run


class Outcome(StrEnum):
    """How an attempt at a run ended."""

    DONE = "done"
    """Every segment is in the store."""
    HELD = "held"
    """Somebody else is at work on the run."""
    STOPPED = "stopped"
    """The worker was told to stop; what it had committed stands."""
    FAILED = "failed"
    """See the cause."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The run whose trajectory a ``rerun`` follows, and what of it is in the store."""

    run: Run
    index: Index
    equilibration_segments: int
    shape: tuple[int, int]
    """Of the rows of a segment."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """An attempt at a run."""

    store: str
    """Folder of the store."""
    recipe: Recipe
    run: Run
    index: Index
    """Where the run is in its study's hypercube."""
    source: Source | None = None
    seconds_per_step: float = 0.0
    """By estimate, of its wall time."""
    attempt: int = 1
    """How often the launcher has submitted it."""

    @property
    def key(self) -> str:
        """The run's, which store it is in, and from the second attempt on which one it is.

        To Dask tasks of one key are one: of two launches at one scheduler, into two stores, the
        second would be given the receipts of the first.
        """
        store = hashlib.sha256(self.store.encode()).hexdigest()[:8]
        attempt = "" if self.attempt == 1 else f"-attempt{self.attempt}"
        return f"{self.run.key}@{store}{attempt}"


@dataclass(frozen=True)
class Batch:
    """What one Dask task does: a run, or several that take a moment each, one after the other.

    A task costs Dask some milliseconds, whatever it does.
    """

    jobs: tuple[Job, ...]
    """One at least."""
    left_out: frozenset[str] = frozenset()
    """Hosts that are not to do it."""

    @property
    def key(self) -> str:
        """Key of the Dask task, which the first job is in alone: its own, and how many follow."""
        more = len(self.jobs) - 1
        return self.jobs[0].key + (f"+{more}" if more else "")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What an attempt came to."""

    key: str
    """Of the run."""
    outcome: Outcome
    cause: Cause | None = None
    message: str = ""
    """In one line, for whoever reads the terminal."""
    log_tail: str = ""
    segment: int | None = None
    """The one that was begun last."""
    segments: int = 0
    """Committed in this attempt."""
    steps: int = 0
    """Time steps of them."""
    lammps_seconds: float = 0.0
    seconds: float = 0.0
    """Wall time of the attempt, LAMMPS and all else."""
    host: str = ""
