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
  constexpr double height = 1e4, decay = 10;
  V energy = {};
  for (int n = 0; n < slot_count; ++n) {
    double *slot = slots + static_cast<long>(n) * stride;
    for (int l = 0; l < W; ++l) {
      const double rinv = slot[slot_rinv * W + l];
      const double r = 1 / rinv;
      if (!(r < t.min_dist)) continue;
      const double wall = height * __builtin_exp(-decay * (r - 1));
      energy[l] += wall - height * __builtin_exp(-decay * (t.min_dist - 1));
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

constexpr int virial_row[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2};   // xx yy zz xy xz yz yx zx zy
constexpr int virial_column[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};

// Virials of one slot, w = r (x) g: each belongs to the neighbour.
void add_atom_virials(const Scratch &s, int n, const V *w, Results &out) {
  for (int l = 0; l < W; ++l) {
    if (n >= s.counts[l]) continue;
    const long j = s.neighbor[l * s.slot_capacity + n];
    if (out.virials9)
      for (int c = 0; c < 9; ++c) out.virials9[9 * j + c] -= w[c][l];
    if (out.virials6)
      for (int c = 0; c < 6; ++c) out.virials6[6 * j + c] -= c < 3 ? w[c][l] : 0.5 * (w[c][l] + w[c + 3][l]);
  }
}

void add_virials(const Scratch &s, int slot_count, int stride, Results &out) {
  V total[9] = {};
  for (int n = 0; n < slot_count; ++n) {
    const double *slot = s.slots + static_cast<long>(n) * stride;
    const V r = 1.0 / at(slot + slot_rinv * W);
    V w[9];
    for (int c = 0; c < 9; ++c) {
      w[c] = r * at(slot + (slot_ux + virial_row[c]) * W) * at(slot + (slot_gx + virial_column[c]) * W);
      total[c] += w[c];
    }
    if (out.virials9 || out.virials6) add_atom_virials(s, n, w, out);
  }
  if (out.want_virial)
    for (int c = 0; c < 9; ++c) out.virial[c] -= sum(total[c]);
}

void scatter(const Scratch &s, const Tile &tile, int slot_count, int stride, V energy, Results &out) {
  for (int l = 0; l < tile.count; ++l) {
    out.energy += energy[l];
    if (out.site_energies) out.site_energies[s.centers[l]] += energy[l];
  }
  if (out.forces) add_forces(s, tile, stride, out.forces);
  if (out.want_virial || out.virials9 || out.virials6) add_virials(s, slot_count, stride, out);
}

}  // namespace
}  // namespace ensemble::mtp
