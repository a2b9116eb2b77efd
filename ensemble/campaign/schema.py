"""The campaign file as Python objects: one class for each table, one field for each key.

Types and ranges are settled here; what two keys have to do with each other is in `checks`. The
docstrings under the fields make the page docs/campaign-file.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, Strict

from ensemble.campaign.clusters import Cluster, Local
from ensemble.campaign.known import PrototypeName
from ensemble.campaign.physics import physics_of
from ensemble.campaign.studies import AnyStudy, Study
from ensemble.campaign.table import Engine, Table
from ensemble.campaign.types import (
    Filled,
    Finite,
    Fraction,
    Framework,
    Lattice,
    Masses,
    Name,
    Named,
    PairCommands,
    Picoseconds,
    Positive,
    Says,
    Seed,
    Species,
    Symbol,
    Text,
    Texts,
    Unit,
    Units,
)


class Header(Table):
    """What the campaign is."""

    name: Name
    """Name of the campaign, and of its store where none is given."""

    units: Units = "metal"
    """LAMMPS unit style. Under `metal` and `real` this file is in Å, fs, ps, K and bar; under `lj`
    everything is in reduced units, and no key that holds a time has a default."""

    description: str = ""
    """For the reader of the report."""


class Vacancies(Table):
    """Sites left empty: of a campaign at random but as far apart as possible, of a training at
    random, in every configuration on others.
    """

    species: Symbol
    """The species that is missing."""

    fraction: Fraction
    """How much of it."""

    seed: Seed = 1
    """Of the arrangement; all runs of a campaign with the same supercell share one."""


class Material(Table):
    """A unit cell and what is missing in it."""

    species: Species
    """In the order of the LAMMPS atom types."""

    prototype: PrototypeName | None = None
    """Structure type; its sites are filled with `species` in their order."""

    structure: Text | None = None
    """In place of a prototype: a file that ASE reads, by its path from the campaign file."""

    lattice: Lattice | None = None
    """Lattice constant of a prototype's conventional cell; two where it is hexagonal."""

    vacancies: Vacancies | None = None
    """Sites left empty."""

    masses: Masses = Field(default_factory=dict)
    """Where they differ from the standard atomic weights (g/mol), or from 1 under `lj`."""

    host: Framework | None = None
    """The species of the framework, which must not melt: a run in which they leave their sites is
    given up. Where not given, those that have no vacancies if others do, or else none."""

    @property
    def framework(self) -> tuple[str, ...]:
        """Species that stay on their sites in a sound run; empty where any may diffuse."""
        if self.host is not None:
            return self.host
        if self.vacancies is None:
            return ()
        return tuple(symbol for symbol in self.species if symbol != self.vacancies.species)


class MtpModels(Table):
    """Moment tensor potentials, run by this project's own pair style."""

    style: Literal["mtp"]
    """Moment tensor potentials."""

    files: Texts
    """Paths or glob patterns from the campaign file; a model's name is its file's, without the
    ending."""

    species: Species | None = None
    """Species of the files in their order; the file's `potential_tag`, or else the material's
    species, where not given."""


class LammpsModel(Table):
    """A potential in LAMMPS's own words."""

    name: Name
    """Name of the model."""

    commands: PairCommands
    """Lines of the input script, `pair_style` first."""

    files: Texts | None = None
    """Files that the commands name, by their paths from the campaign file. The commands have their
    bare names; the store has copies, and the input script names these."""


class LammpsModels(Table):
    """Potentials of any LAMMPS pair style."""

    style: Literal["lammps"]
    """Any pair style of the LAMMPS of `engine.command` that has `compute centroid/stress/atom`."""

    model: Annotated[Filled[LammpsModel], Says("tables [[models.model]]")]
    """The models."""


class Convergence(Table):
    """When to stop. Without this table every study is done as it is written. With it each group of
    runs that differ in their seeds alone is given more of them, or longer ones, until it knows κ
    well enough; see docs/running.md.
    """

    relative_error: Annotated[
        Finite,
        Field(gt=0, le=0.2),
        Says("a number above 0 and up to 0.2, beyond which no κ is trusted"),
    ]
    """Half-width of the 95 % interval of κ, over κ, that a group of runs has to meet."""

    max_seeds: Annotated[int, Field(ge=2, le=10_000), Says("a whole number from 2 to 10000")] = 20
    """Seeds of a group at most."""

    max_time: Picoseconds | None = None
    """Sampling time of a run at most; what `sample.time` says where not given. Runs become longer
    where they are too short for a verdict, or no more seeds may be added."""


class Experiment(Table):
    """A thermal conductivity that was measured, for the figures of the report. It changes no run,
    and may come and go at any time.
    """

    material: Name
    """Name of one of the materials."""

    temperature: Positive
    """That of the measurement. It is drawn beside runs at a temperature within 5 % of it."""

    kappa: Annotated[Positive, Unit("W/m/K")]
    """Thermal conductivity."""

    error: Annotated[Positive, Unit("W/m/K")] | None = None
    """Of `kappa`, one side of it."""

    source: Text | None = None
    """Where the number is from, for the legend."""


Experiments = Annotated[tuple[Experiment, ...], Strict(False)]


class Campaign(Table):
    """A campaign file."""

    header: Header = Field(alias="campaign")
    """What the campaign is."""

    materials: Annotated[Named[Material], Says("tables [material.NAME]")] = Field(alias="material")
    """Unit cells."""

    models: Annotated[MtpModels | LammpsModels, Field(discriminator="style")]
    """The potentials."""

    engine: Engine = Engine()
    """How LAMMPS is started."""

    studies: Annotated[Filled[AnyStudy], Says("tables [[study]]")] = Field(alias="study")
    """The sweeps."""

    cluster: Cluster = Local()
    """Where the runs are done."""

    convergence: Convergence | None = None
    """When to stop."""

    experiments: Annotated[Experiments, Says("tables [[experiment]]")] = Field(
        default=(), alias="experiment"
    )
    """What was measured."""

    _path: Path = PrivateAttr(default=Path())
    _text: str = PrivateAttr(default="")

    @classmethod
    def of(cls, tables: dict[str, Any], path: Path, text: str) -> Self:
        """From the tables of a TOML file.

        Raises
        ------
        pydantic.ValidationError
            A key is unknown, missing, or holds what it cannot.
        """
        campaign = cls.model_validate(tables)
        campaign._path, campaign._text = path, text
        return campaign

    @property
    def path(self) -> Path:
        """The file; other paths in it start from its folder."""
        return self._path

    @property
    def text(self) -> str:
        """The file as it was read."""
        return self._text

    @property
    def name(self) -> str:
        """Name of the campaign."""
        return self.header.name

    @property
    def units(self) -> Units:
        """LAMMPS unit style."""
        return self.header.units

    @property
    def fs_per_ps(self) -> float:
        """How many times larger the unit of long times is than that of short ones: 1 under lj."""
        return 1.0 if self.units == "lj" else 1000.0

    def study(self, name: str) -> AnyStudy:
        """The study of that name.

        Raises
        ------
        KeyError
            There is none.
        """
        for study in self.studies:
            if study.name == name:
                return study
        raise KeyError(name)

    def engine_of(self, study: Study) -> Engine:
        """The campaign's engine with what the study changes in it."""
        if study.engine is None:
            return self.engine
        own = {name: getattr(study.engine, name) for name in study.engine.model_fields_set}
        return self.engine.model_copy(update=own)

    @property
    def most_ranks(self) -> int:
        """MPI ranks of the widest run."""
        return max(self.engine_of(study).ranks for study in self.studies)

    def on(self, cluster: Cluster) -> Self:
        """The same campaign, done elsewhere."""
        return self.model_copy(update={"cluster": cluster})

    def physics(self) -> dict[str, Any]:
        """What decides the numbers of a run, in JSON's types; see `ensemble.campaign.physics`."""
        return physics_of(self)
