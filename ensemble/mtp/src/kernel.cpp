#include "kernel.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "buffer.hpp"
#include "plan.hpp"

namespace ensemble::mtp {
namespace {

// Central atoms are sorted by species within regions of this many atoms, and by their number of
// neighbours within windows of this many of one species: LAMMPS has atoms that are near in space near
// in memory, and they should stay so.
constexpr int region = 1024;
constexpr int window = 64;

const Backend &backend_of(Isa isa) {
  switch (isa) {
#ifdef ENSEMBLE_MTP_X86
    case Isa::avx512: return backend_avx512;
    case Isa::avx2: return backend_avx2;
#endif
    default: return backend_plain;
  }
}

// Neighbours of a central atom that are inside the cutoff.
int count_inside(const Neighborhoods &in, int i, double cutoff2) {
  const double *xi = in.positions + 3 * static_cast<long>(i);
  int inside = 0;
  for (int k = 0; k < in.neighbor_count[i]; ++k) {
    const int j = in.neighbors[i][k] & in.index_mask;
    const double *xj = in.positions + 3 * static_cast<long>(j);
    const double x = xj[0] - xi[0], y = xj[1] - xi[1], z = xj[2] - xi[2];
    inside += x * x + y * y + z * z < cutoff2 && in.species_of_type[in.types[j]] >= 0;
  }
  return inside;
}

}  // namespace

bool isa_available(Isa isa) {
#ifdef ENSEMBLE_MTP_X86
  __builtin_cpu_init();
  if (isa == Isa::avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return isa == Isa::plain;
}

Isa best_isa() {
  for (Isa isa : {Isa::avx512, Isa::avx2})
    if (isa_available(isa)) return isa;
  return Isa::plain;
}

const char *isa_name(Isa isa) { return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "plain"; }

Isa parse_isa(const std::string &name) {
  if (name == "auto") return best_isa();
  for (Isa isa : {Isa::plain, Isa::avx2, Isa::avx512}) {
    if (name != isa_name(isa)) continue;
    if (isa_available(isa)) return isa;
    throw std::invalid_argument("instruction set '" + name + "' is not available on this processor");
  }
  throw std::invalid_argument("unknown instruction set '" + name + "': auto, plain, avx2 or avx512");
}

struct Workspace::Impl {
  std::vector<int> order;
  std::vector<Tile> tiles;
  Buffer packed, slots, values, adjoints, monomials, monomial_adjoints, jacobian;
  std::vector<int> neighbor;
  int centers[max_lanes], counts[max_lanes];
  int slot_capacity = 0;
  const void *prepared_for = nullptr;

  Scratch scratch() {
    Scratch s;
    s.order = order.data();
    s.tiles = tiles.data();
    s.tile_count = static_cast<int>(tiles.size());
    s.slot_capacity = slot_capacity;
    s.packed = packed.get();
    s.centers = centers;
    s.counts = counts;
    s.slots = slots.get();
    s.neighbor = neighbor.data();
    s.values = values.get();
    s.adjoints = adjoints.get();
    s.monomials = monomials.get();
    s.monomial_adjoints = monomial_adjoints.get();
    s.jacobian = jacobian.get();
    return s;
  }
};

Workspace::Workspace() : impl(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace &&) noexcept = default;
Workspace &Workspace::operator=(Workspace &&) noexcept = default;

size_t Workspace::bytes() const {
  size_t doubles = 0;
  for (const Buffer *buffer : {&impl->packed, &impl->slots, &impl->values, &impl->adjoints, &impl->monomials,
                               &impl->monomial_adjoints, &impl->jacobian})
    doubles += buffer->size();
  return doubles * sizeof(double) + (impl->order.size() + impl->neighbor.size()) * sizeof(int) +
         impl->tiles.size() * sizeof(Tile);
}

struct Kernel::Impl {
  Impl(const Potential &potential, Isa isa)
      : isa(isa), backend(backend_of(isa)), plan(potential, backend.lanes), cutoff(potential.max_dist) {}

  const Tables &tables() const { return plan.tables(); }

  void check(const Neighborhoods &in, const Workspace::Impl &w) const {
    if (w.prepared_for != this || w.order.size() != static_cast<size_t>(in.count))
      throw std::logic_error("Kernel::prepare() was not called for these neighbourhoods");
  }

  // Cuts the central atoms into tiles of one species: near in memory, so that neighbours are in the
  // cache already, and of about equally many neighbours, so that few lanes idle.
  void make_tiles(const Neighborhoods &in, Workspace::Impl &w) const {
    w.order.resize(in.count);
    w.tiles.clear();
    std::vector<int> species(in.count), inside(in.count);
    for (int k = 0; k < in.count; ++k) {
      const int i = in.centers[k];
      w.order[k] = k;
      species[k] = in.species_of_type[in.types[i]];
      if (species[k] < 0) throw std::logic_error("a central atom has a type without species");
      inside[k] = count_inside(in, i, cutoff * cutoff);
    }
    for (int begin = 0; begin < in.count; begin += region) {
      const int end = std::min(in.count, begin + region);
      std::stable_sort(w.order.begin() + begin, w.order.begin() + end,
                       [&](int a, int b) { return species[a] < species[b]; });
      for (int first = begin; first < end;) {
        int last = first;
        while (last < end && last - first < window && species[w.order[last]] == species[w.order[first]]) ++last;
        std::stable_sort(w.order.begin() + first, w.order.begin() + last,
                         [&](int a, int b) { return inside[a] < inside[b]; });
        for (; first < last; first += backend.lanes)
          w.tiles.push_back({first, std::min(backend.lanes, last - first), species[w.order[first]]});
        first = last;
      }
    }
  }

  void reserve(const Neighborhoods &in, Workspace::Impl &w) const {
    int longest = 0;
    for (int k = 0; k < in.count; ++k) longest = std::max(longest, in.neighbor_count[in.centers[k]]);
    w.slot_capacity = std::max(w.slot_capacity, (longest + 1) / 2 * 2);
    const Tables &t = tables();
    const size_t lanes = backend.lanes, slots = w.slot_capacity;
    w.packed.reserve(4 * (static_cast<size_t>(in.atoms) + 1));
    w.slots.reserve(slots * slot_fields(t.radial_count) * lanes);
    w.neighbor.resize(std::max(w.neighbor.size(), slots * lanes + lanes));   // append_where_less() writes ahead
    w.values.reserve(lanes * t.all_nodes);
    w.adjoints.reserve(lanes * t.all_nodes);
    w.monomials.reserve(lanes * backend.slots_at_once * monomials_below(t.degrees));
    w.monomial_adjoints.reserve(lanes * backend.slots_at_once * 2 * monomials_of(t.degrees - 1));
  }

  Isa isa;
  const Backend &backend;
  Plan plan;
  double cutoff;
};

Kernel::Kernel(const Potential &potential, Isa isa) : impl_(std::make_unique<Impl>(potential, isa)) {}
Kernel::~Kernel() = default;
Kernel::Kernel(Kernel &&) noexcept = default;
Kernel &Kernel::operator=(Kernel &&) noexcept = default;

void Kernel::prepare(const Neighborhoods &in, Workspace &workspace) const {
  workspace.impl->prepared_for = nullptr;   // until all of it is done
  impl_->make_tiles(in, *workspace.impl);
  impl_->reserve(in, *workspace.impl);
  workspace.impl->prepared_for = impl_.get();
}

void Kernel::compute(const Neighborhoods &in, Results &results, Workspace &workspace) const {
  impl_->check(in, *workspace.impl);
  impl_->backend.compute(impl_->tables(), in, workspace.impl->scratch(), results);
}

void Kernel::jacobian(const Neighborhoods &in, JacobianResults &results, Workspace &workspace) const {
  Workspace::Impl &w = *workspace.impl;
  impl_->check(in, w);
  w.jacobian.reserve(jacobian_size(impl_->tables(), w.slot_capacity, impl_->backend.lanes));
  impl_->backend.jacobian(impl_->tables(), in, w.scratch(), results);
}

double Kernel::cutoff() const { return impl_->cutoff; }
int Kernel::species_count() const { return impl_->tables().species_count; }
Isa Kernel::isa() const { return impl_->isa; }

int Kernel::coefficient_count() const {
  const Tables &t = impl_->tables();
  return t.species_count * t.species_count * t.radial_count * t.chebyshev_count + t.species_count + t.scalar_count;
}

double Kernel::operations_per_atom(double neighbors) const {
  const Tables &t = impl_->tables();
  double monomials = 0, moments = t.basic_nodes;
  for (int d = 1; d < t.degrees; ++d) monomials += monomials_of(d);
  const double radial = t.chebyshev_count * (2.0 * t.radial_count + 6);
  // Forward: make a monomial, add f_mu times it. Back: make it, two products a moment, one step of
  // the chain rule to the monomial below and one to the coordinate.
  const double angular = monomials + moments + monomials + 2 * moments + 2 * monomials + t.radial_count;
  long linear = 0;
  for (int n = 0; n < t.nodes; ++n) linear += t.pulls[n].linear_count;
  // A product: one to make it, with its weight two, and as much for each factor on the way back.
  return neighbors * (radial + angular + 30) + 6.0 * t.products.term_count + linear + 2.0 * t.nodes;
}

}  // namespace ensemble::mtp
