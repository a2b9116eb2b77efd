"""Where a model's crystal gives way, would the teacher's? Frames of the one, labelled by the other.

    python tests/benchmarks/melting.py campaigns/models/cu2se/mtp8.mtp --temperature 900
    python tests/benchmarks/melting.py campaigns/models/cu2se/mtp9.mtp --temperature 750 --time 160

Cu1.95Se of 319 atoms: 20 ps at zero pressure, then at constant energy. Of a frame every few
picoseconds: how far Se is from where it was, on average; the energy of the model less the
teacher's, and the mean absolute difference of a force component. A model that melts where its
teacher would not shows it by an energy that falls behind as the framework goes. Needs the extra
``train``; 8 s of one core for a frame.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import iread
from teacher import SEVENNET, teacher_of

from ensemble.structures import crystal, lammps_data, supercell, with_vacancies

SPECIES = ("Cu", "Se")

SCRIPT = """\
units metal
atom_style atomic
read_data start.data
pair_style mtp
pair_coeff * * {model}
neighbor 1.0 bin
timestep 0.002
velocity all create {temperature} {seed} mom yes rot no dist gaussian
fix md all npt temp {temperature} {temperature} 0.2 iso 0 0 1
run 10000
unfix md
fix md all nve
variable energy equal pe
variable temperature equal temp
dump frames all custom {every} frames.dump id type element xu yu zu fx fy fz
dump_modify frames sort id element Cu Se format float %.10g
fix energies all print {every} "${{energy}} ${{temperature}}" file energies.txt screen no
run {steps}
"""

STEPS_PER_PS = 500


def trajectory(model: Path, options: argparse.Namespace) -> Iterator[tuple[Atoms, float, float]]:
    """Frames with the model's forces, its potential energy in eV and the temperature in K."""
    perfect = supercell(crystal("antifluorite", SPECIES, 5.93), [3, 3, 3])
    atoms = with_vacancies(perfect, "Cu", fraction=0.025, seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "start.data").write_text(lammps_data(atoms, SPECIES))
        script = SCRIPT.format(
            model=model.resolve(),
            temperature=options.temperature,
            seed=options.seed,
            every=round(options.every * STEPS_PER_PS),
            steps=round(options.time * STEPS_PER_PS),
        )
        (folder / "script.in").write_text(script)
        lmp = Path(sys.prefix) / "bin" / "lmp"
        subprocess.run([lmp, "-in", "script.in", "-screen", "none"], cwd=folder, check=True)
        numbers = np.loadtxt(folder / "energies.txt", ndmin=2)
        frames = iread(folder / "frames.dump", format="lammps-dump-text")
        # Both print at the first step as well.
        for frame, (energy, temperature) in zip(frames, numbers, strict=True):
            yield frame, energy, temperature


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--temperature", type=float, default=900.0, help="K")
    parser.add_argument("--time", type=float, default=40.0, help="at constant energy, ps")
    parser.add_argument("--every", type=float, default=5.0, help="between two frames, ps")
    parser.add_argument("--seed", type=int, default=1, help="of the velocities")
    parser.add_argument("--teacher", default=f"{SEVENNET}7net-l3i5")
    options = parser.parse_args()
    calculator = teacher_of(options.teacher).make()
    print("   ps     T  <r²> Se (Å²)  energy (meV/atom)  forces (meV/Å)", flush=True)
    start = None
    for number, (frame, energy, temperature) in enumerate(trajectory(options.model, options)):
        forces = frame.get_forces()
        selenium = frame.positions[frame.symbols == "Se"]
        selenium -= selenium.mean(axis=0)
        start = selenium if start is None else start
        frame.calc = calculator
        apart = 1e3 * (energy - frame.get_potential_energy()) / len(frame)
        wrong = 1e3 * np.abs(frame.get_forces() - forces).mean()
        moved = ((selenium - start) ** 2).sum(axis=1).mean()
        numbers = (number * options.every, temperature, moved, apart, wrong)
        print("{:5.0f} {:5.0f} {:13.2f} {:18.1f} {:15.1f}".format(*numbers), flush=True)


if __name__ == "__main__":
    main()
