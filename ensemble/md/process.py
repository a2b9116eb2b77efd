"""One LAMMPS process: started on a leash, watched, and ended with everything it started.

The `leash` (leash.cpp) is a small program between this process and LAMMPS. It ends LAMMPS, and the
ranks of ``mpiexec`` with it, when this process dies, even of SIGKILL. No new session and no process
group is made, so that what ends a worker's group ends its LAMMPS too.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.md.failures import Cause, SegmentFailure, diagnose

LEASH = Path(__file__).parent / "leash"
POLL_SECONDS = 0.1
"""How often the caller is asked whether it still wants the process."""

OUT_OF_MEMORY = re.compile(rb"\noom_kill (\d+)")

SCREEN_BYTES = 65536
"""How much of the end of the output is kept."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a process ended."""

    returncode: int
    """Its exit status; -n if signal n ended it."""

    wall: float
    """Seconds from its start to its end."""

    screen: str
    """The end of its standard output and error."""

    cancelled: bool = False
    """Whether it was ended because the caller no longer wanted it."""

    out_of_memory: bool = False
    """Whether the system killed a process meanwhile, this or another, for its use of memory."""

    @property
    def ok(self) -> bool:
        """Whether it came to its own good end."""
        return self.returncode == 0 and not self.cancelled

    @property
    def signal(self) -> int | None:
        """The signal that ended it."""
        return -self.returncode if self.returncode < 0 else None

    def failure(self, log: str) -> SegmentFailure:
        """Why it failed, also from its log."""
        if self.cancelled:
            return SegmentFailure(Cause.CANCELLED, "LAMMPS was ended on request")
        return diagnose(
            self.returncode, self.signal, log, self.screen, out_of_memory=self.out_of_memory
        )


def _never() -> bool:
    return False


def run_lammps(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    *,
    cancelled: Callable[[], bool] = _never,
) -> Finished:
    """Run a command to its end.

    The calling thread has to stay until then: the kernel takes it for the parent, at whose death
    LAMMPS dies.

    Parameters
    ----------
    command
        As `ensemble.md.engine.lammps_command` gives it.
    cwd
        Working directory.
    environment
        All of its environment.
    cancelled
        Asked at least every 0.1 s; once it says yes, the process is ended, within about a second.

    Raises
    ------
    SegmentFailure
        The process cannot be started. How it fails later is for the caller to judge by what is
        returned.
    """
    began, killed_before = time.monotonic(), _out_of_memory_kills()
    process = _start(command, cwd, environment)
    try:
        screen, was_cancelled = _watch(process, cancelled)
    except BaseException:  # nothing may be left behind, whatever happens here
        process.terminate()
        process.wait()
        raise
    returncode = process.wait()
    return Finished(
        returncode=returncode,
        wall=time.monotonic() - began,
        screen=screen,
        cancelled=was_cancelled,
        out_of_memory=returncode != 0 and _out_of_memory_kills() > killed_before,
    )


def _start(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [LEASH, str(os.getpid()), *command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        message = f"cannot start LAMMPS: {error.strerror}: {error.filename}"
        raise SegmentFailure(Cause.MISSING_FILE, message) from error


def _watch(process: subprocess.Popen[bytes], cancelled: Callable[[], bool]) -> tuple[str, bool]:
    """The end of the output, and whether the process was told to end.

    The leash is the last of its tree to go and holds the pipe open, so its end is the tree's.
    """
    assert process.stdout is not None
    tail = bytearray()
    asked_to_end = False
    with process.stdout as output:
        poller = select.poll()
        poller.register(output, select.POLLIN)
        while True:
            if poller.poll(1000 * POLL_SECONDS):
                chunk = os.read(output.fileno(), SCREEN_BYTES)
                if not chunk:
                    return tail.decode(errors="replace"), asked_to_end
                tail = (tail + chunk)[-SCREEN_BYTES:]
            if not asked_to_end and cancelled():
                process.terminate()
                asked_to_end = True


def _out_of_memory_kills() -> int:
    """How many processes the system has killed for their use of memory since it was started."""
    try:
        counts = Path("/proc/vmstat").read_bytes()
    except OSError:
        return 0
    found = OUT_OF_MEMORY.search(counts)
    return int(found[1]) if found else 0
