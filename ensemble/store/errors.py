"""What can go wrong with a store. Each message names the store or the file, and what would do.

All of them can be pickled: they travel from the workers to the launcher.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class StoreError(RuntimeError):
    """Something is wrong with a store.

    Attributes
    ----------
    path : Path
        The store or the file in it.
    """

    def __init__(self, path: Path, *about: object) -> None:
        super().__init__(path, *about)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {', '.join(map(str, self.args[1:]))}"


class StoreMissing(StoreError):
    """There is no store."""

    def __str__(self) -> str:
        if self.path.is_file():
            return f"{self.path}: a file, and no store; a store is a folder, such as runs/NAME"
        stores = [path.parent.name for path in self.path.parent.glob("*/data.zarr")]
        near = get_close_matches(self.path.name, stores, n=1)
        meant = f"; did you mean {self.path.with_name(near[0])}?" if near else ""
        return f"{self.path}: no store; `ensemble launch` makes one{meant}"


class NoPlace(StoreError):
    """A store cannot be made there."""

    def __str__(self) -> str:
        return f"{self.path}: {self.args[1]}; give the store a folder of its own (--store)"


class StoreUnreadable(StoreError):
    """The store's own metadata are not what was written."""


class DiskFull(StoreError):
    """There is no space left, or the quota or the limit on a file's size is reached."""

    def __str__(self) -> str:
        return f"{self.path}: {self.args[1]}; make room, then launch again: nothing is lost"


class ReadOnly(StoreError):
    """Nothing can be written there."""

    def __str__(self) -> str:
        return f"{self.path}: {self.args[1]}; a store has to be writable"


class PhysicsChanged(StoreError):
    """The campaign would give other numbers than those that the store holds."""

    def __init__(self, path: Path, differences: Sequence[str]) -> None:
        super().__init__(path, tuple(differences))
        self.differences = tuple(differences)

    def __str__(self) -> str:
        listed = "".join(f"\n  {difference}" for difference in self.differences)
        return (
            f"{self.path}: holds runs of other physics; nothing was touched:{listed}\n"
            "Take the change back, or give this campaign a new store (--store)."
        )


class NotReproducible(StoreError):
    """A segment that was computed again gave other rows than those in the store."""

    def __init__(self, path: Path, run: str, segment: int) -> None:
        super().__init__(path, run, segment)
        self.run, self.segment = run, segment

    def __str__(self) -> str:
        return (
            f"{self.path}: segment {self.segment} of {self.run} was computed again and gave other "
            "rows than the store has, which were kept; this LAMMPS or this machine does not "
            "reproduce the one before. To start the run afresh, remove its folder and its chunks."
        )


class LeaseHeld(StoreError):
    """Someone else is at work."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(path, holder)
        self.holder = holder

    def __str__(self) -> str:
        return f"{self.path}: held by {self.holder}"


class LeaseLost(StoreError):
    """Someone else has taken over, because no sign of life was seen for too long."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(path, holder)
        self.holder = holder

    def __str__(self) -> str:
        return f"{self.path}: taken over by {self.holder}; nothing of this attempt was kept"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says about a full or read-only disk into `DiskFull` and `ReadOnly`."""
    try:
        yield
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        if error.errno in FULL:
            raise DiskFull(path, words) from error
        if error.errno in READ_ONLY:
            raise ReadOnly(path, words) from error
        raise
