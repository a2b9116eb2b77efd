"""Why a segment failed: the causes there are, and how they show in what LAMMPS left behind."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

TAIL_LINES = 20

NO_ROOM = 2**20
"""Bytes: a disk with less is taken for full."""


class Cause(StrEnum):
    """What ended a segment before its time."""

    KILLED = "killed"
    """SIGKILL: somebody, or the machine, took the process away."""

    TERMINATED = "terminated"
    """SIGTERM, SIGINT or SIGHUP: the walltime is over, or somebody asked for it."""

    CANCELLED = "cancelled"
    """The one who started it does not want it any more."""

    LEASE_LOST = "lease_lost"
    """Somebody else holds the run."""

    DISK_FULL = "disk_full"
    """A file could not be written to its end."""

    READ_ONLY = "read_only"
    """A file may not be written, or not be read."""

    MISSING_FILE = "missing_file"
    """A file, or LAMMPS itself, is not where it should be."""

    WALLTIME = "walltime"
    """A segment is longer than any job may be."""

    MEMORY = "memory"
    """There was not enough of it: others had it, or the job is too small."""

    LAMMPS_ERROR = "lammps_error"
    """LAMMPS refused something, or crashed."""

    INTERNAL = "internal"
    """Something that nobody thought of."""

    LOST_ATOMS = "lost_atoms"
    """Atoms flew out of the box."""

    NUMBERS = "numbers"
    """Positions, energies or pressures that are no numbers any more."""

    DRIFT = "drift"
    """The energy is not conserved where it should be."""

    MELTED = "melted"
    """The framework of the crystal diffuses."""

    COLLAPSED = "collapsed"
    """The box shrank or grew out of all proportion."""

    @property
    def final(self) -> bool:
        """Whether the trajectory went wrong: segments are deterministic, so it would again."""
        return self in _FINAL

    @property
    def real(self) -> bool:
        """Whether it uses up one of the attempts that a run has, because it may well come again."""
        return self in _FINAL or self in _REAL

    @property
    def environment(self) -> bool:
        """Whether the machine has to be put right first. The run is not to blame, but to try again
        at once is of no use.
        """
        return self in _ENVIRONMENT


_FINAL = frozenset(
    {Cause.LOST_ATOMS, Cause.NUMBERS, Cause.DRIFT, Cause.MELTED, Cause.COLLAPSED},
)
_REAL = frozenset({Cause.LAMMPS_ERROR, Cause.INTERNAL})
_ENVIRONMENT = frozenset({Cause.DISK_FULL, Cause.READ_ONLY, Cause.MISSING_FILE, Cause.WALLTIME})


class SegmentFailure(RuntimeError):
    """A segment that did not come to its end.

    Attributes
    ----------
    cause : Cause
        What is to blame.
    message : str
        One line: what was found, and what would do.
    log_tail : str
        The last lines of LAMMPS's log; empty where there is none.
    """

    def __init__(self, cause: Cause, message: str, log_tail: str = "") -> None:
        super().__init__(cause, message, log_tail)  # these make it picklable
        self.cause = cause
        self.message = message
        self.log_tail = log_tail

    def __str__(self) -> str:
        return f"{self.cause}: {self.message}"


_SIGNS = tuple(
    (cause, re.compile(words))
    for cause, words in (
        (Cause.DISK_FULL, r"No space left|Disk quota exceeded|I/O error|Error writing"),
        (Cause.READ_ONLY, r"Read-only file system|Permission denied"),
        (Cause.MISSING_FILE, r"No such file|annot open|annot read the potential|while loading"),
        (Cause.MEMORY, r"Failed to (?:re)?allocate|bad_alloc|annot allocate memory"),
        (Cause.COLLAPSED, r"box dimensions|tilted box too far|too large for neighbor bins"),
        (Cause.NUMBERS, r"Non-numeric|imulation unstable|Neighbor list overflow|Pair distance <"),
        (Cause.LOST_ATOMS, r"Lost atoms|Out of range atoms|Too many neighbor bins"),
    )
)
"""What LAMMPS and the system say of a cause; the first that fits is the one."""

_ADVICE = {
    Cause.DISK_FULL: "make room and launch again",
    Cause.READ_ONLY: "change the permissions, or use another folder, and launch again",
    Cause.MISSING_FILE: "put it in its place and launch again",
    Cause.MEMORY: "use fewer workers, or a machine with more memory",
    Cause.COLLAPSED: "look at the potential under these conditions",
    Cause.NUMBERS: "try a smaller timestep, or look at the potential",
    Cause.LOST_ATOMS: "try a smaller timestep, or look at the potential",
}

_HINTS = (
    (
        re.compile("does not support compute centroid/stress/atom"),
        "without that virial of each atom there is no heat flux; take another pair style",
    ),
    (
        re.compile("Unrecognized pair style 'mtp'"),
        "this LAMMPS needs the plugin that `ensemble potential build-plugin` makes, its folder in "
        "LAMMPS_PLUGIN_PATH",
    ),
)
"""What to do about errors of LAMMPS's that do not say it themselves."""

_ERROR = re.compile(r"^ERROR(?: on proc \d+)?: (.+)$", re.MULTILINE)
_INPUT_LINE = re.compile(r"^Last (?:input line|command): (.+)$", re.MULTILINE)
_SOURCE_LINE = re.compile(r" *\(\S+\.(?:cpp|h):\d+\)$")
_THERMO_LINE = re.compile(r"^ *(\d+)(?: +[-+.\dainfe]+)+ *$", re.MULTILINE)

_KILLED_RANK = re.compile(r"\(signal (\d+)\)|on signal (\d+)")
"""MPICH and Open MPI on a rank that a signal ended; ``mpiexec`` itself then exits in order."""

_LOST_RANK = re.compile(r"^.*(?:Fatal error in internal_(?!Init)|unable to forward PMI).*$", re.M)
"""What is written where another rank misses the killed one before MPICH does."""


def incomplete(path: Path, finding: str) -> SegmentFailure:
    """Why a file lacks something, though LAMMPS says that all went well: it does not look whether
    the disk has taken what it writes.

    Parameters
    ----------
    path
        The file, in a folder that exists.
    finding
        What it lacks, in words.
    """
    disk = os.statvfs(path.parent)
    # Some network file systems do not tell their size, and seem to have none.
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < NO_ROOM:
        cause = Cause.DISK_FULL
        return SegmentFailure(cause, f"{finding}: no space left on device; {_ADVICE[cause]}")
    return SegmentFailure(Cause.INTERNAL, finding)


def diagnose(
    returncode: int,
    signal: int | None,
    log: str,
    screen: str = "",
    *,
    out_of_memory: bool = False,
) -> SegmentFailure:
    """Why LAMMPS ended as it did.

    Parameters
    ----------
    returncode
        Its exit status, where no signal ended it.
    signal
        The signal that did.
    log
        Its log, or the end of it.
    screen
        Its standard output and error, or their end. They have the error where a full disk took no
        more of the log, and what ``mpiexec`` has to say.
    out_of_memory
        Whether the system meanwhile killed a process for its use of memory.
    """
    tail = "\n".join((log.strip() or screen.strip()).splitlines()[-TAIL_LINES:])
    if errors := _ERROR.findall(screen) or _ERROR.findall(log):
        # The first error is the cause of those that follow.
        cause, message = _of_error(errors[0], screen + log)
    elif number := signal or _signal_in(screen, returncode):
        cause, message = _of_signal(number, out_of_memory)
    elif lost := _LOST_RANK.search(screen):
        cause, message = Cause.KILLED, f"LAMMPS lost a rank: {lost[0].strip()}"
    else:
        cause, message = _of_last_words(screen or log, returncode)
    if (step := _last_step(log)) is not None:
        message += f", after step {step}"
    if advice := _ADVICE.get(cause):
        message += f"; {advice}"
    return SegmentFailure(cause, message, tail)


def _of_error(error: str, text: str) -> tuple[Cause, str]:
    """LAMMPS's own error message."""
    words = _SOURCE_LINE.sub("", error)
    cause = _cause_of(words) or Cause.LAMMPS_ERROR
    message = f"LAMMPS: {words}"
    if cause is Cause.LAMMPS_ERROR and (lines := _INPUT_LINE.findall(text)):
        message += f"; input line: {lines[0].strip()}"
    hints = (f"; {hint}" for sign, hint in _HINTS if sign.search(words))
    return cause, message + "".join(hints)


def _of_signal(number: int, out_of_memory: bool) -> tuple[Cause, str]:
    name = Signals(number).name if number in set(Signals) else f"signal {number}"
    if number == SIGKILL and out_of_memory:
        return Cause.MEMORY, f"LAMMPS was killed ({name}) because the memory was used up"
    if number == SIGKILL:
        return Cause.KILLED, f"LAMMPS was killed ({name})"
    if number in {SIGTERM, SIGINT, SIGHUP}:
        return Cause.TERMINATED, f"LAMMPS was told to end ({name})"
    return Cause.LAMMPS_ERROR, f"LAMMPS crashed ({name})"


def _of_last_words(text: str, returncode: int) -> tuple[Cause, str]:
    """Neither LAMMPS nor a signal says why: what the system or ``mpiexec`` wrote may."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        if cause := _cause_of(line):
            return cause, f"LAMMPS ended with status {returncode}: {line}"
    last = lines[-1] if lines else "it wrote nothing"
    return Cause.LAMMPS_ERROR, f"LAMMPS ended with status {returncode}: {last}"


def _cause_of(words: str) -> Cause | None:
    return next((cause for cause, sign in _SIGNS if sign.search(words)), None)


def _signal_in(screen: str, returncode: int) -> int | None:
    """The signal that ended a rank. The shells' convention for it is the exit status 128 + n."""
    if found := _KILLED_RANK.findall(screen):
        return int("".join(found[0]))
    return returncode - 128 if returncode > 128 else None


def _last_step(log: str) -> int | None:
    steps = _THERMO_LINE.findall(log)
    return int(steps[-1]) if steps else None
