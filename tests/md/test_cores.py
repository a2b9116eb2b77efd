"""Cores that one run has and no other on the machine."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from ensemble.md import cores
from ensemble.md.cores import own_cores

HOLD = """
import sys
from ensemble.md import cores

cores.CLAIM = sys.argv[1]
with cores.own_cores(1) as own:
    print(*own, flush=True)
    sys.stdin.read()
"""

SHOW = "import os; print(*os.sched_getaffinity(0))"


@pytest.fixture(autouse=True)
def claim(monkeypatch: pytest.MonkeyPatch) -> str:
    """Names that no run has that is at work on this machine meanwhile."""
    name = f"ensemble-test-{os.getpid()}-"
    monkeypatch.setattr(cores, "CLAIM", name)
    return name


def test_threads_do_not_share_cores() -> None:
    """And what they start has theirs."""
    allowed, both = os.sched_getaffinity(0), Barrier(2)

    def work() -> tuple[set[int], set[int]]:
        with own_cores(len(allowed) // 2) as own:
            both.wait(timeout=60)
            child = subprocess.run(
                [sys.executable, "-c", SHOW], check=True, capture_output=True, text=True
            )
            both.wait(timeout=60)
        assert os.sched_getaffinity(0) == allowed
        return own, set(map(int, child.stdout.split()))

    with ThreadPoolExecutor(2) as threads:
        (one, one_child), (other, other_child) = (
            each.result() for each in [threads.submit(work) for _ in range(2)]
        )
    assert len(one) == len(other) == len(allowed) // 2
    assert not one & other
    assert (one_child, other_child) == (one, other)


def test_processes_do_not_share_cores_and_who_is_killed_has_none(claim: str) -> None:
    command = [sys.executable, "-c", HOLD, claim]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        taken = set(map(int, other.stdout.readline().split()))
        assert len(taken) == 1
        with own_cores(1) as own:
            assert len(own) == 1
            assert not own & taken
        other.kill()
        other.wait()
        with own_cores(1) as own:
            assert own == taken


def test_too_few_cores_are_shared() -> None:
    allowed = os.sched_getaffinity(0)
    with own_cores(len(allowed)) as all_of_them, own_cores(1) as none_left:
        assert all_of_them == none_left == allowed
    with own_cores(len(allowed) + 1) as more:
        assert more == allowed
    with own_cores(len(allowed)) as again:
        assert again == allowed
