"""The studies of a campaign: ``[[study]]`` and the tables in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ensemble.campaign.table import Engine, Table
from ensemble.campaign.types import (
    Axis,
    Bins,
    Count,
    Femtoseconds,
    Filled,
    Finite,
    Listed,
    Name,
    Picoseconds,
    Positives,
    Says,
    Seeds,
    Supercells,
    Text,
    Unit,
    Window,
)


class Npt(Table):
    """Constant temperature and pressure; the box is then fixed at the mean of the second half."""

    ensemble: Literal["npt"]
    """Constant temperature and pressure."""

    time: Picoseconds
    """How long."""

    pressure: Annotated[Finite, Unit("bar")] = 0.0
    """Pressure."""

    coupling: Literal["iso", "aniso", "tri"] = "iso"
    """Whether the edges keep their ratios (`iso`), move on their own (`aniso`), or the angles move
    as well (`tri`)."""


class Nvt(Table):
    """Constant temperature and volume."""

    ensemble: Literal["nvt"]
    """Constant temperature and volume."""

    time: Picoseconds
    """How long."""


class Nve(Table):
    """Constant energy and volume, at the energy of the target temperature."""

    ensemble: Literal["nve"]
    """Constant energy and volume."""

    time: Picoseconds
    """How long."""


Stage = Annotated[Npt | Nvt | Nve, Field(discriminator="ensemble")]

Stages = Annotated[
    Filled[Stage],
    Says('a list of { ensemble = "npt", time = 100 }'),
]


class Sample(Table):
    """What is written of an equilibrium run."""

    time: Picoseconds
    """Length of the sampling. It may grow later: the runs go on."""

    every: Femtoseconds = 10.0
    """Time between two rows, a multiple of the time step."""


class BlockSample(Table):
    """What is written of a run with a heat current through it."""

    time: Picoseconds
    """Length of the sampling. It may grow later: the runs go on."""

    every: Femtoseconds = 10.0
    """Time between two samples of the temperature profile, a multiple of the time step."""

    block: Picoseconds = 10.0
    """Time averaged into one row, a multiple of `every` and of `swap.every`."""


class Swap(Table):
    """Müller-Plathe's exchange of velocities."""

    every: Femtoseconds = 1000.0
    """Time between two exchanges, a multiple of the time step."""

    pairs: Count = 1
    """Pairs of atoms at a time."""


class Source(Table):
    """The trajectory that is used again."""

    study: Name
    """An `emd` study of this campaign."""

    model: Text
    """The model that made the trajectory."""


class Study(Table):
    """What all methods have in common."""

    name: Name
    """Name of the study."""

    models: Annotated[Listed[Text], Says("a list of model names, none twice")] | None = None
    """The models to use; all of them where not given."""

    engine: Engine | None = None
    """What differs from the campaign's `[engine]`."""


class Trajectory(Study):
    """A sweep of runs: models × temperatures × supercells × seeds."""

    material: Name
    """A `[material.NAME]` of this file."""

    temperatures: Annotated[Positives, Unit("K")]
    """Temperatures."""

    supercells: Supercells
    """Conventional cells along each axis."""

    seeds: Seeds = (1, 2, 3, 4, 5)
    """Independent runs at each point; a number n is the list 1 … n."""

    timestep: Femtoseconds = 1.0
    """Time step."""

    equilibrate: Annotated[Stages, Unit("ps")] = (
        Npt(ensemble="npt", time=100.0),
        Nve(ensemble="nve", time=100.0),
    )
    """Stages before anything is sampled, in their order."""

    segment: Picoseconds | None = None
    """Sampling time of one LAMMPS process, a multiple of a row's time. Part of the definition of a
    run; chosen by the planner where not given."""


class Emd(Trajectory):
    """Equilibrium molecular dynamics, for Green–Kubo; sampled at constant energy."""

    method: Literal["emd"]
    """Equilibrium molecular dynamics."""

    sample: Sample
    """What is written."""

    window: Window = None
    """Where the running integral is averaged. With `auto`, the default, it is not: κ is then the
    value of the spectrum at zero frequency."""


class Nemd(Trajectory):
    """The direct method of Müller-Plathe."""

    method: Literal["nemd"]
    """Molecular dynamics with a heat current through the cell."""

    sample: BlockSample
    """What is written."""

    axis: Axis = "z"
    """Direction of the heat current."""

    bins: Bins = 20
    """Layers across the cell; the exchange cools the first and heats the middle one."""

    swap: Swap = Swap()
    """The exchange of velocities."""

    settle: Picoseconds = 100.0
    """Time with the exchange going on before anything is sampled."""


class Rerun(Study):
    """Site energies and heat flux of other models along a trajectory that one model made."""

    method: Literal["rerun"]
    """The trajectory of one model in the eyes of the others."""

    source: Source
    """The trajectory."""

    seeds: Seeds | None = None
    """Those of the source's runs to use; a number n is the list 1 … n. All where not given."""

    every: Femtoseconds = 10.0
    """Time between two frames, a multiple of the source's time step."""

    virial: Literal["centroid", "symmetric"] = "centroid"
    """Virials of the atoms in the heat flux. `symmetric` takes those of LAMMPS's `stress/atom`, as
    other interfaces of MTPs have it: wrong for a potential of many bodies, to see by how much."""

    window: Window = None
    """Where the running integral is averaged. With `auto`, the default, it is not: κ is then the
    value of the spectrum at zero frequency."""


AnyStudy = Annotated[Emd | Nemd | Rerun, Field(discriminator="method")]
