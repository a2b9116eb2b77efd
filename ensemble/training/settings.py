"""The training file as Python objects: one class for each table, one field for each key.

The docstrings under the fields make the page docs/training-file.md. Paths start from the file's
folder, which is also where models, training set and model card are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr

from ensemble.campaign.checks import check_material
from ensemble.campaign.errors import Problem, one_of, show
from ensemble.campaign.reading import content_of, read_tables, refuse_other_kinds
from ensemble.campaign.schema import Material
from ensemble.campaign.table import Table
from ensemble.campaign.translate import checked
from ensemble.campaign.types import (
    Count,
    Femtoseconds,
    Filled,
    Finite,
    Listed,
    Name,
    Named,
    NonNegative,
    Picoseconds,
    Positive,
    Positives,
    Says,
    Seed,
    Species,
    Supercells,
    Switch,
    Symbol,
    Text,
    Unit,
)
from ensemble.training.checks.settings import Checks

__all__ = ["Explore", "Fit", "Model", "Training", "load_training"]

Level = Annotated[
    int,
    Field(ge=2, le=28, multiple_of=2),
    Says("an even number from 2 to 28"),
]
RESERVED = ("card", "rounds", "test", "training")
"""What the files beside the models are called."""

Share = Annotated[Finite, Field(gt=0, le=1), Says("a number above 0 and up to 1")]
Temperatures = Annotated[Positives, Unit("K")]


class Header(Table):
    """What is trained."""

    name: Name
    """Name of the set of models."""

    species: Species
    """In the order of the potentials' species."""

    description: str = ""
    """For the reader of the model card."""


class Calculator(Table):
    """Energy, forces and stress of a configuration."""

    calculator: Annotated[
        Text,
        Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"),
        Says("the class of an ASE calculator as module:Class"),
    ]
    """Such as `sevenn.calculator:SevenNetCalculator`."""

    arguments: Annotated[dict[str, Any], Says("a table")] = Field(default_factory=dict)
    """Keyword arguments of the class."""


class Teacher(Calculator):
    """Who says what energy, forces and stress of a configuration are."""

    plus: Annotated[Filled[Calculator], Says("a list of tables with calculator and arguments")] = ()
    """Others that are added to the first, such as what it lacks of dispersion:
    `[{ calculator = "dftd3.ase:DFTD3", arguments = { method = "PBE", damping = "d3bj" } }]`."""


class Weights(Table):
    """Of the squared errors that a fit makes small."""

    energy: Positive = 1.0
    """Of the energy per atom, in 1/eV²."""

    forces: Positive = 0.01
    """Of the force on an atom, mean over the atoms, in Å²/eV²."""

    stress: NonNegative = 0.01
    """Of stress times volume per atom, in 1/eV²."""

    scale_by_force: Annotated[Positive, Unit("eV/Å")] | None = Field(
        default=None, exclude_if=lambda value: value is None
    )
    """The larger the force on an atom, the less it counts: the weight of a force F is divided by
    1 + (F / this)². So crystals whose atoms nearly touch can stay in a fit, and teach it that they
    repel each other, without outweighing all others."""


class Fit(Table):
    """What all fits have in common."""

    cutoff: Annotated[Positive, Unit("Å")] = 5.0
    """Beyond which atoms do not see each other."""

    min_dist: Annotated[Positive, Unit("Å")] = 1.9
    """Where the Chebyshev interval of the radial functions begins: a little below the shortest
    distance in the training set."""

    chebyshev: Count = 8
    """Chebyshev polynomials of a radial function."""

    largest_force: Annotated[Positive, Unit("eV/Å")] | None = None
    """Frames in which an atom feels a larger one are not fitted to: among those of a simulation a
    few rattled crystals would count most."""

    steps: Count = 200
    """Of Levenberg and Marquardt, at most."""

    starts: Count = 3
    """Random starting points, of which the best goes on."""

    weights: Weights = Weights()
    """Of energies, forces and stresses."""


class Committee(Table):
    """The models that explore, and that disagree where something is to be learned."""

    levels: Annotated[Filled[Level], Says("a list of even numbers from 2 to 28")]
    """One for each member."""

    share: Share = 0.8
    """Of the training set that a member is fitted to, drawn anew for each."""

    steps: Count = 25
    """Of a member's fit in each round, which starts from that of the round before."""


class Explore(Table):
    """Rounds of molecular dynamics in search of configurations that are not known yet."""

    temperatures: Temperatures
    """Of the trajectories."""

    supercells: Supercells
    """Of each material; some 50 to 100 atoms do."""

    strains: Annotated[
        Listed[Annotated[Finite, Field(gt=-0.2, lt=0.2), Says("a number from -0.2 to 0.2")]],
        Says("a list of numbers from -0.2 to 0.2, none twice"),
    ] = (0.0,)
    """Of the lattice constants: 0.02 is 2 % longer."""

    relaxed: Switch = False
    """At each temperature one trajectory more, at zero pressure, where the models will be used."""

    time: Picoseconds = 10.0
    """Of a trajectory."""

    timestep: Femtoseconds = 2.0
    """Of its time step."""

    every: Femtoseconds = 100.0
    """Between two configurations that are looked at."""

    disagreement: Annotated[
        tuple[Positive, Positive],
        Field(strict=False),
        Says("[low, high], two positive numbers"),
        Unit("eV/Å"),
    ] = (0.1, 1.0)
    """Of the committee about the force on an atom, standard deviation (N − 1): below the first a
    configuration is known, above the second it is not one to learn from."""

    labelled: Text | None = None
    """A file of frames with labels of this teacher to begin with, extended XYZ."""

    start: Count = 40
    """Configurations to begin with besides: strained, sheared and rattled crystals."""

    frames: Count = 40
    """Configurations that a round adds, at most."""

    even: Annotated[int, Field(ge=0, le=10_000), Says("a whole number from 0 to 10000")] = 0
    """Configurations that it adds besides, spread evenly over its trajectories: what all members
    have learned wrong, as a pressure, they agree about."""

    rounds: Count = 8
    """At most."""

    known: Share = 0.99
    """The rounds end when so many of the configurations on new trajectories are known."""

    seed: Seed = 1
    """Of everything that is drawn."""


class Test(Table):
    """Trajectories that no model learns from, driven by a model of its own."""

    level: Level
    """Of the model that drives them, which is in no committee and is not kept."""

    temperatures: Temperatures
    """One trajectory each, of every supercell of every material."""

    frames: Count = 20
    """Of a trajectory."""

    every: Femtoseconds = 1000.0
    """Between two of them."""

    ensemble: Literal["nvt", "npt"] = "npt"
    """At no pressure, or in the cell of the material."""

    seed: Seed = 1001
    """Of the model and the trajectories."""


class Model(Table):
    """A model to be kept."""

    name: Name
    """Its file is NAME.mtp."""

    level: Level
    """How many basis functions it has."""

    seed: Seed
    """Of the starting point, and of what share of the training set it is fitted to."""

    share: Share = 1.0
    """Of the trajectories in the training set."""

    material: Name | None = None
    """Only frames with the composition of this material are fitted to, and measured on; all where
    not given."""

    species_energies: Annotated[
        dict[Symbol, Finite], Says("a table of chemical symbols and numbers"), Unit("eV")
    ] = Field(default_factory=dict)
    """Added to the energy of a lone atom of each species where the fit starts. Where all frames
    have one composition the data leave the split between the species open, and the fit stays where
    it started; other compositions settle it."""

    cutoff: Annotated[Positive, Unit("Å")] | None = None
    """Where another one than that of `fit` is wanted."""

    chebyshev: Count | None = None
    """Polynomials of a radial function, where another number than that of `fit` is wanted."""

    steps: Count | None = None
    """Of Levenberg and Marquardt at most, where another number than that of `fit` is wanted: a
    larger basis is good enough after fewer."""


class Training(Table):
    """A training file."""

    header: Header = Field(alias="training")
    """What is trained."""

    materials: Annotated[Named[Material], Says("tables [material.NAME]")] = Field(alias="material")
    """Crystals to learn: as in a campaign."""

    teacher: Teacher
    """Who labels."""

    explore: Explore
    """The search for configurations."""

    committee: Committee
    """Who searches."""

    fit: Fit = Fit()
    """What all fits have in common."""

    test: Test
    """What the models are measured by."""

    models: Annotated[Filled[Model], Says("tables [[model]]")] = Field(alias="model")
    """The models to be kept."""

    checks: Checks = Checks()
    """What their card says."""

    _path: Path = PrivateAttr(default=Path())

    @classmethod
    def of(cls, tables: dict[str, Any], path: Path) -> Self:
        """From the tables of a TOML file.

        Raises
        ------
        pydantic.ValidationError
            A key is unknown, missing, or holds what it cannot.
        """
        training = cls.model_validate(tables)
        training._path = path
        return training

    @property
    def path(self) -> Path:
        """The file; what it makes is put beside it."""
        return self._path


def load_training(path: str | PathLike[str]) -> Training:
    """Read and check a training file.

    Raises
    ------
    CampaignError
        With all that is wrong with the file.
    OSError
        It cannot be read.
    """
    file = Path(path)
    tables, _ = read_tables(content_of(file), file)
    refuse_other_kinds(tables, file, "training")
    return checked(lambda: Training.of(tables, file), _check, tables, Training, file)


def _check(training: Training) -> Iterator[Problem]:
    """What two keys have to do with each other."""
    species = training.header.species
    for name, material in training.materials.items():
        if other := [symbol for symbol in material.species if symbol not in species]:
            yield Problem(f"material.{name}.species", f"found {show(other)}", one_of(species))
        yield from check_material(f"material.{name}", material)
    least = training.fit.min_dist
    if least >= training.fit.cutoff:
        found = f"found {training.fit.cutoff:g}"
        yield Problem("fit.cutoff", found, f"more than fit.min_dist, {least:g}")
    for model in training.models:
        if other := [symbol for symbol in model.species_energies if symbol not in species]:
            key = f"model.{model.name}.species_energies"
            yield Problem(key, f"found {show(other)}", one_of(species))
        if model.material not in {None, *training.materials}:
            key, found = f"model.{model.name}.material", f"found {show(model.material)}"
            yield Problem(key, found, one_of(training.materials))
        if model.cutoff is not None and least >= model.cutoff:
            key, found = f"model.{model.name}.cutoff", f"found {model.cutoff:g}"
            yield Problem(key, found, f"more than fit.min_dist, {least:g}")
        if model.name in RESERVED:
            yield Problem(f"model.{model.name}", "that name is taken", "another name")
        if [one.name for one in training.models].count(model.name) > 1:
            yield Problem(f"model.{model.name}", "found twice", "a name of its own for each")
    if training.checks.material not in {None, *training.materials}:
        found = f"found {show(training.checks.material)}"
        yield Problem("checks.material", found, one_of(training.materials))
    low, high = training.explore.disagreement
    if low >= high:
        yield Problem("explore.disagreement", f"found {show([low, high])}", "low < high")
    if len(training.committee.levels) < 2:
        found = f"found {show(list(training.committee.levels))}"
        yield Problem("committee.levels", found, "two levels at least: one alone cannot disagree")
    if training.explore.every > 1000 * training.explore.time:
        found = f"found {training.explore.every:g}"
        yield Problem("explore.every", found, "no more than explore.time")
