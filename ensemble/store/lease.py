"""Who may work on something: a file that exists while its holder is alive.

It is put in place whole and exclusively, says who made it, and is touched again and again while
its holder lives. It is taken over

* at once where its holder is a process of this machine, and dead;
* where its holder is elsewhere, when it was not touched for `STALE_AFTER` seconds of the
  *observer's* own clock: no two machines' clocks are compared.

A holder that was only suspended finds out by `Lease.confirm`, which it calls before it changes
anything.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ensemble.store.errors import LeaseHeld, LeaseLost, explained

HEARTBEAT = 10.0
"""Seconds between two touches."""

STALE_AFTER = 90.0
"""Seconds without one after which a holder on another machine is taken for dead. Network file
systems may show the state of a minute ago."""

SILENT_AFTER = 600.0
"""Seconds without a touch after which a holder on another machine is no longer said to be at work:
more than the clocks of two machines differ."""

NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
"""What file systems without hard links say."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process, named so that it is not mistaken for another on any machine."""

    host: str
    boot: str
    """Differs between machines, and between two starts of one."""
    namespace: str
    """Of process numbers: two containers on a machine count on their own."""
    pid: int
    started: str
    """In ticks since the machine's start: numbers of processes are used again."""

    @classmethod
    def me(cls) -> Self:
        """The process that asks."""
        pid = os.getpid()
        state = _process(pid)
        return cls(**_machine(), pid=pid, started=state[1] if state else "")

    def alive(self) -> bool | None:
        """Whether it lives; None where that cannot be seen from here."""
        here = _machine()
        if (self.boot, self.namespace) != (here["boot"], here["namespace"]):
            return None
        return _process(self.pid) == ("alive", self.started)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True)
class Seen:
    """A lease as it lies on the disk."""

    content: bytes
    touched: int
    """Modification time in ns, on whatever clock."""

    @property
    def token(self) -> str:
        """Of the lease; empty where its maker was killed before it could write it."""
        return str(self._fields.get("token", ""))

    @property
    def holder(self) -> Holder | None:
        """Who made it; None where that is not written there."""
        with suppress(TypeError, KeyError):
            return Holder(**self._fields["holder"])
        return None

    @property
    def is_held(self) -> bool:
        """Whether its holder is at work, as far as can be seen from here. Of one elsewhere that is
        what two clocks say, which is good enough to be told, and not for taking over.
        """
        alive = None if self.holder is None else self.holder.alive()
        return time.time() - self.touched / 1e9 < SILENT_AFTER if alive is None else alive

    @property
    def _fields(self) -> dict[str, Any]:
        with suppress(ValueError):
            fields = json.loads(self.content)
            return fields if isinstance(fields, dict) else {}
        return {}

    def __str__(self) -> str:
        return str(self.holder or "a process that has not said who it is")


def look(path: Path) -> Seen | None:
    """The lease that is there, if there is one.

    Raises
    ------
    OSError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return Seen(file.read(), os.fstat(file.fileno()).st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_held(path: Path) -> bool:
    """Whether someone is at work, as far as can be seen from here."""
    seen = look(path)
    return seen is not None and seen.is_held


def revoke(path: Path) -> Seen | None:
    """Take a lease away from whoever has it; returns what it was. The holder finds out at its next
    heartbeat, on whatever machine it is.

    Raises
    ------
    DiskFull, ReadOnly
        The file cannot be removed.
    """
    with explained(path):
        if (seen := look(path)) is not None:
            _remove(path, seen.token)
        return seen


class Observer:
    """Remembers when it last saw that each lease was touched."""

    def __init__(
        self, stale_after: float = STALE_AFTER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stale_after = stale_after
        self._clock = clock
        self._last: dict[Path, tuple[Seen, float]] = {}

    def is_stale(self, path: Path, seen: Seen) -> bool:
        """Whether the holder of a lease is gone."""
        holder = seen.holder
        alive = holder.alive() if holder is not None else None
        if alive is not None:
            # A lease of this very process that nobody here holds could not be removed in its time.
            return not alive or (holder == Holder.me() and seen.token not in _held)
        now = self._clock()
        last, since = self._last.get(path, (None, now))
        if last != seen:
            self._last[path] = seen, now
            return False
        return now - since >= self._stale_after

    def forget(self, path: Path) -> None:
        """The lease is not there any more."""
        self._last.pop(path, None)


OBSERVER = Observer()


class Lease:
    """The right to work on something, until `release` or the end of the process."""

    def __init__(self, path: Path, token: str) -> None:
        self.path = path
        self.token = token
        self.lost = False
        """Whether the heartbeat has found that someone else has taken over."""

    @classmethod
    def acquire(cls, path: Path, *, patience: float = 0.0, observer: Observer = OBSERVER) -> Self:
        """Take the lease that a file stands for.

        Parameters
        ----------
        path
            The file; its folder is made where there is none.
        patience
            For how many seconds to try again while it is held.

        Raises
        ------
        LeaseHeld
            Someone else is at work.
        DiskFull, ReadOnly
            The file cannot be made.
        """
        lease = cls(path, secrets.token_hex(8))
        deadline = time.monotonic() + patience
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            while not lease._create():
                seen = look(path)
                if seen is None:
                    continue
                if observer.is_stale(path, seen):
                    _remove(path, seen.token)
                elif time.monotonic() >= deadline:
                    raise LeaseHeld(path, str(seen))
                else:
                    time.sleep(0.05)
            _clear_aside(path)
        observer.forget(path)
        _beat_for(lease)
        return lease

    def confirm(self) -> None:
        """Make sure that it is still held.

        Raises
        ------
        LeaseLost
            It is not.
        """
        seen = look(self.path)
        if seen is None or seen.token != self.token:
            self.lost = True
            raise LeaseLost(self.path, str(seen or "someone who removed it"))

    def release(self) -> None:
        """Give it back. On a disk that refuses, it ends with this process."""
        with _lock:
            _held.pop(self.token, None)
        with suppress(OSError):
            _remove(self.path, self.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _create(self) -> bool:
        """Put the file in place, unless there is one.

        It is written aside and linked, so that who is killed on the way leaves no lease that does
        not say whose it is.
        """
        content = json.dumps({"token": self.token, "holder": asdict(Holder.me())}).encode()
        aside = self.path.with_name(f"{self.path.name}.{self.token}")
        try:
            _write_new(aside, content)
            return _link(aside, self.path, content)
        finally:
            aside.unlink(missing_ok=True)

    def _beat(self) -> None:
        with suppress(OSError):
            seen = look(self.path)
            if seen is None or seen.token != self.token:
                self.lost = True
            else:
                os.utime(self.path)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that must not be there yet; FileExistsError if it is."""
    with path.open("xb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            path.unlink()
            raise


def _link(aside: Path, path: Path, content: bytes) -> bool:
    """Give a file with that content its second name, unless someone has that; says whether it did.

    Where there are no hard links it is written under that name.
    """
    try:
        os.link(aside, path)
    except (FileExistsError, FileNotFoundError):
        return False  # who was faster may have cleared it away already
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with suppress(FileExistsError):
            _write_new(path, content)
            return True
        return False
    return True


def _clear_aside(path: Path) -> None:
    """Remove what was left aside by processes that were killed before they had this lease."""
    with suppress(OSError):
        for name in os.listdir(path.parent):
            if name.startswith(f"{path.name}."):
                (path.parent / name).unlink(missing_ok=True)


def _remove(path: Path, token: str) -> None:
    """Remove a lease if it is the one with that token.

    Two who have found the same one stale wait for each other at a lock on the file itself, which
    the system drops when they die; the second then sees that the path leads to another file.
    """
    try:
        file = path.open("rb+")
    except FileNotFoundError:
        return
    with file:
        # Where there are no such locks, the window is as long as the next three lines take.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            same = os.path.samestat(os.fstat(file.fileno()), path.stat())
            if same and Seen(file.read(), 0).token == token:
                path.unlink()


_held: dict[str, Lease] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None


def _beat_for(lease: Lease) -> None:
    """One thread touches all the leases of this process, while there are any."""
    global _thread
    with _lock:
        _held[lease.token] = lease
        if _thread is None:
            _thread = threading.Thread(target=_heartbeat, name="leases", daemon=True)
            _thread.start()


def _heartbeat() -> None:
    global _thread
    while True:
        time.sleep(HEARTBEAT)
        with _lock:
            leases = list(_held.values())
            if not leases:
                _thread = None
                return
        for lease in leases:
            lease._beat()


@cache
def _machine() -> dict[str, str]:
    return {
        "host": socket.gethostname(),
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "namespace": os.readlink("/proc/self/ns/pid"),
    }


def _process(pid: int) -> tuple[str, str] | None:
    """Whether a process is alive, and its start in ticks; None where there is none.

    One that has ended, but whose parent has not asked yet, does nothing any more.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything; the state is the first field behind it.
    fields = status.rpartition(")")[2].split()
    return ("ended" if fields[0] in "ZX" else "alive"), fields[19]
