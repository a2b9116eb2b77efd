// The angular part of the kernel, forth and back:
//   moments   M[mu, abc] = sum_slots f_mu x^a y^b z^c   (x, y, z: unit vector)
//   gradient  dU_i/dr_j of every slot, from dU/dM
//
// Monomials are made by degree: those of degree d are x times all of degree d - 1, then y times the
// last d of them (those without x), then z times the last. Going back, the chain rule runs through the
// same recursion in reverse: the adjoint of a monomial is sum_mu G f_mu plus x, y, z times the adjoints
// of the monomials that were made from it, and each of those adds to the gradient by x, y or z.
#pragma once

#include "shape.hpp"
#include "simd.hpp"
#include "tables.hpp"

namespace ensemble::mtp {
namespace {

// Slots that go forward at once, as many as the registers hold; back it is two.
constexpr int slots_at_once = W == 8 ? 4 : 2;

INLINE const V &field(const double *slot, int stride, int s, int which) { return at(slot + s * stride + which * W); }

// The monomials of degree d >= 1 of S slots from those of degree d - 1 in `below` ([k][slot][lane]);
// each is handed to use(k, m).
template <int S, class Degree, class Use>
INLINE void make_monomials(Degree d, const double *slot, int stride, const double *below, Use use) {
  const int n = monomials_of(d - 1);
  V c[S], m[S];
  for (int s = 0; s < S; ++s) c[s] = field(slot, stride, s, slot_ux);
  for (int k = 0; k < n; ++k) {
    for (int s = 0; s < S; ++s) m[s] = c[s] * at(below + (k * S + s) * W);
    use(k, m);
  }
  for (int s = 0; s < S; ++s) c[s] = field(slot, stride, s, slot_uy);
  for (int k = 0; k < d; ++k) {
    for (int s = 0; s < S; ++s) m[s] = c[s] * at(below + ((n - d + k) * S + s) * W);
    use(n + k, m);
  }
  for (int s = 0; s < S; ++s) m[s] = field(slot, stride, s, slot_uz) * at(below + ((n - 1) * S + s) * W);
  use(n + d, m);
}

template <int S>
INLINE void store(double *monomials, int k, const V *m) {
  for (int s = 0; s < S; ++s) at(monomials + (k * S + s) * W) = m[s];
}

// Adds degree d of S slots to the moments of that degree, [k][mu][lane].
template <int S, class Degree, class Count>
INLINE void add_moments(Degree d, Count active, bool top, const double *slot, int stride, double *monomials,
                        double *moments) {
  V f[held<Count>][S];
  for (int a = 0; a < active; ++a)
    for (int s = 0; s < S; ++s) f[a][s] = field(slot, stride, s, slot_radial + a);
  double *here = monomials + monomials_below(d) * S * W;
  const auto add = [&](int k, const V *m) __attribute__((always_inline)) {
    if (!top) store<S>(here, k, m);
    double *row = moments + k * active * W;
    for (int a = 0; a < active; ++a) {
      V value = at(row + a * W);
      for (int s = 0; s < S; ++s) value += f[a][s] * m[s];
      at(row + a * W) = value;
    }
  };
  if (d == 0) {
    V one[S];
    for (int s = 0; s < S; ++s) one[s] = splat(1);
    add(0, one);
  } else {
    make_monomials<S>(d, slot, stride, monomials + monomials_below(d - 1) * S * W, add);
  }
}

template <int S, class Shape>
INLINE void moments_of_slots(Shape shape, const double *slot, double *monomials, double *values) {
  shape.rising([&](auto d, auto active) __attribute__((always_inline)) {
    add_moments<S>(d, active, d == shape.top(), slot, shape.stride(W), monomials, values + shape.first_node(d) * W);
  });
}

// What the way back through the degrees carries along, for S slots.
template <int S>
struct Backward {
  const double *slot;
  int stride;
  double *monomials;
  double *adjoints[2];   // of the monomials of this degree and of the one above, alternating
  V g[3][S];             // dU/d(unit vector)
  V h[16][S];            // dU/df_mu
};

// Degree d of the way back, from the adjoints of its moments.
template <int S, class Degree, class Count>
INLINE void pull_back(Degree d, Count active, bool top, Backward<S> &b, const double *moment_adjoints) {
  V f[held<Count>][S], h[held<Count>][S];
  for (int a = 0; a < active; ++a)
    for (int s = 0; s < S; ++s) {
      f[a][s] = field(b.slot, b.stride, s, slot_radial + a);
      h[a][s] = b.h[a][s];
    }
  double *here = b.adjoints[d & 1];
  const double *above = b.adjoints[(d + 1) & 1];
  // Through M[mu, k] = sum f_mu m.
  const auto through_moments = [&](int k, const V *m, V *adjoint) __attribute__((always_inline)) {
    const double *row = moment_adjoints + k * active * W;
    for (int a = 0; a < active; ++a) {
      const V weight = at(row + a * W);
      for (int s = 0; s < S; ++s) {
        adjoint[s] += weight * f[a][s];
        h[a][s] += weight * m[s];
      }
    }
  };
  if (top && d > 0) {
    make_monomials<S>(d, b.slot, b.stride, b.monomials + monomials_below(d - 1) * S * W,
                      [&](int k, const V *m) __attribute__((always_inline)) {
                        V adjoint[S] = {};
                        through_moments(k, m, adjoint);
                        store<S>(here, k, adjoint);
                      });
  } else if (top) {
    V one[S], adjoint[S] = {};
    for (int s = 0; s < S; ++s) one[s] = splat(1);
    through_moments(0, one, adjoint);
  } else {
    const int n = monomials_of(d);
    const double *monomials = b.monomials + monomials_below(d) * S * W;
    V u[3][S], g[3][S];
    for (int c = 0; c < 3; ++c)
      for (int s = 0; s < S; ++s) u[c][s] = field(b.slot, b.stride, s, slot_ux + c), g[c][s] = b.g[c][s];
    // Monomial k times coordinate c is monomial `child` of the degree above.
    const auto through_child = [&](int c, int child, const V *m, V *adjoint) __attribute__((always_inline)) {
      for (int s = 0; s < S; ++s) {
        const V from_above = at(above + (child * S + s) * W);
        adjoint[s] += u[c][s] * from_above;
        g[c][s] += m[s] * from_above;
      }
    };
    const auto step = [&](int k, int coordinates) __attribute__((always_inline)) {
      V m[S], adjoint[S] = {};
      for (int s = 0; s < S; ++s) m[s] = d == 0 ? splat(1) : at(monomials + (k * S + s) * W);
      through_moments(k, m, adjoint);
      through_child(0, k, m, adjoint);
      if (coordinates > 1) through_child(1, k + d + 1, m, adjoint);
      if (coordinates > 2) through_child(2, k + d + 2, m, adjoint);
      if (d > 0) store<S>(here, k, adjoint);
    };
    for (int k = 0; k < n - d - 1; ++k) step(k, 1);
    for (int k = n - d - 1; k < n - 1; ++k) step(k, 2);
    step(n - 1, 3);
    for (int c = 0; c < 3; ++c)
      for (int s = 0; s < S; ++s) b.g[c][s] = g[c][s];
  }
  for (int a = 0; a < active; ++a)
    for (int s = 0; s < S; ++s) b.h[a][s] = h[a][s];
}

// dU_i/dr_j of S slots, written over their radial functions (slot_gx, ...). Adjoints of moments of
// degrees above `top` are not looked at.
template <int S, class Shape, class Degree>
void gradient_of_slots(Shape shape, double *slot, const Scratch &scratch, Degree top) {
  const int stride = shape.stride(W);
  double *monomials = scratch.monomials;
  shape.rising([&](auto d, auto) __attribute__((always_inline)) {
    if (d >= top) return;
    double *here = monomials + monomials_below(d) * S * W;
    if (d == 0)
      for (int s = 0; s < S; ++s) at(here + s * W) = splat(1);
    else
      make_monomials<S>(d, slot, stride, monomials + monomials_below(d - 1) * S * W,
                        [&](int k, const V *m) __attribute__((always_inline)) { store<S>(here, k, m); });
  });
  double *adjoints = scratch.monomial_adjoints;
  Backward<S> b = {slot, stride, monomials, {adjoints, adjoints + monomials_of(shape.top()) * S * W}, {}, {}};
  shape.falling([&](auto d, auto active) __attribute__((always_inline)) {
    if (d > top) return;
    pull_back<S>(d, active, d == top, b, scratch.adjoints + shape.first_node(d) * W);
  });
  for (int s = 0; s < S; ++s) {
    double *p = slot + s * stride;
    const V ux = at(p + slot_ux * W), uy = at(p + slot_uy * W), uz = at(p + slot_uz * W);
    const V rinv = at(p + slot_rinv * W);
    V radial = {};
    const int count = shape.radial_count();
    for (int a = 0; a < count; ++a) radial += b.h[a][s] * at(p + (slot_radial + count + a) * W);
    // d(unit vector)/dr = (1 - u u) / r
    const V along = radial - (b.g[0][s] * ux + b.g[1][s] * uy + b.g[2][s] * uz) * rinv;
    at(p + slot_gx * W) = b.g[0][s] * rinv + along * ux;
    at(p + slot_gy * W) = b.g[1][s] * rinv + along * uy;
    at(p + slot_gz * W) = b.g[2][s] * rinv + along * uz;
  }
}

template <class Shape, class Degree>
void gradient(Shape shape, const Scratch &s, int slot_count, Degree top) {
  for (int n = 0; n < slot_count; n += 2)
    gradient_of_slots<2>(shape, s.slots + static_cast<long>(n) * shape.stride(W), s, top);
}

}  // namespace
}  // namespace ensemble::mtp
