"""The logs of LAMMPS that a run has left.

A run keeps the log of the last segment that was done or failed, and has that of the segment that
it is at.
"""

from __future__ import annotations

from pathlib import Path

from ensemble.plan.recipe import Run
from ensemble.store.commit import ATTEMPT, OF_SEGMENT
from ensemble.store.layout import StorePaths


def logs_of(paths: StorePaths, run: Run) -> dict[int, Path]:
    """The logs of a run by the numbers of their segments, the last one last.

    Raises
    ------
    OSError
        The run's folder is there, but cannot be listed.
    """
    folder = paths.run(run)
    found = [*folder.glob("segment-*.log"), *folder.glob(f"{ATTEMPT}*/segment-*.log")]
    numbered = [(int(match[1]), log) for log in found if (match := OF_SEGMENT.fullmatch(log.name))]
    return dict(sorted(numbered, key=lambda one: one[0]))
