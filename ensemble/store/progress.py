"""How far the runs are: from the names of files alone, without reading a chunk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Recipe, Run
from ensemble.store.commit import RESTART_HASH, clear_attempts, forget, restart_hash
from ensemble.store.errors import LeaseHeld
from ensemble.store.layout import LEASE, StorePaths, chunk_name, record_name, restart_name
from ensemble.store.lease import Lease, is_held


class State(StrEnum):
    """Of a run."""

    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    PARTIAL = "partial"
    """Some of its segments are done, and nobody is at work."""
    WAITING = "waiting"


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a run goes on."""

    segment: int
    restart: Path | None
    """The restart file to start from; None at the beginning of a run, and in a ``rerun``."""
    record: dict[str, Any] | None
    """The record of the segment before; None at the beginning."""


def committed(paths: StorePaths, study: str) -> dict[Index, int]:
    """How many sampling segments of each run of a study are in the store; without those of none.

    Raises
    ------
    OSError
        The samples cannot be listed.
    """
    parts: dict[str, list[str]] = {}
    for name in _names(paths.samples(study)):
        if name.startswith("c."):
            run, part = name[2:].removesuffix(".0").rsplit(".", 1)
            parts.setdefault(run, []).append(part)
    return {_index(run): _unbroken(found) for run, found in parts.items()}


def committed_of(paths: StorePaths, study: str, index: Index) -> int:
    """How many sampling segments of one run are in the store."""
    samples = os.fspath(paths.samples(study))
    return next(k for k in count() if not os.path.exists(f"{samples}/{chunk_name((*index, k, 0))}"))


def next_segment(paths: StorePaths, recipe: Recipe, run: Run, index: Index) -> Start | None:
    """Where a run goes on, or None where it is done.

    That is behind the newest restart file that is not newer than the last committed segment. Where
    a restart file is missing or damaged, segments are computed again from an earlier one, at worst
    from the beginning.

    Raises
    ------
    OSError
        Files are there, but cannot be read.
    """
    done = committed_of(paths, run.study, index)
    if done >= recipe.sample_segments:
        return None
    folder = paths.run(run)
    if recipe.study.method == "rerun":
        record = _record(folder / record_name(done - 1)) if done else None
        return Start(segment=done, restart=None, record=record)
    for number in range(recipe.equilibration_segments + done - 1, -1, -1):
        restart = folder / restart_name(number)
        record = _record(folder / record_name(number))
        if record is not None and _is_that_of(restart, record):
            return Start(segment=number + 1, restart=restart, record=record)
    return Start(segment=0, restart=None, record=None)


def tidy(paths: StorePaths, recipe: Recipe, run: Run, index: Index) -> None:
    """Remove what is left in the folder of a run whose process was killed behind its last commit.

    It has left its lease there as well: without one nothing is looked at.

    Raises
    ------
    OSError
        The folder cannot be read or written.
    """
    if not os.path.exists(paths.lease(run)):
        return
    with suppress(LeaseHeld), Lease.acquire(paths.lease(run)):
        remove_leftovers(paths, recipe, run, index)


def remove_leftovers(paths: StorePaths, recipe: Recipe, run: Run, index: Index) -> None:
    """The same, for who holds the run's lease already."""
    clear_attempts(paths, run)
    done = committed_of(paths, run.study, index)
    forget(paths, recipe, run, recipe.equilibration_segments + done - 1)


def states(
    paths: StorePaths,
    study: str,
    runs: Iterable[tuple[Index, Run]],
    segments_of: Callable[[Run], int],
    failed: Iterable[str] = (),
) -> Iterator[tuple[Index, Run, State, int]]:
    """The state of each run of a study, and how many of its sampling segments are in the store.

    Parameters
    ----------
    runs
        With their places.
    segments_of
        How many sampling segments a run has to have.
    failed
        Names of the runs whose last attempt failed.
    """
    done = committed(paths, study)
    started = set(_names(paths.runs(study)))
    unlucky = set(failed)
    folders = os.fspath(paths.runs(study))
    for index, run in runs:
        segments, name = done.get(index, 0), run.name
        if segments >= segments_of(run):
            state = State.DONE
        elif name in started and is_held(Path(f"{folders}/{name}/{LEASE}")):
            state = State.RUNNING
        elif name in unlucky:
            state = State.FAILED
        else:
            state = State.PARTIAL if name in started else State.WAITING
        yield index, run, state, segments


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _index(text: str) -> Index:
    model, temperature, supercell, seed = map(int, text.split("."))
    return model, temperature, supercell, seed


def _unbroken(parts: list[str]) -> int:
    """How many parts there are from 0 on without a gap."""
    found = set(map(int, parts))
    return len(found) if max(found) < len(found) else next(k for k in count() if k not in found)


def _record(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _is_that_of(restart: Path, record: dict[str, Any]) -> bool:
    """Whether a restart file is there, and the one that its record is about."""
    try:
        return restart_hash(restart) == record.get(RESTART_HASH)
    except FileNotFoundError:
        return False
