"""A Slurm of the tests' own on this machine: no systemd, all state in one folder.

It has one node, which has two cores, whatever the machine's are.

Needs the packages slurmctld, slurmd, slurm-client and munge.
"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
from daemons import end, free_port, run, wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "squeue", "scancel", "sbatch")

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
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class SlurmQueue:
    """The commands of a Slurm whose configuration is in ``SLURM_CONF``."""

    folder: Path
    job_variable: ClassVar[str] = "SLURM_JOB_ID"

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
            wait_until(lambda: not self.running() | self.waiting())
        for name in ("slurmd", "slurmctld", "munge"):
            with suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError):
                end(psutil.Process(int((self.folder / f"{name}.pid").read_text())))

    def running(self) -> set[int]:
        """The numbers of the jobs that run."""
        return self._jobs("running")

    def waiting(self) -> set[int]:
        """The numbers of the jobs that wait."""
        return self._jobs("pending")

    def cancel(self, job: int) -> None:
        """As a user would."""
        run("scancel", str(job))

    def _jobs(self, state: str) -> set[int]:
        return set(map(int, run("squeue", "--noheader", "--format=%i", "-t", state).split()))

    def _configuration(self) -> str:
        memory = psutil.virtual_memory().total // 2**20 - 512
        return CONFIGURATION.format(
            folder=self.folder,
            host=socket.gethostname().partition(".")[0],
            controller_port=free_port(),
            node_port=free_port(),
            memory=memory,
            user=getpass.getuser(),
        )
