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

// Out of everybody's reach, yet near enough for finite arithmetic: there every f_mu is exactly zero.
constexpr Packed nowhere = {1e9, 1e9, 1e9, species_code};

// Positions and species side by side, so that a neighbour is one aligned load; behind the last atom,
// one that is nowhere, as are atoms of no species.
void pack(const Neighborhoods &in, double *packed) {
  for (int i = 0; i < in.atoms; ++i) {
    const double *x = in.positions + 3 * static_cast<long>(i);
    const int species = in.species_of_type[in.types[i]];
    packed_at(packed + 4 * static_cast<long>(i)) =
        species < 0 ? nowhere : Packed{x[0], x[1], x[2], species_code + species};
  }
  packed_at(packed + 4 * static_cast<long>(in.atoms)) = nowhere;
}

// A position with the fourth component zero, so that subtracting it leaves a species as it is.
INLINE Packed origin(const double *packed, int i) { return packed_at(packed + 4 * static_cast<long>(i)) * Packed{1, 1, 1, 0}; }

// The neighbours of atom i that are inside the cutoff; returns how many.
int neighbors_inside(const Neighborhoods &in, const double *packed, int i, double cutoff2, int *neighbor) {
  const int *list = in.neighbors[i];
  const int candidates = in.neighbor_count[i], mask = in.index_mask;
  const Packed center = origin(packed, i);
  const V cx = splat(center[0]), cy = splat(center[1]), cz = splat(center[2]), limit = splat(cutoff2);
  int n = 0;
  const auto add = [&](const int *j) __attribute__((always_inline)) {
    V x, y, z, species;
    transpose([&](int l) { return packed_at(packed + 4 * static_cast<long>(j[l])); }, x, y, z, species);
    x -= cx, y -= cy, z -= cz;
    n += append_where_less(x * x + y * y + z * z, limit, j, neighbor + n);
  };
  int j[W];
  int k = 0;
  for (; k + W <= candidates; k += W) {
    for (int l = 0; l < W; ++l) j[l] = list[k + l] & mask;
    add(j);
  }
  if (k < candidates) {
    for (int l = 0; l < W; ++l) j[l] = k + l < candidates ? list[k + l] & mask : in.atoms;
    add(j);
  }
  return n < candidates ? n : candidates;   // atoms that ran away to where `nowhere` is must not overflow a row
}

// Asks for the neighbour lists of a tile that comes next: in a large system they are far away, and they
// are not read in the order in which they lie.
INLINE void prefetch_lists(const Neighborhoods &in, const Scratch &s, const Tile &tile) {
  constexpr int line = 64 / sizeof(int);
  for (int l = 0; l < tile.count; ++l) {
    const int i = in.centers[s.order[tile.first + l]];
    for (int k = 0; k < in.neighbor_count[i]; k += line) __builtin_prefetch(in.neighbors[i] + k);
  }
}

// The neighbours of a tile's atoms, one row a lane, padded with the atom that is nowhere; returns how
// many slots they fill, a multiple of two.
int gather(const Tables &t, const Neighborhoods &in, const Scratch &s, const Tile &tile) {
  int most = 0;
  for (int l = 0; l < W; ++l) {
    s.centers[l] = in.centers[s.order[tile.first + (l < tile.count ? l : 0)]];
    int *row = s.neighbor + l * s.slot_capacity;
    s.counts[l] =
        l < tile.count ? neighbors_inside(in, s.packed, s.centers[l], t.max_dist * t.max_dist, row) : 0;
    if (s.counts[l] > most) most = s.counts[l];
  }
  most += most & 1;
  for (int l = 0; l < W; ++l)
    for (int n = s.counts[l]; n < most; ++n) s.neighbor[l * s.slot_capacity + n] = in.atoms;
  return most;
}

// Slot n: positions where radial_of_slot() will put the unit vectors, the species where it will put 1/r.
INLINE void fill_slot(const Scratch &s, int n, double *slot) {
  V x, y, z, species;
  transpose(
      [&](int l) {
        const long j = s.neighbor[l * s.slot_capacity + n];
        return packed_at(s.packed + 4 * j) - origin(s.packed, s.centers[l]);
      },
      x, y, z, species);
  at(slot + slot_ux * W) = x;
  at(slot + slot_uy * W) = y;
  at(slot + slot_uz * W) = z;
  at(slot + slot_rinv * W) = species;
}

}  // namespace
}  // namespace ensemble::mtp
