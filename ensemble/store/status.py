"""``ensemble status``: how far the runs of a store are, in words.

Reads names of files and the ledger, nothing else, so that a store of 10,000 runs answers at once.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.store import ledger
from ensemble.store.info import StoreInfo, read_store
from ensemble.store.layout import StorePaths
from ensemble.store.lease import SILENT_AFTER, Holder, look
from ensemble.store.ledger import Decision
from ensemble.store.progress import State, states

FAILURES_SHOWN = 20
"""In words; all of them are in the JSON."""


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """How far a study is."""

    name: str
    states: Counter[State]
    """Runs in each state."""
    segments: int
    """Sampling segments in the store."""
    segments_asked: int

    @property
    def runs(self) -> int:
        """How many there are."""
        return sum(self.states.values())


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """How far a run is."""

    run: str
    """Its id."""
    state: State
    segments: int
    """Sampling segments in the store."""
    segments_asked: int


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run that failed."""

    study: str
    run: str
    cause: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a store is."""

    store: Path
    studies: tuple[StudyStatus, ...]
    runs: tuple[RunStatus, ...]
    failures: tuple[Failure, ...]
    convergence: tuple[Decision, ...] = ()
    """The last decision on each group of runs."""
    decided: bool = True
    """Whether ``[convergence]`` has come to an end with all studies; so where there is none."""
    launcher: Holder | None = None
    """Who launches in the background; it may have died."""
    launcher_silent: bool = False
    """Whether it has not been heard of for long."""

    @property
    def log(self) -> Path | None:
        """What launchers say that ``--detach`` has started, if there ever was one."""
        path = StorePaths(self.store).launch_log
        return path if path.exists() else None

    @property
    def complete(self) -> bool:
        """Whether every run is done, and there are to be no more."""
        done = all(study.states[State.DONE] == study.runs for study in self.studies)
        return done and self.decided

    def __str__(self) -> str:
        return "\n".join([*_table(self), *_launcher(self), *_convergence(self), *_failures(self)])

    def listed(self) -> str:
        """Each run, a line with its id, its segments and its state."""
        width = max((len(run.run) for run in self.runs), default=0)
        segments = [f"{run.segments}/{run.segments_asked}" for run in self.runs]
        digits = max(map(len, segments), default=0)
        return "\n".join(
            f"{run.run:{width}}  {done:>{digits}}  {run.state}"
            for run, done in zip(self.runs, segments, strict=True)
        )


def read_status(root: Path) -> Status:
    """The status of the store in a folder.

    Raises
    ------
    StoreError
        There is none, or it cannot be read.
    """
    info = read_store(root)
    histories = ledger.read(info.paths)
    studies, lines, failures = [], [], []
    for name, study in info.studies.items():
        unlucky = {run for (of, run), history in histories.items() if of == name and history.failed}
        found: Counter[State] = Counter()
        segments = 0
        asked = 0
        runs, segments_of = info.runs(name), study.segments_of
        for _, run, state, done in states(info.paths, name, runs, segments_of, unlucky):
            found[state] += 1
            wanted = segments_of(run)
            segments += min(done, wanted)
            asked += wanted
            lines.append(RunStatus(run=run.id, state=state, segments=done, segments_asked=wanted))
            if state is State.FAILED and (event := histories[name, run.name].failure) is not None:
                failures.append(
                    Failure(study=name, run=run.name, cause=event.cause, message=event.message)
                )
        studies.append(
            StudyStatus(
                name=name,
                states=found,
                segments=segments,
                segments_asked=asked,
            )
        )
    launcher = look(info.paths.launcher)
    campaign = tomllib.loads(info.campaign)
    decisions = tuple(_decisions(info)) if "convergence" in campaign else ()
    return Status(
        store=root,
        studies=tuple(studies),
        runs=tuple(lines),
        failures=tuple(failures),
        convergence=decisions,
        decided="convergence" not in campaign or _decided(campaign, decisions),
        launcher=None if launcher is None else launcher.holder,
        launcher_silent=launcher is not None and not launcher.is_held,
    )


def _decisions(info: StoreInfo) -> Iterator[Decision]:
    """What was decided last of each group."""
    for (study, _), decision in ledger.decisions(info.paths).items():
        if study in info.studies:
            yield decision


def _decided(campaign: dict[str, Any], decisions: Collection[Decision]) -> bool:
    """Whether each study has been judged and none is to get more."""
    judged = {study["name"] for study in campaign["study"] if study["method"] != "rerun"}
    return judged <= {one.study for one in decisions} and all(one.final for one in decisions)


def _table(status: Status) -> list[str]:
    columns = [State.DONE, State.RUNNING, State.PARTIAL, State.WAITING, State.FAILED]
    rows = [["study", "runs", *columns, "sampled"]]
    for study in status.studies:
        share = study.segments / study.segments_asked if study.segments_asked else 1.0
        counts = [str(study.states[state]) for state in columns]
        rows.append([study.name, str(study.runs), *counts, f"{share:.1%}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]


def _launcher(status: Status) -> list[str]:
    """Who launches in the background, and whether it is still there, as far as that can be seen."""
    if status.launcher is None:
        return []
    path = StorePaths(status.store).launch_log
    log = f"; log: {path}" if path.exists() else ""
    if status.launcher.alive() is False:
        return [f"the launcher in the background died: {status.launcher}; launch again{log}"]
    if status.launcher_silent:
        return [
            f"the launcher in the background, {status.launcher}, has given no sign of life for "
            f"{SILENT_AFTER / 60:g} minutes; if it is gone, launch again{log}"
        ]
    return [f"launcher in the background: {status.launcher}{log}"]


def _convergence(status: Status) -> list[str]:
    return [f"{one.study} {one.group}: {one.message}" for one in status.convergence]


def _failures(status: Status) -> list[str]:
    lines = [
        f"failed: {failure.study}/{failure.run}: {failure.message} ({failure.cause})"
        for failure in status.failures[:FAILURES_SHOWN]
    ]
    more = len(status.failures) - len(lines)
    return [*lines, f"and {more} more; see --json"] if more > 0 else lines


def as_json(status: Status) -> dict[str, Any]:
    """In JSON's types, without the single runs."""
    return {
        "store": str(status.store),
        "complete": status.complete,
        "studies": [
            {
                "study": study.name,
                "runs": study.runs,
                **{str(state): study.states[state] for state in State},
                "sampling_segments": study.segments,
                "sampling_segments_asked": study.segments_asked,
            }
            for study in status.studies
        ],
        "launcher": launcher_as_json(status.store),
        "convergence": [vars(decision) for decision in status.convergence],
        "failed": [vars(failure) for failure in status.failures],
    }


def launcher_as_json(root: Path) -> dict[str, Any] | None:
    """The launcher in the background of a store, if there is one, in JSON's types."""
    paths = StorePaths(root)
    seen = look(paths.launcher)
    if seen is None or (holder := seen.holder) is None:
        return None
    log = str(paths.launch_log) if paths.launch_log.exists() else None
    return {
        "host": holder.host,
        "pid": holder.pid,
        "alive": holder.alive(),
        "silent": not seen.is_held,
        "log": log,
    }
