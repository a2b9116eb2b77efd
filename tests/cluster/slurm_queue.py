"""A Slurm of the tests' own on this machine: one node, no systemd, all state in one folder.

Needs the packages slurmctld, slurmd, slurm-client and munge.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "squeue", "scancel", "sbatch")

PATIENCE = 60.0

CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
KillWait=5
InactiveLimit=0
JobRequeue=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """What would have to be installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@dataclass(frozen=True)
class SlurmQueue:
    """The commands of a Slurm whose configuration is in ``SLURM_CONF``."""

    folder: Path

    def start(self) -> None:
        """Start munged, slurmctld and slurmd; returns when the node is idle."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "slurm.conf").write_text(self._configuration())
        key = self.folder / "munge.key"
        key.touch(0o400)
        key.write_bytes(os.urandom(1024))
        self.folder.chmod(0o755)  # munged refuses a socket that others cannot reach
        options = {"key-file": key} | {
            f"{name}-file": self.folder / f"munge.{name}" for name in ("pid", "log", "seed")
        }
        words = [f"--{name}={path}" for name, path in options.items()]
        run("munged", "--force", f"--socket={self.folder}/munge.socket", *words)
        run("slurmctld", "-c")
        self.start_node()

    def start_node(self) -> None:
        """Start slurmd; returns when the node takes jobs."""
        run("slurmd")
        wait_until(lambda: run("sinfo", "--noheader", "--format=%t") in ("idle", "mix", "alloc"))

    def kill_node(self) -> None:
        """SIGKILL slurmd: its jobs go on, and nobody hears of them."""
        pid = int((self.folder / "slurmd.pid").read_text())
        psutil.Process(pid).kill()

    def stop(self) -> None:
        """Cancel all jobs and stop the daemons."""
        with suppress(subprocess.SubprocessError):
            run("scancel", f"--user={getpass.getuser()}")
            wait_until(lambda: self.jobs() == {})
        for name in ("slurmd", "slurmctld", "munge"):
            with suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError):
                end(psutil.Process(int((self.folder / f"{name}.pid").read_text())))

    def jobs(self, state: str = "running,pending") -> dict[int, str]:
        """The states of the jobs that are in the queue, by their numbers."""
        listed = run("squeue", "--noheader", "--format=%i %T", f"--states={state}")
        return {int(job): name for job, name in map(str.split, listed.splitlines())}

    def _configuration(self) -> str:
        memory = psutil.virtual_memory().total // 2**20 - 512
        return CONFIGURATION.format(
            folder=self.folder,
            host=socket.gethostname().partition(".")[0],
            controller_port=free_port(),
            node_port=free_port(),
            cores=os.cpu_count(),
            memory=memory,
            user=getpass.getuser(),
        )


def end(daemon: psutil.Process) -> None:
    """End a daemon; one that still waits for another is killed."""
    daemon.terminate()
    try:
        daemon.wait(timeout=10)
    except psutil.TimeoutExpired:
        daemon.kill()


def run(*words: str) -> str:
    """A command's output; it has to succeed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
    return done.stdout.strip()


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def free_port() -> int:
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
