"""Processes that carry a mark in their environment, whoever their parents are."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0
"""Seconds after which something hangs."""


class Mark:
    """A mark that nothing else carries, and what carries it."""

    def __init__(self) -> None:
        self.text = f"ENSEMBLE_TEST_MARK={uuid.uuid4().hex}"

    @property
    def environment(self) -> dict[str, str]:
        """The mark alone."""
        name, _, value = self.text.partition("=")
        return {name: value}

    def processes(self) -> dict[int, str]:
        """Names of the live ones by their ids. (A zombie has no environment.)"""
        found = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            folder = Path("/proc", entry)
            try:
                if self.text.encode() in (folder / "environ").read_bytes():
                    found[int(entry)] = (folder / "comm").read_text().strip()
            except OSError:
                continue  # it has just ended
        return found

    def named(self, name: str) -> list[int]:
        """Ids of those of a name, or of the beginning of one."""
        return sorted(pid for pid, own in self.processes().items() if own.startswith(name))

    def wait_for(self, name: str, count: int = 1) -> list[int]:
        """Wait until there are so many of a name; their ids."""
        wait_until(lambda: len(self.named(name)) >= count, f"{count} {name}")
        return self.named(name)

    def wait_until_gone(self) -> None:
        wait_until(lambda: not self.processes(), "nothing is left")

    def kill_all(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)
