#include "potential.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <tuple>

#include "source.hpp"

namespace ensemble::mtp {
namespace {

using std::string;
using std::to_string;

// Short, where std::to_string() would write out all of 1e300.
string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void check_range(const Source &source, const char *key, int value, int lowest, int highest) {
  if (value < lowest || value > highest)
    source.fail(key, "found " + to_string(value) + ", must be " + to_string(lowest) + " to " + to_string(highest));
}

void check_size(const Source &source, const char *key, size_t found, size_t wanted) {
  if (found != wanted) source.fail(key, "found " + to_string(found) + " numbers, must be " + to_string(wanted));
}

void check_finite(const Source &source, const char *key, const std::vector<double> &values) {
  const auto bad = std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  if (bad != values.end())
    source.fail(key, "number " + to_string(bad - values.begin()) + " is " + number(*bad) + ", must be finite");
}

void check_label(const Source &source, const char *key, const string &text) {
  const auto control = [](unsigned char c) { return std::iscntrl(c) != 0; };
  if (std::any_of(text.begin(), text.end(), control)) source.fail(key, "must be one line without control characters");
}

void check_header(const Potential &p, const Source &source) {
  check_label(source, "potential_name", p.name);
  check_label(source, "potential_tag", p.tag);
  check_range(source, "species_count", p.species_count, 1, max_species);
  check_range(source, "radial_basis_size", p.chebyshev_count, 1, max_chebyshev);
  check_range(source, "radial_funcs_count", p.radial_count, 1, max_radial_functions);
  check_finite(source, "scaling", {p.scaling});
  check_finite(source, "min_dist", {p.min_dist});
  check_finite(source, "max_dist", {p.max_dist});
  if (p.min_dist < 0) source.fail("min_dist", "found " + number(p.min_dist) + ", must not be negative");
  if (p.max_dist <= p.min_dist)
    source.fail("max_dist", "found " + number(p.max_dist) + ", must be greater than min_dist = " + number(p.min_dist));
  if (p.max_dist > max_cutoff)
    source.fail("max_dist", "found " + number(p.max_dist) + ", must be at most " + number(max_cutoff) + " Angstrom");
}

void check_basic_moments(const Potential &p, const Source &source) {
  const char *key = "alpha_index_basic";
  if (p.basic.empty()) source.fail(key, "the list is empty, at least one basic moment is needed");
  for (size_t k = 0; k < p.basic.size(); ++k) {
    const auto [mu, x, y, z] = p.basic[k];
    const string name = "moment " + to_string(k);
    if (mu < 0 || mu >= p.radial_count)
      source.fail(key, name + " uses radial function " + to_string(mu) + ", but radial_funcs_count is " +
                           to_string(p.radial_count));
    for (int power : {x, y, z})
      if (power < 0 || power > max_tensor_rank)
        source.fail(key, name + " has the power " + to_string(power) + ", must be 0 to " + to_string(max_tensor_rank));
    if (x + y + z > max_tensor_rank)
      source.fail(key, name + " has rank " + to_string(x + y + z) + ", at most " + to_string(max_tensor_rank));
  }
  const auto less = [](const BasicMoment &a, const BasicMoment &b) {
    return std::tie(a.mu, a.x, a.y, a.z) < std::tie(b.mu, b.x, b.y, b.z);
  };
  std::vector<BasicMoment> sorted = p.basic;
  std::sort(sorted.begin(), sorted.end(), less);
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end(), [&](auto &a, auto &b) { return !less(a, b); });
  if (twice != sorted.end())
    source.fail(key, "{" + to_string(twice->mu) + ", " + to_string(twice->x) + ", " + to_string(twice->y) + ", " +
                         to_string(twice->z) + "} is listed twice");
}

// A product may use a moment only behind the last product that adds to it: no cycle can pass.
void check_products(const Potential &p, const Source &source) {
  const char *key = "alpha_index_times";
  const int basic = static_cast<int>(p.basic.size()), count = p.moment_count;
  // The list of moments is made only now that the text is known to be long enough for it.
  if (count < basic || static_cast<size_t>(count - basic) > p.products.size())
    source.fail("alpha_moments_count", "found " + to_string(count) + ", but " + to_string(basic) +
                                           " basic moments and " + to_string(p.products.size()) +
                                           " products make between " + to_string(basic) + " and " +
                                           to_string(p.products.size() + p.basic.size()));
  std::vector<int64_t> last(count, -1);   // the product that completes each moment
  for (size_t k = 0; k < p.products.size(); ++k) {
    const auto &[left, right, multiplicity, target] = p.products[k];
    for (int moment : {left, right, target})
      if (moment < 0 || moment >= count)
        source.fail(key, "product " + to_string(k) + " names moment " + to_string(moment) +
                             ", but alpha_moments_count is " + to_string(count));
    if (target < basic)
      source.fail(key, "product " + to_string(k) + " adds to moment " + to_string(target) + ", which is a basic one");
    last[target] = static_cast<int64_t>(k);
  }
  const auto unmade = std::find(last.begin() + basic, last.end(), -1);
  if (unmade != last.end())
    source.fail(key, "no product makes moment " + to_string(unmade - last.begin()) + " of alpha_moments_count = " +
                         to_string(count));
  for (size_t k = 0; k < p.products.size(); ++k)
    for (int factor : {p.products[k].left, p.products[k].right})
      if (last[factor] >= static_cast<int64_t>(k))
        source.fail(key, "product " + to_string(k) + " uses moment " + to_string(factor) +
                             " before it is complete (product " + to_string(last[factor]) +
                             " adds to it): a cycle or a wrong order");
}

void check_scalars(const Potential &p, const Source &source) {
  for (int scalar : p.scalars) {
    if (scalar < 0 || scalar >= p.moment_count)
      source.fail("alpha_moment_mapping", "found moment " + to_string(scalar) + ", but alpha_moments_count is " +
                                              to_string(p.moment_count));
    if (scalar >= static_cast<int>(p.basic.size())) continue;
    const BasicMoment &m = p.basic[scalar];
    if (m.x + m.y + m.z > 0)
      source.fail("alpha_moment_mapping", "moment " + to_string(scalar) + " is a tensor component, not a scalar");
  }
}

void check_coefficients(const Potential &p, const Source &source) {
  const size_t pairs = static_cast<size_t>(p.species_count) * p.species_count;
  check_size(source, "radial_coeffs", p.radial_coeffs.size(), pairs * p.radial_count * p.chebyshev_count);
  check_size(source, "species_coeffs", p.species_coeffs.size(), p.species_count);
  check_size(source, "moment_coeffs", p.moment_coeffs.size(), p.scalars.size());
  check_finite(source, "radial_coeffs", p.radial_coeffs);
  check_finite(source, "species_coeffs", p.species_coeffs);
  check_finite(source, "moment_coeffs", p.moment_coeffs);
}

}  // namespace

void check(const Potential &potential, const Source &source) {
  check_header(potential, source);
  check_basic_moments(potential, source);
  check_products(potential, source);
  check_scalars(potential, source);
  check_coefficients(potential, source);
}

void validate(const Potential &potential, const string &file) { check(potential, Source(file)); }

std::vector<string> species_names(const Potential &potential) {
  string tag = potential.tag;
  std::replace_if(tag.begin(), tag.end(), [](char c) { return c == '=' || c == ':' || c == ','; }, ' ');
  std::istringstream words(tag);
  string word, list;
  while (words >> word && word != "species") {}
  std::getline(words, list, ';');
  std::istringstream entries(list);
  std::vector<string> names;
  while (entries >> word) names.push_back(word);
  if (names.size() != static_cast<size_t>(potential.species_count)) return {};
  return names;
}

}  // namespace ensemble::mtp
