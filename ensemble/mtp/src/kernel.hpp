// Evaluating a moment tensor potential: site energies, forces, virials, and the derivatives with
// respect to the coefficients. One Kernel may serve many threads; each thread brings a Workspace.
#pragma once

#include <memory>
#include <string>

#include "potential.hpp"
#include "results.hpp"

namespace ensemble::mtp {

enum class Isa { plain, avx2, avx512 };

// The widest instruction set that this processor has (and this build contains).
Isa best_isa();
bool isa_available(Isa isa);
const char *isa_name(Isa isa);
// "auto", "plain", "avx2" or "avx512"; throws std::invalid_argument that names the choices.
Isa parse_isa(const std::string &name);

class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace &&) noexcept;
  Workspace &operator=(Workspace &&) noexcept;
  size_t bytes() const;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

class Kernel {
 public:
  explicit Kernel(const Potential &potential, Isa isa = best_isa());
  ~Kernel();
  Kernel(Kernel &&) noexcept;
  Kernel &operator=(Kernel &&) noexcept;

  // To be called whenever the neighbour lists were rebuilt, before compute(): chooses the order in
  // which atoms share vector lanes and makes room.
  void prepare(const Neighborhoods &neighborhoods, Workspace &workspace) const;
  // Allocates no memory.
  void compute(const Neighborhoods &neighborhoods, Results &results, Workspace &workspace) const;
  void jacobian(const Neighborhoods &neighborhoods, JacobianResults &results, Workspace &workspace) const;

  double cutoff() const;      // Angstrom
  int species_count() const;
  int coefficient_count() const;   // length of the Jacobian's first axis
  Isa isa() const;
  // Fused multiply-adds (and plain adds and multiplies, each counted as one) that a central atom
  // with this many neighbours needs: for fractions of peak.
  double operations_per_atom(double neighbors) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ensemble::mtp
