"""Input scripts for LAMMPS: what those of all segments have in common.

A script is complete and readable. In the run's folder, ``lmp -in segment-0007.in`` does by hand
what was done, and writes to ``by-hand/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ensemble.md.assignment import Assignment, random_seed
from ensemble.plan.recipe import Model, number_text, segment_name

ROWS_FORMAT = '" %.17g"'
"""All digits of a double."""

THERMO_LINES = 50
"""Lines of a segment in the log, about."""

BOX = ("lx", "ly", "lz", "xy", "xz", "yz")
"""What describes the box, in LAMMPS's words."""

TILTS = BOX[3:]

VIRIAL = "compute virial all centroid/stress/atom NULL virial"

SYMMETRIC_VIRIAL = "compute virial all stress/atom NULL virial"

ENERGIES = [
    "compute ke_atom all ke/atom",
    "compute pe_atom all pe/atom",
]

PER_ATOM = [
    "# Energies and virials of the atoms. The virial must be the centroid's: the symmetric one of",
    "# stress/atom gives a wrong heat flux for a many-body potential.",
    *ENERGIES,
    VIRIAL,
]

ENERGY = "variable energy equal c_thermo_pe+c_kinetic_energy"


def head(work: Assignment, what: str) -> list[str]:
    """Comments, and the folder for the results."""
    name = segment_name(work.segment.number)
    return [
        f"# Study {work.run.study}, run {work.run.name}, segment {work.segment.number}: {what}.",
        f"# By hand, in this folder: lmp -in {name}.in; results then go to by-hand/.",
        "variable folder index by-hand",
        "shell mkdir ${folder}",
    ]


def system(work: Assignment, start: Path, model: Model) -> list[str]:
    """Atoms, box and potential.

    Parameters
    ----------
    work
        What is to be done.
    start
        A restart file, or the data file of the structure.
    model
        The potential.
    """
    reads = "read_restart" if start.suffix == ".restart" else "read_data"
    skin = 0.3 if work.units.reduced else 1.0
    plugin = ["# pair_style mtp comes with ensemble, through LAMMPS_PLUGIN_PATH."]
    return [
        "",
        f"units {work.units.style}",
        "atom_style atomic",
        f"{reads} {quoted(work.path(start))}",
        *(plugin if model.needs_plugin else []),
        *potential(work, model),
        f"neighbor {skin} bin",
        "neigh_modify delay 0 every 1 check yes",
        f"timestep {number(work.timestep)}",
    ]


def potential(work: Assignment, model: Model) -> list[str]:
    """The lines of a model, its files named from the run folder."""
    folder = work.files.potentials / model.name
    paths = {name: quoted(work.path(folder / name)) for name in model.files}
    return [_with_paths(command, paths) for command in model.commands]


def _with_paths(command: str, paths: dict[str, str]) -> str:
    words = re.split(r"(\s+)", command)
    return "".join(paths.get(word.strip("\"'"), word) for word in words)


def begin(work: Assignment) -> list[str]:
    """The state that the segment starts from, with the time step it has there."""
    previous = work.segment.number - 1
    start = work.restart(previous) if previous >= 0 else work.files.structure
    lines = system(work, start, work.model)
    return lines + (["reset_timestep 0"] if work.starts_stage else [])


def create_velocities(work: Assignment, temperature: float) -> list[str]:
    """Velocities at random, without momentum; the same for any number of MPI ranks."""
    seed = random_seed(work.run, work.segment)
    create = f"velocity all create {number(temperature)} {seed}"
    return ["", f"{create} mom yes rot no dist gaussian loop all"]


def log_lines(steps: int) -> list[str]:
    """What is written to the log, and that no atom may get lost. Energies are extensive."""
    return [
        "",
        "thermo_style custom step temp pe etotal press vol",
        "thermo_modify norm no lost error",
        f"thermo {max(1, steps // THERMO_LINES)}",
    ]


def end(work: Assignment) -> list[str]:
    """The run, the restart file, and what Python wants to know."""
    return [
        *log_lines(work.segment.steps),
        f"run {work.segment.steps}",
        "write_restart ${folder}/next.restart",
        *facts(),
    ]


def facts() -> list[str]:
    """What only LAMMPS knows, as JSON."""
    return [
        'print """{"lammps": $(version:%.0f), "atoms": $(atoms:%.0f)}""" file ${folder}/facts',
    ]


def average(
    name: str,
    values: Sequence[str],
    *,
    every: int,
    repeat: int = 1,
    row: int | None = None,
    titles: Iterable[str] = (),
) -> str:
    """A ``fix ave/time`` that writes ``${folder}/NAME``.

    Parameters
    ----------
    name
        Of the fix and of the file.
    values
        As LAMMPS calls them.
    every, repeat, row
        Time steps between two samples, samples in a row, time steps between two rows.
    titles
        Of the columns.
    """
    lines = [
        f"fix {name} all ave/time {every} {repeat} {row or every}",
        *(f"    {' '.join(values[k : k + 6])}" for k in range(0, len(values), 6)),
        f'    title2 "# step {" ".join(titles or values)}"',
        f"    format {ROWS_FORMAT} file ${{folder}}/{name}",
    ]
    return " &\n".join(lines)


def number(value: float) -> str:
    """A number with all its digits."""
    return number_text(float(value))


def quoted(path: str) -> str:
    """A path as one word of an input script."""
    return f'"{path}"' if re.search(r"\s", path) else path


def text(lines: Iterable[str]) -> str:
    """The script."""
    return "\n".join(lines) + "\n"
