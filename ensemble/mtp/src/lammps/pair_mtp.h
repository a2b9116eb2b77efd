// Pair style mtp: moment tensor potentials in LAMMPS.
//
//   pair_style mtp [isa auto|plain|avx2|avx512]
//   pair_coeff * * FILE                          atom type i is species i - 1 of the file
//   pair_coeff * * FILE entry_1 ... entry_N      one entry per atom type: the species' number (from
//                                                0), its element where the file's potential_tag
//                                                lists them ("species = Cu Se"), or NULL
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../kernel.hpp"
#include "pair.h"

namespace LAMMPS_NS {

class PairMTP : public Pair {
 public:
  explicit PairMTP(class LAMMPS *lmp);
  ~PairMTP() override;

  void compute(int eflag, int vflag) override;
  void settings(int narg, char **arg) override;
  void coeff(int narg, char **arg) override;
  void init_style() override;
  double init_one(int i, int j) override;
  double memory_usage() override;

 private:
  void allocate();
  std::string read_on_all_ranks(const std::string &path);
  ensemble::mtp::Potential read_potential(const std::string &path);
  void convert_units(ensemble::mtp::Potential &potential);
  void map_types(const ensemble::mtp::Potential &potential, int count, char **entries, const std::string &path);
  int species_of(const std::string &entry, const ensemble::mtp::Potential &potential, const std::string &path);
  ensemble::mtp::Neighborhoods neighborhoods() const;
  void prepare_if_rebuilt(const ensemble::mtp::Neighborhoods &neighborhoods);

  ensemble::mtp::Isa isa;
  std::unique_ptr<ensemble::mtp::Kernel> kernel;
  ensemble::mtp::Workspace workspace;
  std::vector<int> species_of_type;   // [ntypes + 1], -1: not of this potential
  // The neighbour lists that the workspace is for: the step they were built in, the number of builds
  // until then, and their length.
  bigint prepared_step = -1, prepared_build = -1;
  int prepared_count = -1;
};

}  // namespace LAMMPS_NS
