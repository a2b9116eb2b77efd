// Second stage of the kernel: unit vectors, f_mu(r) and df_mu/dr of every slot.
#pragma once

#include "shape.hpp"
#include "simd.hpp"
#include "tables.hpp"

namespace ensemble::mtp {
namespace {

// (r - cutoff)^2 T_n(xi) and its derivative by r, for n = 0, 1, ...: the recursion of the Chebyshev
// polynomials is linear, so it holds for the products with the taper too. Zero beyond the cutoff;
// below min_dist the repulsive basis keeps its value there.
struct Chebyshev {
  V value, derivative;
  V twice_xi, slope, value_before, derivative_before;

  Chebyshev(const Tables &t, V r) {
    const double inverse_width = 1 / (t.max_dist - t.min_dist);
    const V clamped = t.repulsive ? maximum(r, splat(t.min_dist)) : r;
    const V inside = maximum(t.max_dist - clamped, V{});
    const V xi = (2.0 * clamped - (t.max_dist + t.min_dist)) * inverse_width;
    value = inside * inside;
    derivative = -2.0 * inside;
    slope = splat(4 * inverse_width);   // 2 dxi/dr
    if (t.repulsive) {
      slope = r > t.min_dist ? slope : V{};
      derivative = r > t.min_dist ? derivative : V{};
    }
    twice_xi = 2.0 * xi;
    value_before = xi * value;          // T_{-1} = T_1
    derivative_before = 0.5 * slope * value + xi * derivative;
  }
  void next() {
    const V v = twice_xi * value - value_before;
    const V d = twice_xi * derivative + (slope * value - derivative_before);   // one step of latency, not two
    value_before = value, value = v;
    derivative_before = derivative, derivative = d;
  }
};

// Turns the position in a slot into unit vector and 1/r, and adds the radial functions; `table` holds
// the coefficients of one central species.
template <class Count>
INLINE void radial_of_slot(const Tables &t, const double *table, double *slot, Count count) {
  const V x = at(slot + slot_ux * W), y = at(slot + slot_uy * W), z = at(slot + slot_uz * W);
  const VI species = ints_at(slot + slot_rinv * W);
  const V r2 = x * x + y * y + z * z;
  const V rinv = inverse_sqrt(r2);
  at(slot + slot_ux * W) = x * rinv;
  at(slot + slot_uy * W) = y * rinv;
  at(slot + slot_uz * W) = z * rinv;
  at(slot + slot_rinv * W) = rinv;
  Chebyshev basis(t, r2 * rinv);
  V f[held<Count>], d[held<Count>];
  for (int m = 0; m < count; ++m) f[m] = d[m] = V{};
  for (int n = 0; n < t.chebyshev_count; ++n, basis.next(), table += count * species_stride) {
    for (int m = 0; m < count; ++m) {
      const V c = lookup(table + m * species_stride, species);
      f[m] += c * basis.value;
      d[m] += c * basis.derivative;
    }
  }
  for (int m = 0; m < count; ++m) {
    at(slot + (slot_radial + m) * W) = f[m];
    at(slot + (slot_radial + count + m) * W) = d[m];
  }
}

INLINE const double *radial_table(const Tables &t, int species) {
  return t.radial + static_cast<long>(species) * t.chebyshev_count * t.radial_count * species_stride;
}

}  // namespace
}  // namespace ensemble::mtp
