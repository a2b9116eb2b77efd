"""A small campaign of crystalline argon, whose two models are tables in files of their own."""

from pathlib import Path

import numpy as np

CAMPAIGN = """
[campaign]
name = "argon"

[material.argon]
prototype = "fcc"
species = ["Ar"]
lattice = 5.3

[models]
style = "lammps"

[[models.model]]
name = "first"
commands = ["pair_style table linear 1000", "pair_coeff * * first.table ARGON"]
files = "first.table"

[[models.model]]
name = "second"
commands = ["pair_style table linear 1000", "pair_coeff * * second.table ARGON"]
files = "second.table"

[[study]]
name = "gk"
method = "emd"
material = "argon"
temperatures = [40]
supercells = [[3, 3, 3]]
seeds = 1
timestep = 4
equilibrate = [{ ensemble = "nvt", time = 2 }, { ensemble = "nve", time = 2 }]
sample = { time = 8, every = 40 }
segment = 2

[cluster]
workers = 2
"""
"""Two runs of six segments, four of which sample."""

TOO_FAST = """
[[study]]
name = "too-fast"
method = "emd"
material = "argon"
models = ["second"]
temperatures = [300]
supercells = [[3, 3, 3]]
seeds = 1
timestep = 50
equilibrate = [{ ensemble = "nve", time = 50 }]
sample = { time = 50, every = 50 }
segment = 50
"""
"""A time step that no integrator survives."""

EPSILON, SIGMA = 0.0103, 3.405  # eV, Å


def write_argon(folder: Path, *studies: str) -> Path:
    """The campaign file, with more studies behind its own, and the files of the models."""
    write_table(folder / "first.table", EPSILON)
    write_table(folder / "second.table", 1.05 * EPSILON)
    path = folder / "argon.toml"
    path.write_text("".join((CAMPAIGN, *studies)))
    return path


def write_table(path: Path, epsilon: float, count: int = 500) -> None:
    """A Lennard-Jones potential for ``pair_style table``, cut at 7.5 Å."""
    r = np.linspace(2.0, 7.5, count)
    s6 = (SIGMA / r) ** 6
    energy, force = 4 * epsilon * (s6**2 - s6), 24 * epsilon * (2 * s6**2 - s6) / r
    table = np.stack([np.arange(1, count + 1), r, energy, force], axis=1)
    rows = ("{:.0f} {:.10g} {:.10g} {:.10g}".format(*row) for row in table)
    path.write_text(f"# argon\n\nARGON\nN {count}\n\n" + "\n".join(rows) + "\n")
