"""What one LAMMPS process is to do, and where its files lie: what an input script is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.campaign.studies import Npt, Nvt, Stage
from ensemble.plan.recipe import Model, Recipe, Run, Segment, segment_name
from ensemble.units import UnitSystem, unit_system

Record = Mapping[str, Any]
"""What is to be known of a segment besides its rows and its restart file; JSON. See
`ensemble.md.record`."""

MAX_SEED = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class SegmentFiles:
    """Where the files of a segment are."""

    run_folder: Path
    """The folder of the run, where LAMMPS works. Input script, log and restart files are there."""
    attempt: Path
    """An empty folder in the run folder, for what this attempt writes."""
    potentials: Path
    """A folder with one folder for each model."""
    structure: Path
    """The data file that the run begins with."""
    source_folder: Path | None = None
    """Of a ``rerun``: the run folder of the trajectory."""
    source_rows: NDArray[np.float64] | None = None
    """Of a ``rerun``: what the store has of the trajectory's segment, shape ``(rows, channels)``.
    Where given, the trajectory that is made again has to have the same."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One segment of one run, and how the segment before it ended."""

    recipe: Recipe
    run: Run
    segment: Segment
    files: SegmentFiles
    previous: Record | None = None
    """The record of the segment before; None of the first."""

    @property
    def units(self) -> UnitSystem:
        """What LAMMPS counts in."""
        return unit_system(self.recipe.units)

    @property
    def model(self) -> Model:
        """The potential."""
        return self.recipe.models[self.run.model]

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols in the order of the atom types."""
        return self.recipe.material.species

    @property
    def timestep(self) -> float:
        """In LAMMPS's unit of time."""
        return self.recipe.trajectory.timestep * self.units.femtosecond

    @property
    def first_step(self) -> int:
        """The time step that the segment begins at. Steps count from the beginning of the stage, or
        of the sampling.
        """
        if self.segment.samples:
            return self.segment.part * self.segment.steps
        return self.recipe.stages[self.segment.stage].bounds(self.segment.part)[0]

    @property
    def stage(self) -> Stage | None:
        """What the campaign file says of the stage; None while a heat current settles, and in the
        sampling.
        """
        return self.stage_at(self.segment.stage)

    @property
    def stage_before(self) -> Stage | None:
        """The same of the stage before this one."""
        return self.stage_at(self.segment.stage - 1)

    def stage_at(self, index: int) -> Stage | None:
        """What the campaign file says of a stage; None where it says nothing."""
        stages = self.recipe.stages
        return stages[index].stage if 0 <= index < len(stages) else None

    @property
    def starts_stage(self) -> bool:
        """Whether the segment is the first of its stage, or of the sampling."""
        return self.segment.part == 0

    def path(self, file: Path) -> str:
        """A file as the input script names it: from the run folder."""
        return relpath(file, self.files.run_folder)

    def restart(self, number: int) -> Path:
        """The restart file that a segment of this run has left."""
        return self.files.run_folder / f"{segment_name(number)}.restart"


def has_thermostat(stage: Stage | None) -> bool:
    """Whether the temperature is held in a stage."""
    return isinstance(stage, Npt | Nvt)


def random_seed(run: Run, segment: Segment) -> int:
    """A seed for LAMMPS, from 1 to 2³¹ − 1: from SHA-256 of the run's seed and the number of the
    segment, and of nothing else.
    """
    digest = hashlib.sha256(f"{run.seed} {segment.number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % MAX_SEED + 1
