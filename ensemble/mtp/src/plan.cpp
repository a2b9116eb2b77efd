#include "plan.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace ensemble::mtp {
namespace {

int rank_of(const BasicMoment &m) { return m.x + m.y + m.z; }

// Position of x^a y^b z^c among the monomials of its degree, in the order of the kernel's recursion:
// falling powers of x, then of y.
int monomial_index(const BasicMoment &m) {
  const int rest = m.y + m.z;
  return rest * (rest + 1) / 2 + m.z;
}

}  // namespace

GraphProgram Plan::Program::view() const {
  return {groups.data(), terms.data(), static_cast<int>(groups.size()), static_cast<int>(terms.size())};
}

Plan::Plan(const Potential &potential, int lanes)
    : lanes_(lanes), species_coeffs_(potential.species_coeffs), moment_coeffs_(potential.moment_coeffs) {
  order_radial_functions(potential);
  fill_radial_tables(potential);
  number_nodes(potential);
  compile_products(potential);
  compile_adjoints(potential);

  tables_.species_count = potential.species_count;
  tables_.radial_count = static_cast<int>(radial_order_.size());
  tables_.chebyshev_count = potential.chebyshev_count;
  tables_.repulsive = potential.radial_basis == RadialBasis::chebyshev_repulsive;
  tables_.min_dist = potential.min_dist;
  tables_.max_dist = potential.max_dist;
  tables_.scaling = potential.scaling;
  tables_.wall_height = potential.wall_height;
  tables_.radial = radial_.get();
  tables_.species_coeffs = species_coeffs_.data();
  tables_.radial_order = radial_order_.data();
  tables_.degrees = static_cast<int>(active_.size());
  tables_.active = active_.data();
  tables_.first_node = first_node_.data();
  tables_.products = products_.view();
  tables_.pulls = pulls_.data();
  tables_.linear_terms = linear_terms_.data();
  tables_.product_terms = product_terms_.data();
  tables_.all_products = all_products_.view();
  tables_.scalar_nodes = scalar_nodes_.data();
  tables_.moment_coeffs = moment_coeffs_.data();
  tables_.scalar_count = static_cast<int>(scalar_nodes_.size());
}

// Sorted by falling rank, so that the radial functions which reach a degree are the first ones.
// A radial function that no moment uses stays: its coefficients are part of the potential.
void Plan::order_radial_functions(const Potential &potential) {
  rank_.assign(potential.radial_count, -1);
  for (const BasicMoment &m : potential.basic) rank_[m.mu] = std::max(rank_[m.mu], rank_of(m));
  radial_order_.resize(potential.radial_count);
  std::iota(radial_order_.begin(), radial_order_.end(), 0);
  std::stable_sort(radial_order_.begin(), radial_order_.end(), [&](int a, int b) { return rank_[a] > rank_[b]; });
  const int top = std::max(0, rank_[radial_order_[0]]);
  for (int degree = 0; degree <= top; ++degree)
    active_.push_back(std::max<int>(1, std::count_if(rank_.begin(), rank_.end(), [&](int r) { return r >= degree; })));
}

void Plan::fill_radial_tables(const Potential &potential) {
  const int species = potential.species_count, count = potential.radial_count, size = potential.chebyshev_count;
  double *table = radial_.reserve(static_cast<size_t>(species) * size * count * species_stride);
  for (int i = 0; i < species; ++i)
    for (int j = 0; j < species; ++j)
      for (int position = 0; position < count; ++position)
        for (int n = 0; n < size; ++n) {
          const size_t from = ((static_cast<size_t>(i) * species + j) * count + radial_order_[position]) * size + n;
          const size_t to = ((static_cast<size_t>(i) * size + n) * count + position) * species_stride + j;
          table[to] = potential.scaling * potential.radial_coeffs[from];
        }
}

// Basic moments first, dense; then the products that others use; then those that only the energy uses.
void Plan::number_nodes(const Potential &potential) {
  std::vector<int> &first = first_node_;
  first.resize(active_.size());
  int nodes = 0;
  for (size_t degree = 0; degree < active_.size(); ++degree) {
    first[degree] = nodes;
    nodes += monomials_of(static_cast<int>(degree)) * active_[degree];
  }
  tables_.basic_nodes = nodes;

  std::vector<int> position(potential.radial_count);
  for (size_t p = 0; p < radial_order_.size(); ++p) position[radial_order_[p]] = static_cast<int>(p);
  node_.assign(potential.moment_count, -1);
  for (size_t k = 0; k < potential.basic.size(); ++k) {
    const BasicMoment &m = potential.basic[k];
    node_[k] = first[rank_of(m)] + monomial_index(m) * active_[rank_of(m)] + position[m.mu];
  }

  std::vector<char> is_factor(potential.moment_count, 0);
  needed_.assign(potential.moment_count, 0);
  for (int scalar : potential.scalars) needed_[scalar] = 1;
  for (auto p = potential.products.rbegin(); p != potential.products.rend(); ++p)
    if (needed_[p->target]) needed_[p->left] = needed_[p->right] = is_factor[p->left] = is_factor[p->right] = 1;
  leaf_.assign(potential.moment_count, 0);
  for (const Product &p : potential.products) leaf_[p.target] = needed_[p.target] && !is_factor[p.target];

  for (const char leaf : {0, 1}) {
    for (const Product &p : potential.products)
      if (needed_[p.target] && leaf_[p.target] == leaf && node_[p.target] < 0) node_[p.target] = nodes++;
    (leaf ? tables_.all_nodes : tables_.nodes) = nodes;
  }
}

void Plan::compile_products(const Potential &potential) {
  // By target; first in the order in which the file completes them.
  std::vector<std::vector<GraphTerm>> by_target(potential.moment_count);
  std::vector<int> order;
  for (auto p = potential.products.rbegin(); p != potential.products.rend(); ++p) {
    if (!needed_[p->target]) continue;
    if (by_target[p->target].empty()) order.push_back(p->target);
    by_target[p->target].push_back({offset(p->left), offset(p->right), static_cast<double>(p->multiplicity)});
  }
  std::reverse(order.begin(), order.end());
  // Neighbours in this order have equally many terms wherever that is possible: the branch predictor
  // then knows when their inner loops end.
  std::vector<int> depth(potential.moment_count, 0);
  for (const Product &p : potential.products)
    depth[p.target] = std::max({depth[p.target], depth[p.left] + 1, depth[p.right] + 1});
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return std::pair(depth[a], by_target[a].size()) < std::pair(depth[b], by_target[b].size());
  });
  const auto append = [&](Program &program, int target) {
    const auto &terms = by_target[target];
    program.groups.push_back({offset(target), static_cast<int>(terms.size())});
    program.terms.insert(program.terms.end(), terms.rbegin(), terms.rend());
  };
  for (int target : order) {
    if (!leaf_[target]) append(products_, target);
    append(all_products_, target);
  }
}

void Plan::compile_adjoints(const Potential &potential) {
  std::vector<double> coefficient(potential.moment_count, 0.0);   // of a scalar in the energy
  for (size_t k = 0; k < potential.scalars.size(); ++k) {
    scalar_nodes_.push_back(offset(potential.scalars[k]));
    coefficient[potential.scalars[k]] += moment_coeffs_[k];
  }
  std::vector<double> seed(tables_.nodes, 0.0);
  for (int moment = 0; moment < potential.moment_count; ++moment)
    if (!leaf_[moment] && node_[moment] >= 0 && node_[moment] < tables_.nodes)
      seed[node_[moment]] += coefficient[moment];

  std::vector<std::map<int, double>> linear(tables_.nodes);   // node -> offset of the other factor -> weight
  for (const Product &p : potential.products) {
    if (!leaf_[p.target]) continue;
    const double weight = coefficient[p.target] * p.multiplicity;
    linear[node_[p.left]][offset(p.right)] += weight;
    linear[node_[p.right]][offset(p.left)] += weight;
  }
  std::vector<std::vector<GraphTerm>> products(tables_.nodes);
  const GraphTerm *term = products_.terms.data();
  for (const GraphGroup &group : products_.groups)
    for (int k = 0; k < group.count; ++k, ++term) {
      products[term->left / lanes_].push_back({group.node, term->right, term->weight});
      products[term->right / lanes_].push_back({group.node, term->left, term->weight});
    }

  // Products against the order in which they are made, then the basic moments.
  std::vector<int> order;
  for (auto group = products_.groups.rbegin(); group != products_.groups.rend(); ++group)
    order.push_back(group->node / lanes_);
  for (int node = 0; node < tables_.basic_nodes; ++node) order.push_back(node);
  for (int node : order) {
    pulls_.push_back({node * lanes_, static_cast<int>(linear[node].size()), static_cast<int>(products[node].size()),
                      seed[node]});
    for (const auto &[other, weight] : linear[node]) linear_terms_.push_back({other, weight});
    product_terms_.insert(product_terms_.end(), products[node].begin(), products[node].end());
  }
}

}  // namespace ensemble::mtp
