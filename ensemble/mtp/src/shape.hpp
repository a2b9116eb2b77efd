// Loop bounds that are compile-time constants wherever they can be: the number of radial functions
// that reach a tensor degree decides how many values live in registers.
#pragma once

#include "tables.hpp"

#define INLINE inline __attribute__((always_inline))

namespace ensemble::mtp {
namespace {

template <int N>
struct Constant {
  constexpr operator int() const { return N; }
};

// Room for `count` values: exact for a Constant, the largest possible for a plain int.
template <class Count>
inline constexpr int held = 16;
template <int N>
inline constexpr int held<Constant<N>> = N;

// Which radial functions reach which degree, where the moments of a degree begin among the nodes, and
// the length of a slot.

// The standard potentials of even level have tensor rank max(Top - 2 mu, 0) for f_mu: everything is
// known at compile time. visit(degree, radial functions that reach it).
template <int Top>
struct StandardShape {
  static constexpr int active(int d) { return d == 0 ? (Top + 1) / 2 + 1 : (Top - d) / 2 + 1; }
  static constexpr Constant<Top> top() { return {}; }
  static constexpr int radial_count() { return active(0); }
  static constexpr int stride(int lanes) { return slot_fields(active(0)) * lanes; }
  static constexpr int first_node(int d) { return d == 0 ? 0 : first_node(d - 1) + active(d - 1) * monomials_of(d - 1); }

  template <int D = 0, class Visit>
  INLINE void rising(Visit visit) const {
    visit(Constant<D>(), Constant<active(D)>());
    if constexpr (D < Top) rising<D + 1>(visit);
  }
  template <int D = Top, class Visit>
  INLINE void falling(Visit visit) const {
    visit(Constant<D>(), Constant<active(D)>());
    if constexpr (D > 0) falling<D - 1>(visit);
  }
};

// Any other set of moments: looked up degree by degree.
struct GeneralShape {
  const Tables &t;
  int top() const { return t.degrees - 1; }
  int radial_count() const { return t.radial_count; }
  int stride(int lanes) const { return slot_fields(t.radial_count) * lanes; }
  int first_node(int d) const { return t.first_node[d]; }

  template <class Visit>
  void rising(Visit visit) const {
    for (int d = 0; d < t.degrees; ++d) visit(d, t.active[d]);
  }
  template <class Visit>
  void falling(Visit visit) const {
    for (int d = t.degrees - 1; d >= 0; --d) visit(d, t.active[d]);
  }
};

template <int Top, class Visit>
INLINE void with_radial_count(StandardShape<Top>, Visit visit) {
  visit(Constant<StandardShape<Top>::radial_count()>());
}
template <class Visit>
INLINE void with_radial_count(GeneralShape shape, Visit visit) {
  visit(shape.radial_count());
}

template <int Top>
inline bool is_standard(const Tables &t) {
  if (t.degrees != Top + 1 || t.radial_count != StandardShape<Top>::active(0)) return false;
  for (int d = 0; d <= Top; ++d)
    if (t.active[d] != StandardShape<Top>::active(d)) return false;
  return true;
}

// visit(shape): standard for the levels 6 to 22.
template <int Top = 1, class Visit>
void with_shape(const Tables &t, Visit visit) {
  if constexpr (Top > 9)
    visit(GeneralShape{t});
  else if (is_standard<Top>(t))
    visit(StandardShape<Top>());
  else
    with_shape<Top + 1>(t, visit);
}

}  // namespace
}  // namespace ensemble::mtp
