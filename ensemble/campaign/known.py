"""The names that a campaign file chooses from: elements, prototypes, commands, arguments."""

from __future__ import annotations

from typing import Literal

_SYMBOLS = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er
    Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md
    No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
CHEMICAL_SYMBOLS = tuple(_SYMBOLS.split())

PAIR_COMMANDS = (
    "pair_style",
    "pair_coeff",
    "pair_modify",
    "kspace_style",
    "kspace_modify",
    "special_bonds",
)
"""The LAMMPS commands that make a model. Others would change the run, not the potential."""

PrototypeName = Literal[
    "antifluorite",
    "bcc",
    "cesium-chloride",
    "diamond",
    "fcc",
    "fluorite",
    "half-heusler",
    "hcp",
    "mg3sb2",
    "perovskite",
    "rocksalt",
    "wurtzite",
    "zincblende",
]
"""Spelt out, so that the schema and its page know them; the structures are in
`ensemble.prototypes`.
"""

ClusterKind = Literal["local", "slurm", "pbs", "sge", "lsf", "htcondor", "oar", "address"]

JOB_OPTIONS = (
    "config_name",
    "cores",
    "dashboard_address",
    "death_timeout",
    "host",
    "interface",
    "job_directives_skip",
    "job_extra_directives",
    "job_name",
    "job_script_prologue",
    "local_directory",
    "log_directory",
    "memory",
    "nanny",
    "processes",
    "protocol",
    "python",
    "scheduler_options",
    "shared_temp_directory",
    "shebang",
    "silence_logs",
    "worker_command",
    "worker_extra_args",
)
"""Arguments of every cluster of dask-jobqueue 0.9."""

CLUSTER_OPTIONS: dict[ClusterKind, tuple[str, ...]] = {
    "local": ("dashboard_address", "host", "local_directory", "memory_limit"),
    "slurm": ("account", "job_cpu", "job_mem", "queue", "walltime"),
    "pbs": ("account", "queue", "resource_spec", "walltime"),
    "sge": ("project", "queue", "resource_spec", "walltime"),
    "lsf": ("lsf_units", "mem", "ncpus", "project", "queue", "use_stdin", "walltime"),
    "htcondor": ("cancel_command_extra", "disk", "submit_command_extra"),
    "oar": ("memory_per_core_property_name", "project", "queue", "resource_spec", "walltime"),
    "address": (),
}
"""Arguments of LocalCluster, and those that a cluster of dask-jobqueue 0.9 has besides
`JOB_OPTIONS`."""


def cluster_options(kind: ClusterKind) -> tuple[str, ...]:
    """The arguments that a kind of cluster takes, besides what this project gives it."""
    queueing = kind not in ("local", "address")
    return CLUSTER_OPTIONS[kind] + (JOB_OPTIONS if queueing else ())
