"""The run that a user means."""

from __future__ import annotations

from difflib import get_close_matches

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Run
from ensemble.store.errors import StoreError
from ensemble.store.info import StoreInfo

NEAREST = 3
"""That are named in place of a run that there is not."""


def find_run(info: StoreInfo, name: str) -> tuple[Index, Run]:
    """A run with its place, by its id, its name where no two studies have such a one, or its key.

    Raises
    ------
    StoreError
        There is no such run, and the message names the nearest; or there are several.
    """
    runs = {run.id: (index, run) for study in info.studies for index, run in info.runs(study)}
    if name in runs:
        return runs[name]
    found = [member for member in runs.values() if name in (member[1].name, member[1].key)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(run.id for _, run in found)
        raise StoreError(info.root, f"{len(found)} runs are called {name!r}; name one: {listed}")
    near = get_close_matches(name, runs, n=NEAREST, cutoff=0.0)
    raise StoreError(info.root, f"no run {name!r}; the nearest: {', '.join(near) or 'none at all'}")
