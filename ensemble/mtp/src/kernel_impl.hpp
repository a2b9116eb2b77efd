// The kernel, one source for every instruction set: `lanes` central atoms at a time, one per lane,
// from the gathering of neighbours to the scattering of forces. Included once by each of
// kernel_plain.cpp, kernel_avx2.cpp and kernel_avx512.cpp; all of it in an unnamed namespace.
//
// One tile goes through six stages, its data staying in the first two cache levels:
//   gather      neighbours within the cutoff, slot by slot
//   radial      f_mu(r) and df_mu/dr of every slot
//   moments     M[mu, abc] = sum_slots f_mu x^a y^b z^c   (x, y, z: unit vector)
//   graph       products of moments, site energy, and back: dU/dM
//   gradient    dU_i/dr_j of every slot, from dU/dM
//   scatter     forces, virials
// Monomials are made by degree: those of degree d are x times all of degree d-1, y times the last d
// of them (those without x), z times the last. Going back, the same recursion runs in reverse.
#pragma once

#include "results.hpp"
#include "simd.hpp"
#include "tables.hpp"

namespace ensemble::mtp {
namespace {

// ---------------------------------------------------------------------------------------- gather

// Fills the slots of a tile; returns how many, a multiple of two. Lanes with fewer neighbours are
// padded beyond the cutoff, where every f_mu is exactly zero.
int gather(const Tables &t, const Neighborhoods &in, const Scratch &s, const Tile &tile, int stride) {
  const double cutoff2 = t.max_dist * t.max_dist;
  int counts[W];
  int most = 0;
  for (int l = 0; l < W; ++l) {
    const bool idle = l >= tile.count;
    const int i = in.centers[s.order[tile.first + (idle ? 0 : l)]];
    const double *xi = in.positions + 3 * static_cast<long>(i);
    const int *list = in.neighbors[i];
    const int candidates = idle ? 0 : in.neighbor_count[i];
    double *slot = s.slots + l;
    int *neighbor = s.neighbor + l;
    int n = 0;
    for (int k = 0; k < candidates; ++k) {
      const int j = list[k] & in.index_mask;
      const double *xj = in.positions + 3 * static_cast<long>(j);
      const double x = xj[0] - xi[0], y = xj[1] - xi[1], z = xj[2] - xi[2];
      const int species = in.species_of_type[in.types[j]];
      // Written always, kept only if inside: no branch to mispredict.
      slot[slot_x * W] = x;
      slot[slot_y * W] = y;
      slot[slot_z * W] = z;
      reinterpret_cast<long long *>(slot)[slot_species * W] = species;
      *neighbor = j;
      const int keep = (x * x + y * y + z * z < cutoff2) & (species >= 0);
      n += keep;
      slot += keep * stride;
      neighbor += keep * W;
    }
    counts[l] = n;
    if (n > most) most = n;
  }
  most += most & 1;
  for (int l = 0; l < W; ++l) {
    const int i = in.centers[s.order[tile.first + (l < tile.count ? l : 0)]];
    for (int n = counts[l]; n < most; ++n) {
      double *slot = s.slots + static_cast<long>(n) * stride + l;
      slot[slot_x * W] = 2 * t.max_dist;
      slot[slot_y * W] = slot[slot_z * W] = 0;
      reinterpret_cast<long long *>(slot)[slot_species * W] = 0;
      s.neighbor[n * W + l] = i;
    }
  }
  return most;
}

// ---------------------------------------------------------------------------------------- radial

struct Chebyshev {
  V taper, dtaper;      // (r - cutoff)^2 and its derivative, zero beyond the cutoff
  V xi, dxi;            // argument of the polynomials and d xi / dr (zero below min_dist if clamped)
  V v0, v1, d0, d1;     // T_{n-1}, T_n and their derivatives by r

  Chebyshev(const Tables &t, V r) {
    const V clamped = t.repulsive ? maximum(r, splat(t.min_dist)) : r;
    const double slope = 2 / (t.max_dist - t.min_dist);
    dxi = splat(slope);
    if (t.repulsive) dxi = r > t.min_dist ? dxi : V{};
    const V inside = maximum(t.max_dist - clamped, V{});
    taper = inside * inside;
    dtaper = -2.0 * inside;
    if (t.repulsive) dtaper = r > t.min_dist ? dtaper : V{};
    xi = (2.0 * clamped - (t.max_dist + t.min_dist)) / (t.max_dist - t.min_dist);
    v0 = xi;   // T_{-1} = T_1
    v1 = splat(1);
    d0 = dxi;
    d1 = V{};
  }
  V value() const { return v1 * taper; }
  V derivative() const { return d1 * taper + v1 * dtaper; }
  void next() {
    const V v2 = 2.0 * xi * v1 - v0;
    const V d2 = 2.0 * (dxi * v1 + xi * d1) - d0;
    v0 = v1, v1 = v2;
    d0 = d1, d1 = d2;
  }
};

template <int R>   // number of radial functions; 0: known at run time only
void radial_slot(const Tables &t, const double *table, double *slot) {
  const int count = R ? R : t.radial_count;
  const V x = at(slot + slot_x * W), y = at(slot + slot_y * W), z = at(slot + slot_z * W);
  const V r2 = x * x + y * y + z * z;
  const V rinv = inverse_sqrt(r2);
  const V r = r2 * rinv;
  at(slot + slot_ux * W) = x * rinv;
  at(slot + slot_uy * W) = y * rinv;
  at(slot + slot_uz * W) = z * rinv;
  at(slot + slot_rinv * W) = rinv;
  const VI species = ints_at(slot + slot_species * W);
  Chebyshev basis(t, r);
  constexpr int held = R ? R : 16;
  V f[held], d[held];
  for (int m = 0; m < count; ++m) f[m] = d[m] = V{};
  for (int n = 0; n < t.chebyshev_count; ++n, basis.next(), table += count * species_stride) {
    const V value = basis.value(), derivative = basis.derivative();
    for (int m = 0; m < count; ++m) {
      const V c = lookup(table + m * species_stride, species);
      f[m] += c * value;
      d[m] += c * derivative;
    }
  }
  for (int m = 0; m < count; ++m) {
    at(slot + (slot_radial + m) * W) = f[m];
    at(slot + (slot_radial + count + m) * W) = d[m];
  }
}

template <int R>
void radial_stage(const Tables &t, const double *table, double *slots, int slot_count, int stride) {
  for (int n = 0; n < slot_count; ++n) radial_slot<R>(t, table, slots + static_cast<long>(n) * stride);
}

void radial(const Tables &t, const Tile &tile, double *slots, int slot_count, int stride) {
  const double *table =
      t.radial + static_cast<long>(tile.species) * t.chebyshev_count * t.radial_count * species_stride;
  switch (t.radial_count) {
    case 1: return radial_stage<1>(t, table, slots, slot_count, stride);
    case 2: return radial_stage<2>(t, table, slots, slot_count, stride);
    case 3: return radial_stage<3>(t, table, slots, slot_count, stride);
    case 4: return radial_stage<4>(t, table, slots, slot_count, stride);
    case 5: return radial_stage<5>(t, table, slots, slot_count, stride);
    case 6: return radial_stage<6>(t, table, slots, slot_count, stride);
    default: return radial_stage<0>(t, table, slots, slot_count, stride);
  }
}

// --------------------------------------------------------------------------------------- moments

// The monomials of degree d of S slots, each handed to `use(k, m)`, from those of degree d - 1.
template <int S, class Use>
inline __attribute__((always_inline)) void monomials_of_degree(int d, const double *slot, int stride,
                                                               const double *below, Use use) {
  const int n = monomials_of(d - 1);
  V c[S], m[S];
  for (int s = 0; s < S; ++s) c[s] = at(slot + s * stride + slot_ux * W);
  for (int k = 0; k < n; ++k) {
    for (int s = 0; s < S; ++s) m[s] = c[s] * at(below + (k * S + s) * W);
    use(k, m);
  }
  for (int s = 0; s < S; ++s) c[s] = at(slot + s * stride + slot_uy * W);
  for (int k = 0; k < d; ++k) {
    for (int s = 0; s < S; ++s) m[s] = c[s] * at(below + ((n - d + k) * S + s) * W);
    use(n + k, m);
  }
  for (int s = 0; s < S; ++s) m[s] = at(slot + s * stride + slot_uz * W) * at(below + ((n - 1) * S + s) * W);
  use(n + d, m);
}

// Adds one degree of S slots to the moments; A radial functions reach this degree (0: `active`).
template <int A, int S>
void add_moments(int d, int active, bool keep, const double *slot, int stride, const double *below, double *above,
                 double *node) {
  const int count = A ? A : active;
  constexpr int held = A ? A : 16;
  V f[held][S];
  for (int a = 0; a < count; ++a)
    for (int s = 0; s < S; ++s) f[a][s] = at(slot + s * stride + (slot_radial + a) * W);
  const auto add = [&](int k, const V *m) {
    double *row = node + static_cast<long>(k) * count * 2 * W;
    for (int a = 0; a < count; ++a) {
      V value = at(row + a * 2 * W);
      for (int s = 0; s < S; ++s) value += f[a][s] * m[s];
      at(row + a * 2 * W) = value;
    }
  };
  if (d == 0) {
    V one[S];
    for (int s = 0; s < S; ++s) at(above + s * W) = one[s] = splat(1);
    add(0, one);
  } else if (keep) {
    monomials_of_degree<S>(d, slot, stride, below, [&](int k, const V *m) {
      for (int s = 0; s < S; ++s) at(above + (k * S + s) * W) = m[s];
      add(k, m);
    });
  } else {
    monomials_of_degree<S>(d, slot, stride, below, add);
  }
}

template <int S>
void moments_of_slots(const Tables &t, const double *slot, int stride, double *monomials, double *node) {
  for (int d = 0; d < t.degrees; ++d) {
    const double *below = d ? monomials + static_cast<long>(monomials_below(d - 1)) * S * W : nullptr;
    double *above = monomials + static_cast<long>(monomials_below(d)) * S * W;
    const bool keep = d + 1 < t.degrees;
    const int active = t.active[d];
    switch (active) {
      case 1: add_moments<1, S>(d, active, keep, slot, stride, below, above, node); break;
      case 2: add_moments<2, S>(d, active, keep, slot, stride, below, above, node); break;
      case 3: add_moments<3, S>(d, active, keep, slot, stride, below, above, node); break;
      case 4: add_moments<4, S>(d, active, keep, slot, stride, below, above, node); break;
      case 5: add_moments<5, S>(d, active, keep, slot, stride, below, above, node); break;
      case 6: add_moments<6, S>(d, active, keep, slot, stride, below, above, node); break;
      default: add_moments<0, S>(d, active, keep, slot, stride, below, above, node); break;
    }
    node += static_cast<long>(monomials_of(d)) * active * 2 * W;
  }
}

constexpr int forward_slots = W == 8 ? 4 : 2;

void moments(const Tables &t, const Scratch &s, int slot_count, int stride) {
  for (int k = 0; k < t.basic_nodes; ++k) at(s.nodes + static_cast<long>(k) * 2 * W) = V{};
  int n = 0;
  for (; n + forward_slots <= slot_count; n += forward_slots)
    moments_of_slots<forward_slots>(t, s.slots + static_cast<long>(n) * stride, stride, s.monomials, s.nodes);
  for (; n < slot_count; n += 2)
    moments_of_slots<2>(t, s.slots + static_cast<long>(n) * stride, stride, s.monomials, s.nodes);
}

// ----------------------------------------------------------------------------------------- graph

void products_forward(const GraphProgram &program, double *nodes) {
  const GraphTerm *term = program.terms;
  for (int g = 0; g < program.group_count; ++g) {
    const GraphTerm *end = term + program.groups[g].count;
    V value = {};
    for (; term != end; ++term) value += term->weight * (at(nodes + term->left) * at(nodes + term->right));
    at(nodes + program.groups[g].node) = value;
  }
}

void products_backward(const GraphProgram &program, double *nodes) {
  const GraphTerm *term = program.terms + program.term_count;
  for (int g = program.group_count - 1; g >= 0; --g) {
    const V adjoint = at(nodes + program.groups[g].node + W);
    const GraphTerm *begin = term - program.groups[g].count;
    while (term != begin) {
      --term;
      const V scaled = term->weight * adjoint;
      double *left = nodes + term->left, *right = nodes + term->right;
      at(left + W) += scaled * at(right);
      at(right + W) += scaled * at(left);
    }
  }
}

// The quadratic part of the energy; adds its derivatives to the adjoints.
V quadratic_part(const Tables &t, double *nodes) {
  V energy = {};
  const QuadraticTerm *term = t.quadratic_terms;
  for (int g = 0; g < t.quadratic_count; ++g) {
    double *left = nodes + t.quadratic[g].node;
    const V value = at(left);
    const QuadraticTerm *end = term + t.quadratic[g].count;
    V partial[2] = {};
    for (; end - term >= 2; term += 2) {
      for (int p = 0; p < 2; ++p) {
        double *right = nodes + term[p].right;
        const V v = at(right);
        at(right + W) += term[p].weight * value;
        partial[p] += term[p].weight * v;
      }
    }
    if (term != end) {
      double *right = nodes + term->right;
      partial[0] += term->weight * at(right);
      at(right + W) += term->weight * value;
      ++term;
    }
    const V linear = partial[0] + partial[1];
    const V square = t.quadratic[g].square * value;
    energy += value * (linear + square);
    at(left + W) += linear + 2.0 * square;
  }
  return energy;
}

// From the basic moments to the site energies (without the species' constant) and dU/dM.
V graph(const Tables &t, double *nodes) {
  products_forward(t.products, nodes);
  for (int k = 0; k < t.nodes; ++k) at(nodes + static_cast<long>(k) * 2 * W + W) = V{};
  V energy = quadratic_part(t, nodes);
  for (int k = 0; k < t.seed_count; ++k) {
    double *node = nodes + t.seeds[k].node;
    energy += t.seeds[k].weight * at(node);
    at(node + W) += splat(t.seeds[k].weight);
  }
  products_backward(t.products, nodes);
  return energy;
}

// -------------------------------------------------------------------------------------- gradient

// Adjoints of one degree of S slots: h[mu] += sum_k G m, the gradient by the unit vector, and the
// adjoints of the monomials for the degree below.
template <int A, int S, bool Top>
void gradient_of_degree(int d, int active, const double *slot, int stride, const double *monomials,
                        const double *adjoints_above, double *adjoints, const double *node, V *h, V *g) {
  const int count = A ? A : active;
  constexpr int held = A ? A : 16;
  V f[held][S], hf[held][S];
  for (int a = 0; a < count; ++a)
    for (int s = 0; s < S; ++s) {
      f[a][s] = at(slot + s * stride + (slot_radial + a) * W);
      hf[a][s] = h[a * S + s];
    }
  const auto pull = [&](int k, const V *m, V *adjoint) {
    const double *row = node + static_cast<long>(k) * count * 2 * W + W;
    for (int a = 0; a < count; ++a) {
      const V weight = at(row + a * 2 * W);
      for (int s = 0; s < S; ++s) {
        adjoint[s] += weight * f[a][s];
        hf[a][s] += weight * m[s];
      }
    }
  };
  if constexpr (Top) {
    const double *below = monomials - static_cast<long>(monomials_of(d - 1)) * S * W;
    monomials_of_degree<S>(d, slot, stride, below, [&](int k, const V *m) {
      V adjoint[S] = {};
      pull(k, m, adjoint);
      for (int s = 0; s < S; ++s) at(adjoints + (k * S + s) * W) = adjoint[s];
    });
  } else {
    const int n = monomials_of(d);
    // c-th coordinate's child of monomial k stands at `child` in the degree above.
    const auto descend = [&](int c, int child, V *u, const V *m, V *adjoint) {
      for (int s = 0; s < S; ++s) {
        const V above = at(adjoints_above + (child * S + s) * W);
        adjoint[s] += u[s] * above;
        g[c * S + s] += m[s] * above;
      }
    };
    V ux[S], uy[S], uz[S];
    for (int s = 0; s < S; ++s) {
      ux[s] = at(slot + s * stride + slot_ux * W);
      uy[s] = at(slot + s * stride + slot_uy * W);
      uz[s] = at(slot + s * stride + slot_uz * W);
    }
    const auto step = [&](int k, int coordinates) __attribute__((always_inline)) {
      V m[S], adjoint[S] = {};
      for (int s = 0; s < S; ++s) m[s] = at(monomials + (k * S + s) * W);
      pull(k, m, adjoint);
      descend(0, k, ux, m, adjoint);
      if (coordinates > 1) descend(1, n + k - (n - d - 1), uy, m, adjoint);
      if (coordinates > 2) descend(2, n + d + 1, uz, m, adjoint);
      if (d > 0)
        for (int s = 0; s < S; ++s) at(adjoints + (k * S + s) * W) = adjoint[s];
    };
    for (int k = 0; k < n - d - 1; ++k) step(k, 1);
    for (int k = n - d - 1; k < n - 1; ++k) step(k, 2);
    step(n - 1, 3);
  }
  for (int a = 0; a < count; ++a)
    for (int s = 0; s < S; ++s) h[a * S + s] = hf[a][s];
}

template <int S, bool Top>
void gradient_switch(int d, int active, const double *slot, int stride, const double *monomials,
                     const double *adjoints_above, double *adjoints, const double *node, V *h, V *g) {
  switch (active) {
    case 1: return gradient_of_degree<1, S, Top>(d, 1, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
    case 2: return gradient_of_degree<2, S, Top>(d, 2, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
    case 3: return gradient_of_degree<3, S, Top>(d, 3, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
    case 4: return gradient_of_degree<4, S, Top>(d, 4, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
    case 5: return gradient_of_degree<5, S, Top>(d, 5, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
    case 6: return gradient_of_degree<6, S, Top>(d, 6, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
    default:
      return gradient_of_degree<0, S, Top>(d, active, slot, stride, monomials, adjoints_above, adjoints, node, h, g);
  }
}

// dU_i/dr_j of S slots, written over their unit vectors.
template <int S>
void gradient_of_slots(const Tables &t, double *slot, int stride, double *monomials, double *adjoints,
                       const double *nodes) {
  const int top = t.degrees - 1;
  for (int s = 0; s < S; ++s) at(monomials + s * W) = splat(1);
  for (int d = 1; d < top; ++d) {
    double *above = monomials + static_cast<long>(monomials_below(d)) * S * W;
    const double *below = monomials + static_cast<long>(monomials_below(d - 1)) * S * W;
    monomials_of_degree<S>(d, slot, stride, below, [&](int k, const V *m) {
      for (int s = 0; s < S; ++s) at(above + (k * S + s) * W) = m[s];
    });
  }
  V h[16 * S], g[3 * S];
  for (int k = 0; k < t.radial_count * S; ++k) h[k] = V{};
  for (int k = 0; k < 3 * S; ++k) g[k] = V{};
  const double *node = nodes + static_cast<long>(t.basic_nodes) * 2 * W;
  // Two degrees of adjoints are alive at a time.
  double *adjoint_rows[2] = {adjoints, adjoints + static_cast<long>(monomials_of(top)) * S * W};
  for (int d = top; d >= 0; --d) {
    node -= static_cast<long>(monomials_of(d)) * t.active[d] * 2 * W;
    const double *m = monomials + static_cast<long>(monomials_below(d)) * S * W;
    double *here = adjoint_rows[(top - d) & 1];
    const double *above = adjoint_rows[(top - d + 1) & 1];
    if (d == top && top > 0)
      gradient_switch<S, true>(d, t.active[d], slot, stride, m, above, here, node, h, g);
    else if (d < top)
      gradient_switch<S, false>(d, t.active[d], slot, stride, m, above, here, node, h, g);
    else   // scalars only: no angular part
      for (int a = 0; a < t.active[0]; ++a)
        for (int s = 0; s < S; ++s) h[a * S + s] += at(node + a * 2 * W + W);
  }
  for (int s = 0; s < S; ++s) {
    double *p = slot + s * stride;
    const V ux = at(p + slot_ux * W), uy = at(p + slot_uy * W), uz = at(p + slot_uz * W);
    const V rinv = at(p + slot_rinv * W);
    V radial = {};
    for (int a = 0; a < t.radial_count; ++a) radial += h[a * S + s] * at(p + (slot_radial + t.radial_count + a) * W);
    const V gx = g[s], gy = g[S + s], gz = g[2 * S + s];
    // d(unit vector)/dr = (1 - u u) / r
    const V along = radial - (gx * ux + gy * uy + gz * uz) * rinv;
    at(p + slot_ux * W) = gx * rinv + along * ux;
    at(p + slot_uy * W) = gy * rinv + along * uy;
    at(p + slot_uz * W) = gz * rinv + along * uz;
  }
}

void gradient(const Tables &t, const Scratch &s, int slot_count, int stride) {
  for (int n = 0; n < slot_count; n += 2)
    gradient_of_slots<2>(t, s.slots + static_cast<long>(n) * stride, stride, s.monomials, s.adjoints, s.nodes);
}

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
      for (int c = 0; c < 3; ++c) slot[(slot_ux + c) * W + l] -= decay * wall * rinv * slot[(slot_x + c) * W + l];
    }
  }
  return energy;
}

// --------------------------------------------------------------------------------------- scatter

constexpr int virial_row[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2};   // xx yy zz xy xz yz yx zx zy
constexpr int virial_column[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};

void scatter(const Neighborhoods &in, const Scratch &s, const Tile &tile, int slot_count, int stride, V energy,
             Results &out) {
  for (int l = 0; l < tile.count; ++l) {
    out.energy += energy[l];
    if (out.site_energies) out.site_energies[in.centers[s.order[tile.first + l]]] += energy[l];
  }
  if (out.forces) {
    V fx = {}, fy = {}, fz = {};
    for (int n = 0; n < slot_count; ++n) {
      const double *slot = s.slots + static_cast<long>(n) * stride;
      const double *g = slot + slot_ux * W;
      fx += at(g), fy += at(g + W), fz += at(g + 2 * W);
      const int *neighbor = s.neighbor + n * W;
      for (int l = 0; l < W; ++l) {
        double *f = out.forces + 3 * static_cast<long>(neighbor[l]);
        f[0] -= g[l];
        f[1] -= g[W + l];
        f[2] -= g[2 * W + l];
      }
    }
    for (int l = 0; l < tile.count; ++l) {
      double *f = out.forces + 3 * static_cast<long>(in.centers[s.order[tile.first + l]]);
      f[0] += fx[l];
      f[1] += fy[l];
      f[2] += fz[l];
    }
  }
  if (out.want_virial) {
    V w[9] = {};
    for (int n = 0; n < slot_count; ++n) {
      const double *slot = s.slots + static_cast<long>(n) * stride;
      for (int c = 0; c < 9; ++c)
        w[c] -= at(slot + (slot_x + virial_row[c]) * W) * at(slot + (slot_ux + virial_column[c]) * W);
    }
    for (int c = 0; c < 9; ++c) out.virial[c] += sum(w[c]);
  }
  if (!out.virials9 && !out.virials6) return;
  for (int n = 0; n < slot_count; ++n) {
    const double *slot = s.slots + static_cast<long>(n) * stride;
    for (int l = 0; l < W; ++l) {
      const long j = s.neighbor[n * W + l];
      const double *r = slot + slot_x * W + l, *g = slot + slot_ux * W + l;
      if (out.virials9) {
        double *w = out.virials9 + 9 * j;
        for (int c = 0; c < 9; ++c) w[c] -= r[virial_row[c] * W] * g[virial_column[c] * W];
      }
      if (out.virials6) {
        double *w = out.virials6 + 6 * j;
        for (int c = 0; c < 6; ++c)
          w[c] -= 0.5 * (r[virial_row[c] * W] * g[virial_column[c] * W] + r[virial_column[c] * W] * g[virial_row[c] * W]);
      }
    }
  }
}

// ------------------------------------------------------------------------------------------- all

void compute(const Tables &t, const Neighborhoods &in, const Scratch &s, Results &out) {
  const int stride = slot_fields(t.radial_count) * W;
  for (int k = 0; k < s.tile_count; ++k) {
    const Tile &tile = s.tiles[k];
    const int slot_count = gather(t, in, s, tile, stride);
    radial(t, tile, s.slots, slot_count, stride);
    moments(t, s, slot_count, stride);
    V energy = t.species_coeffs[tile.species] + graph(t, s.nodes);
    gradient(t, s, slot_count, stride);
    if (t.repulsive) energy += repulsive_wall(t, s.slots, slot_count, stride);
    scatter(in, s, tile, slot_count, stride, energy, out);
  }
}

}  // namespace
}  // namespace ensemble::mtp
