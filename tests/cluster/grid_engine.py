"""A Grid Engine of the tests' own on this machine: one queue of two slots, all state in one folder.

Needs the packages gridengine-master, gridengine-exec and gridengine-client.
"""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
from daemons import free_port, run, succeeds, wait_until

PROGRAMS = ("sge_qmaster", "sge_execd", "qconf", "qsub", "qstat", "qdel")

INSTALLED = Path("/var/lib/gridengine")
RESOURCES = Path("/usr/share/gridengine/util/resources")
HELPERS = Path("/usr/lib/gridengine")
DEFAULTS = Path("/usr/share/gridengine/default-configuration")

BOOTSTRAP = """\
admin_user none
default_domain none
ignore_fqdn true
spooling_method classic
spooling_lib libspoolc
spooling_params {spool}
binary_path {folder}/bin
qmaster_spool_dir {folder}/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
"""

HOST = """\
hostname {host}
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
"""

PROMPT = {
    "schedule_interval": "0:0:1",
    "flush_submit_sec": "1",
    "flush_finish_sec": "1",
    "job_load_adjustments": "NONE",
}
"""Of the scheduler, which otherwise looks every 15 s and takes a new job for load."""


@dataclass(frozen=True)
class GridEngine:
    """The commands of a Grid Engine whose folder is in ``SGE_ROOT``."""

    folder: Path
    job_variable: ClassVar[str] = "JOB_ID"

    def environment(self) -> dict[str, str]:
        """By which its commands find it."""
        return {
            "SGE_ROOT": str(self.folder),
            "SGE_CELL": "default",
            "SGE_QMASTER_PORT": str(free_port()),
            "SGE_EXECD_PORT": str(free_port()),
        }

    def start(self) -> None:
        """Start sge_qmaster and sge_execd; returns when the queue takes jobs."""
        self._make_cell()
        host = socket.gethostname()
        run("sge_qmaster")
        wait_until(lambda: succeeds("qconf", "-sh"))
        run("qconf", "-as", host)
        run("qconf", "-Ae", self._file("host", HOST.format(host=host)))
        run("qconf", "-Ap", str(RESOURCES / "pe" / "smp"))
        queue = {
            "qname": "all.q",
            "hostlist": host,
            "slots": "2",
            "pe_list": "smp",
            "load_thresholds": "NONE",  # the tests' own load is no reason to wait
        }
        run("qconf", "-Aq", self._file("queue", changed(run("qconf", "-sq"), queue)))
        run("qconf", "-Msconf", self._file("scheduler", changed(run("qconf", "-ssconf"), PROMPT)))
        run("sge_execd")
        wait_until(lambda: "lx-" in run("qstat", "-f"))

    def stop(self) -> None:
        """Delete all jobs and stop the daemons."""
        with suppress(subprocess.SubprocessError):
            if self.running() | self.waiting():
                run("qdel", "-u", getpass.getuser())
                wait_until(lambda: not self.running() | self.waiting())
        for path in (*self.folder.glob("execd/*/execd.pid"), self.folder / "qmaster/qmaster.pid"):
            with suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError):
                psutil.Process(int(path.read_text())).kill()  # nothing of it is kept

    def running(self) -> set[int]:
        """The numbers of the jobs that run."""
        return self._jobs("r")

    def waiting(self) -> set[int]:
        """The numbers of the jobs that wait."""
        return self._jobs("p")

    def cancel(self, job: int) -> None:
        """As a user would."""
        run("qdel", str(job))

    def _jobs(self, state: str) -> set[int]:
        rows = run("qstat", "-s", state).splitlines()[2:]
        return {int(row.split()[0]) for row in rows}

    def _make_cell(self) -> None:
        folder, host = self.folder, socket.gethostname()
        for name in ("default/common", "qmaster", "execd"):
            (folder / name).mkdir(parents=True)
        for name in ("bin", "lib", "utilbin", "util"):
            (folder / name).symlink_to(INSTALLED / name)
        common, spool = folder / "default" / "common", f"{folder}/default/common;{folder}/qmaster"
        (common / "bootstrap").write_text(BOOTSTRAP.format(folder=folder, spool=spool))
        (common / "act_qmaster").write_text(f"{host}\n")
        # Where the address of the host is loopback's, its name is looked up as localhost.
        (common / "host_aliases").write_text(f"{host} localhost\n")
        own = {"execd_spool_dir": f"{folder}/execd", "min_uid": "0", "min_gid": "0"}
        configuration = self._file("configuration", changed(DEFAULTS.read_text(), own))
        run(str(HELPERS / "spoolinit"), "classic", "libspoolc", spool, "init")
        for words in (
            ("configuration", configuration),
            ("complexes", str(RESOURCES / "centry")),
            ("usersets", str(RESOURCES / "usersets")),
            ("managers", getpass.getuser()),
        ):
            run(str(HELPERS / "spooldefaults"), *words)

    def _file(self, name: str, text: str) -> str:
        path = self.folder / f"{name}.txt"
        path.write_text(text + "\n")
        return str(path)


def changed(text: str, values: Mapping[str, str]) -> str:
    """A file of lines ``name value``, with other values."""
    for name, value in values.items():
        text, found = re.subn(rf"^{name}\s.*$", f"{name} {value}", text, flags=re.MULTILINE)
        assert found == 1, name
    return text
