"""κ of the groups of runs that are over, as the workers have reduced them and the store keeps it.

Nothing is reduced here. A group that nobody has reduced has no κ on the page, nor has one of which
a run is still to come.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ensemble.dashboard.news import GroupKey, Kappa
from ensemble.dashboard.runs import NUMBER, Runs
from ensemble.results.cache import Cache
from ensemble.results.findings import Reduced
from ensemble.results.groups import Group, place_of
from ensemble.results.settings import Settings, ways
from ensemble.results.words import interval_text
from ensemble.store.info import StoreInfo
from ensemble.store.progress import State

__all__ = ["Conductivities"]


MOST_AGAIN = 8
"""Files that are looked at again in a look, of those that did not fit: a network file system may
show the state of a minute ago, or they are of other samples and stay so.
"""


class Conductivities:
    """What the store keeps of the κ of each group."""

    def __init__(self, info: StoreInfo, runs: Runs) -> None:
        self._info, self._runs = info, runs
        self._cache, self._ways = Cache(info), ways(info, Settings())
        self._groups: dict[GroupKey, list[int]] = {}
        for row, (run, place) in enumerate(zip(runs.runs, runs.places, strict=True)):
            self._groups.setdefault((run.study, *place_of(place)), []).append(row)
        self._group_of: NDArray[np.intp] = np.zeros(len(runs.runs), np.intp)
        """The number of each run's group."""
        for number, rows in enumerate(self._groups.values()):
            self._group_of[rows] = number
        self._seen: dict[str, int] = {}
        """When the folder of each study last changed."""
        self._over: dict[GroupKey, int] = {}
        """How many runs are done, of the groups that are over."""
        self._read: dict[GroupKey, int] = {}
        """When the file of each group was written that was read."""
        self._unfit: dict[GroupKey, None] = {}
        """Groups whose file did not fit their samples, the one that waits longest first."""
        self._found: dict[GroupKey, tuple[Kappa, ...]] = {}

    def look(self) -> tuple[Kappa, ...] | None:
        """All that is kept, in the order of the store; None where nothing has changed."""
        before, self._over = self._over, self._count()
        new = {key for key, done in self._over.items() if before.get(key) != done}
        changed = [self._forget(key) for key in new.union(before.keys() - self._over.keys())]
        folders = {study for study in self._info.studies if self._has_changed(study)}
        due = new.union(list(self._unfit)[:MOST_AGAIN])
        due.update(key for key in self._over if key[0] in folders)
        changed += [self._look_at(key) for key in due]
        if not any(changed):
            return None
        return tuple(kappa for key in self._groups for kappa in self._found.get(key, ()))

    def _count(self) -> dict[GroupKey, int]:
        """How many runs are done, of the groups of which none is to come."""
        states, count = self._runs.state, len(self._groups)
        done = states == NUMBER[State.DONE]
        to_come = ~done & (states != NUMBER[State.FAILED])
        whole, open_ = (np.bincount(self._group_of, of, count) for of in (done, to_come))
        keys = list(self._groups)
        return {keys[k]: int(whole[k]) for k in np.flatnonzero(open_ == 0).tolist()}

    def _has_changed(self, study: str) -> bool:
        with suppress(OSError):
            time = os.stat(self._info.paths.results(study)).st_mtime_ns
            if self._seen.get(study) != time:
                self._seen[study] = time
                return True
        return False

    def _forget(self, key: GroupKey) -> bool:
        """A group has other runs than it had; whether it had a κ."""
        self._read.pop(key, None)
        self._unfit.pop(key, None)
        return self._found.pop(key, None) is not None

    def _look_at(self, key: GroupKey) -> bool:
        """Read the file of a group if it is new; whether κ is another one."""
        group, way = self._group(key, self._groups[key]), self._ways[key[0]]
        try:
            time = os.stat(self._cache.path(group, way)).st_mtime_ns
        except OSError:
            return False
        if self._read.get(key) == time:
            return False
        had = self._forget(key)
        reduced = self._cache.kept(group, way)
        if reduced is None:
            self._unfit[key] = None
            return had
        self._read[key] = time
        self._found[key] = tuple(_kappas(key, group, reduced))
        return True

    def _group(self, key: GroupKey, rows: Sequence[int]) -> Group:
        runs, study = self._runs, self._info.studies[key[0]]
        first, states = runs.runs[rows[0]], runs.state[rows]
        failed = int(np.count_nonzero(states == NUMBER[State.FAILED]))
        whole = np.flatnonzero(states == NUMBER[State.DONE])
        return Group(
            study=key[0],
            method=study.method,
            material=study.material,
            model=first.model,
            temperature=first.temperature,
            supercell=first.supercell,
            atoms=study.atoms[key[3]],
            place=key[1:],
            done=tuple((runs.places[rows[k]], runs.runs[rows[k]]) for k in whole.tolist()),
            asked=len(rows),
            failure=f"{failed} of {len(rows)} runs failed" if failed else "",
        )


def _kappas(key: GroupKey, group: Group, reduced: Reduced) -> Iterator[Kappa]:
    for found in reduced.findings:
        yield Kappa(
            group=key,
            estimate=found.estimate,
            kappa=found.kappa.mean,
            half_width=found.kappa.half_width,
            text=interval_text(found.kappa),
            verdict="; ".join([*found.problems, *filter(None, [group.failure])]) or "converged",
        )
