// Derivatives of energy, forces and virial with respect to every coefficient: what a fitter needs.
// Included after kernel_impl.hpp, whose stages it strings together anew:
//   moment coefficients  the energy is linear in them: one backward pass per scalar;
//   radial coefficients  forward over reverse: the tangents of the moments, of the graph and of the
//                        adjoints along each coefficient, then the product rule for the gradient.
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
  double *units;      // [slot][3][lane]

  JacobianTile(const Tables &t, const Neighborhoods &in, const Scratch &s, JacobianResults &out, const Tile &tile)
      : t(t), in(in), s(s), out(out), tile(tile), stride(slot_fields(t.radial_count) * W), tangent(s) {
    tangent.nodes = s.jacobian;
    tangent.slots = tangent.nodes + 2L * t.all_nodes * W;
    basis = tangent.slots + static_cast<long>(s.slot_capacity) * stride;
    units = basis + 2L * s.slot_capacity * t.chebyshev_count * W;
    slot_count = gather(t, in, s, tile, stride);
    radial(t, tile, s.slots, slot_count, stride);
    for (int n = 0; n < slot_count; ++n) {
      const double *slot = s.slots + static_cast<long>(n) * stride;
      for (int c = 0; c < 3; ++c) at(units + (3L * n + c) * W) = at(slot + (slot_ux + c) * W);
      Chebyshev functions(t, 1.0 / at(slot + slot_rinv * W));
      for (int k = 0; k < t.chebyshev_count; ++k, functions.next()) {
        double *row = basis + 2L * (static_cast<long>(n) * t.chebyshev_count + k) * W;
        at(row) = t.scaling * functions.value();
        at(row + W) = t.scaling * functions.derivative();
      }
    }
    for (long k = 0; k < static_cast<long>(slot_count) * stride / W; ++k) at(tangent.slots + k * W) = at(s.slots + k * W);
  }

  double active_sum(V v) const {
    double total = 0;
    for (int l = 0; l < tile.count; ++l) total += v[l];
    return total;
  }

  void clear_adjoints(double *nodes, int count) const {
    for (long k = 0; k < count; ++k) at(nodes + (2 * k + 1) * W) = V{};
  }

  // Adds the pair gradients that `from.slots` and the adjoints of `from.nodes` give to coefficient p.
  void add_gradient(const Scratch &from, int p) const {
    gradient(t, from, slot_count, stride);
    Results pairs;
    pairs.forces = out.forces ? out.forces + 3L * p * out.atoms : nullptr;
    pairs.want_virial = out.virial != nullptr;
    scatter(in, from, tile, slot_count, stride, V{}, pairs);
    if (out.virial)
      for (int c = 0; c < 9; ++c) out.virial[9L * p + c] += pairs.virial[c];
    for (int n = 0; n < slot_count; ++n)   // gradient() wrote over the unit vectors
      for (int c = 0; c < 3; ++c)
        at(from.slots + static_cast<long>(n) * stride + (slot_ux + c) * W) = at(units + (3L * n + c) * W);
  }

  void moment_coefficients(int first) const {
    for (int k = 0; k < t.scalar_count; ++k) {
      double *node = s.nodes + t.scalar_nodes[k];
      if (out.energy) out.energy[first + k] += active_sum(at(node));
      if (!out.forces && !out.virial) continue;
      clear_adjoints(s.nodes, t.all_nodes);
      at(node + W) = splat(1);
      products_backward(t.all_products, s.nodes);
      add_gradient(s, first + k);
    }
  }

  // f_mu of the tangent slots := the n-th basis function at neighbours of one species for mu = `only`,
  // zero for the others.
  void set_tangent_radial(int n, int species, int only) const {
    for (int k = 0; k < slot_count; ++k) {
      double *slot = tangent.slots + static_cast<long>(k) * stride;
      const double *row = basis + 2L * (static_cast<long>(k) * t.chebyshev_count + n) * W;
      const VI there = ints_at(slot + slot_species * W) == species;
      for (int a = 0; a < t.radial_count; ++a) {
        at(slot + (slot_radial + a) * W) = a == only ? (there ? at(row) : V{}) : V{};
        at(slot + (slot_radial + t.radial_count + a) * W) = a == only ? (there ? at(row + W) : V{}) : V{};
      }
    }
  }

  // Tangents of products and adjoints, from those of the basic moments.
  void tangent_graph() const {
    const GraphTerm *term = t.all_products.terms;
    for (int g = 0; g < t.all_products.group_count; ++g) {
      V value = {};
      for (int k = 0; k < t.all_products.groups[g].count; ++k, ++term)
        value += term->weight * (at(tangent.nodes + term->left) * at(s.nodes + term->right) +
                                 at(s.nodes + term->left) * at(tangent.nodes + term->right));
      at(tangent.nodes + t.all_products.groups[g].node) = value;
    }
    clear_adjoints(tangent.nodes, t.all_nodes);
    for (int g = t.all_products.group_count - 1; g >= 0; --g) {
      const int target = t.all_products.groups[g].node;
      const V adjoint = at(s.nodes + target + W), dadjoint = at(tangent.nodes + target + W);
      for (int k = 0; k < t.all_products.groups[g].count; ++k) {
        --term;
        const int l = term->left, r = term->right;
        at(tangent.nodes + l + W) += term->weight * (dadjoint * at(s.nodes + r) + adjoint * at(tangent.nodes + r));
        at(tangent.nodes + r + W) += term->weight * (dadjoint * at(s.nodes + l) + adjoint * at(tangent.nodes + l));
      }
    }
  }

  void radial_coefficients() {
    clear_adjoints(s.nodes, t.all_nodes);
    for (int k = 0; k < t.scalar_count; ++k) at(s.nodes + t.scalar_nodes[k] + W) += splat(t.moment_coeffs[k]);
    products_backward(t.all_products, s.nodes);
    for (int species = 0; species < t.species_count; ++species)
      for (int n = 0; n < t.chebyshev_count; ++n)
        for (int a = 0; a < t.radial_count; ++a) {
          const int pair = tile.species * t.species_count + species;
          const int p = (pair * t.radial_count + t.radial_order[a]) * t.chebyshev_count + n;
          set_tangent_radial(n, species, a);
          moments(t, tangent, slot_count, stride);
          if (out.energy) {
            V energy = {};
            for (long k = 0; k < t.basic_nodes; ++k)
              energy += at(s.nodes + (2 * k + 1) * W) * at(tangent.nodes + 2 * k * W);
            out.energy[p] += active_sum(energy);
          }
          if (!out.forces && !out.virial) continue;
          tangent_graph();
          Scratch adjoints_move = s, radial_move = tangent;   // product rule: f dG + df G
          adjoints_move.nodes = tangent.nodes;
          radial_move.nodes = s.nodes;
          add_gradient(adjoints_move, p);
          add_gradient(radial_move, p);
        }
  }
};

void jacobian(const Tables &t, const Neighborhoods &in, const Scratch &s, JacobianResults &out) {
  const int species_first = t.species_count * t.species_count * t.radial_count * t.chebyshev_count;
  for (int k = 0; k < s.tile_count; ++k) {
    const Tile &tile = s.tiles[k];
    JacobianTile work(t, in, s, out, tile);
    moments(t, s, work.slot_count, work.stride);
    products_forward(t.all_products, s.nodes);
    if (out.energy) out.energy[species_first + tile.species] += tile.count;
    work.moment_coefficients(species_first + t.species_count);
    work.radial_coefficients();
  }
}

}  // namespace
}  // namespace ensemble::mtp
