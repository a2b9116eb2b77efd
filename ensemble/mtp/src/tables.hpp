// What the vectorised code reads: a potential compiled for one lane count, and the buffers of one
// thread. Plain pointers only: the instruction-set specific sources include this and nothing of the
// standard library, so that no inline function compiled for a newer processor can be shared with
// code that has to run on an older one.
//
// Vocabulary. A *tile* is a group of `lanes` central atoms of one species that are evaluated
// together, one atom per vector lane. A *slot* holds one neighbour of each atom of a tile. A *node*
// is one moment (basic or product) and its adjoint dU/dM.
#pragma once

namespace ensemble::mtp {

inline constexpr int max_lanes = 8;
inline constexpr int species_stride = 8;   // entries of a radial coefficient table: neighbour species

// left * right * weight; left and right are offsets (in doubles) of nodes.
struct GraphTerm {
  int left, right;
  double weight;
};

// `count` terms that belong to one node.
struct GraphGroup {
  int node;
  int count;
};

struct LinearTerm {
  int node;
  double weight;
};

// How the adjoint of a node comes about: dU/dv = seed + sum weight * value (from scalars that are
// products of this node and another, and that nothing else uses) + sum weight * adjoint * value (from
// the products that it is a factor of: left is their adjoint, right the value of the other factor).
// The quadratic part of the energy is half the sum of v times the middle term.
struct Pull {
  int node;
  int linear_count, product_count;
  double seed;
};

struct GraphProgram {
  const GraphGroup *groups = nullptr;
  const GraphTerm *terms = nullptr;
  int group_count = 0;
  int term_count = 0;
};

struct Tables {
  int species_count = 0;
  int radial_count = 0;       // radial functions f_mu, sorted by falling tensor rank
  int chebyshev_count = 0;
  int repulsive = 0;
  double min_dist = 0, max_dist = 0;       // Angstrom
  double scaling = 1;
  double wall_height = 0;                  // eV
  const double *radial = nullptr;          // [species i][n][mu][species_stride]: scaling * c, by species j
  const double *species_coeffs = nullptr;
  const int *radial_order = nullptr;       // position of f_mu here -> mu of the file

  // Basic moments are dense: every component of degree <= rank, ordered degree, monomial, mu.
  int degrees = 0;                         // highest tensor rank + 1
  const int *active = nullptr;             // [degrees] radial functions that reach this degree
  const int *first_node = nullptr;         // [degrees] first node of each degree
  int basic_nodes = 0;
  int nodes = 0;

  GraphProgram products;                   // products that other products need
  const Pull *pulls = nullptr;             // [nodes] the way back, users always before what they use
  const LinearTerm *linear_terms = nullptr;
  const GraphTerm *product_terms = nullptr;

  GraphProgram all_products;               // every product, the scalars that nothing uses included
  const int *scalar_nodes = nullptr;       // node of every scalar of the file
  const double *moment_coeffs = nullptr;   // of every scalar of the file
  int scalar_count = 0;
  int all_nodes = 0;
};

struct Tile {
  int first;     // into the order of central atoms
  int count;     // atoms; lanes beyond are idle
  int species;
};

struct Scratch {
  const int *order = nullptr;    // central atoms, tile by tile
  const Tile *tiles = nullptr;
  int tile_count = 0;
  int slot_capacity = 0;
  double *packed = nullptr;      // [atom][4]: position and species of every atom
  int *centers = nullptr;        // [lane]: central atoms of the tile
  int *counts = nullptr;         // [lane]: neighbours within the cutoff
  double *slots = nullptr;       // [slot][field][lane]
  int *neighbor = nullptr;       // [lane][slot]: index of the atom
  double *values = nullptr;      // [node][lane]
  double *adjoints = nullptr;    // [node][lane]: dU/dvalue
  double *monomials = nullptr;
  double *monomial_adjoints = nullptr;
  double *jacobian = nullptr;    // jacobian_size() doubles; null until the Jacobian was asked for
};

struct Neighborhoods;
struct Results;
struct JacobianResults;

// One instruction set's code.
struct Backend {
  int lanes;
  int slots_at_once;   // slots whose monomials are held together
  void (*compute)(const Tables &, const Neighborhoods &, const Scratch &, Results &);
  void (*jacobian)(const Tables &, const Neighborhoods &, const Scratch &, JacobianResults &);
};

extern const Backend backend_plain;
#ifdef ENSEMBLE_MTP_X86
extern const Backend backend_avx2;
extern const Backend backend_avx512;
#endif

// Fields of a slot, each one vector: unit vector, 1/r, then f_mu and df_mu/dr, over which the gradient
// dU_i/dr_j is written in the end.
enum SlotField {
  slot_ux, slot_uy, slot_uz, slot_rinv, slot_radial, slot_gx = slot_radial, slot_gy, slot_gz
};
static constexpr int slot_fields(int radial_count) { return slot_radial + (radial_count > 1 ? 2 * radial_count : 3); }

// Monomials of degree d, and of all degrees below d.
static constexpr int monomials_of(int d) { return (d + 1) * (d + 2) / 2; }
static constexpr int monomials_below(int d) { return d * (d + 1) * (d + 2) / 6; }

// Doubles that the Jacobian needs beside the other buffers of a thread.
static constexpr long jacobian_size(const Tables &t, int slot_capacity, int lanes) {
  return lanes * (2L * t.all_nodes + static_cast<long>(slot_capacity) *
                  (slot_fields(t.radial_count) + 4 + 2 * t.chebyshev_count + 6 * t.radial_count));
}

}  // namespace ensemble::mtp
