// The kernel, one source for every instruction set: `lanes` central atoms at a time, one per lane,
// from the gathering of neighbours to the scattering of forces. Included once by each of
// kernel_plain.cpp, kernel_avx2.cpp and kernel_avx512.cpp; all of it in an unnamed namespace.
//
// The data of one tile stays in the first two cache levels while it goes through the stages:
//   gather      neighbours within the cutoff, slot by slot
//   radial      f_mu(r) and df_mu/dr of every slot
//   moments     M[mu, abc] = sum_slots f_mu x^a y^b z^c   (x, y, z: unit vector)
//   graph       products of moments, site energy, and back: dU/dM
//   gradient    dU_i/dr_j of every slot, from dU/dM
//   scatter     forces, virials
#pragma once

#include "gather_impl.hpp"
#include "graph_impl.hpp"
#include "moments_impl.hpp"
#include "radial_impl.hpp"
#include "scatter_impl.hpp"

namespace ensemble::mtp {
namespace {

// Slots n .. n + S - 1 all the way to the moments, while they are in the first-level cache.
template <int S, class Shape>
void forward_slots(const Tables &t, Shape shape, const Scratch &s, const double *table, int n) {
  double *slot = s.slots + static_cast<long>(n) * shape.stride(W);
  with_radial_count(shape, [&](auto count) __attribute__((always_inline)) {
    for (int k = 0; k < S; ++k) {
      fill_slot(s, n + k, slot + k * shape.stride(W));
      radial_of_slot(t, table, slot + k * shape.stride(W), count);
    }
  });
  moments_of_slots<S>(shape, slot, s.monomials, s.values);
}

template <class Shape>
void forward(const Tables &t, Shape shape, const Scratch &s, const Tile &tile, int slot_count) {
  const double *table = radial_table(t, tile.species);
  for (int k = 0; k < t.basic_nodes; ++k) at(s.values + static_cast<long>(k) * W) = V{};
  int n = 0;
  for (; n + slots_at_once <= slot_count; n += slots_at_once) forward_slots<slots_at_once>(t, shape, s, table, n);
  for (; n < slot_count; n += 2) forward_slots<2>(t, shape, s, table, n);
}

void compute(const Tables &t, const Neighborhoods &in, const Scratch &s, Results &out) {
  pack(in, s.packed);
  with_shape(t, [&](auto shape) {
    for (int k = 0; k < s.tile_count; ++k) {
      const Tile &tile = s.tiles[k];
      const int slot_count = gather(t, in, s, tile);
      if (k + 1 < s.tile_count) prefetch_lists(in, s, s.tiles[k + 1]);
      forward(t, shape, s, tile, slot_count);
      V energy = t.species_coeffs[tile.species] + graph(t, s.values, s.adjoints);
      gradient(shape, s, slot_count, shape.top());
      if (t.repulsive) energy += repulsive_wall(t, s.slots, slot_count, shape.stride(W));
      scatter(s, tile, slot_count, shape.stride(W), energy, out);
    }
  });
}

}  // namespace
}  // namespace ensemble::mtp
