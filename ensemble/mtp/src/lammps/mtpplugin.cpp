// What LAMMPS opens: it makes sure that the running LAMMPS is the one the pair style was built for,
// and only then opens libpair_mtp.so beside itself. The pair style is C++ against LAMMPS' headers,
// where another version means other class layouts; this file uses LAMMPS' C functions alone, looked
// up at run time, so it loads everywhere.
#include <dlfcn.h>

#include <cstdio>
#include <string>

#include "lammpsplugin.h"

#ifndef LAMMPS_VERSION_NUMBER
#error "define LAMMPS_VERSION_NUMBER: the version of the LAMMPS headers, as in 20250722"
#endif

namespace {

constexpr int built_for = LAMMPS_VERSION_NUMBER;

// 20250722 -> "22 Jul 2025", as LAMMPS writes it.
std::string version_text(int number) {
  static constexpr const char *months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int year = number / 10000, month = number / 100 % 100, day = number % 100;
  if (month < 1 || month > 12) return "of unknown version";
  return std::to_string(day) + " " + months[month - 1] + " " + std::to_string(year);
}

template <typename Function>
Function *lammps_function(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_DEFAULT, name));
}

int running_version(void *lammps) {
  const auto version = lammps_function<int(void *)>("lammps_version");
  return version ? version(lammps) : 0;
}

// A property of the running LAMMPS; `otherwise` if it cannot be asked.
int setting(void *lammps, const char *name, int otherwise) {
  const auto extract = lammps_function<int(void *, const char *)>("lammps_extract_setting");
  return extract ? extract(lammps, name) : otherwise;
}

// Whether its integers are as wide as those of the headers' default, -DLAMMPS_SMALLBIG.
bool has_default_integers(void *lammps) {
  return setting(lammps, "bigint", 8) == 8 && setting(lammps, "tagint", 4) == 4 && setting(lammps, "imageint", 4) == 4;
}

// On one rank, where LAMMPS says which that is.
void complain(void *lammps, const std::string &message) {
  if (setting(lammps, "world_rank", 0) > 0) return;
  std::fprintf(stderr, "WARNING: pair style mtp is not available: %s\n", message.c_str());
}

std::string own_path() {
  Dl_info info;
  return dladdr(reinterpret_cast<const void *>(&lammpsplugin_init), &info) ? info.dli_fname : "mtpplugin.so";
}

std::string directory_of(const std::string &path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lammps, void *handle, void *regfunc) {
  const int running = running_version(lammps);
  if (running != built_for) {
    complain(lammps, own_path() + " was built for LAMMPS " + version_text(built_for) + ", this is LAMMPS " +
                         version_text(running) + ". Build it for this one, from its source tree or its "
                         "installation: ensemble potential build-plugin --lammps PATH");
    return;
  }
  if (!has_default_integers(lammps)) {
    complain(lammps, own_path() + " was built for LAMMPS' default integer sizes, this LAMMPS was built with "
                         "-DLAMMPS_BIGBIG or -DLAMMPS_SMALLSMALL. Build LAMMPS with -DLAMMPS_SMALLBIG");
    return;
  }
  void *library = dlopen((directory_of(own_path()) + "libpair_mtp.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  void *creator = library ? dlsym(library, "ensemble_create_pair_mtp") : nullptr;
  if (!creator) {
    complain(lammps, dlerror());
    return;
  }
  static const std::string version = version_text(built_for);   // LAMMPS keeps the pointers of `plugin`
  lammpsplugin_t plugin = {};
  plugin.version = version.c_str();
  plugin.style = "pair";
  plugin.name = "mtp";
  plugin.info = "pair style mtp: moment tensor potentials";
  plugin.author = "ensemble";
  plugin.creator.v1 = reinterpret_cast<lammpsplugin_factory *>(creator);
  plugin.handle = handle;
  reinterpret_cast<lammpsplugin_regfunc>(regfunc)(&plugin, lammps);
}
