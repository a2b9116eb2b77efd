"""Fixtures of the store's tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_stores import Interrupt, SmallStore, make_store


@pytest.fixture
def store(tmp_path: Path) -> SmallStore:
    """A store without a sample."""
    return make_store(tmp_path)


@pytest.fixture(scope="module")
def interrupt() -> Iterator[Interrupt]:
    """Does something in a process that is killed on the way; says whether it was."""
    script = Path(__file__).with_name("interrupted.py")
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def ask(what: str, folder: Path, number: int) -> bool:
            print(what, folder, number, file=server.stdin, flush=True)
            answer = server.stdout.readline().strip()
            assert answer in ("killed", "done")
            return answer == "killed"

        yield ask
        server.stdin.close()
