"""Shared memory that an MPI which was killed has left behind: a megabyte of RAM each time.

MPICH removes its segment when LAMMPS ends by itself, and only then. Nobody else does before the
machine is started anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")
PATTERN = "mpich_sh*_*"
"""MPICH's names: ``mpich_shm_4920_0`` of a job, ``mpich_shar_tmpSdyOXD`` while it starts."""

SETTLED = 60.0
"""Seconds after which all ranks of a job have opened its segment, so that its name has served."""

Identity = tuple[int, int]
"""Of a file: device and inode."""


def remove_abandoned(folder: Path = FOLDER) -> None:
    """Remove segments of shared memory of this user that are old and that nobody has open.

    A process in another container may have one open without being seen from here; it does not need
    the name any more.
    """
    old = dict(_old(folder))
    if not old:
        return
    opened = set(_open_files())
    for path, identity in old.items():
        if identity not in opened:
            with suppress(OSError):
                path.unlink()


def _old(folder: Path) -> Iterator[tuple[Path, Identity]]:
    for path in folder.glob(PATTERN):
        with suppress(OSError):
            status = path.lstat()
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > SETTLED:
                yield path, (status.st_dev, status.st_ino)


def _open_files() -> Iterator[Identity]:
    """Every file that this user's processes have open."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError), os.scandir(process / "fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat()
                    yield status.st_dev, status.st_ino
