"""The ledger: every attempt a line, whatever happened to the line before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_stores import SmallStore

from ensemble.store import ledger
from ensemble.store.ledger import (
    LONGEST_MESSAGE,
    History,
    Kind,
    append,
    event_of,
    events,
    read,
)


def test_events_come_back(store: SmallStore) -> None:
    run = store.run()
    written = [
        event_of(run, "failed", segment=3, cause="killed", message="SIGKILL", wall=1.5),
        event_of(run, "done", wall=2.0),
    ]
    for event in written:
        append(store.paths, event)
    assert list(events(store.paths)) == written
    assert written[0].time.endswith("+00:00")


def test_launches_are_told_from_attempts(store: SmallStore) -> None:
    first = ledger.Launch(runs=3, workers=2, estimate=12.5)
    done, second = event_of(store.run(), "done"), ledger.Launch(runs=1, workers=2, estimate=4)
    for line in (first, done, second):
        append(store.paths, line)
    assert list(ledger.launches(store.paths)) == [first, second]
    assert list(events(store.paths)) == [done]
    assert list(read(store.paths)) == [(done.study, done.run)]


def test_no_ledger_is_an_empty_one(store: SmallStore) -> None:
    assert read(store.paths) == {}


def test_history_by_cause(store: SmallStore) -> None:
    first, second = store.plan.runs()
    for cause in ("killed", "drift", "killed"):
        append(store.paths, event_of(first, "failed", cause=cause, message=f"by {cause}"))
    append(store.paths, event_of(second, "failed", cause="drift"))
    history = read(store.paths)[first.study, first.name]
    assert history.causes == {"killed": 2, "drift": 1}
    assert history.failed
    assert history.failure is not None
    assert history.failure.message == "by killed"
    append(store.paths, event_of(first, "retry"))
    history = read(store.paths)[first.study, first.name]
    assert (history.causes, history.failure, history.failed) == ({}, None, False)
    assert read(store.paths)[second.study, second.name].causes == {"drift": 1}


def test_what_a_run_has_got_past_counts_no_more(store: SmallStore) -> None:
    run = store.run()

    def history_after(kind: Kind, **about: object) -> History:
        append(store.paths, event_of(run, kind, **about))
        return read(store.paths)[run.study, run.name]

    history_after("failed", segment=3, cause="memory")
    assert history_after("failed", segment=3, cause="memory").causes == {"memory": 2}
    # The state before was damaged, so an earlier segment was done again.
    assert history_after("failed", segment=2, cause="killed").causes == {"memory": 2, "killed": 1}
    assert history_after("failed", segment=7, cause="memory").causes == {"memory": 1}
    # One that never came to a segment tells nothing of how far the run is.
    assert history_after("failed", cause="killed").causes == {"memory": 1, "killed": 1}
    history = history_after("done", segment=9)
    assert (history.causes, history.failure, history.failed) == ({}, None, False)


@pytest.mark.parametrize("torn", [b'{"kind": "fai', b"\x00\x00\x00", b"[1]", b'{"kind": "done"}'])
def test_a_torn_line_takes_no_other_with_it(store: SmallStore, torn: bytes) -> None:
    event = event_of(store.run(), "done")
    append(store.paths, event)
    with store.paths.ledger.open("ab") as file:
        file.write(torn)
    assert list(events(store.paths)) == [event]
    append(store.paths, event)
    assert list(events(store.paths)) == [event, event]


@pytest.mark.parametrize("letter", ["a", "ß", "\n", "\x01", "😀"])
def test_a_line_is_short(store: SmallStore, letter: str) -> None:
    append(store.paths, event_of(store.run(), "failed", message=letter * 9000))
    (event,) = events(store.paths)
    assert event.message == letter * (LONGEST_MESSAGE - 1) + "…"
    assert len(store.paths.ledger.read_bytes().splitlines()) == 1


def test_many_write_at_once(store: SmallStore, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ensemble.store.layout import StorePaths\n"
        "from ensemble.store.ledger import Event, append\n"
        "for n in range(200):\n"
        "    append(StorePaths(Path(sys.argv[1])), Event(kind='failed', study='gk',\n"
        "           run=sys.argv[2], segment=n, message='x' * 900))"
    )
    root = str(store.paths.root)
    writers = [
        subprocess.Popen([sys.executable, "-c", code, root, f"run-{n}"], cwd=tmp_path)
        for n in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    found = list(events(store.paths))
    for number in range(4):
        mine = [event.segment for event in found if event.run == f"run-{number}"]
        assert mine == list(range(200))
    assert os.path.getsize(store.paths.ledger) < 4096 * 800
    assert len(ledger.read(store.paths)) == 4


def decision(**changes: object) -> ledger.Decision:
    """One on a group of runs."""
    table = {"study": "gk", "group": "soft-T1.35-2x2x2", "decision": "seeds", "runs": 2}
    table |= {"relative_error": 0.11, "seeds": 5, "segments": 4, "message": "more seeds: 3 to 5"}
    return ledger.Decision(**table | changes)


def test_the_last_decision_on_a_group_counts(store: SmallStore) -> None:
    first, last, other = decision(), decision(decision="met", kappa=0.4), decision(group="hard")
    for line in (first, event_of(store.run(), "done"), last, other):
        append(store.paths, line)
    found = ledger.decisions(store.paths)
    assert found == {("gk", first.group): last, ("gk", "hard"): other}
    # They are no attempts at runs.
    assert [event.kind for event in events(store.paths)] == ["done"]
    assert list(read(store.paths)) == [("gk", store.run().name)]


def test_decisions_that_say_the_same() -> None:
    one = decision(time="2000-01-01", host="here")
    assert one.says_the_same_as(decision())
    assert not one.says_the_same_as(None)
    assert not one.says_the_same_as(decision(seeds=6))
