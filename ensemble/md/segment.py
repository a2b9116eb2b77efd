"""One segment of a run: restart file in, rows and restart file out, in one LAMMPS process.

A segment is determined by the restart file that it starts from and by what it is: done again, it
gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy import float64
from numpy.typing import NDArray

from ensemble.campaign.studies import Nemd, Rerun
from ensemble.md import emd, equilibrate, nemd, outcome, rerun
from ensemble.md.assignment import Assignment, Record, SegmentFiles
from ensemble.md.engine import lammps_command, lammps_cores, lammps_environment
from ensemble.md.process import run_lammps
from ensemble.plan.recipe import Recipe, Run, Segment, segment_name

__all__ = ["SegmentFiles", "SegmentResult", "run_segment", "script_of"]

LOG_BYTES = 100_000
"""Of the end of a log, when LAMMPS failed: the last thermodynamic output and the error."""


@dataclass(frozen=True, kw_only=True)
class SegmentResult:
    """What a segment leaves."""

    rows: NDArray[float64] | None
    """Rows for the store, shape ``(rows, channels)``; None of a stage before the sampling."""
    restart: Path | None
    """The state that the next segment starts from, in the attempt's folder; None of a ``rerun``."""
    record: dict[str, Any]
    """What else is to be known, as `ensemble.md.record` says."""


def run_segment(
    recipe: Recipe,
    run: Run,
    segment: Segment,
    files: SegmentFiles,
    previous_record: Record | None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> SegmentResult:
    """Have LAMMPS do a segment, and judge what it did.

    Parameters
    ----------
    recipe, run, segment
        What is to be done.
    files
        Where it is done.
    previous_record
        The record of the segment before; None of the first.
    cancelled
        Asked now and then; LAMMPS is ended when it says True.

    Raises
    ------
    SegmentFailure
        LAMMPS failed or was ended, or what it computed cannot be right.
    OSError
        A file cannot be written or read.
    """
    work = Assignment(
        recipe=recipe, run=run, segment=segment, files=files, previous=previous_record
    )
    name = segment_name(segment.number)
    (files.run_folder / f"{name}.in").write_text(script_of(work))
    log = files.attempt / f"{name}.log"
    arguments = ["-in", f"{name}.in", "-var", "folder", files.attempt.name]
    arguments += ["-log", f"{files.attempt.name}/{log.name}", "-nocite"]
    try:
        with lammps_cores(recipe.engine):
            finished = run_lammps(
                lammps_command(recipe.engine, arguments),
                files.run_folder,
                lammps_environment(recipe.engine),
                cancelled=cancelled,
            )
        if not finished.ok:
            raise finished.failure(_end_of(log))
        rows, record = outcome.of(work)
    finally:
        if log.exists():
            os.replace(log, files.run_folder / log.name)
    record["seconds"] = round(finished.wall, 3)
    restart = None if isinstance(recipe.study, Rerun) else files.attempt / "next.restart"
    return SegmentResult(rows=rows, restart=restart, record=record)


def script_of(work: Assignment) -> str:
    """The input script of a segment."""
    if not work.segment.samples:
        return equilibrate.stage_script(work)
    if isinstance(work.recipe.study, Rerun):
        return rerun.sampling_script(work)
    if isinstance(work.recipe.study, Nemd):
        return nemd.sampling_script(work)
    return emd.sampling_script(work)


def _end_of(log: Path) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_BYTES))
        return file.read().decode(errors="replace")
