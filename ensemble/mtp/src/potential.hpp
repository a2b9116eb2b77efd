// The moment tensor potential as its file gives it: MLIP-2 `.mtp` and MLIP-3 `.almtp`.
//
// Shapeev, Multiscale Model. Simul. 14, 1153 (2016); Novikov et al., Mach. Learn.: Sci. Technol.
// 2, 025002 (2021). Plain data and its checks; nothing here computes an energy.
#pragma once

#include <string>
#include <vector>

#include "error.hpp"

namespace ensemble::mtp {

// M_{mu,nu} component x^x y^y z^z, nu = x + y + z.
struct BasicMoment {
  int mu, x, y, z;
};

// moment[target] += multiplicity * moment[left] * moment[right]
struct Product {
  int left, right, multiplicity, target;
};

enum class RadialBasis { chebyshev, chebyshev_repulsive };

// What the kernel and the plans are built for. Standard potentials (level <= 28) have rank 10 at most.
inline constexpr int max_species = 8;
inline constexpr int max_radial_functions = 16;
inline constexpr int max_chebyshev = 64;
inline constexpr int max_tensor_rank = 16;
inline constexpr double max_cutoff = 100.0;   // Angstrom; the kernel relies on there being a limit

struct Potential {
  std::string name;             // potential_name, may be empty
  std::string tag;              // potential_tag, may be empty
  RadialBasis radial_basis = RadialBasis::chebyshev;
  double wall_height = 1e4;     // eV: of the wall that the repulsive basis adds below min_dist
  double scaling = 1.0;
  double min_dist = 0.0;        // Angstrom
  double max_dist = 0.0;        // Angstrom: the cutoff
  int species_count = 0;
  int chebyshev_count = 0;      // radial_basis_size
  int radial_count = 0;         // radial_funcs_count
  int moment_count = 0;         // alpha_moments_count
  std::vector<BasicMoment> basic;       // alpha_index_basic: moments 0 .. basic.size() - 1
  std::vector<Product> products;        // alpha_index_times, in an order in which every factor is complete
  std::vector<int> scalars;             // alpha_moment_mapping: the moments that enter the energy
  std::vector<double> radial_coeffs;    // [species i][species j][mu][n]
  std::vector<double> species_coeffs;   // [species], eV
  std::vector<double> moment_coeffs;    // [scalars], eV
};

// Reads a potential out of `text` (the content of `file`, which is named in errors only).
// A potential without coefficients (an untrained template) is refused.
// Throws FormatError with the file, the line, what was found and what would do.
Potential parse_potential(const std::string &text, const std::string &file);

// The same checks for a potential that was built in memory; `file` names it in errors.
void validate(const Potential &potential, const std::string &file);

// Element names in the order of the species where the tag lists them: `species = Cu Se`, with or
// without the sign; a semicolon ends the list. Empty where it lists none, or not species_count of them.
std::vector<std::string> species_names(const Potential &potential);

}  // namespace ensemble::mtp
