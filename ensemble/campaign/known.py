"""The names that a campaign file chooses from: elements, prototypes, commands."""

from __future__ import annotations

from typing import Literal

_SYMBOLS = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er
    Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md
    No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
CHEMICAL_SYMBOLS = tuple(_SYMBOLS.split())

PAIR_COMMANDS = (
    "pair_style",
    "pair_coeff",
    "pair_modify",
    "kspace_style",
    "kspace_modify",
    "special_bonds",
)
"""The LAMMPS commands that make a model. Others would change the run, not the potential."""

PrototypeName = Literal[
    "antifluorite",
    "bcc",
    "cesium-chloride",
    "diamond",
    "fcc",
    "fluorite",
    "half-heusler",
    "hcp",
    "mg3sb2",
    "perovskite",
    "rocksalt",
    "wurtzite",
    "zincblende",
]
"""Spelt out, so that the schema and its page know them; the structures are in
`ensemble.prototypes`.
"""
