// First stage of the kernel: the neighbours of a tile's atoms, slot by slot.
#pragma once

#include "results.hpp"
#include "shape.hpp"
#include "simd.hpp"
#include "tables.hpp"

namespace ensemble::mtp {
namespace {

// A species as the fourth component of a packed atom: 2^52 + species, whose low bits are the species
// (an index for lookup()) and which survives the subtraction of a position (x, y, z, 0).
constexpr double species_code = 4503599627370496.0;

// Positions and species side by side, so that a neighbour is one aligned load. Atoms of no species
// are moved out of everybody's reach.
void pack(const Neighborhoods &in, double *packed) {
  for (int i = 0; i < in.atoms; ++i) {
    const double *x = in.positions + 3 * static_cast<long>(i);
    const int species = in.species_of_type[in.types[i]];
    packed_at(packed + 4 * static_cast<long>(i)) =
        species < 0 ? Packed{1e100, 1e100, 1e100, species_code} : Packed{x[0], x[1], x[2], species_code + species};
  }
}

// The neighbours of a central atom that are inside the cutoff, relative to it; returns how many.
int gather_atom(const Neighborhoods &in, const double *packed, int i, double cutoff2, double *row, int *neighbor) {
  const int *list = in.neighbors[i];
  const int candidates = in.neighbor_count[i], mask = in.index_mask;
  const Packed center = packed_at(packed + 4 * static_cast<long>(i)) * Packed{1, 1, 1, 0};
  int n = 0;
  for (int k = 0; k < candidates; ++k) {
    const int j = list[k] & mask;
    const Packed d = packed_at(packed + 4 * static_cast<long>(j)) - center;
    // Written always, kept only if inside: no branch to mispredict.
    packed_at(row + 4 * static_cast<long>(n)) = d;
    neighbor[n] = j;
    const Packed d2 = d * d;
    n += d2[0] + d2[1] + d2[2] < cutoff2;
  }
  return n;
}

// The neighbours of a tile's atoms, one row a lane; returns how many slots they fill, a multiple of two.
// Rows with fewer neighbours are padded beyond the cutoff, where every f_mu is exactly zero.
int gather(const Tables &t, const Neighborhoods &in, const Scratch &s, const Tile &tile) {
  const Packed nowhere = {2 * t.max_dist, 0, 0, species_code};
  int counts[W];
  int most = 0;
  for (int l = 0; l < W; ++l) {
    const int i = in.centers[s.order[tile.first + (l < tile.count ? l : 0)]];
    double *row = s.rows + static_cast<long>(l) * s.slot_capacity * 4;
    int *neighbor = s.neighbor + static_cast<long>(l) * s.slot_capacity;
    counts[l] = l < tile.count ? gather_atom(in, s.packed, i, t.max_dist * t.max_dist, row, neighbor) : 0;
    if (counts[l] > most) most = counts[l];
  }
  most += most & 1;
  for (int l = 0; l < W; ++l) {
    const long row = static_cast<long>(l) * s.slot_capacity;
    const int i = in.centers[s.order[tile.first + (l < tile.count ? l : 0)]];
    for (int n = counts[l]; n < most; ++n) {
      packed_at(s.rows + 4 * (row + n)) = nowhere;
      s.neighbor[row + n] = i;
    }
  }
  return most;
}

// Slot n out of the rows: positions where radial_of_slot() will put the unit vectors, the species where
// it will put 1/r.
INLINE void fill_slot(const Scratch &s, int n, double *slot) {
  transpose(s.rows + 4L * n, 4L * s.slot_capacity, at(slot + slot_ux * W), at(slot + slot_uy * W),
            at(slot + slot_uz * W), at(slot + slot_rinv * W));
}

}  // namespace
}  // namespace ensemble::mtp
