"""Hosts on which runs fail one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import LocalCluster
from launches import (
    GK,
    HEAD,
    Launcher,
    check_complete,
    events_of,
    wait_until,
    write_campaign,
)

from ensemble.cluster.hosts import (
    FIRST_REST,
    LONGEST_REST,
    QUICK_SECONDS,
    SUSPICIOUS_RUNS,
    Hosts,
)
from ensemble.cluster.jobs import Outcome, Receipt
from ensemble.md.failures import Cause

RUNS = "abcdefgh"


def hosts(*names: str) -> Hosts:
    """Those that have begun runs."""
    known = Hosts()
    for name in names:
        known.see(name, f"tcp://{name}:1")
    return known


def failed(
    key: str, host: str, cause: Cause = Cause.LAMMPS_ERROR, *, seconds: float = 1, segments: int = 0
) -> Receipt:
    return Receipt(
        key=key,
        outcome=Outcome.FAILED,
        cause=cause,
        host=host,
        seconds=seconds,
        segments=segments,
    )


def done(key: str, host: str) -> Receipt:
    return Receipt(key=key, outcome=Outcome.DONE, host=host, segments=1)


@pytest.mark.parametrize("cause", [Cause.LAMMPS_ERROR, Cause.INTERNAL, Cause.MISSING_FILE])
def test_several_runs_that_fail_one_after_the_other(cause: Cause) -> None:
    known = hosts("good", "bad")
    first = [known.note(failed(run, "bad", cause), now=5.0) for run in RUNS[:SUSPICIOUS_RUNS]]
    assert first[:-1] == [None] * (SUSPICIOUS_RUNS - 1)
    found = first[-1]
    assert found is not None
    assert (found.host, found.seconds) == ("bad", FIRST_REST)
    assert found.runs == set(RUNS[:SUSPICIOUS_RUNS])
    assert known.left_out(now=5.0) == {"bad": FIRST_REST}
    assert known.left_out(now=105.0) == {"bad": FIRST_REST - 100}
    assert known.left_out(now=5.0 + FIRST_REST) == {}


def left_out(known: Hosts, receipts: list[Receipt], now: float = 0.0) -> bool:
    return any([known.note(receipt, now) is not None for receipt in receipts])


def test_it_is_longer_each_time_until_a_run_gets_on() -> None:
    known, now, rests = hosts("good", "bad"), 0.0, []
    for _ in range(10):
        for run in RUNS[:SUSPICIOUS_RUNS]:
            if (found := known.note(failed(run, "bad"), now)) is not None:
                rests.append(found.seconds)
                now += found.seconds
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST]
    assert rests[-1] == LONGEST_REST
    known.note(done("z", "bad"), now)
    assert left_out(known, [failed(run, "bad") for run in RUNS[:SUSPICIOUS_RUNS]], now)
    assert known.left_out(now) == {"bad": FIRST_REST}


def test_runs_that_were_on_their_way_there_are_excused() -> None:
    """Nor is the host left out for longer because of them."""
    known = hosts("good", "bad")
    assert left_out(known, [failed(run, "bad") for run in RUNS[:SUSPICIOUS_RUNS]])
    assert known.excuses(failed("z", "bad"), now=1.0)
    assert not known.excuses(failed("z", "good"), now=1.0)
    assert not known.excuses(failed("z", "bad", Cause.LOST_ATOMS), now=1.0)
    assert not left_out(known, [failed(run, "bad") for run in RUNS], now=1.0)
    assert not known.excuses(failed("z", "bad"), now=FIRST_REST)


def test_a_second_error_on_the_same_host_says_nothing_new() -> None:
    known = hosts("one", "two")
    assert not known.excuses(failed("a", "one"), now=0.0)
    known.note(failed("a", "one"), now=0.0)
    assert known.excuses(failed("a", "one"), now=1.0)
    assert not known.excuses(failed("a", "two"), now=1.0)
    alone = hosts("one")
    alone.note(failed("a", "one"), now=0.0)
    assert not alone.excuses(failed("a", "one"), now=1.0)


def test_there_has_to_be_another_host() -> None:
    known = hosts("only")
    assert not known.several
    assert not left_out(known, [failed(run, "only") for run in RUNS])


def test_who_has_not_told_yet_may_be_elsewhere() -> None:
    known = hosts("one")
    assert known.maybe_several(workers=2)
    assert not known.maybe_several(workers=1)
    known.see("one", "tcp://one:2")
    assert not known.maybe_several(workers=2)
    known.see("two", "tcp://two:1")
    assert known.maybe_several(workers=3)


def test_the_last_one_stays() -> None:
    known = hosts("one", "two")
    assert known.several
    assert left_out(known, [failed(run, "one") for run in RUNS[:4]])
    assert not left_out(known, [failed(run, "two") for run in RUNS[4:]])


def test_a_run_that_fails_everywhere_is_to_blame_itself() -> None:
    known = hosts("one", "two", "three")
    for run in RUNS:
        assert not left_out(known, [failed(run, host) for host in ("one", "two")])


def test_one_run_alone_says_nothing() -> None:
    known = hosts("one", "two")
    assert not left_out(known, [failed("a", "one")] * 10)


def test_what_gets_on_clears_a_host() -> None:
    known = hosts("one", "two")
    receipts = [failed("a", "one"), failed("b", "one"), done("c", "one"), failed("d", "one")]
    assert not left_out(known, receipts)
    assert not left_out(hosts("one", "two"), [failed(run, "one", segments=1) for run in RUNS])


@pytest.mark.parametrize(
    "receipt",
    [
        failed("", "one", Cause.KILLED),
        failed("", "one", Cause.TERMINATED),
        failed("", "one", Cause.MEMORY),
        failed("", "one", Cause.LOST_ATOMS),
        failed("", "one", seconds=QUICK_SECONDS + 1),
        failed("", ""),
        Receipt(key="", outcome=Outcome.HELD, host="one"),
    ],
)
def test_what_is_not_the_hosts_fault(receipt: Receipt) -> None:
    known = hosts("one", "two")
    assert not left_out(known, [replace(receipt, key=run) for run in RUNS])


PICKY = """\
#!/bin/sh
read host < /proc/sys/kernel/hostname
[ "$host" != bad ] || {{ echo "libgood.so: cannot open shared object file"; exit 127; }}
sleep 0.2
exec {lmp} "$@"
"""


@contextmanager
def worker_on(host: str, scheduler: str, folder: Path) -> Iterator[None]:
    """A worker whose machine has a name of its own."""
    own = ["--uts"] if os.geteuid() == 0 else ["--uts", "--user", "--map-root-user"]
    worker = [sys.executable, "-P", "-m", "ensemble.cluster.backends.worker", scheduler]
    worker += ["--name", host, "--host", "127.0.0.1", "--local-directory", str(folder)]
    renamed = f'echo {host} > /proc/sys/kernel/hostname; exec "$@"'
    command = ["unshare", *own, "sh", "-c", renamed, "sh", *worker]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def test_a_host_without_a_library(tmp_path: Path) -> None:
    """It spoils no run: what it failed at is done by the other."""
    program = tmp_path / "picky-lmp"
    program.write_text(PICKY.format(lmp=Path(sys.prefix) / "bin" / "lmp"))
    program.chmod(0o755)
    study = GK.replace("time = 24", "time = 4").replace("seeds = 2", "seeds = 8")
    campaign = write_campaign(tmp_path, f'{HEAD}{study}\n[engine]\ncommand = "{program}"\n')
    store = tmp_path / "store"
    with LocalCluster(
        n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        address = cluster.scheduler_address
        section = tmp_path / "address.toml"
        section.write_text(f'[cluster]\nkind = "address"\naddress = "{address}"\n')
        with worker_on("bad", address, tmp_path), worker_on("good", address, tmp_path):
            wait_until(lambda: len(cluster.scheduler.workers) == 2)
            with Launcher(campaign, store, "--cluster", str(section)) as launcher:
                assert launcher.ended() == 0, launcher.log.read_text()
    told = f"bad: left out for 10 min, since {SUSPICIOUS_RUNS} runs failed there one after"
    assert told in launcher.log.read_text()
    events = events_of(store)
    # One or two more may have been on their way there.
    assert {e["host"] for e in events if e["kind"] == "failed"} == {"bad"}
    assert [e["host"] for e in events if e["kind"] == "done"] == ["good"] * 8
    check_complete(store)
