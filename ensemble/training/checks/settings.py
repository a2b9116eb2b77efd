"""What a model card looks at, as the table ``[checks]`` of a training file."""

from __future__ import annotations

from typing import Annotated

from ensemble.campaign.table import Table
from ensemble.campaign.types import (
    Cells,
    Count,
    Femtoseconds,
    Name,
    Picoseconds,
    Positives,
    Seeds,
    Unit,
)

__all__ = ["Checks", "Phonon", "Stretch"]


class Phonon(Table):
    """Frequencies at 0 K."""

    supercell: Cells = (2, 2, 2)
    """Unit cells in which atoms are displaced."""

    mesh: Cells = (8, 8, 8)
    """Points along each reciprocal vector."""


class Stretch(Table):
    """Trajectories at constant energy."""

    temperatures: Annotated[Positives, Unit("K")]
    """One trajectory each."""

    time: Picoseconds
    """Of each."""


class Checks(Table):
    """The checks of a model."""

    material: Name | None = None
    """Of which crystal; the first of the file where not given."""

    phonon: Phonon = Phonon()
    """Phonons."""

    long: Stretch = Stretch(temperatures=(300.0, 600.0, 750.0), time=200.0)
    """Molecular dynamics: lattice constants, diffusion, drift of the energy."""

    hot: Stretch | None = Stretch(temperatures=(900.0,), time=20.0)
    """The same beyond where the model is used."""

    supercell: Cells = (3, 3, 3)
    """Unit cells of the molecular dynamics."""

    timestep: Femtoseconds = 2.0
    """Of its time step."""

    every: Femtoseconds = 20.0
    """Between two rows that are written, a multiple of the time step."""

    settle: Picoseconds = 20.0
    """At constant pressure before, and half as long at constant energy."""

    seeds: Seeds = (1,)
    """Trajectories at each temperature."""

    workers: Count | None = None
    """Trajectories at a time; as many as the cores allow where not given."""
