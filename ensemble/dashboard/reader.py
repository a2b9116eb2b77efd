"""A process beside the scheduler that reads a store for all who look on.

``python -m ensemble.dashboard.reader STORE`` takes a request a line, as JSON, and answers each with
eight bytes that say how many follow. It ends when its standard input does, so with the scheduler.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

if TYPE_CHECKING:
    from ensemble.dashboard.news import GroupKey, News, Picture

__all__ = ["Form", "Reader"]

Form = Literal["json", "metrics"]
"""In which all that is known can be had."""

LENGTH = struct.Struct("!Q")

GRACE = 2.0
"""Seconds that a process may take to die."""


class Reader:
    """The process, as the scheduler has it; started by the first request.

    Parameters
    ----------
    store
        Folder of the store.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._process: Any = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process; None where there is none."""
        return None if self._process is None else self._process.pid

    async def look(self, told: Collection[str], wanted: Collection[GroupKey], workers: int) -> News:
        """What is new in the store; see `ensemble.dashboard.watcher.Watcher.look`.

        Raises
        ------
        OSError, ValueError, EOFError
            The process cannot be started, or has ended. The next request starts another.
        """
        request = {"told": list(told), "wanted": list(wanted), "workers": workers}
        news: News = pickle.loads(await self._ask({"look": request}))
        return news

    async def all(self, form: Form) -> bytes:
        """All that is known, as of the last look; raises what `look` does."""
        return await self._ask({"all": form})

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            # What was not sent is of no use now.
            with suppress(OSError):
                pipe.close()
        # One that waits for a disk that does not answer is left to that.
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)

    async def _ask(self, request: dict[str, Any]) -> bytes:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._answer_to, request)
            except BaseException:
                # An answer that was not waited for would be taken for that to the next request.
                self.stop()
                raise

    def _answer_to(self, request: dict[str, Any]) -> bytes:
        process = self._process or self._start()
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        (length,) = LENGTH.unpack(_read(process.stdout, LENGTH.size))
        return _read(process.stdout, length)

    def _start(self) -> Any:
        self._process = subprocess.Popen(
            (sys.executable, "-P", "-m", "ensemble.dashboard.reader", self._store),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        return self._process


def _read(pipe: BinaryIO, count: int) -> bytes:
    """So many bytes.

    Raises
    ------
    EOFError
        There are not so many.
    """
    content = pipe.read(count)
    if len(content) < count:
        raise EOFError("no answer")
    return content


def main() -> None:
    """Answer until there are no more requests."""
    # Ctrl-C goes to all processes of the terminal; what it means is for the launcher to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)


def serve(store: Path, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests about a store."""
    from ensemble.dashboard.watcher import Watcher

    watcher = Watcher(store)
    for line in requests:
        request = json.loads(line)
        if "look" in request:
            about = request["look"]
            wanted = {(study, *place) for study, *place in about["wanted"]}
            answer = pickle.dumps(watcher.look(about["told"], wanted, about["workers"]))
        else:
            answer = _in_form(request["all"], watcher.picture)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _in_form(form: Form, picture: Picture) -> bytes:
    if form == "json":
        from ensemble.dashboard.data import as_json

        return as_json(picture)
    from ensemble.dashboard.metrics import as_metrics

    return as_metrics(picture)


if __name__ == "__main__":
    main()
