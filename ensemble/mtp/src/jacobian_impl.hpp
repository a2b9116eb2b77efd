// Derivatives of energy, forces and virial with respect to every coefficient: what a fitter needs.
// The stages of kernel_impl.hpp, strung together anew:
//   moment coefficients  the energy is linear in them: one backward pass per scalar;
//   radial coefficients  forward over reverse: the tangents of the moments, of the graph and of the
//                        adjoints along each coefficient, then the product rule for the gradient.
//                        Its part with the tangent of f_mu is linear in f_mu and df_mu/dr: it is made
//                        of the gradients for unit values of these, which all coefficients share.
#pragma once

#include "kernel_impl.hpp"

namespace ensemble::mtp {
namespace {

struct JacobianTile {
  const Tables &t;
  const Neighborhoods &in;
  const Scratch &s;
  JacobianResults &out;
  const Tile &tile;
  int slot_count;
  int stride;
  Scratch tangent;    // the tangents' slots and nodes; the rest as in s
  double *basis;      // [slot][n][value, derivative][lane], scaling included
  double *saved;      // [slot][field][lane]: what gradient() writes over, and the species code
  double *units;      // [mu][value, derivative][slot][component][lane]

  JacobianTile(const Tables &t, const Neighborhoods &in, const Scratch &s, JacobianResults &out, const Tile &tile)
      : t(t), in(in), s(s), out(out), tile(tile), stride(slot_fields(t.radial_count) * W), tangent(s) {
    tangent.values = s.jacobian;
    tangent.adjoints = tangent.values + static_cast<long>(t.all_nodes) * W;
    tangent.slots = tangent.adjoints + static_cast<long>(t.all_nodes) * W;
    basis = tangent.slots + static_cast<long>(s.slot_capacity) * stride;
    saved = basis + 2L * s.slot_capacity * t.chebyshev_count * W;
    units = saved + 4L * s.slot_capacity * W;
    slot_count = gather(t, in, s, tile);
    with_shape(t, [&](auto shape) { forward(t, shape, s, tile, slot_count); });
    for (int n = 0; n < slot_count; ++n) {
      const double *slot = s.slots + static_cast<long>(n) * stride;
      for (int c = 0; c < 3; ++c) at(saved + (4L * n + c) * W) = at(slot + (slot_gx + c) * W);
      for (int l = 0; l < W; ++l)
        saved[(4L * n + 3) * W + l] = s.packed[4 * static_cast<long>(s.neighbor[l * s.slot_capacity + n]) + 3];
      Chebyshev functions(t, 1.0 / at(slot + slot_rinv * W));
      for (int k = 0; k < t.chebyshev_count; ++k, functions.next()) {
        double *row = basis + 2L * (static_cast<long>(n) * t.chebyshev_count + k) * W;
        at(row) = t.scaling * functions.value;
        at(row + W) = t.scaling * functions.derivative;
      }
    }
    for (long k = 0; k < static_cast<long>(slot_count) * stride / W; ++k) at(tangent.slots + k * W) = at(s.slots + k * W);
  }

  double active_sum(V v) const {
    double total = 0;
    for (int l = 0; l < tile.count; ++l) total += v[l];
    return total;
  }

  void clear(double *nodes) const {
    for (long k = 0; k < t.all_nodes; ++k) at(nodes + k * W) = V{};
  }

  void pair_gradients(const Scratch &from) const {
    with_shape(t, [&](auto shape) { gradient(shape, from, slot_count, highest_degree(shape, from)); });
  }

  // Of the moments that have an adjoint: few scalars are made of high degrees.
  template <class Shape>
  int highest_degree(Shape shape, const Scratch &from) const {
    int found = 0;
    shape.rising([&](auto d, auto active) {
      const double *adjoints = from.adjoints + static_cast<long>(shape.first_node(d)) * W;
      for (int k = 0; k < active * monomials_of(d) * W; ++k)
        if (adjoints[k] != 0) found = d;
    });
    return found;
  }

  // Adds the pair gradients in s.slots to coefficient p.
  void add(int p) const {
    Results pairs;
    pairs.forces = out.forces ? out.forces + 3L * p * out.atoms : nullptr;
    pairs.want_virial = out.virial != nullptr;
    scatter(s, tile, slot_count, stride, V{}, pairs);
    if (out.virial)
      for (int c = 0; c < 9; ++c) out.virial[9L * p + c] += pairs.virial[c];
  }

  void restore_slots() const {
    for (int n = 0; n < slot_count; ++n)
      for (int c = 0; c < 3; ++c)
        at(s.slots + static_cast<long>(n) * stride + (slot_gx + c) * W) = at(saved + (4L * n + c) * W);
  }

  void moment_coefficients(int first) const {
    for (int k = 0; k < t.scalar_count; ++k) {
      if (out.energy) out.energy[first + k] += active_sum(at(s.values + t.scalar_nodes[k]));
      if (!out.forces && !out.virial) continue;
      clear(s.adjoints);
      at(s.adjoints + t.scalar_nodes[k]) = splat(1);
      products_backward(t.all_products, s.values, s.adjoints);
      pair_gradients(s);
      add(first + k);
      restore_slots();
    }
  }

  VI species_mask(int slot, int species) const {
    return (ints_at(saved + (4L * slot + 3) * W) & (species_stride - 1)) == species;
  }

  // f_mu of the tangent slots := the n-th basis function at neighbours of one species for mu = `only`,
  // zero for the others.
  void set_tangent_radial(int n, int species, int only) const {
    for (int k = 0; k < slot_count; ++k) {
      double *slot = tangent.slots + static_cast<long>(k) * stride;
      const double *row = basis + 2L * (static_cast<long>(k) * t.chebyshev_count + n) * W;
      const VI there = species_mask(k, species);
      for (int a = 0; a < t.radial_count; ++a) {
        at(slot + (slot_radial + a) * W) = a == only ? (there ? at(row) : V{}) : V{};
        at(slot + (slot_radial + t.radial_count + a) * W) = a == only ? (there ? at(row + W) : V{}) : V{};
      }
    }
  }

  double *unit(int a, int kind, int slot) const {
    return units + ((2L * a + kind) * s.slot_capacity + slot) * 3 * W;
  }

  // Pair gradients with f_a = 1 (kind 0) or df_a/dr = 1 (kind 1) and all else zero, at the adjoints in s.
  void unit_gradients() const {
    Scratch move = tangent;
    move.adjoints = s.adjoints;
    for (int a = 0; a < t.radial_count; ++a)
      for (int kind = 0; kind < 2; ++kind) {
        for (int k = 0; k < slot_count; ++k) {
          double *radial = tangent.slots + static_cast<long>(k) * stride + slot_radial * W;
          for (int b = 0; b < 2 * t.radial_count; ++b) at(radial + b * W) = V{};
          at(radial + (a + kind * t.radial_count) * W) = splat(1);
        }
        pair_gradients(move);
        for (int k = 0; k < slot_count; ++k)
          for (int c = 0; c < 3; ++c)
            at(unit(a, kind, k) + c * W) = at(tangent.slots + static_cast<long>(k) * stride + (slot_gx + c) * W);
      }
  }

  // Adds the pair gradients of the tangent of f_a to those in s.slots.
  void add_tangent_radial(int n, int species, int a) const {
    for (int k = 0; k < slot_count; ++k) {
      const VI there = species_mask(k, species);
      const double *row = basis + 2L * (static_cast<long>(k) * t.chebyshev_count + n) * W;
      const V value = there ? at(row) : V{}, derivative = there ? at(row + W) : V{};
      for (int c = 0; c < 3; ++c)
        at(s.slots + static_cast<long>(k) * stride + (slot_gx + c) * W) +=
            value * at(unit(a, 0, k) + c * W) + derivative * at(unit(a, 1, k) + c * W);
    }
  }

  void tangent_moments() const {
    for (long k = 0; k < t.basic_nodes; ++k) at(tangent.values + k * W) = V{};
    with_shape(t, [&](auto shape) {
      for (int n = 0; n < slot_count; n += 2)
        moments_of_slots<2>(shape, tangent.slots + static_cast<long>(n) * stride, s.monomials, tangent.values);
    });
  }

  // Tangents of products and adjoints, from those of the basic moments.
  void tangent_graph() const {
    const GraphTerm *term = t.all_products.terms;
    for (int g = 0; g < t.all_products.group_count; ++g) {
      V value = {};
      for (int k = 0; k < t.all_products.groups[g].count; ++k, ++term)
        value += term->weight * (at(tangent.values + term->left) * at(s.values + term->right) +
                                 at(s.values + term->left) * at(tangent.values + term->right));
      at(tangent.values + t.all_products.groups[g].node) = value;
    }
    clear(tangent.adjoints);
    for (int g = t.all_products.group_count - 1; g >= 0; --g) {
      const int target = t.all_products.groups[g].node;
      const V adjoint = at(s.adjoints + target), dadjoint = at(tangent.adjoints + target);
      for (int k = 0; k < t.all_products.groups[g].count; ++k) {
        --term;
        const int l = term->left, r = term->right;
        at(tangent.adjoints + l) += term->weight * (dadjoint * at(s.values + r) + adjoint * at(tangent.values + r));
        at(tangent.adjoints + r) += term->weight * (dadjoint * at(s.values + l) + adjoint * at(tangent.values + l));
      }
    }
  }

  void radial_coefficients() {
    clear(s.adjoints);
    for (int k = 0; k < t.scalar_count; ++k) at(s.adjoints + t.scalar_nodes[k]) += splat(t.moment_coeffs[k]);
    products_backward(t.all_products, s.values, s.adjoints);
    const bool moving = out.forces || out.virial;
    if (moving) unit_gradients();
    for (int species = 0; species < t.species_count; ++species)
      for (int n = 0; n < t.chebyshev_count; ++n)
        for (int a = 0; a < t.radial_count; ++a) {
          const int pair = tile.species * t.species_count + species;
          const int p = (pair * t.radial_count + t.radial_order[a]) * t.chebyshev_count + n;
          set_tangent_radial(n, species, a);
          tangent_moments();
          if (out.energy) {
            V energy = {};
            for (long k = 0; k < t.basic_nodes; ++k)
              energy += at(s.adjoints + k * W) * at(tangent.values + k * W);
            out.energy[p] += active_sum(energy);
          }
          if (!moving) continue;
          tangent_graph();
          Scratch adjoints_move = s;
          adjoints_move.adjoints = tangent.adjoints;
          pair_gradients(adjoints_move);        // f dG
          add_tangent_radial(n, species, a);    // df G
          add(p);
          restore_slots();
        }
  }
};

void jacobian(const Tables &t, const Neighborhoods &in, const Scratch &s, JacobianResults &out) {
  const int species_first = t.species_count * t.species_count * t.radial_count * t.chebyshev_count;
  pack(in, s.packed);
  for (int k = 0; k < s.tile_count; ++k) {
    const Tile &tile = s.tiles[k];
    JacobianTile work(t, in, s, out, tile);
    products_forward(t.all_products, s.values);
    if (out.energy) out.energy[species_first + tile.species] += tile.count;
    work.moment_coefficients(species_first + t.species_count);
    work.radial_coefficients();
  }
}

}  // namespace
}  // namespace ensemble::mtp
