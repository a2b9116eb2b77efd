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

// The quadratic part of the energy; adds its derivatives to the adjoints.
V quadratic_part(const Tables &t, const double *values, double *adjoints) {
  V energy = {};
  const QuadraticTerm *term = t.quadratic_terms;
  for (int g = 0; g < t.quadratic_count; ++g) {
    const QuadraticGroup &group = t.quadratic[g];
    const V value = at(values + group.node);
    const QuadraticTerm *end = term + group.count;
    V partial[2] = {};   // two chains of additions, for the latency
    const auto add = [&](const QuadraticTerm &x, V &linear) {
      linear += x.weight * at(values + x.right);
      at(adjoints + x.right) += x.weight * value;
    };
    for (; end - term >= 2; term += 2) add(term[0], partial[0]), add(term[1], partial[1]);
    if (term != end) add(*term++, partial[0]);
    const V linear = partial[0] + partial[1];
    const V square = group.square * value;
    energy += value * (linear + square);
    at(adjoints + group.node) += linear + 2.0 * square;
  }
  return energy;
}

// From the basic moments to the site energies (without the species' constant) and dU/dM.
V graph(const Tables &t, double *values, double *adjoints) {
  products_forward(t.products, values);
  for (int k = 0; k < t.nodes; ++k) at(adjoints + static_cast<long>(k) * W) = V{};
  V energy = quadratic_part(t, values, adjoints);
  for (int k = 0; k < t.seed_count; ++k) {
    energy += t.seeds[k].weight * at(values + t.seeds[k].node);
    at(adjoints + t.seeds[k].node) += splat(t.seeds[k].weight);
  }
  products_backward(t.products, values, adjoints);
  return energy;
}

}  // namespace
}  // namespace ensemble::mtp
