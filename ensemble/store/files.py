"""Files put in place whole: written aside, flushed to the disk, renamed, the folder flushed.

After a crash of the machine a file is then either the old one or the new one; after the death of
the process, which needs no flushing, as well.
"""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

from ensemble.store.errors import explained

_NUMBERS = itertools.count()


def write_atomically(path: Path, data: bytes, *, aside: Path | None = None) -> None:
    """Write a file so that there is never a part of it.

    Parameters
    ----------
    path
        The file, replaced where it exists. Its folder is made where there is none.
    data
        All of its content.
    aside
        Folder on the same disk to write in first; the file's own where not given. Who kills this
        process at the wrong moment finds a file left behind there.

    Raises
    ------
    DiskFull, ReadOnly
        As they say. The old file is as it was.
    """
    with explained(path):
        make_folder(path.parent)
        folder = aside or path.parent
        make_folder(folder)
        temporary = folder / f".{path.name}.{os.getpid()}-{next(_NUMBERS)}"
        try:
            write_durably(temporary, data)
            put_in_place(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def write_if_new(path: Path, data: bytes, *, aside: Path | None = None) -> bool:
    """As `write_atomically`, but leave a file alone that has this content; say if it was written.

    Raises
    ------
    DiskFull, ReadOnly
        As there.
    """
    with suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return False
    write_atomically(path, data, aside=aside)
    return True


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that nobody looks at yet, down to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(source: Path, target: Path) -> None:
    """Rename a file whose content is on the disk, in place of what was there, for good."""
    os.replace(source, target)
    flush(target.parent)


def flush(path: str | Path) -> None:
    """Have the disk write what was done to a file, or to the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, for good."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
    flush(path.parent)
