"""What two teachers say of the same crystals: is the one that labels worth learning from?

    python tests/benchmarks/teacher.py
    python tests/benchmarks/teacher.py --material Cu2Se --teacher chgnet.model:CHGNetCalculator
    python tests/benchmarks/teacher.py --frames frames.xyz --json teachers.json
    python tests/benchmarks/teacher.py --material Cu2Se --picoseconds 10

A teacher is ``module:Class``, with its arguments behind, such as ``model=7net-0``; what is added to
it stands behind a plus sign, such as ``+ dftd3.ase:DFTD3 method=PBE damping=d3bj``. Numbers and
tables are as in JSON, without blanks. For each material: lattice constants, bulk modulus and
elastic constants at 0 K, and the lowest and highest frequency of the phonons. A superionic crystal
has imaginary ones: at 0 K it is no minimum. With --frames, how far a teacher is from the labels of
a file: forces by component, and energies per atom less their mean, since two teachers need not have
the same zero. With --picoseconds, D of the first species at 600 K in 2×2×2 cells with one vacancy,
by Langevin dynamics: tens of milliseconds per atom and step on one core, so half an hour for each
picosecond. One core does it all.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin

from ensemble.reduction.diffusion import diffusion_coefficient, mean_square_displacement
from ensemble.structures import crystal, supercell, with_vacancies
from ensemble.training.checks.crystal import relax
from ensemble.training.checks.elastic import bulk_modulus, constants_of, stiffness
from ensemble.training.checks.phonons import phonons
from ensemble.training.frames import read_frames
from ensemble.training.labels import labels_of
from ensemble.training.teacher import Teacher, label_frames

SEVENNET = "sevenn.calculator:SevenNetCalculator device=cpu model="
TEACHERS = [f"{SEVENNET}7net-l3i5", f"{SEVENNET}7net-0"]

MATERIALS: dict[str, tuple[str, list[str], float | list[float], tuple[int, int, int]]] = {
    # Prototype, species, where the lattice constants are looked for, supercell of the phonons.
    "Cu2Se": ("antifluorite", ["Cu", "Se"], 5.84, (2, 2, 2)),
    "Mg2Sn": ("antifluorite", ["Mg", "Sn"], 6.8, (2, 2, 2)),
    "Mg3Sb2": ("mg3sb2", ["Mg", "Sb"], [4.6, 7.27], (3, 3, 2)),
}

TIMESTEP = 2.0
"""Of the dynamics, fs."""

EVERY = 10
"""Steps between two positions that are kept."""

SETTLING = 0.2
"""Part of the dynamics before positions count."""


def teacher_of(words: str) -> Teacher:
    """From ``module:Class key=value ... + module:Class key=value ...``."""
    first, *others = words.split(" + ")
    calculator, *pairs = first.split()
    return Teacher(
        calculator=calculator,
        arguments={key: _value(text) for key, text in (pair.split("=", 1) for pair in pairs)},
        plus=tuple(map(teacher_of, others)),
    )


def _value(text: str) -> Any:
    """What JSON says it is, or else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def of_crystal(name: str, calculator: Any) -> dict[str, Any]:
    """Lattice constants in Å, bulk modulus and elastic constants in GPa, frequencies in THz."""
    prototype, species, lattice, cells = MATERIALS[name]
    relaxed = relax(crystal(prototype, species, lattice), calculator)
    elastic = stiffness(relaxed)
    waves = phonons(relaxed, supercell=cells, mesh=(8, 8, 8))
    return {
        **relaxed.lattice,
        "bulk modulus": bulk_modulus(elastic),
        **constants_of(elastic, "cubic" if len(relaxed.lattice) == 1 else "hexagonal"),
        "lowest frequency": waves.lowest,
        "at": waves.lowest_at,
        "highest frequency": waves.highest,
        "unstable": waves.unstable,
    }


def of_frames(teacher: Teacher, path: Path) -> dict[str, float]:
    """Distance from the labels of a file: forces in meV/Å, energies in meV per atom."""
    frames = read_frames(path)
    started = time.perf_counter()
    done = {frame.info["frame"]: frame for frame in label_frames(teacher, frames).frames}
    seconds = time.perf_counter() - started
    pairs = [(frame, done[name]) for frame in frames if (name := frame.info["frame"]) in done]
    forces = [np.abs(labels_of(a)[1] - labels_of(b)[1]).ravel() for a, b in pairs]
    energies = np.array([(labels_of(a)[0] - labels_of(b)[0]) / len(a) for a, b in pairs])
    return {
        "frames": len(pairs),
        "forces": 1e3 * float(np.concatenate(forces).mean()),
        "energies": 1e3 * float(np.abs(energies - energies.mean()).mean()),
        "ms per atom": 1e3 * seconds / sum(map(len, frames)),
    }


def of_motion(name: str, calculator: Any, picoseconds: float) -> dict[str, Any]:
    """D of the first species at 600 K in cm²/s, or why there is none."""
    prototype, species, lattice, _ = MATERIALS[name]
    perfect = supercell(crystal(prototype, species, lattice), [2, 2, 2])
    atoms = with_vacancies(perfect, species[0], count=1, seed=1)
    atoms.calc = calculator
    mobile = np.flatnonzero(np.array(atoms.symbols) == species[0])
    path = np.array([*_positions(atoms, mobile, picoseconds)])
    path = path[int(SETTLING * len(path)) :]
    times = np.arange(len(path) // 2) * EVERY * TIMESTEP * 1e-3
    found = diffusion_coefficient(mean_square_displacement(path, len(times))[None], times)
    if found.problem:
        return {"D": None, "problem": found.problem}
    return {"D": found.coefficient.mean * 1e-4}


def _positions(atoms: Atoms, mobile: Any, picoseconds: float) -> Iterator[Any]:
    """Of some atoms along a trajectory at 600 K; ASE never wraps them."""
    rng = np.random.default_rng(1)
    thermal = np.sqrt(atoms.get_masses() * units.kB * 600)[:, None]
    atoms.set_momenta(thermal * rng.standard_normal(atoms.positions.shape))
    # The cell may drift as a whole: a mean square displacement is taken without it.
    how = {"friction": 1e-3 / units.fs, "fixcm": False, "logfile": None}
    motion = Langevin(atoms, TIMESTEP * units.fs, temperature_K=600, rng=rng, **how)
    for _ in motion.irun(round(picoseconds * 1e3 / TIMESTEP)):
        if motion.nsteps % EVERY == 0:
            yield atoms.positions[mobile]


def measure(words: str, options: argparse.Namespace) -> dict[str, Any]:
    """All of one teacher."""
    teacher = teacher_of(words)
    calculator = teacher.make()
    found: dict[str, Any] = {"teacher": teacher.identity}
    print(f"\n{teacher.identity}", flush=True)
    for name in options.material or MATERIALS:
        found[name] = of_crystal(name, calculator)
        if options.picoseconds:
            found[name] |= of_motion(name, calculator, options.picoseconds)
        show(name, found[name])
    if options.frames:
        found["frames"] = of_frames(teacher, options.frames)
        show(options.frames.name, found["frames"])
    return found


def show(name: str, values: dict[str, Any]) -> None:
    """One line."""
    shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
    print(f"  {name}: {', '.join(shown)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", action="append", metavar="'MODULE:CLASS KEY=VALUE ...'")
    parser.add_argument("--material", action="append", choices=MATERIALS)
    parser.add_argument("--frames", type=Path)
    parser.add_argument("--picoseconds", type=float, default=0.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = [measure(words, options) for words in options.teacher or TEACHERS]
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
