"""The argon of LAMMPS' page on ``compute heat/flux``: our integrals against its own ``trap()``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lmp import lammps

from ensemble.reduction.correlation import autocorrelation, correlation
from ensemble.reduction.running import running_integral

TIMESTEP, EVERY, LAGS, STEPS = 4.0, 10, 40, 4000

ARGON = f"""\
units real
lattice fcc 5.376 orient x 1 0 0 orient y 0 1 0 orient z 0 0 1
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 39.948
pair_style lj/cut 8.5
pair_coeff * * 0.2381 3.405
timestep {TIMESTEP}
velocity all create 70 102486 mom yes rot yes dist gaussian
fix nvt all nvt temp 70 70 10 drag 0.2
run 500
reset_timestep 0
compute ke all ke/atom
compute pe all pe/atom
compute stress all stress/atom NULL virial
compute flux all heat/flux ke pe stress
fix rows all ave/time {EVERY} 1 {EVERY} c_flux[1] c_flux[2] c_flux[3] &
    file rows format " %.17g"
fix correlate all ave/correlate {EVERY} {LAGS} {EVERY * LAGS} &
    c_flux[1] c_flux[2] c_flux[3] type auto/upper ave running
variable xx equal trap(f_correlate[3])*{EVERY * TIMESTEP}
variable xy equal trap(f_correlate[4])*{EVERY * TIMESTEP}
variable yy equal trap(f_correlate[6])*{EVERY * TIMESTEP}
variable zz equal trap(f_correlate[8])*{EVERY * TIMESTEP}
thermo_style custom step temp
run {STEPS}
print "$(v_xx:%.17g) $(v_xy:%.17g) $(v_yy:%.17g) $(v_zz:%.17g)" file integrals
"""


def test_lammps_own_integral_of_argon(tmp_path: Path) -> None:
    lammps(tmp_path, ARGON)
    flux = np.loadtxt(tmp_path / "rows")[:, 1:].T
    assert flux.shape == (3, STEPS // EVERY + 1)
    own = autocorrelation(flux, LAGS)
    across = correlation(flux[0], flux[1], LAGS)
    found = running_integral(np.stack([own[0], across, own[1], own[2]]), EVERY * TIMESTEP)[:, -1]
    assert found == pytest.approx(np.loadtxt(tmp_path / "integrals"), rel=1e-9)
    assert (found[[0, 2, 3]] > 0).all()
