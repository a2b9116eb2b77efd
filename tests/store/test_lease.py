"""Leases: one holder at a time, whoever dies when."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_stores import Interrupt

import ensemble.store.lease as leases
from ensemble.store.errors import LeaseHeld, LeaseLost
from ensemble.store.lease import Holder, Lease, Observer, is_held, look, revoke

CONTENDER = Path(__file__).with_name("contender.py")


def contenders(what: str, folder: Path, rounds: int, number: int) -> list[subprocess.Popen[str]]:
    """Processes that want the same leases."""
    command = [sys.executable, str(CONTENDER), what, str(folder), str(rounds)]
    pipe = subprocess.PIPE
    return [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(number)]


def write_lease(path: Path, **holder: object) -> None:
    """A lease of somebody who differs from this process in some ways."""
    fields = vars(Holder.me()) | holder
    path.write_text(json.dumps({"token": "theirs", "holder": fields}))


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lease"
    assert not is_held(path)
    with Lease.acquire(path) as lease:
        assert is_held(path)
        lease.confirm()
        with pytest.raises(LeaseHeld, match=f"held by process {os.getpid()} on "):
            Lease.acquire(path)
    assert not path.exists()
    Lease.acquire(path).release()
    assert list(path.parent.iterdir()) == []


def test_whoever_loses_it_finds_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT", 0.05)
    path = tmp_path / "lease"
    assert revoke(path) is None
    with Lease.acquire(path) as lease:
        seen = revoke(path)
        assert seen is not None
        assert (seen.token, seen.holder) == (lease.token, Holder.me())
        assert not path.exists()
        assert eventually(lambda: lease.lost)
        with Lease.acquire(path) as other:
            lease.release()
            other.confirm()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_whoever_is_patient_gets_it(tmp_path: Path) -> None:
    first = Lease.acquire(tmp_path / "lease")
    timer = threading.Timer(0.2, first.release)
    timer.start()
    with Lease.acquire(tmp_path / "lease", patience=60.0) as second:
        second.confirm()
    timer.join()


def test_a_lease_that_was_removed_or_taken_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    lease = Lease.acquire(path)
    path.unlink()
    with pytest.raises(LeaseLost, match="taken over by someone who removed it"):
        lease.confirm()
    write_lease(path, host="elsewhere", pid=7)
    with pytest.raises(LeaseLost, match="taken over by process 7 on elsewhere"):
        lease.confirm()
    assert lease.lost
    lease.release()
    assert path.exists()  # it is not this one's to remove


def dead_process(path: Path) -> subprocess.Popen[str]:
    """A process that was killed while it held a lease, and whose parent has not asked yet."""
    code = (
        "import sys; from pathlib import Path; from ensemble.store.lease import Lease\n"
        "lease = Lease.acquire(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=path.parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(LeaseHeld, match=f"held by process {process.pid} on "):
        Lease.acquire(path)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return process


def test_the_lease_of_a_dead_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    with dead_process(path):
        assert not is_held(path)
        with Lease.acquire(path) as lease:
            lease.confirm()


def test_who_is_killed_on_the_way_to_a_lease_keeps_nobody_out(
    tmp_path: Path, interrupt: Interrupt
) -> None:
    """Killed before each step in turn; the next one gets it at once."""
    kills = 0
    while interrupt("lease", tmp_path, kills):
        kills += 1
        with Lease.acquire(tmp_path / "lease") as lease:
            assert [path.name for path in tmp_path.iterdir()] == ["lease"]
            lease.confirm()
    assert kills > 20
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_disk_without_links_has_leases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Such as a memory stick; there is none here, so the system is made to say what it would."""

    def refuse(*names: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    with Lease.acquire(tmp_path / "lease") as lease:
        lease.confirm()
        with pytest.raises(LeaseHeld, match=f"held by process {os.getpid()} on "):
            Lease.acquire(tmp_path / "lease")
        assert [path.name for path in tmp_path.iterdir()] == ["lease"]
    assert list(tmp_path.iterdir()) == []


def test_another_process_with_the_same_number_is_another(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    write_lease(path, started="1")
    assert not is_held(path)
    Lease.acquire(path).release()


def test_what_this_process_could_not_remove_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    write_lease(path)
    Lease.acquire(path).release()


@pytest.mark.parametrize(
    "elsewhere",
    [{"boot": "another"}, {"namespace": "pid:[1]"}, {"boot": "another", "host": "node7"}],
)
def test_somebody_elsewhere_is_watched_by_our_own_clock(
    tmp_path: Path, elsewhere: dict[str, object]
) -> None:
    path, clock = tmp_path / "lease", Clock()
    observer = Observer(stale_after=90.0, clock=clock)
    write_lease(path, **elsewhere, pid=os.getpid())
    assert is_held(path)
    long_ago = time.time() - leases.SILENT_AFTER - 1
    os.utime(path, (long_ago, long_ago))
    assert not is_held(path)  # is said of it; to be taken over it has to be watched
    os.utime(path)
    assert is_held(path)
    # Its own clock may be anywhere.
    os.utime(path, (4e9, 4e9))
    for wait in (0.0, 89.0):
        clock.now += wait
        with pytest.raises(LeaseHeld):
            Lease.acquire(path, observer=observer)
    os.utime(path, (5.0, 5.0))
    for wait in (89.0, 89.0):
        clock.now += wait
        with pytest.raises(LeaseHeld):
            Lease.acquire(path, observer=observer)
    clock.now += 1.0
    with Lease.acquire(path, observer=observer) as lease:
        lease.confirm()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": "a"}', '{"holder": 3}'])
def test_a_lease_that_was_never_written_out_is_watched(tmp_path: Path, content: str) -> None:
    path, clock = tmp_path / "lease", Clock()
    observer = Observer(clock=clock)
    path.write_text(content)
    with pytest.raises(LeaseHeld, match="a process that has not said who it is"):
        Lease.acquire(path, observer=observer)
    clock.now += leases.STALE_AFTER
    Lease.acquire(path, observer=observer).release()


def test_the_heart_beats_and_sees_a_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT", 0.01)
    monkeypatch.setattr(leases, "_thread", None)  # the one there may be has a longer beat
    kept, taken = Lease.acquire(tmp_path / "kept"), Lease.acquire(tmp_path / "taken")
    touched = look(kept.path)
    assert touched is not None
    write_lease(taken.path, host="elsewhere")
    theirs = look(taken.path)
    while look(kept.path) == touched or not taken.lost:
        pass
    assert look(taken.path) == theirs
    assert not kept.lost
    kept.confirm()
    kept.release()
    taken.release()


def test_counts_add_up_under_a_lease(tmp_path: Path) -> None:
    """Read, add, write by four processes at once, of which every third dies holding the lease."""
    (tmp_path / "count").write_text("0")
    processes = contenders("count", tmp_path, rounds=15, number=4)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert (tmp_path / "count").read_text() == "60"


def test_of_all_who_find_a_stale_lease_one_gets_it(tmp_path: Path) -> None:
    rounds, number = 200, 4
    processes = contenders("take", tmp_path, rounds, number)
    for round_ in range(rounds):
        write_lease(tmp_path / f"lease-{round_}", started="1")
        (tmp_path / f"go-{round_}").touch()
        # Each has had its try when it has answered, and holds on to what it got.
        answers = [process.stdout.readline() for process in processes if process.stdout]
        assert sorted(answers) == ["held\n"] * (number - 1) + ["mine\n"]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
