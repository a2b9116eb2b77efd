"""Lennard-Jones liquids of 256 atoms, for real LAMMPS runs that take no time, or for ever."""

LIQUID = """\
units lj
lattice fcc 0.8
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.4 1 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
fix nve all nve
thermo 10
"""

SHORT = LIQUID + "run 20\n"
ENDLESS = LIQUID + "run 1000000000\n"
