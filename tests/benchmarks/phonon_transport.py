"""κ of a potential by phonons, quite another road than molecular dynamics: do the two agree?

    pip install phono3py
    cd campaigns/models/mg2sn
    python PATH/phonon_transport.py mtp*.mtp --species Mg Sn --lattice 6.91 --temperature 600

Force constants of second and third order from displaced atoms, then Peierls' equation in the
relaxation time approximation (A. Togo, L. Chaput, I. Tanaka, Phys. Rev. B 91, 094306 (2015)).
Scattering by three phonons alone: four, which count at high temperature, make κ smaller, and so
does what the temperature does to the frequencies; so κ of molecular dynamics should be this large
or somewhat smaller. What is printed is the diagonal of κ. Some minutes of one core.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp.calculator import MTPCalculator
from ensemble.structures import crystal

DISPLACEMENT = 0.03
"""In Å."""


def conductivity(model: Path, options: argparse.Namespace) -> NDArray[np.float64]:
    """κ along x, y and z in W/m/K, shape (temperatures, 3)."""
    from phono3py import Phono3py
    from phonopy.structure.atoms import PhonopyAtoms

    unit = crystal(options.prototype, options.species, options.lattice)
    found = Phono3py(
        PhonopyAtoms(symbols=list(unit.symbols), cell=unit.cell.array, positions=unit.positions),
        supercell_matrix=np.diag(options.cells),
        phonon_supercell_matrix=np.diag(options.phonon_cells),
        primitive_matrix="auto",
        log_level=0,
    )
    calculator = MTPCalculator(model, species=options.species)

    def forces(cells: Sequence[PhonopyAtoms]) -> NDArray[np.float64]:
        every = []
        for cell in cells:
            atoms = Atoms(cell.symbols, cell.positions, cell=cell.cell, pbc=True)
            atoms.calc = calculator
            every.append(atoms.get_forces())
        return np.array(every)

    found.generate_displacements(distance=DISPLACEMENT)
    found.generate_fc2_displacements(distance=DISPLACEMENT)
    found.forces = forces(found.supercells_with_displacements)
    found.phonon_forces = forces(found.phonon_supercells_with_displacements)
    found.produce_fc3()
    found.symmetrize_fc3()
    found.produce_fc2()
    found.symmetrize_fc2()
    found.mesh_numbers = options.mesh
    found.init_phph_interaction()
    found.run_thermal_conductivity(temperatures=options.temperature)
    tensors: NDArray[np.float64] = np.asarray(found.thermal_conductivity.kappa).reshape(-1, 6)
    return tensors[:, :3]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--species", nargs=2, required=True)
    parser.add_argument("--prototype", default="antifluorite")
    parser.add_argument("--lattice", nargs="+", type=float, required=True, help="in Angstrom")
    parser.add_argument("--temperature", nargs="+", type=float, default=[300.0, 600.0])
    grid = {"nargs": 3, "type": int}
    parser.add_argument("--cells", **grid, default=[2, 2, 2], help="for the third order")
    parser.add_argument("--phonon-cells", **grid, default=[3, 3, 3], help="for the second order")
    parser.add_argument("--mesh", **grid, default=[11, 11, 11], help="of wave vectors, odd")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    for model in options.models:
        for temperature, kappa in zip(
            options.temperature, conductivity(model, options), strict=True
        ):
            shown = " ".join(f"{k:.3g}" for k in kappa)
            print(f"{model.name}, {temperature:g} K: {shown} W/m/K", flush=True)


if __name__ == "__main__":
    main()
