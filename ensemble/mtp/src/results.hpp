// What goes into an evaluation and what comes out of it. Plain structures, no standard library: the
// instruction-set specific sources include this (see tables.hpp).
#pragma once

namespace ensemble::mtp {

// Central atoms and their candidate neighbours, in the layout of a LAMMPS full neighbour list.
// Positions hold the central atoms and every (ghost) neighbour, periodic images written out.
struct Neighborhoods {
  int count = 0;                           // central atoms
  int atoms = 0;                           // atoms in `positions`, ghosts included
  const int *centers = nullptr;            // [count] their indices
  const int *const *neighbors = nullptr;   // neighbors[center]: candidate indices, within cutoff and beyond
  const int *neighbor_count = nullptr;     // neighbor_count[center]
  int index_mask = -1;                     // index = entry & index_mask (LAMMPS: NEIGHMASK)
  const double *positions = nullptr;       // [atoms][3], Angstrom
  const int *types = nullptr;              // [atoms]
  const int *species_of_type = nullptr;    // species 0 .. species_count - 1; -1: this type is not there
};

// Everything is added to; what is not wanted is null. U_i belongs to the central atom alone.
struct Results {
  double energy = 0.0;                // sum of the site energies, eV
  double virial[9] = {};              // sum of the per-atom virials, eV: xx yy zz xy xz yz yx zx zy
  bool want_virial = false;           // whether `virial` is wanted
  double *forces = nullptr;           // [atoms][3], eV/Angstrom
  double *site_energies = nullptr;    // [atoms], eV
  // W_j -= (r_j - r_i) (x) dU_i/dr_j, on the neighbour j, order xx yy zz xy xz yz yx zx zy with
  // xy = r_x F_y: what the heat flux sum_j W_j . v_j needs.
  double *virials9 = nullptr;         // [atoms][9], eV
  // The symmetric part of -sum_j (r_j - r_i) (x) dU_i/dr_j, on the central atom i: a stress of the atom,
  // as other MTP interfaces have it; not for a heat flux.
  double *virials6 = nullptr;         // [atoms][6], eV: xx yy zz xy xz yz
};

// Derivatives with respect to the coefficients, in the order of the file: radial [i][j][mu][n],
// species, moment. All are added to. `atoms` is the number of positions.
struct JacobianResults {
  int atoms = 0;
  double *energy = nullptr;   // [coefficients]
  double *forces = nullptr;   // [coefficients][atoms][3]
  double *virial = nullptr;   // [coefficients][9], order as above
};

}  // namespace ensemble::mtp
