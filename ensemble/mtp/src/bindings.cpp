// The Python module ensemble.mtp._core. Everything that comes from Python is checked here: a wrong
// shape, type or index is a Python exception, never a crash.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "kernel.hpp"
#include "potential.hpp"

namespace py = pybind11;
using namespace py::literals;
using namespace ensemble::mtp;

namespace {

using std::string;
using std::to_string;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Longs = py::array_t<int64_t, py::array::c_style | py::array::forcecast>;
using Shape = std::vector<py::ssize_t>;

constexpr py::ssize_t any = -1;   // an axis of any length
// Angstrom: far beyond, a position holds no digits behind the point; the kernel has an atom of its own there.
constexpr double farthest = 1e8;

string describe(const Shape &shape) {
  string text;
  for (py::ssize_t n : shape) text += (text.empty() ? "" : ", ") + (n == any ? string("n") : to_string(n));
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

void check_shape(const py::array &array, const char *name, const Shape &wanted) {
  const Shape found(array.shape(), array.shape() + array.ndim());
  const auto fits = [](py::ssize_t n, py::ssize_t w) { return w == any || n == w; };
  if (!std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(), fits))
    throw py::value_error(string(name) + ": the shape is " + describe(found) + ", must be " + describe(wanted));
}

// Real numbers as C-ordered doubles.
Doubles reals(const py::array &array, const char *name, const Shape &shape) {
  if (string("fiu").find(array.dtype().kind()) == string::npos)
    throw py::type_error(string(name) + ": real numbers are needed");
  check_shape(array, name, shape);
  return Doubles(array);
}

// Integers from lowest to highest, as int.
std::vector<int> integers(const py::array &array, const char *name, const Shape &shape, int64_t lowest,
                          int64_t highest) {
  if (string("iu").find(array.dtype().kind()) == string::npos && array.size() > 0)
    throw py::type_error(string(name) + ": integers are needed");
  check_shape(array, name, shape);
  const Longs values(array);
  const int64_t *begin = values.data(), *end = begin + values.size();
  const int64_t *bad = std::find_if(begin, end, [=](int64_t v) { return v < lowest || v > highest; });
  if (bad != end)
    throw py::value_error(string(name) + ": entry " + to_string(bad - begin) + " is " + to_string(*bad) +
                          ", must be " + to_string(lowest) + " to " + to_string(highest));
  return std::vector<int>(begin, end);
}

// A potential's own integers; their meaning is checked by validate().
std::vector<int> integers(const py::array &array, const char *name, const Shape &shape) {
  return integers(array, name, shape, INT_MIN, INT_MAX);
}

std::vector<double> vector_of(const Doubles &values) { return {values.data(), values.data() + values.size()}; }

template <class T>
py::array_t<T> array_of(const std::vector<T> &values, const Shape &shape) {
  return py::array_t<T>(shape, values.data());
}

// Names and tags are bytes of any encoding.
py::str text_of(const string &bytes) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<py::ssize_t>(bytes.size()), "replace"));
}

const char *basis_name(RadialBasis basis) {
  return basis == RadialBasis::chebyshev ? "RBChebyshev" : "RBChebyshev_repuls";
}

RadialBasis parse_basis(const string &name) {
  for (RadialBasis basis : {RadialBasis::chebyshev, RadialBasis::chebyshev_repulsive})
    if (name == basis_name(basis)) return basis;
  throw py::value_error("radial_basis: '" + name + "' is not supported, use RBChebyshev or RBChebyshev_repuls");
}

Potential make_potential(const string &name, const string &tag, const string &radial_basis, double scaling,
                         double min_dist, double max_dist, int moment_count, const py::array &basic,
                         const py::array &products, const py::array &scalars, const py::array &radial_coeffs,
                         const py::array &species_coeffs, const py::array &moment_coeffs) {
  Potential p;
  p.name = name;
  p.tag = tag;
  p.radial_basis = parse_basis(radial_basis);
  p.scaling = scaling;
  p.min_dist = min_dist;
  p.max_dist = max_dist;
  p.moment_count = moment_count;
  const Doubles radial = reals(radial_coeffs, "radial_coeffs", {any, any, any, any});
  if (std::max({radial.shape(0), radial.shape(2), radial.shape(3)}) > INT_MAX)
    throw py::value_error("radial_coeffs: too many coefficients");
  p.species_count = static_cast<int>(radial.shape(0));
  p.radial_count = static_cast<int>(radial.shape(2));
  p.chebyshev_count = static_cast<int>(radial.shape(3));
  check_shape(radial, "radial_coeffs", {p.species_count, p.species_count, p.radial_count, p.chebyshev_count});
  p.radial_coeffs = vector_of(radial);
  p.species_coeffs = vector_of(reals(species_coeffs, "species_coeffs", {any}));
  p.moment_coeffs = vector_of(reals(moment_coeffs, "moment_coeffs", {any}));
  p.scalars = integers(scalars, "scalars", {any});
  const std::vector<int> b = integers(basic, "basic", {any, 4}), t = integers(products, "products", {any, 4});
  for (size_t k = 0; k < b.size(); k += 4) p.basic.push_back({b[k], b[k + 1], b[k + 2], b[k + 3]});
  for (size_t k = 0; k < t.size(); k += 4) p.products.push_back({t[k], t[k + 1], t[k + 2], t[k + 3]});
  validate(p, "potential");
  return p;
}

py::array_t<int> basic_of(const Potential &p) {
  std::vector<int> rows;
  for (const auto &[mu, x, y, z] : p.basic) rows.insert(rows.end(), {mu, x, y, z});
  return array_of(rows, {static_cast<py::ssize_t>(p.basic.size()), 4});
}

py::array_t<int> products_of(const Potential &p) {
  std::vector<int> rows;
  for (const auto &[left, right, multiplicity, target] : p.products)
    rows.insert(rows.end(), {left, right, multiplicity, target});
  return array_of(rows, {static_cast<py::ssize_t>(p.products.size()), 4});
}

// Neighbour lists and positions as they came from Python, checked. What is used as an index is copied:
// no other thread of Python can change it behind the check. The central atoms are the first ones of
// `positions`.
class Structure {
 public:
  Structure(const py::array &offsets, const py::array &neighbors, const py::array &positions,
            const py::array &species, int species_count)
      : positions_(reals(positions, "positions", {any, 3})) {
    const int64_t atoms = positions_.shape(0);
    if (atoms > INT_MAX / 3) throw py::value_error("positions: too many atoms");
    neighbors_ = integers(neighbors, "neighbors", {any}, 0, atoms - 1);
    offsets_ = integers(offsets, "offsets", {any}, 0, static_cast<int64_t>(neighbors_.size()));
    types_ = integers(species, "species", {static_cast<py::ssize_t>(atoms)}, 0, species_count - 1);
    check_offsets(atoms);
    check_positions();
    build_lists();
    species_of_type_.resize(species_count);
    std::iota(species_of_type_.begin(), species_of_type_.end(), 0);
  }

  int atoms() const { return static_cast<int>(positions_.shape(0)); }

  Neighborhoods view() const {
    Neighborhoods in;
    in.count = static_cast<int>(centers_.size());
    in.atoms = atoms();
    in.centers = centers_.data();
    in.neighbors = lists_.data();
    in.neighbor_count = lengths_.data();
    in.positions = positions_.data();
    in.types = types_.data();
    in.species_of_type = species_of_type_.data();
    return in;
  }

 private:
  void check_offsets(int64_t atoms) const {
    if (offsets_.empty() || offsets_.front() != 0 || offsets_.back() != static_cast<int64_t>(neighbors_.size()) ||
        !std::is_sorted(offsets_.begin(), offsets_.end()))
      throw py::value_error("offsets: must rise from 0 to the number of neighbors, " + to_string(neighbors_.size()));
    if (static_cast<int64_t>(offsets_.size()) - 1 > atoms)
      throw py::value_error("offsets: there are " + to_string(offsets_.size() - 1) + " central atoms, but " +
                            to_string(atoms) + " positions");
  }

  void check_positions() const {
    const double *begin = positions_.data(), *end = begin + positions_.size();
    const double *bad = std::find_if(begin, end, [](double v) { return !(std::abs(v) <= farthest); });
    if (bad != end)
      throw py::value_error("positions: atom " + to_string((bad - begin) / 3) +
                            " must have finite coordinates within 1e8 Angstrom of the origin");
  }

  void build_lists() {
    centers_.resize(offsets_.size() - 1);
    std::iota(centers_.begin(), centers_.end(), 0);
    for (int i : centers_) {
      const int *list = neighbors_.data() + offsets_[i], *end = neighbors_.data() + offsets_[i + 1];
      if (std::find(list, end, i) != end)
        throw py::value_error("neighbors: atom " + to_string(i) + " is its own neighbor");
      lists_.push_back(list);
      lengths_.push_back(static_cast<int>(end - list));
    }
  }

  Doubles positions_;
  std::vector<int> offsets_, neighbors_, types_, species_of_type_, centers_, lengths_;
  std::vector<const int *> lists_;
};

py::array_t<double> zeros(const Shape &shape) {
  py::array_t<double> array(shape);
  std::fill_n(array.mutable_data(), array.size(), 0.0);
  return array;
}

py::dict compute(const Kernel &kernel, const py::array &offsets, const py::array &neighbors,
                 const py::array &positions, const py::array &species) {
  const Structure structure(offsets, neighbors, positions, species, kernel.species_count());
  const int atoms = structure.atoms();
  py::array_t<double> site_energies = zeros({atoms}), forces = zeros({atoms, 3}), virials9 = zeros({atoms, 9});
  Results results;
  results.want_virial = true;
  results.site_energies = site_energies.mutable_data();
  results.forces = forces.mutable_data();
  results.virials9 = virials9.mutable_data();
  {
    py::gil_scoped_release release;
    Workspace workspace;
    const Neighborhoods in = structure.view();
    kernel.prepare(in, workspace);
    kernel.compute(in, results, workspace);
  }
  return py::dict("energy"_a = results.energy, "site_energies"_a = site_energies, "forces"_a = forces,
                  "virial"_a = py::array_t<double>(9, results.virial), "virials9"_a = virials9);
}

py::dict jacobian(const Kernel &kernel, const py::array &offsets, const py::array &neighbors,
                  const py::array &positions, const py::array &species) {
  const Structure structure(offsets, neighbors, positions, species, kernel.species_count());
  const int atoms = structure.atoms(), coefficients = kernel.coefficient_count();
  py::array_t<double> energy = zeros({coefficients}), forces = zeros({coefficients, atoms, 3}),
                      virial = zeros({coefficients, 9});
  JacobianResults results;
  results.atoms = atoms;
  results.energy = energy.mutable_data();
  results.forces = forces.mutable_data();
  results.virial = virial.mutable_data();
  {
    py::gil_scoped_release release;
    Workspace workspace;
    const Neighborhoods in = structure.view();
    kernel.prepare(in, workspace);
    kernel.jacobian(in, results, workspace);
  }
  return py::dict("energy"_a = energy, "forces"_a = forces, "virial"_a = virial);
}

std::vector<string> available_isas() {
  std::vector<string> names;
  for (Isa isa : {Isa::plain, Isa::avx2, Isa::avx512})
    if (isa_available(isa)) names.emplace_back(isa_name(isa));
  return names;
}

void bind_potential(py::module_ &m) {
  py::class_<Potential>(m, "Potential", "A moment tensor potential; see ensemble.mtp.potential.Potential.")
      .def(py::init(&make_potential), py::kw_only(), "name"_a, "tag"_a, "radial_basis"_a, "scaling"_a, "min_dist"_a,
           "max_dist"_a, "moment_count"_a, "basic"_a, "products"_a, "scalars"_a, "radial_coeffs"_a,
           "species_coeffs"_a, "moment_coeffs"_a)
      .def_property_readonly("name", [](const Potential &p) { return text_of(p.name); })
      .def_property_readonly("tag", [](const Potential &p) { return text_of(p.tag); })
      .def_property_readonly("radial_basis", [](const Potential &p) { return basis_name(p.radial_basis); })
      .def_readonly("scaling", &Potential::scaling)
      .def_readonly("min_dist", &Potential::min_dist)
      .def_readonly("max_dist", &Potential::max_dist)
      .def_readonly("moment_count", &Potential::moment_count)
      .def_property_readonly("basic", &basic_of)
      .def_property_readonly("products", &products_of)
      .def_property_readonly("scalars",
                             [](const Potential &p) {
                               return array_of(p.scalars, {static_cast<py::ssize_t>(p.scalars.size())});
                             })
      .def_property_readonly("radial_coeffs",
                             [](const Potential &p) {
                               return array_of(p.radial_coeffs,
                                               {p.species_count, p.species_count, p.radial_count, p.chebyshev_count});
                             })
      .def_property_readonly("species_coeffs",
                             [](const Potential &p) { return array_of(p.species_coeffs, {p.species_count}); })
      .def_property_readonly("moment_coeffs",
                             [](const Potential &p) {
                               return array_of(p.moment_coeffs, {static_cast<py::ssize_t>(p.moment_coeffs.size())});
                             })
      .def_property_readonly("species_names", [](const Potential &p) {
        py::list names;
        for (const string &name : species_names(p)) names.append(text_of(name));
        return py::tuple(names);
      });
  m.def("parse_potential", &parse_potential, "text"_a, "file"_a,
        "Reads a potential from the bytes of `file`, which is named in errors only.");
}

void bind_kernel(py::module_ &m) {
  py::class_<Kernel>(m, "Kernel", "A potential compiled for an instruction set. It may be shared by threads.")
      .def(py::init([](const Potential &p, const string &isa) { return Kernel(p, parse_isa(isa)); }), "potential"_a,
           "isa"_a = "auto")
      .def("compute", &compute, "offsets"_a, "neighbors"_a, "positions"_a, "species"_a,
           "Energy, site energies, forces and virials. The neighbors of central atom i, indices into\n"
           "positions (natoms, 3), are neighbors[offsets[i]:offsets[i + 1]].")
      .def("jacobian", &jacobian, "offsets"_a, "neighbors"_a, "positions"_a, "species"_a,
           "Derivatives of energy, forces and virial by every coefficient: radial, species, moment.")
      .def("operations_per_atom", &Kernel::operations_per_atom, "neighbors"_a)
      .def_property_readonly("cutoff", &Kernel::cutoff)
      .def_property_readonly("species_count", &Kernel::species_count)
      .def_property_readonly("coefficient_count", &Kernel::coefficient_count)
      .def_property_readonly("isa", [](const Kernel &k) { return isa_name(k.isa()); });
  m.def("available_isas", &available_isas, "The instruction sets that this processor has, narrowest first.");
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled part of ensemble.mtp.";
  py::register_exception<FormatError>(m, "FormatError", PyExc_ValueError);
  bind_potential(m);
  bind_kernel(m);
}
