"""Speed of the pair style ``mtp``, measured in real LAMMPS runs.

    python tests/benchmarks/mtp.py levels --cutoff 5 6    one core, next to motep's C engine
    python tests/benchmarks/mtp.py isa                    the instruction sets
    python tests/benchmarks/mtp.py scaling                1.5k to 96k atoms
    python tests/benchmarks/mtp.py ranks                  two MPI ranks against one, 12k atoms
    python tests/benchmarks/mtp.py virials                what per-atom virials cost
    python tests/benchmarks/mtp.py all --json speed.json

The structure is beta-Cu2Se (antifluorite, a = 5.85 Angstrom) with random displacements of 0.15
Angstrom rms, and stands still, so that every step and every engine computes the same. Potentials
are random ones of the named level. Times are microseconds per atom and step: the `Pair` row of
LAMMPS' timing breakdown (`Loop` where said so), the best of three repeats, skin 1 Angstrom.
Peak is a loop of fused multiply-adds on the same core, run before and after: `peak.cpp`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.lammpsdata import write_lammps_data
from ase.spacegroup import crystal
from motep.io.mlip.mtp import read_mtp
from motep.potentials.mtp.cext.engine import CExtMTPEngine

from ensemble.mtp import _core
from ensemble.mtp.calculator import find_neighbors, make_kernel
from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import Potential, write_potential

SCRIPTS = Path(sysconfig.get_path("scripts"))
PEAK = Path(__file__).with_name("peak.cpp")
LANES = {
    "plain": (2, []),
    "avx2": (4, ["-mavx2", "-mfma"]),
    "avx512": (8, ["-mavx512f", "-mprefer-vector-width=512"]),
}
SKIN = 1.0  # Angstrom
REPEATS = 3  # in one lmp process
ROUNDS = 3  # of everything that is compared
LEVELS = [8, 10, 12, 14, 16, 18, 20, 22]

Row = dict[str, object]


# ---------------------------------------------------------------------------- what is computed


def copper_selenide(cells: tuple[int, int, int]) -> Atoms:
    """Displaced beta-Cu2Se: 12 atoms a cell."""
    sites = [(0.25, 0.25, 0.25), (0.0, 0.0, 0.0)]
    unit = crystal(["Cu", "Se"], sites, spacegroup=225, cellpar=[5.85] * 3 + [90] * 3)
    atoms = unit.repeat(cells)
    atoms.rattle(0.15, seed=1)
    return atoms


def random_potential(level: int, cutoff: float) -> Potential:
    return untrained_potential(
        level, 2, cutoff=cutoff, min_dist=1.6, species=["Cu", "Se"], seed=level
    )


def neighbors_per_atom(atoms: Atoms, cutoff: float) -> float:
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, cutoff)
    return len(near.indices) / len(atoms)


@cache
def peak_rate(isa: str, cores: int = 1) -> float:
    """Fused multiply-adds per microsecond, counted in lanes, of so many cores together."""
    lanes, flags = LANES[isa]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peak"
        command = ["c++", "-std=c++17", "-O2", "-ffp-contract=fast", f"-DLANES={lanes}", *flags]
        subprocess.run([*command, str(PEAK), "-o", str(program)], check=True)
        running = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(cores)]
        return 1e3 * sum(float(process.communicate()[0]) for process in running)


# -------------------------------------------------------------------------------------- LAMMPS


@dataclass(frozen=True)
class Timing:
    """Microseconds per atom and step."""

    pair: float
    loop: float


SCRIPT = """units metal
boundary p p p
newton on
read_data {data}
mass 1 63.546
mass 2 78.971
pair_style mtp {style}
pair_coeff * * {potential}
neighbor {skin} bin
thermo {steps}
{extra}
run 5 post no
"""


def run_lammps(
    atoms: Atoms,
    potential: Potential,
    *,
    style: str = "",
    extra: str = "",
    ranks: int = 1,
    seconds: float = 0.7,
    huge_pages: bool = False,
) -> Timing:
    """The best of `REPEATS` runs of about `seconds` each, in one ``lmp`` process a rank."""
    work = make_kernel(potential).operations_per_atom(neighbors_per_atom(atoms, potential.max_dist))
    guess = work / 2e4 * len(atoms) * 1e-6 / ranks  # seconds a step at 20 operations a nanosecond
    steps = max(5, math.ceil(seconds / guess))
    with tempfile.TemporaryDirectory() as folder:
        data, model, script = (Path(folder) / name for name in ("data", "model.mtp", "in"))
        write_lammps_data(data, atoms, specorder=["Cu", "Se"], atom_style="atomic")
        write_potential(model, potential)
        text = SCRIPT.format(
            data=data, potential=model, style=style, extra=extra, skin=SKIN, steps=steps
        )
        script.write_text(text + f"run {steps}\n" * REPEATS)
        lmp = [str(SCRIPTS / "lmp"), "-in", str(script), "-log", "none", "-nocite"]
        launcher = [] if ranks == 1 else [str(SCRIPTS / "mpiexec"), "-n", str(ranks)]
        tuned = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"} if huge_pages else {}
        done = subprocess.run(
            [*launcher, *lmp], capture_output=True, text=True, cwd=folder, env=os.environ | tuned
        )
    if done.returncode:
        raise RuntimeError(f"lmp failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    scale = 1e6 / steps / len(atoms)
    # "Pair    | <min> | <avg> | <max> | ...": with several ranks the slowest one counts.
    pairs = re.findall(r"^Pair +\| *\S+ *\| *\S+ *\| *(\S+)", done.stdout, re.MULTILINE)
    loops = re.findall(r"^Loop time of (\S+) on", done.stdout, re.MULTILINE)[-REPEATS:]
    assert len(pairs) == len(loops) == REPEATS, done.stdout[-2000:]
    return Timing(scale * min(map(float, pairs)), scale * min(map(float, loops)))


def time_motep(atoms: Atoms, potential: Potential) -> float:
    """Energy and forces by motep's C engine, without the making of the neighbour list."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.mtp"
        write_potential(path, potential)
        data = read_mtp(path)
    data.species = [29, 34]
    engine = CExtMTPEngine(data)
    engine.calculate(atoms)  # makes the list, which stays valid
    best = math.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        engine.calculate(atoms)
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / len(atoms)


# ------------------------------------------------------------------------------------ the parts


def levels(arguments: argparse.Namespace) -> Iterable[Row]:
    isa = make_kernel(random_potential(8, 5.0)).isa
    atoms = copper_selenide((5, 5, 5))
    for cutoff in arguments.cutoff:
        near = neighbors_per_atom(atoms, cutoff)
        for level in arguments.levels:
            potential = random_potential(level, cutoff)
            ours = run_lammps(atoms, potential).pair
            motep = time_motep(atoms, potential)
            work = make_kernel(potential).operations_per_atom(near)
            yield {
                "cutoff": cutoff,
                "level": level,
                "neighbors": round(near, 1),
                "us/atom/step": round(ours, 3),
                "motep": round(motep, 2),
                "motep/ours": round(motep / ours, 1),
                "kops/atom": round(work / 1e3, 2),
                "of peak": f"{work / ours / peak_rate(isa):.0%}",
            }


def isas(arguments: argparse.Namespace) -> Iterable[Row]:
    atoms = copper_selenide((5, 5, 5))
    near = neighbors_per_atom(atoms, 5.0)
    for level in arguments.levels:
        potential = random_potential(level, 5.0)
        work = make_kernel(potential).operations_per_atom(near)
        for isa in _core.available_isas():
            pair = run_lammps(atoms, potential, style=f"isa {isa}").pair
            yield {
                "level": level,
                "isa": isa,
                "us/atom/step": round(pair, 3),
                "of peak": f"{work / pair / peak_rate(isa):.0%}",
            }


def alternating(runs: Sequence[Callable[[], Timing]]) -> list[Timing]:
    """The best of each run in several rounds of all of them: a machine's speed drifts."""
    rounds = [[run() for run in runs] for _ in range(ROUNDS)]
    return [
        Timing(min(t.pair for t in timings), min(t.loop for t in timings))
        for timings in zip(*rounds, strict=True)
    ]


def scaling(arguments: argparse.Namespace) -> Iterable[Row]:
    cells = [tuple(5 * 2 ** ((n + k) // 3) for k in range(3)) for n in range(7)]
    sizes = [copper_selenide(cell) for cell in cells]
    for level in arguments.levels:
        potential = random_potential(level, 5.0)
        run = partial(run_lammps, potential=potential, seconds=0.5)
        small = alternating([partial(run, atoms) for atoms in sizes])
        huge = alternating([partial(run, atoms, huge_pages=True) for atoms in sizes])
        for atoms, default, with_huge_pages in zip(sizes, small, huge, strict=True):
            yield {
                "level": level,
                "atoms": len(atoms),
                "us/atom/step": round(default.pair, 3),
                "relative": round(default.pair / small[0].pair, 3),
                "huge pages": round(with_huge_pages.pair, 3),
                "relative, huge": round(with_huge_pages.pair / huge[0].pair, 3),
            }


def ranks(arguments: argparse.Namespace) -> Iterable[Row]:
    atoms = copper_selenide((10, 10, 10))
    isa = make_kernel(random_potential(8, 5.0)).isa
    # Below 2 where the "cores" are two threads of one: then nothing can be twice as fast.
    machine = peak_rate(isa, cores=2) / peak_rate(isa)
    for level in arguments.levels:
        run = partial(run_lammps, atoms, random_potential(level, 5.0))
        one, two = alternating([partial(run, ranks=n) for n in (1, 2)])
        yield {
            "level": level,
            "atoms": len(atoms),
            "1 rank: loop": round(one.loop, 3),
            "2 ranks: loop": round(two.loop, 3),
            "speed-up": round(one.loop / two.loop, 3),
            "of pair": round(one.pair / two.pair, 3),
            "of the machine": round(machine, 2),
        }


# `fix ave/atom` asks for the compute at every step.
PER_ATOM = {
    "nothing": "",
    "pressure": "fix p all ave/time 1 {n} {n} c_thermo_press",
    "pe/atom": "compute c all pe/atom\nfix f all ave/atom 1 {n} {n} c_c",
    "stress/atom": "compute c all stress/atom NULL virial\nfix f all ave/atom 1 {n} {n} c_c[1]",
    "centroid/stress/atom": "compute c all centroid/stress/atom NULL virial\n"
    "fix f all ave/atom 1 {n} {n} c_c[1]",
}


def virials(arguments: argparse.Namespace) -> Iterable[Row]:
    atoms = copper_selenide((5, 5, 5))
    for level in arguments.levels:
        potential = random_potential(level, 5.0)
        run = partial(run_lammps, atoms, potential)
        timings = alternating([partial(run, extra=c.format(n=10**6)) for c in PER_ATOM.values()])
        base = timings[0]
        for name, timing in zip(PER_ATOM, timings, strict=True):
            yield {
                "level": level,
                "every step": name,
                "pair": round(timing.pair, 3),
                "loop": round(timing.loop, 3),
                "pair added": f"{timing.pair / base.pair - 1:.0%}",
                "loop added": f"{timing.loop / base.loop - 1:.0%}",
            }


Part = Callable[[argparse.Namespace], Iterable[Row]]
PARTS: dict[str, tuple[Part, list[int]]] = {
    "levels": (levels, LEVELS),
    "isa": (isas, [8, 12, 16, 20]),
    "scaling": (scaling, [12]),
    "ranks": (ranks, [8, 12, 16]),
    "virials": (virials, [8, 12, 16]),
}


# -------------------------------------------------------------------------------------- printing


def print_rows(rows: Iterable[Row]) -> list[Row]:
    """Each row when it is known, under one header."""
    printed: list[Row] = []
    for row in rows:
        widths = {key: max(len(key), 12) for key in row}
        if not printed:
            print("  ".join(f"{key:>{width}}" for key, width in widths.items()))
        print("  ".join(f"{row[key]!s:>{width}}" for key, width in widths.items()), flush=True)
        printed.append(row)
    return printed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=[*PARTS, "all"], nargs="?", default="levels")
    parser.add_argument("--levels", type=int, nargs="+", help="default: those of the part")
    parser.add_argument("--cutoff", type=float, nargs="+", default=[5.0, 6.0], help="in Angstrom")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    chosen = list(PARTS) if arguments.part == "all" else [arguments.part]
    asked = arguments.levels
    before = {isa: peak_rate(isa) for isa in _core.available_isas()}
    report: dict[str, object] = {"peak, operations/us": before}
    print("peak, 1e9 operations/s:", {isa: round(rate / 1e3, 1) for isa, rate in before.items()})
    for name in chosen:
        part, default = PARTS[name]
        arguments.levels = asked or default
        print(f"\n{name}")
        report[name] = print_rows(part(arguments))
    peak_rate.cache_clear()
    after = {isa: peak_rate(isa) for isa in before}
    worst = max(abs(np.log(after[isa] / before[isa])) for isa in before)
    print(f"\npeak afterwards: within {worst:.0%} (more than a few percent: the machine is busy)")
    report["peak afterwards, operations/us"] = after
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
