// A potential compiled for evaluation with a given number of lanes: the owner of a Tables.
#pragma once

#include <vector>

#include "buffer.hpp"
#include "potential.hpp"
#include "tables.hpp"

namespace ensemble::mtp {

class Plan {
 public:
  Plan(const Potential &potential, int lanes);
  Plan(const Plan &) = delete;
  Plan &operator=(const Plan &) = delete;
  const Tables &tables() const { return tables_; }

 private:
  struct Program {
    std::vector<GraphGroup> groups;
    std::vector<GraphTerm> terms;
    GraphProgram view() const;
  };

  void order_radial_functions(const Potential &potential);
  void fill_radial_tables(const Potential &potential);
  void number_nodes(const Potential &potential);
  void compile_products(const Potential &potential);
  void compile_adjoints(const Potential &potential);
  int offset(int moment) const { return node_[moment] * lanes_; }

  int lanes_;
  std::vector<int> radial_order_;       // position -> mu
  std::vector<int> rank_;               // by mu: highest tensor rank among its moments, -1 if unused
  std::vector<int> active_, first_node_;
  Buffer radial_;
  std::vector<double> species_coeffs_, moment_coeffs_;
  std::vector<int> node_;               // moment of the file -> node
  std::vector<char> needed_;            // by moment: feeds the energy
  std::vector<char> leaf_;              // by moment: a product that only the energy uses
  Program products_, all_products_;
  std::vector<Pull> pulls_;
  std::vector<LinearTerm> linear_terms_;
  std::vector<GraphTerm> product_terms_;
  std::vector<int> scalar_nodes_;
  Tables tables_;
};

}  // namespace ensemble::mtp
