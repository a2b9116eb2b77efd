"""How often a site energy occurs: counted by species on a fixed grid, a few times in a segment.

LAMMPS writes the energies down, Python counts them when it has ended. The counts are in the record
of a segment, together with those of the segments before: so the record of a run's last segment has
those of the whole run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ensemble.md.assignment import Assignment
from ensemble.md.health import check_numbers
from ensemble.md.rows import read_frames
from ensemble.plan.segments import rows_per_frame
from ensemble.reduction.site_energies import count

FRAMES = "site_energies"
"""The file of the frames, and what the counts are called in a record."""

WIDTH = {"metal": 0.01, "real": 0.25, "lj": 0.01}
"""Of a bin, in the unit of energy: some hundred bins for what heat makes of a species."""


def frames(work: Assignment) -> list[str]:
    """What writes type and energy of every atom at some of the rows."""
    every = _steps_per_frame(work)
    return [
        "",
        "# Site energies, for their distribution.",
        f"dump {FRAMES} all custom {every} ${{folder}}/{FRAMES} type c_pe_atom",
        f'dump_modify {FRAMES} delay {work.first_step + every} format line "%d %.12g"',
    ]


def counted(work: Assignment) -> dict[str, Any]:
    """The counts of a segment and of those before it, as the record has them.

    ``width`` is that of a bin, ``frames`` how often all atoms were counted, ``counts`` by species
    how many energies were in bin k, from k·width to (k + 1)·width.

    Raises
    ------
    SegmentFailure
        A frame is missing, or an energy is no number.
    """
    every, path = _steps_per_frame(work), work.files.attempt / FRAMES
    steps = work.first_step + every * np.arange(1, work.segment.steps // every + 1)
    table = read_frames(path, 2, steps).reshape(-1, 2)
    check_numbers(("type", "site energy"), table)
    width = WIDTH[work.recipe.units]
    before = (work.previous or {}).get(FRAMES) or {"frames": 0, "counts": {}}
    return {
        "width": width,
        "frames": before["frames"] + len(steps),
        "counts": {
            symbol: _sum(
                before["counts"].get(symbol, {}), count(table[table[:, 0] == kind, 1], width)
            )
            for kind, symbol in enumerate(work.species, 1)
        },
    }


def _steps_per_frame(work: Assignment) -> int:
    return rows_per_frame(work.recipe.rows_per_segment) * work.recipe.steps_per_row


def _sum(before: dict[str, int], now: dict[int, int]) -> dict[str, int]:
    """Counts in rising order of their bins; JSON's keys are text."""
    total = {int(k): number for k, number in before.items()}
    for k, number in now.items():
        total[k] = total.get(k, 0) + number
    return {str(k): total[k] for k in sorted(total)}
