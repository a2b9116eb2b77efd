// Last stage of the kernel: from the pair gradients of a tile to forces, energies and virials.
#pragma once

#include "results.hpp"
#include "simd.hpp"
#include "tables.hpp"

namespace ensemble::mtp {
namespace {

// The wall of RBChebyshev_repuls (MLIP-2): 1e4 eV (exp(-10 (r - 1)) - exp(-10 (min_dist - 1))) for
// every neighbour closer than min_dist. Rare, so lane by lane.
V repulsive_wall(const Tables &t, double *slots, int slot_count, int stride) {
  constexpr double decay = 10;   // 1/Angstrom
  V energy = {};
  for (int n = 0; n < slot_count; ++n) {
    double *slot = slots + static_cast<long>(n) * stride;
    for (int l = 0; l < W; ++l) {
      const double rinv = slot[slot_rinv * W + l];
      const double r = 1 / rinv;
      if (!(r < t.min_dist)) continue;
      const double wall = t.wall_height * __builtin_exp(-decay * (r - 1));
      energy[l] += wall - t.wall_height * __builtin_exp(-decay * (t.min_dist - 1));
      for (int c = 0; c < 3; ++c) slot[(slot_gx + c) * W + l] -= decay * wall * slot[(slot_ux + c) * W + l];
    }
  }
  return energy;
}

// F_j -= dU_i/dr_j, F_i += the sum of them.
void add_forces(const Scratch &s, const Tile &tile, int stride, double *forces) {
  for (int l = 0; l < tile.count; ++l) {
    const int *neighbor = s.neighbor + l * s.slot_capacity;
    const double *g = s.slots + slot_gx * W + l;
    double x = 0, y = 0, z = 0;
    for (int n = 0; n < s.counts[l]; ++n, g += stride) {
      double *f = forces + 3 * static_cast<long>(neighbor[n]);
      f[0] -= g[0];
      f[1] -= g[W];
      f[2] -= g[2 * W];
      x += g[0], y += g[W], z += g[2 * W];
    }
    double *f = forces + 3 * static_cast<long>(s.centers[l]);
    f[0] += x, f[1] += y, f[2] += z;
  }
}

constexpr int components = 9;

// Subtracts the components of slot n from the rows of the neighbours they belong to: whole vectors of a
// row where there are enough components, the rest one by one.
INLINE void subtract_from_neighbors(const int *neighbor, long capacity, const int *counts, int n, const V *values,
                                    double *rows) {
  constexpr int blocks = components / W;
  V block[blocks ? blocks : 1][W];
  for (int b = 0; b < blocks; ++b) {
    for (int c = 0; c < W; ++c) block[b][c] = values[b * W + c];
    transpose_square(block[b]);
  }
  for (int l = 0; l < W; ++l) {
    if (n >= counts[l]) continue;
    double *row = rows + components * static_cast<long>(neighbor[l * capacity + n]);
    for (int b = 0; b < blocks; ++b) *reinterpret_cast<Unaligned *>(row + b * W) -= block[b][l];
    for (int c = blocks * W; c < components; ++c) row[c] -= values[c][l];
  }
}

constexpr int virial_row[components] = {0, 1, 2, 0, 0, 1, 1, 2, 2};   // xx yy zz xy xz yz yx zx zy
constexpr int virial_column[components] = {0, 1, 2, 1, 2, 2, 0, 0, 1};

// The symmetric part of what each central atom's energy gives, on that atom.
void subtract_from_centers(const Scratch &s, const Tile &tile, const V *total, double *virials6) {
  for (int l = 0; l < tile.count; ++l) {
    double *row = virials6 + 6 * static_cast<long>(s.centers[l]);
    for (int c = 0; c < 3; ++c) row[c] -= total[c][l];
    for (int c = 3; c < 6; ++c) row[c] -= 0.5 * (total[c][l] + total[c + 3][l]);
  }
}

// W_j -= (r_j - r_i) (x) dU_i/dr_j
void add_virials(const Scratch &s, const Tile &tile, int slot_count, int stride, Results &out) {
  V total[components] = {};
  for (int n = 0; n < slot_count; ++n) {
    const double *slot = s.slots + static_cast<long>(n) * stride;
    const V r = reciprocal(at(slot + slot_rinv * W));
    V w[components];
    for (int c = 0; c < components; ++c) {
      w[c] = r * at(slot + (slot_ux + virial_row[c]) * W) * at(slot + (slot_gx + virial_column[c]) * W);
      total[c] += w[c];
    }
    if (out.virials9) subtract_from_neighbors(s.neighbor, s.slot_capacity, s.counts, n, w, out.virials9);
  }
  if (out.virials6) subtract_from_centers(s, tile, total, out.virials6);
  if (out.want_virial)
    for (int c = 0; c < components; ++c) out.virial[c] -= sum(total[c]);
}

void scatter(const Scratch &s, const Tile &tile, int slot_count, int stride, V energy, Results &out) {
  for (int l = 0; l < tile.count; ++l) {
    out.energy += energy[l];
    if (out.site_energies) out.site_energies[s.centers[l]] += energy[l];
  }
  if (out.forces) add_forces(s, tile, stride, out.forces);
  if (out.want_virial || out.virials9 || out.virials6) add_virials(s, tile, slot_count, stride, out);
}

}  // namespace
}  // namespace ensemble::mtp
