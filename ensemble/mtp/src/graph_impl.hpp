// The product graph: from the basic moments to the site energy, and back to dU/dM.
#pragma once

#include "simd.hpp"
#include "tables.hpp"

namespace ensemble::mtp {
namespace {

void products_forward(const GraphProgram &program, double *values) {
  const GraphTerm *term = program.terms;
  for (int g = 0; g < program.group_count; ++g) {
    const GraphTerm *end = term + program.groups[g].count;
    V value = {};
    for (; term != end; ++term) value += term->weight * (at(values + term->left) * at(values + term->right));
    at(values + program.groups[g].node) = value;
  }
}

void products_backward(const GraphProgram &program, const double *values, double *adjoints) {
  const GraphTerm *term = program.terms + program.term_count;
  for (int g = program.group_count - 1; g >= 0; --g) {
    const V adjoint = at(adjoints + program.groups[g].node);
    const GraphTerm *begin = term - program.groups[g].count;
    while (term != begin) {
      --term;
      const V scaled = term->weight * adjoint;
      at(adjoints + term->left) += scaled * at(values + term->right);
      at(adjoints + term->right) += scaled * at(values + term->left);
    }
  }
}

// The site energies (without the species' constant) and dU/dv of every node. Each adjoint is gathered
// and written once: adding to the adjoints of both factors of each product would be half the terms, but
// then loads wait for the stores before them.
V pull_adjoints(const Tables &t, const double *values, double *adjoints) {
  V energy = {};
  const LinearTerm *linear = t.linear_terms;
  const GraphTerm *term = t.product_terms;
  for (int k = 0; k < t.nodes; ++k) {
    const Pull &pull = t.pulls[k];
    V quadratic = {};
    for (const LinearTerm *end = linear + pull.linear_count; linear != end; ++linear)
      quadratic += linear->weight * at(values + linear->node);
    energy += at(values + pull.node) * (pull.seed + 0.5 * quadratic);
    const auto product = [&](const GraphTerm &x) { return x.weight * at(adjoints + x.left) * at(values + x.right); };
    V partial[4] = {pull.seed + quadratic};   // four chains of additions, for the latency
    const GraphTerm *end = term + pull.product_count;
    for (; end - term >= 4; term += 4)
      for (int p = 0; p < 4; ++p) partial[p] += product(term[p]);
    for (; term != end; ++term) partial[0] += product(*term);
    at(adjoints + pull.node) = (partial[0] + partial[1]) + (partial[2] + partial[3]);
  }
  return energy;
}

// From the basic moments to the site energies and dU/dM.
V graph(const Tables &t, double *values, double *adjoints) {
  products_forward(t.products, values);
  return pull_adjoints(t, values, adjoints);
}

}  // namespace
}  // namespace ensemble::mtp
