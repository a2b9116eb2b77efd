"""Molecular dynamics keeps its energy: forces are the gradient of the energy, step after step."""

from pathlib import Path

import numpy as np
import pytest
from lmp import MODELS, lammps

from ensemble.structures import crystal, lammps_data, supercell, with_vacancies

SPECIES = ("Cu", "Se")

SCRIPT = f"""\
units metal
atom_style atomic
read_data start.data
pair_style mtp
pair_coeff * * {MODELS / "level12.mtp"}
neighbor 1.0 bin
timestep 0.001
velocity all create 600 1 mom yes rot no dist gaussian
fix md all nvt temp 600 600 0.1
run 2000
unfix md
fix md all nve
reset_timestep 0
variable temperature equal temp
variable energy equal etotal/atoms
fix rows all ave/time 500 1 500 v_temperature v_energy file rows.txt format " %.12g"
run 50000
"""


def test_energy_is_kept_over_50_ps(tmp_path: Path) -> None:
    perfect = supercell(crystal("antifluorite", SPECIES, 5.87), [3, 3, 3])
    atoms = with_vacancies(perfect, "Cu", fraction=0.025, seed=1)
    assert len(atoms) == 319
    (tmp_path / "start.data").write_text(lammps_data(atoms, SPECIES))
    lammps(tmp_path, SCRIPT)
    step, temperature, energy = np.loadtxt(tmp_path / "rows.txt").T
    assert step[-1] == 50_000
    assert 500 < temperature.mean() < 700  # K
    slope = np.polynomial.Polynomial.fit(step, energy, 1).convert().coef[1]
    assert abs(slope * step[-1]) < 1e-5  # eV/atom
    assert energy.std() > 0
    assert energy == pytest.approx(energy[0], abs=1e-3)
