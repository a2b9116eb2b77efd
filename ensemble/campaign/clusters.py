"""The table ``[cluster]``: where the runs are done. It does not change what is computed.

Each kind is a class; those of job queues share `Queue`. Most of their keys are arguments of
dask-jobqueue under its own names; the others are this project's.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from ensemble.campaign.table import Table
from ensemble.campaign.types import (
    Address,
    Bytes,
    Count,
    Lines,
    LinesWithoutMacros,
    NoCount,
    Seconds,
    Submission,
    Switch,
    Text,
    Walltime,
    Word,
)


class Local(Table):
    """Processes on this machine; the kind where none is given."""

    kind: Literal["local"] = "local"
    """This machine."""

    workers: Count | None = None
    """Workers at a time, each with one run; as many as the cores allow where not given."""

    dashboard_address: Word = "127.0.0.1:8787"
    """Of Dask's dashboard; another port if this one is taken."""

    host: Word = "127.0.0.1"
    """Where scheduler and workers listen. Whoever reaches it can run programs in your name."""

    local_directory: Word | None = None
    """Dask's scratch folder."""

    memory_limit: Bytes | None = None
    """Of a worker, as Dask shows it; none where not given."""


class Existing(Table):
    """A Dask scheduler that runs already. Its workers need this `ensemble`, one thread each, and
    the store under the same path.
    """

    kind: Literal["address"]
    """A scheduler by its address."""

    address: Address
    """Of the scheduler."""

    workers: Count | None = None
    """Runs at a time at most; as many as it has workers where not given."""

    tls_ca_file: Word | None = None
    """For an address `tls://…`: the certificate of its authority."""

    tls_cert: Word | None = None
    """The certificate of a client."""

    tls_key: Word | None = None
    """The key of a client; not where it is in the file of the certificate."""


class Queue(Table):
    """What all job queues have in common."""

    maximum_jobs: Count
    """Jobs at a time at most, waiting ones among them."""

    minimum_jobs: NoCount = 0
    """Jobs that are kept while there is anything to do, even where fewer would do it."""

    cores: Count = 1
    """Of a job. It does `cores` / `engine.ranks` runs at a time."""

    memory: Bytes
    """Of a job."""

    job_name: Word | None = None
    """In the queue; `ensemble-` and the campaign's name where not given."""

    job_script_prologue: Lines = ()
    """Lines of shell before the worker starts: modules to load, an environment to activate."""

    job_directives_skip: Lines = ()
    """Directives are left out that have one of these texts in them."""

    python: Word | None = None
    """Interpreter on the nodes; the one that launches where not given."""

    interface: Word | None = None
    """Network interface of scheduler and workers, such as `ib0`."""

    host: Word | None = None
    """Address of this machine as the nodes reach it, where it is not that of `interface`."""

    dashboard_address: Word = "127.0.0.1:8787"
    """Of Dask's dashboard; another port if this one is taken."""

    local_directory: Word | None = None
    """Dask's scratch folder on the nodes, such as `$TMPDIR`."""

    log_directory: Word | None = None
    """For what the jobs print; `work/jobs` of the store where not given."""

    shebang: Text = "#!/usr/bin/env bash"
    """First line of the job script."""

    death_timeout: Seconds = 60.0
    """After which a worker gives up that cannot find the scheduler."""

    tls: Switch = True
    """Whether scheduler, workers and launcher speak encrypted, and to one another only."""


class TimedQueue(Queue):
    """A job queue whose jobs have a walltime."""

    walltime: Walltime
    """Of a job. Workers stop before it is over, and the next job goes on."""

    queue: Word | None = None
    """The queue, or partition; the site's default where not given."""

    job_extra_directives: Lines = ()
    """More options for the queue, each as behind its `#SBATCH`, `#PBS`, …"""


class Slurm(TimedQueue):
    """Slurm."""

    kind: Literal["slurm"]
    """Slurm."""

    account: Word | None = None
    """What the time is charged to."""

    job_cpu: Count | None = None
    """Cores to ask for, where that is not `cores`."""

    job_mem: Text | None = None
    """Memory to ask for in Slurm's words, where that is not `memory`."""


class Pbs(TimedQueue):
    """PBS Professional, OpenPBS, Torque."""

    kind: Literal["pbs"]
    """PBS."""

    account: Word | None = None
    """What the time is charged to."""

    resource_spec: Text | None = None
    """Such as `select=1:ncpus=4:mem=8gb`, which is made from `cores` and `memory` where not given;
    for Torque `nodes=1:ppn=4,mem=8gb`."""


class Sge(TimedQueue):
    """Grid Engine."""

    kind: Literal["sge"]
    """Grid Engine."""

    project: Word | None = None
    """What the time is charged to."""

    parallel_environment: Word | None = None
    """With more than one core: the site's name for slots on one host, such as `smp`."""

    resource_spec: Text | None = None
    """Such as `h_vmem=2G`: `memory` alone asks for nothing, since each site calls it by a name of
    its own."""


class Lsf(TimedQueue):
    """IBM Spectrum LSF."""

    kind: Literal["lsf"]
    """LSF."""

    project: Text | None = None
    """What the time is charged to."""

    lsf_units: Literal["kb", "mb", "gb", "tb"] | None = None
    """In what the site counts memory, `LSF_UNIT_FOR_LIMITS`; looked up where not given."""

    use_stdin: Switch = True
    """Whether the script goes to `bsub` by its standard input."""


class Oar(TimedQueue):
    """OAR."""

    kind: Literal["oar"]
    """OAR."""

    project: Word | None = None
    """What the time is charged to."""

    resource_spec: Word | None = None
    """Such as `/nodes=1/core=4`, which is made from `cores` where not given."""

    memory_per_core_property_name: Word = "not_applicable"
    """The site's name for memory per core, often `memcore`: `memory` alone asks for nothing."""


class HTCondor(Queue):
    """HTCondor. Its jobs have no walltime."""

    kind: Literal["htcondor"]
    """HTCondor."""

    disk: Bytes
    """Of a job."""

    job_script_prologue: LinesWithoutMacros = ()
    """Lines of shell before the worker starts: modules to load, an environment to activate."""

    job_extra_directives: Submission = Field(default_factory=dict)
    """More lines `key = value` of the submit file, as a table."""

    submit_command_extra: Lines = ()
    """More arguments of `condor_submit`."""

    cancel_command_extra: Lines = ()
    """More arguments of `condor_rm`."""


def _local_by_default(value: object) -> object:
    return {"kind": "local"} | value if isinstance(value, dict) else value


Cluster: TypeAlias = Annotated[
    Annotated[
        Local | Slurm | Pbs | Sge | Lsf | HTCondor | Oar | Existing, Field(discriminator="kind")
    ],
    BeforeValidator(_local_by_default),
]
AnyQueue: TypeAlias = Slurm | Pbs | Sge | Lsf | HTCondor | Oar

QUEUES: dict[str, type[Queue]] = {
    "slurm": Slurm,
    "pbs": Pbs,
    "sge": Sge,
    "lsf": Lsf,
    "htcondor": HTCondor,
    "oar": Oar,
}
"""The job queues, by what `kind` calls them."""


class ClusterFile(Table):
    """A file with nothing but a table ``[cluster]``, in place of a campaign's own."""

    cluster: Cluster
    """Where the runs are done."""
