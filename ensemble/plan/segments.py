"""How a run is cut into segments, each for one LAMMPS process.

The cut is part of the definition of a run, so nothing measured goes into it: two stores that begin
afresh are cut alike on any machine. What a store has recorded wins over what would be chosen now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isqrt
from typing import TYPE_CHECKING, Any, Self

from ensemble.plan.recipe import Recipe, StagePlan

if TYPE_CHECKING:
    from ensemble.campaign.studies import Emd, Nemd, Rerun, Stage

__all__ = [
    "Segmentation",
    "cut",
    "planned",
    "row_count",
    "row_steps",
    "rows_per_frame",
    "rows_per_origin",
    "stages_of",
    "step_count",
]

SEGMENT_SECONDS = 600.0
"""What a segment of the largest run takes about, on one core: little to lose, little to pay."""

MOST_ROWS = 20_000
"""In a segment, and so in a chunk of the store: some megabytes."""

MOST_FRAME_BYTES = 1e9
"""A ``rerun`` writes the trajectory of a segment down, to read it again; this much at a time."""

FRAME_BYTES = 130
"""Of an atom in a frame of such a trajectory, about."""

FEWEST_ROWS = 100
"""In a segment of an equilibrium run; the store would get too many small files. A row of ``nemd``
is a block, and long enough by itself."""

ORIGINS_A_SEGMENT = 2
"""Of displacements, about. Each has its own lags, and longer ones say more of diffusion."""

FRAMES_A_SEGMENT = 4
"""Of site energies, about: every one has all atoms."""


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """How the runs of a study are cut."""

    rows_per_segment: int
    parts: tuple[int, ...]
    """Segments of each stage before the sampling."""

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """How a recipe is cut."""
        parts = tuple(stage.parts for stage in recipe.stages)
        return cls(rows_per_segment=recipe.rows_per_segment, parts=parts)

    def as_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return {"rows_per_segment": self.rows_per_segment, "parts": list(self.parts)}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """What `as_json` gave."""
        return cls(rows_per_segment=table["rows_per_segment"], parts=tuple(table["parts"]))


def row_steps(study: Emd | Nemd | Rerun, trajectory: Emd | Nemd, fs_per_ps: float) -> int:
    """Time steps between two rows."""
    if study.method == "nemd":
        return step_count(study.sample.block * fs_per_ps, trajectory)
    return step_count(study.every if study.method == "rerun" else study.sample.every, trajectory)


def row_count(study: Emd | Nemd, fs_per_ps: float) -> int:
    """Rows that the sampling time asks for."""
    if study.method == "nemd":
        return round(study.sample.time / study.sample.block)
    return round(study.sample.time * fs_per_ps / study.sample.every)


def step_count(time: float, trajectory: Emd | Nemd) -> int:
    """Time steps in a time that is in the unit of the time step; one at least."""
    return max(1, round(time / trajectory.timestep))


def stages_of(study: Emd | Nemd, fs_per_ps: float) -> list[tuple[Stage | None, int]]:
    """What comes before the sampling, with its time steps; None for the settling of ``nemd``."""
    stages: list[tuple[Stage | None, int]] = [
        (stage, step_count(stage.time * fs_per_ps, study)) for stage in study.equilibrate
    ]
    if study.method == "nemd":
        stages.append((None, step_count(study.settle * fs_per_ps, study)))
    return stages


def cut(
    study: Emd | Nemd,
    fs_per_ps: float,
    seconds_per_step: float,
    multiple: int = 1,
    most_rows: int = MOST_ROWS,
) -> Segmentation:
    """Cut a study's runs where nothing is recorded yet.

    Parameters
    ----------
    study
        The study; ``segment`` in it decides.
    fs_per_ps
        See `Campaign.fs_per_ps`.
    seconds_per_step
        Of the largest cell and the costliest model, on one core.
    multiple
        The rows of a segment have to be a multiple of this, unless the study says how many.
    most_rows
        In a segment, unless the study says how many.
    """
    steps = row_steps(study, study, fs_per_ps)
    if study.segment is not None:
        rows = round(study.segment * fs_per_ps / study.timestep / steps)
        aim = rows * steps
    else:
        aim = max(1, int(SEGMENT_SECONDS / seconds_per_step))
        fewest = 1 if study.method == "nemd" else FEWEST_ROWS
        most = min(max(aim // steps, fewest), most_rows)
        rows = divide(row_count(study, fs_per_ps), most, multiple)
    parts = tuple(ceil(count / aim) for _, count in stages_of(study, fs_per_ps))
    return Segmentation(rows_per_segment=rows, parts=parts)


def divide(total: int, most: int, multiple: int = 1) -> int:
    """Rows of a segment: a multiple of `multiple`, hardly more than `most` of them.

    The largest such number that divides the `total`, if that is more than half of what is allowed;
    else as many as make the last segment end soon behind the total.
    """
    units, allowed = ceil(total / multiple), max(1, most // multiple)
    if total % multiple == 0:
        even = max(size for size in divisors(units) if size <= allowed)
        if 2 * even > allowed or even == units:
            return even * multiple
    return ceil(units / ceil(units / allowed)) * multiple


def rows_per_origin(rows_per_segment: int) -> int:
    """Rows from one time origin of the displacements to the next.

    The first origin is where sampling begins. So row r of a run, counted from 0, has the lag of
    r % n + 1 rows, with the n that this gives; it divides the rows of a segment.
    """
    return _piece(rows_per_segment, ORIGINS_A_SEGMENT)


def rows_per_frame(rows_per_segment: int) -> int:
    """Rows from one frame of site energies to the next; it divides the rows of a segment."""
    return _piece(rows_per_segment, FRAMES_A_SEGMENT)


def _piece(rows: int, count: int) -> int:
    """Rows of a piece, if they are cut evenly into about so many pieces."""
    return rows // min(divisors(rows), key=lambda pieces: (abs(pieces - count), -pieces))


def divisors(number: int) -> list[int]:
    """All divisors of a positive number."""
    small = [size for size in range(1, isqrt(number) + 1) if number % size == 0]
    return small + [number // size for size in small]


def planned(
    stages: Sequence[tuple[Stage | None, int]], parts: Sequence[int]
) -> tuple[StagePlan, ...]:
    """The stages of a recipe: what `stages_of` gave, each in so many parts."""
    return tuple(
        StagePlan(stage=stage, steps=steps, parts=min(count, steps))
        for (stage, steps), count in zip(stages, parts, strict=True)
    )
