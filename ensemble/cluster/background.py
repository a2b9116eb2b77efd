"""Launchers in the background: started, found, and taken over from.

A launcher in the background holds a lease in the store, so that `ensemble status` can tell where it
is. The next launch takes that away and goes on in its place; the old one notices at its heartbeat,
within ten seconds, and stops as after Ctrl-C. Until then both are at work, which the leases of the
runs allow for. It makes no difference whether they are on one machine. A launch that cannot have
its cluster takes nothing away.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ensemble.cluster.progress import Reporter
from ensemble.store.info import check_place
from ensemble.store.layout import StorePaths
from ensemble.store.lease import Lease, look, revoke

POLL_SECONDS = 0.2


@contextmanager
def in_place_of_others(
    paths: StorePaths, stop: threading.Event, reporter: Reporter, *, background: bool
) -> Iterator[None]:
    """Take over from a launcher in the background, and be the one if `background`: `stop` is set
    when the next launch has taken over. Where it is set before, all is left as it is.

    Raises
    ------
    ensemble.store.StoreError
        The store cannot be written.
    """
    if stop.is_set():
        yield
        return
    before = revoke(paths.launcher)
    if before is not None:
        reporter.note(
            f"takes over from the launcher in the background, {before}"
            if before.is_held
            else f"the launcher in the background died: {before}"
        )
    if not background:
        yield
        return
    with Lease.acquire(paths.launcher) as lease:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(POLL_SECONDS):
                if lease.lost:
                    stop.set()
                    return

        thread = threading.Thread(target=watch, name="launcher", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def start(store: Path, arguments: Sequence[str]) -> tuple[int, str]:
    """Start ``ensemble launch`` with some arguments in the background of this machine.

    It is in a session of its own: it stays when the terminal goes. What it says is added to a file
    in the store.

    Returns
    -------
    0 and where it is, once it is at work; its exit status and what it said, if it ended before.

    Raises
    ------
    ensemble.store.StoreError
        There is something else in the folder.
    OSError
        The file cannot be written.
    """
    check_place(store)
    paths = StorePaths(store)
    paths.work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "ensemble.cli", "launch", *arguments]
    with paths.launch_log.open("a+") as log:
        before = log.tell()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        while child.poll() is None:
            seen = look(paths.launcher)
            if seen is not None and seen.holder is not None and seen.holder.pid == child.pid:
                child.returncode = 0  # nobody waits for it: it is not this process's any more
                return 0, f"launched in the background: {seen.holder}; log: {paths.launch_log}"
            time.sleep(POLL_SECONDS)
        log.seek(before)
        return child.returncode, log.read().strip()
