"""What the reader finds, as it goes to the scheduler and to whoever looks on.

A `Layout` is all that stays while runs go on; `News` are what a look has found to be new; and a
`Picture` is all of it together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ensemble.dashboard.speeds import Cost
from ensemble.plan.recipe import Method

__all__ = [
    "Curve",
    "Failure",
    "GroupKey",
    "Kappa",
    "Layout",
    "News",
    "Picture",
    "Profile",
    "StudyLayout",
    "Totals",
    "Values",
]

GroupKey: TypeAlias = tuple[str, int, int, int]
"""A group of runs: study, and places on the axes model, temperature and supercell."""

Floats: TypeAlias = NDArray[np.float64]

Values: TypeAlias = "dict[str, NDArray[np.generic]]"
"""Of some runs, by name: ``state`` (number in `ensemble.dashboard.runs.STATES`), ``segments``,
``asked``, ``speed`` (ns/day, under ``lj`` τ/day), ``microseconds`` (of a core for an atom and a
time step), ``left`` (s), ``attempts`` and ``failure``. What is not known is nan or empty."""


@dataclass(frozen=True, kw_only=True)
class StudyLayout:
    """The runs of a study."""

    name: str
    method: Method
    material: str
    models: tuple[str, ...]
    temperatures: tuple[float, ...]
    supercells: tuple[str, ...]
    seeds: int
    """Labels on that axis."""
    first: int
    """Row of its first run."""
    places: NDArray[np.int32]
    """Of its runs on the axes, shape (runs, 4)."""
    window: tuple[float, float] | None
    """Over which the campaign has κ averaged, in ps, under ``lj`` in τ."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a store is about."""

    campaign: str
    description: str
    store: str
    names: tuple[str, ...]
    """Of the runs, each in its study."""
    studies: tuple[StudyLayout, ...]
    conductivity: str
    """Unit of κ."""
    time: str
    """Unit of lags."""
    speed: str
    """Unit of speeds."""
    length: str
    temperature: str


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The campaign in a few numbers."""

    runs: int
    states: dict[str, int]
    """Runs in each state."""
    segments: int
    segments_asked: int
    workers: int
    seconds_left: float
    """Until all is done; nan where that is not known."""
    costs: tuple[Cost, ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Raw κ(t) of a group, and its normalised correlation function."""

    group: GroupKey
    runs: int
    """That have a part in it."""
    segments: int
    lag: Floats
    """In ps, under ``lj`` in τ; shape (points,)."""
    kappa: Floats
    """Shape (points,), as all below."""
    half_width: Floats
    """Of the 95 % interval of `kappa`."""
    correlation: Floats
    """<J(0) J(t)> / <J(0)²>."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Temperature along the axis of a group by the direct method."""

    group: GroupKey
    runs: int
    segments: int
    position: Floats
    """Of the layers, in Å or the unit of length; shape (layers,)."""
    temperature: Floats
    """Shape (layers,)."""


@dataclass(frozen=True, kw_only=True)
class Kappa:
    """κ of a group by one estimate, as it was kept in the store."""

    group: GroupKey
    estimate: str
    kappa: float
    half_width: float
    text: str
    """Both, to the digits that mean something."""
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run that has failed and not got past it."""

    study: str
    run: str
    state: str
    cause: str
    message: str
    segment: int | None
    attempts: int
    host: str
    time: str
    """ISO 8601, UTC."""
    log: str
    """Path of what LAMMPS wrote; empty where it wrote nothing."""
    log_tail: str
    """Its last lines."""


@dataclass(frozen=True, kw_only=True)
class News:
    """What a look has found to be new; None is what it was."""

    problem: str = ""
    """Why there is nothing to be seen."""
    layout: Layout | None = None
    rows: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    """Of the runs that have changed."""
    values: Values = field(default_factory=dict)
    """Of these rows."""
    totals: Totals | None = None
    curves: tuple[Curve, ...] = ()
    profiles: tuple[Profile, ...] = ()
    kappas: tuple[Kappa, ...] | None = None
    failures: tuple[Failure, ...] | None = None
    seconds: float = 0.0
    """Of a processor, that the look took."""

    @property
    def empty(self) -> bool:
        """Whether all is as it was."""
        optional = (self.layout, self.totals, self.kappas, self.failures)
        return not (len(self.rows) or self.curves or self.profiles) and not any(
            part is not None for part in optional
        )


@dataclass
class Picture:
    """All that is known of a store."""

    problem: str = ""
    layout: Layout | None = None
    values: Values = field(default_factory=dict)
    """Of every row."""
    totals: Totals | None = None
    curves: dict[GroupKey, Curve] = field(default_factory=dict)
    profiles: dict[GroupKey, Profile] = field(default_factory=dict)
    kappas: tuple[Kappa, ...] = ()
    failures: tuple[Failure, ...] = ()

    def add(self, news: News) -> None:
        """Take in what is new."""
        self.problem = news.problem
        if news.layout is not None:
            self.layout, self.values = news.layout, dict(news.values)
            self.curves, self.profiles = {}, {}
        elif len(news.rows):
            for name, values in news.values.items():
                self.values[name][news.rows] = values
        self.totals = news.totals or self.totals
        self.curves |= {curve.group: curve for curve in news.curves}
        self.profiles |= {profile.group: profile for profile in news.profiles}
        if news.kappas is not None:
            self.kappas = news.kappas
        if news.failures is not None:
            self.failures = news.failures
