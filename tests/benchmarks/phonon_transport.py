"""κ of a potential by phonons, quite another road than molecular dynamics: do the two agree?

    pip install phono3py
    cd campaigns/models/mg2sn
    python PATH/phonon_transport.py mtp*.mtp --species Mg Sn --lattice 6.91 --temperature 600

A crystal of the prototype antifluorite. Force constants of second and third order from displaced
atoms, then Peierls' equation in the relaxation time approximation (A. Togo, L. Chaput, I. Tanaka,
Phys. Rev. B 91, 094306 (2015)). Scattering by three phonons alone: four, which count at high
temperature, make κ smaller, and so does what the temperature does to the frequencies; so κ of
molecular dynamics should be this large or somewhat smaller. A minute of one core.
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


def conductivity(
    model: Path, species: Sequence[str], lattice: float, mesh: int, temperatures: Sequence[float]
) -> NDArray[np.float64]:
    """κ in W/m/K, shape (temperatures,)."""
    from phono3py import Phono3py
    from phonopy.structure.atoms import PhonopyAtoms

    unit = crystal("antifluorite", species, lattice)
    found = Phono3py(
        PhonopyAtoms(symbols=list(unit.symbols), cell=unit.cell.array, positions=unit.positions),
        supercell_matrix=np.diag([2, 2, 2]),
        phonon_supercell_matrix=np.diag([3, 3, 3]),
        primitive_matrix="F",
        log_level=0,
    )
    calculator = MTPCalculator(model, species=species)

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
    found.mesh_numbers = [mesh] * 3
    found.init_phph_interaction()
    found.run_thermal_conductivity(temperatures=list(temperatures))
    tensors = np.asarray(found.thermal_conductivity.kappa).reshape(-1, 6)
    mean: NDArray[np.float64] = tensors[:, :3].mean(axis=1)
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--species", nargs=2, required=True)
    parser.add_argument("--lattice", type=float, required=True, help="in Angstrom")
    parser.add_argument("--temperature", nargs="+", type=float, default=[300.0, 600.0])
    parser.add_argument("--mesh", type=int, default=15, help="of q, odd (default 15)")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    for model in options.models:
        found = conductivity(
            model, options.species, options.lattice, options.mesh, options.temperature
        )
        pairs = zip(options.temperature, found, strict=True)
        print(model.name, ", ".join(f"{t:g} K: {k:.3g} W/m/K" for t, k in pairs), flush=True)


if __name__ == "__main__":
    main()
