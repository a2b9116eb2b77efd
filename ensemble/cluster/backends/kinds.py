"""How the job queues differ: what dask-jobqueue is given, and how each lists its jobs.

Jobs are described, submitted and cancelled by dask-jobqueue's ``Job`` classes. Which jobs there
are, and for how many workers, is decided here (`ensemble.cluster.backends.queue`): dask-jobqueue
does not look into the queue, and waits forever for a job that was cancelled while it was pending.
"""

from __future__ import annotations

import getpass
import pkgutil
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.campaign.clusters import AnyQueue, Lsf, Oar, Sge, TimedQueue
from ensemble.campaign.types import walltime_seconds
from ensemble.cluster.backends.certificates import certificate_files
from ensemble.cluster.backends.interface import Setting
from ensemble.cluster.walltime import JOB_BEGIN, JOB_END

if TYPE_CHECKING:
    from distributed import Security

WORKER_COMMAND = "ensemble.cluster.backends.worker"

ADDRESS = "<address of the scheduler>"
"""In the script of a job that is shown and not submitted."""

LISTING_SECONDS = 30.0
"""For the queue to answer."""

OWN_KEYS = frozenset(
    {
        "dashboard_address",
        "host",
        "kind",
        "maximum_jobs",
        "minimum_jobs",
        "parallel_environment",
        "tls",
    }
)
"""Keys of a section that are no arguments of dask-jobqueue."""


class State(Enum):
    """Of a job that is in the queue."""

    WAITING = "waiting"
    RUNNING = "running"
    STUCK = "stuck"
    """In error: it will not run by itself. One that somebody holds is waiting."""


@dataclass(frozen=True)
class QueueKind:
    """A queueing system."""

    job: str
    """The class of dask-jobqueue."""
    listing: tuple[str, ...]
    """The command that lists the jobs of ``{user}``."""
    line: str
    """Regular expression of a job's line in it, with groups ``id`` and ``state``."""
    waiting: str
    """Regular expressions of states; any other that is not over is running."""
    stuck: str
    over: str
    nothing: str = ""
    """What the listing says on stderr, and ends with an error, where there are no jobs."""

    @property
    def job_class(self) -> Any:
        """The class of dask-jobqueue itself."""
        return pkgutil.resolve_name(self.job)


KINDS: Mapping[str, QueueKind] = {
    "slurm": QueueKind(
        "dask_jobqueue.slurm:SLURMJob",
        ("squeue", "--noheader", "--user={user}", "--format=%i %T"),
        r"(?P<id>\d+) (?P<state>[A-Z_]+)",
        waiting="PENDING|CONFIGURING|REQUEUED",
        stuck="REQUEUE_HOLD|SPECIAL_EXIT",
        over="COMPLETING|COMPLETED|CANCELLED|FAILED|TIMEOUT|NODE_FAIL|PREEMPTED"
        "|BOOT_FAIL|DEADLINE|OUT_OF_MEMORY|REVOKED",
    ),
    "pbs": QueueKind(
        "dask_jobqueue.pbs:PBSJob",
        ("qstat", "-u", "{user}"),
        # Job ID, Username, Queue, Jobname, SessID, NDS, TSK, Memory, Time, S, Time
        r"(?P<id>\d+)\S*\s.*\s(?P<state>[A-Z])\s+\S+\s*",
        waiting="Q|W|T|H",
        stuck="",
        over="C|E|F|X",
    ),
    "sge": QueueKind(
        "dask_jobqueue.sge:SGEJob",
        ("qstat", "-u", "{user}"),
        # job-ID, prior, name, user, state, ...
        r"\s*(?P<id>\d+)\s+\S+\s+\S+\s+\S+\s+(?P<state>[A-Za-z]+)\s.*",
        waiting="qw|hqw|t|Rq",
        stuck=".*E.*",
        over="d.*",
    ),
    "lsf": QueueKind(
        "dask_jobqueue.lsf:LSFJob",
        ("bjobs", "-noheader", "-u", "{user}", "-o", "jobid stat"),
        r"(?P<id>\d+)\s+(?P<state>[A-Z]+)\s*",
        waiting="PEND|WAIT|PSUSP",
        stuck="",
        over="DONE|EXIT|ZOMBI",
        nothing="No unfinished job found",
    ),
    "htcondor": QueueKind(
        "dask_jobqueue.htcondor:HTCondorJob",
        ("condor_q", "{user}", "-autoformat", "ClusterId", "ProcId", "JobStatus"),
        r"(?P<id>\d+ \d+) (?P<state>\d)",
        waiting="1",
        stuck="5",
        over="3|4",
    ),
    "oar": QueueKind(
        "dask_jobqueue.oar:OARJob",
        ("oarstat", "-u", "{user}"),
        # Job id, Name, User, Submission Date, S, Queue; the name may be missing
        r"(?P<id>\d+)\s.*\s(?P<state>[A-Za-z])\s+\S+\s*",
        waiting="W|t|L|H",
        stuck="",
        over="T|E|F",
    ),
}


def states_in(kind: str, listing: str) -> dict[str, State]:
    """The jobs in a listing by their ids, less those that are over."""
    queue, states = KINDS[kind], {}
    for line in listing.splitlines():
        found = re.fullmatch(queue.line, line)
        if found is None or re.fullmatch(queue.over, found["state"]):
            continue
        state = State.RUNNING
        if re.fullmatch(queue.stuck, found["state"]):
            state = State.STUCK
        elif re.fullmatch(queue.waiting, found["state"]):
            state = State.WAITING
        states[found["id"].replace(" ", ".")] = state
    return states


def list_jobs(kind: str) -> dict[str, State] | None:
    """The user's jobs that are waiting or running; None if the queue does not answer now."""
    queue = KINDS[kind]
    command = [word.format(user=getpass.getuser()) for word in queue.listing]
    try:
        listed = subprocess.run(
            command, capture_output=True, text=True, timeout=LISTING_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    empty = queue.nothing and queue.nothing in listed.stderr
    return states_in(kind, listed.stdout) if listed.returncode == 0 or empty else None


def make_job(
    section: AnyQueue,
    setting: Setting,
    name: str,
    *,
    address: str = ADDRESS,
    security: Security | None = None,
) -> Any:
    """A job of dask-jobqueue: it can tell its script, be started and be closed.

    Parameters
    ----------
    section
        The campaign's ``[cluster]``.
    setting
        The launch.
    name
        Of the worker; of several they begin with it.
    address
        Of the scheduler.
    security
        With the files of the worker's certificate.

    Raises
    ------
    ValueError
        An option is nothing that dask-jobqueue can use.
    """
    queue = KINDS[section.kind]
    arguments = job_arguments(section, setting)
    try:
        return queue.job_class(address, name=name, security=security, **arguments)
    except KeyError as error:  # of HTCondor's, whose directives go by their names
        raise ValueError(f"cluster.job_directives_skip: found {error}, no directive") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"[cluster]: dask-jobqueue refuses it: {error}") from error


def job_arguments(section: AnyQueue, setting: Setting) -> dict[str, Any]:
    """What dask-jobqueue's job is given."""
    given = section.model_dump(exclude=set(OWN_KEYS), exclude_none=True)
    folder = log_folder(section, setting)
    arguments: dict[str, Any] = {
        "job_name": f"ensemble-{setting.name}",
        "log_directory": str(folder),
        **{key: list(value) if isinstance(value, tuple) else value for key, value in given.items()},
        # A worker is a process that does one run, whatever the number of its cores.
        "processes": runs_per_job(section, setting),
        "worker_command": WORKER_COMMAND,
        "worker_extra_args": ["--nworkers", str(runs_per_job(section, setting))],
    }
    arguments["death_timeout"] = round(section.death_timeout)
    if isinstance(section, TimedQueue):
        seconds = walltime_seconds(section.walltime)
        if isinstance(section, Lsf):  # which takes hours and minutes
            arguments["walltime"] = section.walltime.rpartition(":")[0]
            seconds -= seconds % 60
        times = f"export {JOB_BEGIN}=$(date +%s) {JOB_END}=$(($(date +%s) + {seconds}))"
        arguments["job_script_prologue"].insert(0, times)
    if isinstance(section, Sge) and section.parallel_environment is not None:
        slots = f"-pe {section.parallel_environment} {section.cores}"
        arguments["job_extra_directives"].insert(0, slots)
    if isinstance(section, Oar):  # to which dask-jobqueue does not tell the folder
        files = [f"-O {folder}/%jobid%.out", f"-E {folder}/%jobid%.err"]
        arguments["job_extra_directives"][:0] = files
    return arguments


def runs_per_job(section: AnyQueue, setting: Setting) -> int:
    """How many runs a job does at a time."""
    return max(1, section.cores // setting.ranks)


def log_folder(section: AnyQueue, setting: Setting) -> Path:
    """Where jobs put what they print."""
    return Path(section.log_directory or setting.store.resolve() / "work" / "jobs")


def private_folder(setting: Setting) -> Path:
    """Where the certificates of launches are."""
    return setting.store.resolve() / "work" / "private"


def job_script(section: AnyQueue, setting: Setting) -> str:
    """The script of a job, as it would be submitted but for the address of the scheduler and the
    name of the certificate's folder.
    """
    security = None
    if section.tls:
        from distributed import Security

        shown = certificate_files(private_folder(setting) / "<launch>")
        security = Security(**shown)
    script: str = make_job(section, setting, f"{setting.name}-1", security=security).job_script()
    return script
