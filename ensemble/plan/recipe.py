"""What is to be done: runs, the segments that a run is made of, and what a study's runs share.

A `Run` is a point of a study, a `Segment` a bounded stretch of it for one LAMMPS process, and a
`Recipe` everything that the runs of a study have in common. They are plain and small, because they
travel to the workers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # who reads results does without the campaign file's models
    from ensemble.campaign.schema import Material
    from ensemble.campaign.studies import AnyStudy, Emd, Nemd, Stage
    from ensemble.campaign.table import Engine
    from ensemble.campaign.types import Units

Method = Literal["emd", "nemd", "rerun"]
Cells = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One trajectory: a point of a study."""

    study: str
    method: Method
    model: str
    temperature: float
    """In K, under ``lj`` in ε/k_B."""
    supercell: Cells
    seed: int

    @cached_property
    def name(self) -> str:
        """Unique in its study, and a good name for a folder: ``level12-T600-3x3x3-s1``."""
        temperature, cells = number_text(self.temperature), cells_text(self.supercell)
        return f"{self.model}-T{temperature}-{cells}-s{self.seed}"

    @property
    def id(self) -> str:
        """Unique in its campaign, and what a user calls it: ``gk-600K/level12-T600-3x3x3-s1``."""
        return f"{self.study}/{self.name}"

    @cached_property
    def key(self) -> str:
        """Of its Dask task; what the dashboard shows."""
        return f"{self.method}-{self.id}"


def number_text(value: float) -> str:
    """A number with all its digits and no more: ``600``, ``1.35``."""
    return f"{value:.17g}" if float(f"{value:.12g}") != value else f"{value:.12g}"


def segment_name(number: int) -> str:
    """What the files of a segment are called: ``segment-0007``."""
    return f"segment-{number:04d}"


def cells_text(cells: Cells) -> str:
    """A supercell in words, ``3x3x3``."""
    return "x".join(map(str, cells))


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One column of what is sampled."""

    name: str
    """Such as ``heat_flux_x`` or ``msd_Cu``."""
    units: str
    """As in `ensemble.units`, such as ``eV angstrom/ps``."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A potential as LAMMPS is told of it."""

    name: str
    commands: tuple[str, ...]
    """Lines of the input script, where files go by their bare names."""
    files: tuple[str, ...]
    """Bare names of the files that the lines name."""
    needs_plugin: bool
    """Whether it is of this project's pair style."""


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """A stretch of a run under one set of conditions, before anything is sampled."""

    stage: Stage | None
    """What the campaign file says; None while the heat current of a ``nemd`` run settles."""
    steps: int
    parts: int
    """Segments that it is cut into."""

    def bounds(self, part: int) -> tuple[int, int]:
        """The first time step of a part and the one behind its last, counted from the stage's
        beginning.
        """
        return self.steps * part // self.parts, self.steps * (part + 1) // self.parts


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A bounded stretch of a run: one LAMMPS process, a restart file in, rows and the next out."""

    number: int
    """From 0, through the whole run."""
    stage: int
    """Position in `Recipe.stages`; their number for one that samples."""
    part: int
    """From 0, within its stage or within the sampling."""
    steps: int
    rows: int
    """Rows that go to the store; 0 in equilibration."""

    @property
    def samples(self) -> bool:
        """Whether its rows go to the store."""
        return self.rows > 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the runs of a study have in common."""

    study: AnyStudy
    trajectory: Emd | Nemd
    """The study itself; for a ``rerun`` the one whose trajectory is used."""
    units: Units
    material_name: str
    material: Material
    models: dict[str, Model]
    """The models of the study and, for a ``rerun``, the one that makes the trajectory."""
    engine: Engine
    channels: tuple[Channel, ...]
    stages: tuple[StagePlan, ...]
    """Equilibration, and the settling of the heat current; empty for a ``rerun``."""
    steps_per_row: int
    """Time steps between two rows: of ``sample.every``, or of a block."""
    rows_per_segment: int
    sample_segments: int
    """How many segments of sampling are asked for; it may grow."""
    keeps_restarts: bool = False
    """Whether every restart file in the sampling is kept, because a ``rerun`` starts there."""
    source_equilibration_segments: int = 0
    """Of a ``rerun``: segments of the source run before the first that samples."""

    @property
    def equilibration_segments(self) -> int:
        """Segments before the first that samples."""
        return sum(stage.parts for stage in self.stages)

    @property
    def segments(self) -> int:
        """Segments of a whole run."""
        return self.equilibration_segments + self.sample_segments

    @property
    def rows(self) -> int:
        """Rows of a whole run."""
        return self.sample_segments * self.rows_per_segment

    @property
    def steps(self) -> int:
        """Time steps of a whole run; of a ``rerun`` those of the trajectory that it follows."""
        return sum(stage.steps for stage in self.stages) + self.rows * self.steps_per_row

    def source_of(self, run: Run) -> Run | None:
        """The run whose trajectory a run of a ``rerun`` follows; None for the other methods."""
        if self.study.method != "rerun":
            return None
        source = self.study.source
        return replace(run, study=source.study, method="emd", model=source.model)

    def segment(self, number: int) -> Segment:
        """The segment of a number.

        Raises
        ------
        IndexError
            There is none: the number is negative.
        """
        if number < 0:
            raise IndexError(number)
        part = number
        for index, stage in enumerate(self.stages):
            if part < stage.parts:
                first, behind = stage.bounds(part)
                return Segment(number=number, stage=index, part=part, steps=behind - first, rows=0)
            part -= stage.parts
        rows = self.rows_per_segment
        steps = rows * self.steps_per_row
        return Segment(number=number, stage=len(self.stages), part=part, steps=steps, rows=rows)
