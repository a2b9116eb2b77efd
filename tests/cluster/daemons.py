"""What the job queues of the tests share: how their daemons are started, asked and ended."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable

import psutil

PATIENCE = 60.0


def missing(programs: Iterable[str]) -> list[str]:
    """What would have to be installed."""
    return [name for name in programs if shutil.which(name) is None]


def run(*words: str) -> str:
    """A command's output; it has to succeed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
    return done.stdout.strip()


def succeeds(*words: str) -> bool:
    """Whether a command does; its output is nobody's."""
    return subprocess.run(words, capture_output=True, timeout=PATIENCE, check=False).returncode == 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def end(daemon: psutil.Process) -> None:
    """End a daemon; one that still waits for another is killed."""
    daemon.terminate()
    try:
        daemon.wait(timeout=10)
    except psutil.TimeoutExpired:
        daemon.kill()


def free_port() -> int:
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
