"""A small campaign of Cu2Se with a real moment tensor potential: twelve runs, two methods."""

import sys
from pathlib import Path

MODEL = Path(__file__).parents[2] / "campaigns" / "models" / "cu2se" / "mtp1.mtp"

CRYSTAL = """
[campaign]
name = "crystal"

[material.beta]
prototype = "antifluorite"
species = ["Cu", "Se"]
lattice = 5.93

[engine]
command = "{lammps}"

[models]
style = "mtp"
files = ["{model}"]

[[study]]
name = "gk"
method = "emd"
material = "beta"
temperatures = [400, 600]
supercells = [[2, 2, 2]]
seeds = 4
timestep = 2.0
equilibrate = [{{ ensemble = "npt", time = 1 }}, {{ ensemble = "nve", time = 1 }}]
sample = {{ time = 4, every = 10 }}
segment = 1

[[study]]
name = "direct"
method = "nemd"
material = "beta"
temperatures = [400, 600]
supercells = [[2, 2, 4]]
seeds = 2
timestep = 2.0
equilibrate = [{{ ensemble = "nvt", time = 1 }}]
bins = 8
swap = {{ every = 100 }}
settle = 1
sample = {{ time = 4, every = 10, block = 1 }}
segment = 1

[cluster]
workers = 2
"""
"""Each run has six segments."""

LAMMPS = """\
#!/bin/sh
[ -z "$SLURM_JOB_ID$JOB_ID" ] || sleep 0.4
exec {lmp} "$@"
"""
"""In a job a segment takes a while without the work of a processor, so that on a fast machine, too,
the campaign is longer than a job and than what is done to it.
"""


def write_crystal(folder: Path) -> Path:
    """The campaign file, and its LAMMPS."""
    lammps, campaign = folder / "lmp", folder / "campaign.toml"
    lammps.write_text(LAMMPS.format(lmp=Path(sys.prefix) / "bin" / "lmp"))
    lammps.chmod(0o755)
    campaign.write_text(CRYSTAL.format(lammps=lammps, model=MODEL))
    return campaign
