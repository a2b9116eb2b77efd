"""κ of the groups of runs that are over, as the workers have reduced them and the store keeps it.

Nothing is reduced here. A group that nobody has reduced has no κ on the page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from ensemble.dashboard.news import GroupKey, Kappa
from ensemble.dashboard.runs import NUMBER, Runs
from ensemble.results.advice import interval_text
from ensemble.results.cache import Cache
from ensemble.results.groups import Group, place_of
from ensemble.results.settings import Settings, ways
from ensemble.store.info import StoreInfo
from ensemble.store.progress import State

__all__ = ["Conductivities"]


class Conductivities:
    """What the store keeps of the κ of each group."""

    def __init__(self, info: StoreInfo, runs: Runs) -> None:
        self._info, self._runs = info, runs
        self._cache, self._ways = Cache(info), ways(info, Settings())
        self._groups: dict[str, dict[GroupKey, list[int]]] = {study: {} for study in info.studies}
        for row, (run, place) in enumerate(zip(runs.runs, runs.places, strict=True)):
            key = (run.study, *place_of(place))
            self._groups[run.study].setdefault(key, []).append(row)
        self._seen: dict[str, int] = {}
        """When the folder of each study last changed."""
        self._read: dict[GroupKey, int] = {}
        """When the file of each group was written that was read."""
        self._found: dict[GroupKey, tuple[Kappa, ...]] = {}

    def look(self) -> tuple[Kappa, ...] | None:
        """All that is kept, in the order of the store; None where nothing has changed."""
        changed = [study for study in self._groups if self._has_changed(study)]
        if not any([self._look_at(study) for study in changed]):
            return None
        order = [key for groups in self._groups.values() for key in groups]
        return tuple(kappa for key in order for kappa in self._found.get(key, ()))

    def _has_changed(self, study: str) -> bool:
        with suppress(OSError):
            time = os.stat(self._info.paths.results(study)).st_mtime_ns
            if self._seen.get(study) != time:
                self._seen[study] = time
                return True
        return False

    def _look_at(self, study: str) -> bool:
        """Read the files of a study that are new; whether there were any."""
        written = {}
        with suppress(OSError), os.scandir(self._info.paths.results(study)) as entries:
            written = {entry.name: entry.stat().st_mtime_ns for entry in entries}
        changed, way = False, self._ways[study]
        for key, rows in self._groups[study].items():
            group = self._group(key, rows)
            time = written.get(self._cache.path(group, way).name)
            if time is None or self._read.get(key) == time:
                continue
            self._read[key] = time
            self._found[key] = tuple(self._kappas(key, group))
            changed = True
        return changed

    def _kappas(self, key: GroupKey, group: Group) -> Iterator[Kappa]:
        reduced = self._cache.kept(group, self._ways[group.study])
        for found in () if reduced is None else reduced.findings:
            yield Kappa(
                group=key,
                estimate=found.estimate,
                kappa=found.kappa.mean,
                half_width=found.kappa.half_width,
                text=interval_text(found.kappa),
                verdict="; ".join([*found.problems, *filter(None, [group.failure])]) or "converged",
            )

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
