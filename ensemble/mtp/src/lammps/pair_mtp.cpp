#include "pair_mtp.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"
#include "utils.h"

using namespace LAMMPS_NS;
namespace mtp = ensemble::mtp;

namespace {

std::string join(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool is_number(const std::string &text) {
  return !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

PairMTP::PairMTP(LAMMPS *lmp) : Pair(lmp), isa(mtp::best_isa()) {
  manybody_flag = 1;
  one_coeff = 1;
  single_enable = 0;
  restartinfo = 0;
  centroidstressflag = CENTROID_AVAIL;
  unit_convert_flag = utils::get_supported_conversions(utils::ENERGY);
}

PairMTP::~PairMTP() {
  if (!allocated || copymode) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

void PairMTP::allocate() {
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  allocated = 1;
}

void PairMTP::settings(int narg, char **arg) {
  if (narg != 0 && (narg != 2 || std::string(arg[0]) != "isa"))
    error->all(FLERR, std::string("Illegal pair_style mtp argument '") + arg[0] +
                          "': it takes none, or 'isa auto', 'isa plain', 'isa avx2' or 'isa avx512'");
  try {
    isa = narg ? mtp::parse_isa(arg[1]) : mtp::best_isa();
  } catch (const std::exception &e) {
    error->all(FLERR, std::string("Illegal pair_style mtp isa: ") + e.what());
  }
}

void PairMTP::coeff(int narg, char **arg) {
  if (narg < 3 || std::string(arg[0]) != "*" || std::string(arg[1]) != "*")
    error->all(FLERR, "Pair style mtp needs 'pair_coeff * * FILE', optionally followed by one entry per "
                      "atom type: a species number, an element name or NULL");
  const std::string path = arg[2];
  mtp::Potential potential = read_potential(path);
  map_types(potential, narg - 3, arg + 3, path);
  convert_units(potential);
  try {
    kernel = std::make_unique<mtp::Kernel>(potential, isa);
  } catch (const std::exception &e) {
    error->all(FLERR, "Pair style mtp cannot use " + path + ": " + e.what());
  }
  prepared_count = -1;
}

// The text of a file that rank 0 finds in the working directory or in LAMMPS_POTENTIALS.
std::string PairMTP::read_on_all_ranks(const std::string &path) {
  std::string text;
  int size = -1;
  if (comm->me == 0) {
    const std::string found = utils::get_potential_file_path(path);
    std::ifstream file(found, std::ios::binary);
    std::ostringstream content;
    if (!found.empty() && file && content << file.rdbuf()) {
      text = content.str();
      size = static_cast<int>(text.size());
    }
  }
  MPI_Bcast(&size, 1, MPI_INT, 0, world);
  if (size < 0)
    error->all(FLERR, "Pair style mtp cannot read the potential file " + path +
                          ": it is looked for in the working directory and in LAMMPS_POTENTIALS");
  text.resize(size);
  MPI_Bcast(text.data(), size, MPI_CHAR, 0, world);
  return text;
}

mtp::Potential PairMTP::read_potential(const std::string &path) {
  const std::string text = read_on_all_ranks(path);
  try {
    return mtp::parse_potential(text, path);
  } catch (const std::exception &e) {
    error->all(FLERR, std::string("Pair style mtp: ") + e.what());
  }
}

// Potentials are in eV and Angstrom, and linear in these coefficients.
void PairMTP::convert_units(mtp::Potential &potential) {
  const std::string units = update->unit_style;
  if (units == "metal") return;
  if (units != "real")
    error->all(FLERR, "Pair style mtp needs units metal or real, found units " + units);
  const double factor = utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
  for (double &c : potential.species_coeffs) c *= factor;
  for (double &c : potential.moment_coeffs) c *= factor;
  potential.wall_height *= factor;
}

void PairMTP::map_types(const mtp::Potential &potential, int count, char **entries, const std::string &path) {
  const int ntypes = atom->ntypes;
  const std::string species = path + " has " + std::to_string(potential.species_count) + " species";
  const std::string types = std::to_string(ntypes) + " atom types";
  if (count == 0 && ntypes > potential.species_count)
    error->all(FLERR, "Pair style mtp: " + species + " for " + types + ": give one entry per atom type behind the "
                      "file: a species number, an element name or (under hybrid) NULL");
  if (count != 0 && count != ntypes)
    error->all(FLERR, "Pair style mtp: pair_coeff has " + std::to_string(count) + " entries behind " + path + " for " +
                          types + ": give one per atom type or none");
  species_of_type.assign(ntypes + 1, -1);
  for (int i = 1; i <= ntypes; ++i)
    species_of_type[i] = count ? species_of(entries[i - 1], potential, path) : i - 1;
  if (!allocated) allocate();
  bool any = false;
  for (int i = 1; i <= ntypes; ++i)
    for (int j = 1; j <= ntypes; ++j) {
      setflag[i][j] = species_of_type[i] >= 0 && species_of_type[j] >= 0;
      any = any || setflag[i][j];
    }
  if (!any) error->all(FLERR, "Pair style mtp: every atom type of " + path + " is NULL in pair_coeff");
}

int PairMTP::species_of(const std::string &entry, const mtp::Potential &potential, const std::string &path) {
  if (entry == "NULL") return -1;
  const std::string prefix = "Pair style mtp: pair_coeff entry '" + entry + "': ";
  const std::string count = std::to_string(potential.species_count);
  if (is_number(entry)) {
    const int species = std::stoi(entry);
    if (species < potential.species_count) return species;
    error->all(FLERR, prefix + path + " has the species 0 to " + std::to_string(potential.species_count - 1));
  }
  const std::vector<std::string> names = mtp::species_names(potential);
  if (names.empty())
    error->all(FLERR, prefix + "the potential_tag of " + path + " does not name its " + count +
                          " species ('potential_tag = species = ...'): use the species' number, from 0");
  const auto found = std::find(names.begin(), names.end(), entry);
  if (found == names.end())
    error->all(FLERR, prefix + path + " has the species " + join(names));
  return static_cast<int>(found - names.begin());
}

void PairMTP::init_style() {
  if (force->newton_pair == 0) error->all(FLERR, "Pair style mtp needs newton pair on: remove 'newton off'");
  neighbor->add_request(this, NeighConst::REQ_FULL);
}

double PairMTP::init_one(int, int) { return kernel->cutoff(); }

mtp::Neighborhoods PairMTP::neighborhoods() const {
  mtp::Neighborhoods in;
  in.count = list->inum;
  in.atoms = atom->nlocal + atom->nghost;
  in.centers = list->ilist;
  in.neighbors = list->firstneigh;
  in.neighbor_count = list->numneigh;
  in.index_mask = NEIGHMASK;
  in.positions = atom->x[0];
  in.types = atom->type;
  in.species_of_type = species_of_type.data();
  return in;
}

// Lists are also rebuilt outside of a run, by commands and fixes, perhaps twice in one step: so not by
// neighbor->ago alone.
void PairMTP::prepare_if_rebuilt(const mtp::Neighborhoods &in) {
  if (neighbor->ago != 0 && prepared_step == neighbor->lastcall && prepared_build == neighbor->ncalls &&
      prepared_count == in.count)
    return;
  try {
    kernel->prepare(in, workspace);
  } catch (const std::exception &e) {   // out of memory
    error->one(FLERR, std::string("Pair style mtp: ") + e.what());
  }
  prepared_step = neighbor->lastcall;
  prepared_build = neighbor->ncalls;
  prepared_count = in.count;
}

void PairMTP::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  const mtp::Neighborhoods in = neighborhoods();
  prepare_if_rebuilt(in);
  mtp::Results results;
  results.forces = atom->f[0];
  results.want_virial = vflag_global;
  if (eflag_atom) results.site_energies = eatom;
  if (vflag_atom) results.virials6 = vatom[0];
  if (cvflag_atom) results.virials9 = cvatom[0];
  kernel->compute(in, results, workspace);

  if (eflag_global) eng_vdwl += results.energy;
  if (vflag_global) {
    const double *w = results.virial;   // xx yy zz xy xz yz yx zx zy
    for (int c = 0; c < 3; ++c) virial[c] += w[c];
    for (int c = 3; c < 6; ++c) virial[c] += 0.5 * (w[c] + w[c + 3]);
  }
  if (vflag_fdotr) virial_fdotr_compute();
}

double PairMTP::memory_usage() {
  return Pair::memory_usage() + static_cast<double>(workspace.bytes());
}

extern "C" __attribute__((visibility("default"))) void *ensemble_create_pair_mtp(void *lammps) {
  return new PairMTP(static_cast<LAMMPS *>(lammps));
}
