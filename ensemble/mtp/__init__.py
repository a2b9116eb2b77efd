"""Moment tensor potentials: files, moment graphs, the SIMD kernel and what is built on it.

``potential``
    The file format (MLIP-2 ``.mtp``, MLIP-3 ``.almtp``).
``graph``
    Untrained potentials of any level.
``calculator``
    Energies, forces, virials and their derivatives by the coefficients; the ASE calculator.
``check``
    Whether a potential's derivatives, symmetry and smoothness are right.
``plugin``
    The LAMMPS pair style ``mtp``, installed and rebuilt.
"""
