"""Does something to a store and is killed by SIGKILL on the way, at a place that it is told.

Each line on standard input is ``<what> <folder> <number>``: a child is forked, does ``what`` in the
folder, and dies right before the number-th change to the file system that it would make (with
``lease``: before the number-th step of any kind). Answers ``killed``, or ``done`` where there were
no more than that.
"""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType

from small_stores import CAMPAIGN, GROWN, make_store

import ensemble.store.lease as leases
from ensemble.store.lease import Lease

# The children must not have to import anything, or they would be slow.
import_module("zarr")

CHANGES = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.utime", "shutil.rmtree"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def die_before(number: int) -> None:
    """Be killed before a change to the file system, counted from 0."""
    left = [number]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in CHANGES or (event == "open" and int(arguments[2] or 0) & WRITES):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

    sys.addaudithook(watch)


def die_before_call(number: int) -> None:
    """Be killed before a call from the module of leases into the interpreter's own C functions,
    counted from 0: so also between opening a file and writing it.
    """
    left = [number]

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "c_call" and frame.f_code.co_filename == leases.__file__:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

    sys.setprofile(watch)


def do(what: str, folder: Path, number: int) -> None:
    """In the child."""
    if what in ("create", "grow"):
        die_before(number)
        make_store(folder, CAMPAIGN if what == "create" else GROWN)
    elif what == "lease":
        die_before_call(number)
        Lease.acquire(folder / "lease").release()
    else:
        store = make_store(folder)
        die_before(number)
        store.finish(store.run())


def main() -> None:
    """Serve until the input ends."""
    for line in sys.stdin:
        what, folder, number = line.split()
        child = os.fork()
        if child == 0:
            do(what, Path(folder), int(number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        answer = "killed" if killed else "done" if status == 0 else f"failed: {status}"
        print(answer, flush=True)


main()
