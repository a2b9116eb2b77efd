"""Configurations to learn from: rattled crystals to begin with, then molecular dynamics.

The dynamics is that of a potential which is not good yet. It is ended as soon as it goes wrong, and
what was sampled before is kept: that is where such a potential has most to learn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from ase import Atoms
from ase.io import read
from numpy.typing import ArrayLike, NDArray

from ensemble.campaign.table import Engine
from ensemble.md.engine import lammps_command, lammps_environment
from ensemble.md.health import VOLUME_CHANGE
from ensemble.md.process import Finished, run_lammps
from ensemble.md.script import number, text
from ensemble.mtp.calculator import find_neighbors, resolve_species
from ensemble.mtp.potential import read_potential
from ensemble.structures import lammps_data

__all__ = ["Exploration", "explore", "seeds_of", "strained"]

Floats = NDArray[np.float64]

DAMPING = 0.1
"""Relaxation time of the thermostat in ps: short, as only the configurations count."""

PRESSURE_DAMPING = 1.0
"""That of the barostat in ps."""

TOO_HOT = 3.0
"""Times the temperature asked for: no fluctuation of 40 atoms, but a potential that gives way."""

TOO_CLOSE = 0.8
"""Times the `min_dist` of the potential, below which it knows of no pair of atoms."""

WATCH = 10
"""Time steps between two looks at the distances, which are dearer than the rest."""

FRAMES, LAST = "frames.dump", "last.dump"
"""What LAMMPS writes: a configuration now and then, and the one at the end."""

MAX_SEED = 900_000_000
"""Of LAMMPS's generator of random numbers."""

RATTLE = (0.05, 0.25)
"""Å: displacements, by component, of the least and the most rattled crystals: about those of
phonons at room temperature, and of a crystal that is near melting."""

DUMP_FORMAT = "lammps-dump-text"
"""As ASE calls it."""

_HALT = re.compile(r"^Fix halt condition for fix-id (\w+) met on step (\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """What a trajectory has brought."""

    frames: list[Atoms]
    """Configurations, without labels; of one that was stopped, the last is where it was, unless
    atoms were too close there. Their `info` has ``trajectory``, ``frame`` (a name of its own),
    ``temperature`` in K and ``time`` in ps."""

    stopped: str
    """Why it came to an end before its time; empty if it did not."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What the input script is made of."""

    species: tuple[str, ...]
    temperature: float
    steps: int
    timestep: float
    every: int
    seed: int
    ensemble: Literal["nvt", "npt"]
    closest: float


def explore(
    structure: Atoms,
    potential: Path,
    *,
    temperature: float,
    time: float,
    timestep: float,
    every: float,
    seed: int,
    folder: Path,
    strain: ArrayLike = 0.0,
    ensemble: Literal["nvt", "npt"] = "nvt",
    species: Sequence[str] | None = None,
) -> Exploration:
    """Run molecular dynamics in LAMMPS and take a configuration now and then.

    The same arguments give the same trajectory.

    Parameters
    ----------
    structure
        Where it begins: periodic in all directions, of any size.
    potential
        Path of the ``.mtp`` file that drives it.
    temperature
        Of the Langevin thermostat, in K.
    time
        Length of the trajectory in ps.
    timestep
        In fs.
    every
        Time between two configurations in fs, rounded to whole time steps.
    seed
        Of velocities and thermostat.
    folder
        Is made, and keeps the potential, the input script, the log and the dump. Its name is the
        trajectory's.
    strain
        Of the cell before the start, as for `strained`.
    ensemble
        ``nvt``, or ``npt`` at no pressure, where the cell keeps its shape.
    species
        Chemical symbols in the order of the potential's species, where its file does not name them.

    Raises
    ------
    SegmentFailure
        LAMMPS cannot be started, refuses its input or is killed: no fault of the trajectory.
    FormatError
        The file is no potential.
    ValueError
        The structure has other elements than the potential, or the times make no time step.
    """
    model = read_potential(potential)
    run = _Run(
        species=resolve_species(model, species),
        temperature=temperature,
        steps=_steps(1000 * time, timestep, "time"),
        timestep=timestep / 1000,
        every=_steps(every, timestep, "every"),
        seed=seed,
        ensemble=ensemble,
        closest=TOO_CLOSE * model.min_dist,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "start.data").write_text(lammps_data(strained(structure, strain), run.species))
    (folder / "explore.in").write_text(_script(run))
    (folder / "driver.mtp").write_bytes(potential.read_bytes())
    for dump in (FRAMES, LAST):
        (folder / dump).unlink(missing_ok=True)
    engine = Engine()
    arguments = ["-in", "explore.in", "-log", "explore.log", "-nocite"]
    finished = run_lammps(lammps_command(engine, arguments), folder, lammps_environment(engine))
    stopped = _why_stopped(run, finished)
    dumps = [folder / FRAMES, folder / LAST] if stopped else [folder / FRAMES]
    return Exploration(frames=_frames(run, dumps), stopped=stopped)


def _steps(femtoseconds: float, timestep: float, what: str) -> int:
    steps = round(femtoseconds / timestep)
    if steps < 1:
        raise ValueError(f"{what}: {femtoseconds:g} fs is no time step of {timestep:g} fs")
    return steps


def _script(run: _Run) -> str:
    """The input script. The distances are those of pairs within the cutoff, as LAMMPS has them."""
    velocities, bath = _lammps_seeds(run.seed)
    heat = number(run.temperature)
    mover = "nve" if run.ensemble == "nvt" else f"nph iso 0.0 0.0 {number(PRESSURE_DAMPING)}"
    columns = "id element x y z"
    modify = f"sort id element {' '.join(run.species)} format float %.12g"
    return text(
        [
            "units metal",
            "atom_style atomic",
            "read_data start.data",
            "# pair_style mtp comes with ensemble, through LAMMPS_PLUGIN_PATH.",
            "pair_style mtp",
            "pair_coeff * * driver.mtp",
            "neighbor 1.0 bin",
            "neigh_modify delay 0 every 1 check yes",
            f"timestep {number(run.timestep)}",
            "",
            f"velocity all create {heat} {velocities} mom yes rot no dist gaussian loop all",
            f"fix move all {mover}",
            f"fix bath all langevin {heat} {heat} {number(DAMPING)} {bath}",
            "",
            "# What goes wrong ends the run.",
            "compute distances all pair/local dist",
            "compute shortest all reduce min c_distances inputs local",
            "variable temperature equal temp",
            "variable shortest equal c_shortest",
            "variable start equal $(vol)",
            "variable swelling equal abs(vol/v_start-1)",
            _halt("hot", 1, f"v_temperature > {number(TOO_HOT * run.temperature)}"),
            _halt("size", 1, f"v_swelling > {number(VOLUME_CHANGE)}"),
            _halt("close", WATCH, f"v_shortest < {number(run.closest)}"),
            "",
            f"dump frames all custom {run.every} {FRAMES} {columns}",
            f"dump_modify frames delay {run.every} {modify}",
            "thermo_style custom step temp pe etotal press vol c_shortest",
            "thermo_modify lost error",
            f"thermo {run.every}",
            f"run {run.steps}",
            f"write_dump all custom {LAST} {columns} modify {modify}",
        ]
    )


def _halt(name: str, every: int, condition: str) -> str:
    return f"fix {name} all halt {every} {condition} error soft message yes"


def _lammps_seeds(seed: int) -> list[int]:
    """Two seeds as LAMMPS's generator wants them, for any that is not negative."""
    states = np.random.SeedSequence(seed).generate_state(2)
    return [int(state) % MAX_SEED + 1 for state in states]


def _frames(run: _Run, dumps: Sequence[Path]) -> list[Atoms]:
    """The configurations up to where they are none any more."""
    frames: list[Atoms] = []
    written = [dump for dump in dumps if dump.exists() and dump.stat().st_size > 0]
    for found in chain.from_iterable(read(dump, ":", format=DUMP_FORMAT) for dump in written):
        if not _sound(found, run.closest):
            break
        time = round(found.info["timestep"] * run.timestep, 9)
        if frames and frames[-1].info["time"] == time:
            continue
        name = dumps[0].parent.name
        frame = Atoms(found.numbers, found.positions, cell=found.cell, pbc=True)
        frame.info = {
            "trajectory": name,
            "frame": f"{name}-{len(frames) + 1:04d}",
            "temperature": run.temperature,
            "time": time,
        }
        frames.append(frame)
    return frames


def _sound(frame: Atoms, closest: float) -> bool:
    """Whether all is finite and no two atoms are too close."""
    arrays = frame.positions, frame.cell.array
    return (
        all(np.isfinite(array).all() for array in arrays)
        and find_neighbors(*arrays, True, closest).indices.size == 0
    )


def _why_stopped(run: _Run, finished: Finished) -> str:
    """In words, why the trajectory is shorter than asked for; empty if it is not."""
    if finished.ok:
        halted = _HALT.search(finished.screen)
        if halted is None:
            return ""
        what = {
            "hot": f"hotter than {TOO_HOT:g} times {run.temperature:g} K",
            "size": f"a volume {100 * VOLUME_CHANGE:g} % off the first",
            "close": f"two atoms closer than {run.closest:.3g} Å",
        }[halted[1]]
        return f"{what} after {int(halted[2]) * run.timestep:g} ps"
    failure = finished.failure(finished.screen)
    if not failure.cause.final:
        raise failure
    return failure.message


def strained(atoms: Atoms, strain: ArrayLike) -> Atoms:
    """The crystal in a strained cell, the atoms moving with it: a new one, without labels.

    Parameters
    ----------
    atoms
        The crystal.
    strain
        One number for all three directions, or six in Voigt order xx yy zz yz xz xy, the last
        three engineering shears (twice the tensor's components). The cell is not rotated.

    Raises
    ------
    ValueError
        There are neither one nor six numbers, or they leave the cell no volume.
    """
    values = np.asarray(strain, dtype=np.float64)
    if values.shape not in {(), (6,)}:
        raise ValueError(f"strain {values.tolist()}: must be one number or six, in Voigt order")
    if values.shape == ():
        values = np.array([values, values, values, 0.0, 0.0, 0.0])
    xx, yy, zz, yz, xz, xy = values / [1, 1, 1, 2, 2, 2]
    deformation = np.eye(3) + np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    if not np.linalg.eigvalsh(deformation).min() > 0:
        raise ValueError(f"strain {values.tolist()}: leaves the cell no volume")
    changed = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    changed.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    return changed


def seeds_of(
    crystals: Sequence[Atoms],
    *,
    seed: int,
    name: str = "seed",
    strain: float = 0.03,
    shear: float = 0.03,
    rattle: tuple[float, float] = RATTLE,
) -> list[Atoms]:
    """Configurations to begin with: crystals strained, sheared and rattled.

    Lengths and displacements are spread evenly over their ranges, each in an order of its own
    (Latin hypercube); shears are drawn at random.

    Parameters
    ----------
    crystals
        Supercells, one for each configuration.
    seed
        Decides the rest completely.
    name
        The configurations are called NAME-0001 and so on, each a trajectory of its own.
    strain
        Largest change of the lattice constants, up or down.
    shear
        Largest engineering shear.
    rattle
        Smallest and largest standard deviation of the atoms' displacements by component, in Å.

    Returns
    -------
    Configurations, without labels, with `info` as those of `Exploration` but no ``time``; the
    ``temperature`` is zero, as they have none.
    """
    rng = np.random.default_rng(seed)
    strains = _spread(rng, len(crystals), -strain, strain)
    amplitudes = _spread(rng, len(crystals), *rattle)
    frames = []
    for k, crystal in enumerate(crystals):
        shears = rng.uniform(-shear, shear, 3)
        frame = strained(crystal, [*[strains[k]] * 3, *shears])
        frame.positions += rng.normal(scale=amplitudes[k], size=(len(frame), 3))
        label = f"{name}-{k + 1:04d}"
        frame.info = {"trajectory": label, "frame": label, "temperature": 0.0}
        frames.append(frame)
    return frames


def _spread(rng: np.random.Generator, count: int, low: float, high: float) -> Floats:
    """Numbers at random, one in each of `count` equal parts of a range, in random order."""
    return low + (high - low) * (rng.permutation(count) + rng.random(count)) / max(count, 1)
