"""Which run comes next, and what becomes of those that fail."""

import pytest

from ensemble.cluster.agenda import (
    AHEAD_SECONDS,
    BATCH_SECONDS,
    FIRST_DELAY,
    IDLE_ATTEMPTS,
    MEMORY_DELAY,
    REAL_FAILURES,
    Agenda,
    Item,
    Window,
    batches,
)
from ensemble.cluster.jobs import Outcome, Receipt
from ensemble.md.failures import Cause


def failed(key: str, cause: Cause, segments: int = 0) -> Receipt:
    return Receipt(key=key, outcome=Outcome.FAILED, cause=cause, segments=segments)


def done(key: str) -> Receipt:
    return Receipt(key=key, outcome=Outcome.DONE)


def take(agenda: Agenda, now: float = 0.0) -> str | None:
    item = agenda.take(now)
    return None if item is None else item.key


def test_the_longest_goes_first_and_equals_keep_their_order() -> None:
    agenda = Agenda([Item("a", 1.0), Item("b", 3.0), Item("c", 3.0), Item("d", 2.0)])
    assert [take(agenda) for _ in range(5)] == ["b", "c", "d", "a", None]


def test_what_is_left_of_a_run_decides() -> None:
    """One that has come to its last segment goes behind those that have more to do."""
    agenda = Agenda([Item("a", 8.0, segments=4), Item("b", 5.0), Item("c", 1.0)])
    assert take(agenda) == "a"
    agenda.settle(Receipt(key="a", outcome=Outcome.STOPPED, segments=3), now=0.0)
    assert (agenda.item("a").cost, agenda.item("a").segments) == (2.0, 1)
    assert [take(agenda) for _ in range(3)] == ["b", "a", "c"]


def test_what_is_learned_of_speeds_changes_the_order() -> None:
    """Also of runs that come later; groups of which nothing is known are as the rest together."""
    agenda = Agenda(
        [
            Item("slow", 2.0, group="slow"),
            Item("quick", 3.0, group="quick"),
            Item("other", 2.5),
            Item("last", 1.0, needs="quick", group="slow"),
        ]
    )
    agenda.learn({"slow": 10.0, "quick": 0.1, "": 1.0})
    assert [take(agenda) for _ in range(3)] == ["slow", "other", "quick"]
    agenda.settle(failed("other", Cause.KILLED), now=0.0)
    agenda.settle(done("quick"), now=0.0)
    assert [take(agenda, now=10.0) for _ in range(2)] == ["last", "other"]


def test_no_more_is_taken_than_asked_for() -> None:
    agenda = Agenda([Item(name, 1.0) for name in "abcd"])
    assert [item.key for item in agenda.take_up_to(2, now=0.0)] == ["a", "b"]
    agenda.settle(failed("a", Cause.KILLED), now=0.0)
    assert agenda.due == FIRST_DELAY
    assert [item.key for item in agenda.take_up_to(2, now=0.0)] == ["c"]
    assert {item.key for item in agenda.take_up_to(9, now=FIRST_DELAY)} == {"a", "d"}
    assert agenda.due is None


def test_a_run_waits_for_the_one_that_it_needs() -> None:
    agenda = Agenda([Item("follower", 9.0, needs="source"), Item("source", 1.0)])
    assert take(agenda) == "source"
    assert take(agenda) is None
    assert not agenda.finished
    assert agenda.settle(done("source"), now=0.0) == []
    assert take(agenda) == "follower"
    agenda.settle(done("follower"), now=0.0)
    assert agenda.finished
    assert agenda.done == {"source", "follower"}


def test_what_follows_a_failed_run_is_blocked() -> None:
    agenda = Agenda([Item("source", 1.0), Item("follower", 1.0, needs="source")])
    take(agenda)
    assert agenda.settle(failed("source", Cause.NUMBERS), now=0.0) == ["source", "follower"]
    assert agenda.blocked == {"follower"}
    assert agenda.finished


def test_what_follows_a_run_that_was_given_up_before_is_blocked() -> None:
    agenda = Agenda([Item("follower", 1.0, needs="source")])
    assert agenda.blocked == {"follower"}
    assert agenda.finished


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.final])
def test_a_trajectory_gone_wrong_is_not_repeated(cause: Cause) -> None:
    agenda = Agenda([Item("a", 1.0)])
    take(agenda)
    agenda.settle(failed("a", cause), now=0.0)
    assert take(agenda, now=1e9) is None
    assert agenda.failed["a"].cause is cause


def test_an_error_of_lammps_is_repeated_once_also_over_launches() -> None:
    agenda = Agenda([Item("a", 1.0), Item("b", 1.0, real_failures=1)])
    for key in (take(agenda), take(agenda)):
        assert key is not None
        given_up = agenda.settle(failed(key, Cause.LAMMPS_ERROR), now=0.0)
        assert given_up == ([] if key == "a" else ["b"])
    assert set(agenda.failed) == {"b"}
    assert take(agenda, now=10.0) == "a"
    assert agenda.settle(failed("a", Cause.LAMMPS_ERROR), now=10.0) == ["a"]
    assert set(agenda.failed) == {"a", "b"}


def test_lost_workers_do_not_use_up_a_run_that_gets_on() -> None:
    agenda = Agenda([Item("a", 1.0)])
    for attempt in range(10 * IDLE_ATTEMPTS):
        assert take(agenda, now=1000.0 * attempt) == "a"
        agenda.settle(failed("a", Cause.KILLED, segments=1), now=1000.0 * attempt)
    assert not agenda.failed


def test_a_run_that_never_gets_on_is_given_up_for_this_time() -> None:
    agenda = Agenda([Item("a", 1.0)])
    for attempt in range(IDLE_ATTEMPTS):
        assert take(agenda, now=1000.0 * attempt) == "a"
        agenda.settle(failed("a", Cause.KILLED), now=1000.0 * attempt)
    assert agenda.finished
    assert set(agenda.failed) == {"a"}


def test_what_failed_is_tried_again_later_and_later() -> None:
    agenda = Agenda([Item("a", 1.0)])
    take(agenda)
    agenda.settle(failed("a", Cause.KILLED), now=100.0)
    assert take(agenda, now=100.4) is None
    assert take(agenda, now=100.5) == "a"
    agenda.settle(failed("a", Cause.KILLED), now=100.5)
    assert take(agenda, now=101.4) is None
    assert take(agenda, now=101.5) == "a"


def test_memory_that_others_have_is_waited_for() -> None:
    """And the run is not to blame, however often."""
    agenda, now = Agenda([Item("a", 1.0)]), 0.0
    for attempt in range(IDLE_ATTEMPTS - 1):
        assert take(agenda, now) == "a"
        agenda.settle(failed("a", Cause.MEMORY), now)
        now += MEMORY_DELAY * 2**attempt
        assert agenda.due == now
    assert agenda.item("a").real_failures == 0
    assert take(agenda, now) == "a"


def test_a_run_that_somebody_has_is_asked_for_again() -> None:
    agenda = Agenda([Item("a", 1.0)])
    take(agenda)
    agenda.settle(Receipt(key="a", outcome=Outcome.HELD), now=0.0)
    assert not agenda.finished
    assert take(agenda, now=0.5) is None
    assert take(agenda, now=1.0) == "a"
    assert agenda.item("a").attempts == 2


@pytest.mark.parametrize("cause", [Cause.DISK_FULL, Cause.READ_ONLY])
def test_a_full_disk_ends_the_launch_when_what_runs_has_ended(cause: Cause) -> None:
    agenda = Agenda([Item("a", 1.0), Item("b", 1.0), Item("c", 1.0)])
    take(agenda)
    take(agenda)
    agenda.settle(failed("a", cause), now=0.0)
    assert take(agenda, now=1e9) is None
    assert not agenda.finished
    agenda.settle(done("b"), now=0.0)
    assert agenda.finished
    assert agenda.store_fault == failed("a", cause)
    assert agenda.done == {"b"}


def test_a_missing_file_concerns_its_run_alone() -> None:
    agenda = Agenda([Item("a", 2.0), Item("b", 1.0)])
    take(agenda)
    agenda.settle(failed("a", Cause.MISSING_FILE), now=0.0)
    assert set(agenda.failed) == {"a"}
    assert take(agenda) == "b"


def test_a_missing_file_may_be_there_on_another_host() -> None:
    agenda = Agenda([Item("a", 1.0)])
    agenda.several_hosts = True
    take(agenda)
    assert agenda.settle(failed("a", Cause.MISSING_FILE), now=0.0) == []
    assert take(agenda, now=10.0) == "a"
    assert agenda.settle(failed("a", Cause.MISSING_FILE), now=10.0) == ["a"]


def test_errors_that_are_excused_do_not_use_up_a_run() -> None:
    agenda = Agenda([Item("a", 1.0)])
    for attempt in range(REAL_FAILURES + 1):
        assert take(agenda, now=100.0 * attempt) == "a"
        agenda.settle(failed("a", Cause.LAMMPS_ERROR), now=100.0 * attempt, excused=True)
    assert agenda.item("a").real_failures == 0
    take(agenda, now=1000.0)
    agenda.settle(failed("a", Cause.LAMMPS_ERROR), now=1000.0)
    agenda.pardon(["a"])
    assert agenda.item("a").real_failures == 0
    assert not agenda.failed


def test_long_runs_are_submitted_when_a_worker_is_free() -> None:
    window = Window(workers=4)
    assert window.size(now=0.0) == 4
    window.note(1, now=0.0)
    assert window.size(now=AHEAD_SECONDS + 1) == 4


def test_short_runs_are_submitted_ahead_of_the_workers() -> None:
    window = Window(workers=4)
    for second in range(100):
        window.note(10, now=float(second))
    assert window.size(now=99.0) == 4 + 10 * (AHEAD_SECONDS + 1)


def test_runs_that_take_a_moment_share_a_task() -> None:
    window = Window(workers=4)
    assert window.batch(now=0.0) == 1
    rate = 200  # runs in a second, of all workers
    for tenth in range(100):
        window.note(rate // 10, now=tenth / 10)
    assert window.batch(now=9.9) == pytest.approx(rate / 4 * BATCH_SECONDS, abs=1)
    assert window.batch(now=9.9 + AHEAD_SECONDS + 1) == 1


def test_runs_of_a_second_have_a_task_each() -> None:
    window = Window(workers=4)
    for second in range(100):
        window.note(4, now=float(second))
    assert window.batch(now=99.0) == 1


def test_a_run_that_is_tried_again_goes_alone() -> None:
    first = [Item(str(k), 1.0, attempts=1) for k in range(5)]
    again = [Item(f"{k} again", 1.0, attempts=2) for k in range(2)]
    parts = batches([*first[:2], *again, *first[2:]], 3)
    assert parts == [first[:3], first[3:], [again[0]], [again[1]]]
