"""What is seen of a store while it is worked on."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from small_stores import CAMPAIGN, GROWN, SECOND_STUDY, SmallStore, make_store

from ensemble.dashboard.conductivities import Conductivities
from ensemble.dashboard.data import as_json
from ensemble.dashboard.metrics import as_metrics
from ensemble.dashboard.runs import STATES, Runs
from ensemble.dashboard.watcher import LOG_LINES, Watcher, last_lines
from ensemble.plan.recipe import Run
from ensemble.results import open_results, reduce_group
from ensemble.store import Lease, ledger
from ensemble.store.layout import record_name


@pytest.fixture
def store(tmp_path: Path) -> SmallStore:
    """Two runs by Green–Kubo of two and four segments, one by the direct method."""
    return make_store(tmp_path, CAMPAIGN + SECOND_STUDY)


@pytest.fixture
def watcher(store: SmallStore) -> Watcher:
    """One that has looked once."""
    found = Watcher(store.paths.root)
    found.look()
    return found


def state_of(watcher: Watcher, run: Run) -> str:
    layout = watcher.picture.layout
    assert layout is not None
    names = [(s.name, name) for s in layout.studies for name in names_of(watcher, s.name)]
    return str(STATES[watcher.picture.values["state"][names.index((run.study, run.name))]])


def names_of(watcher: Watcher, study: str) -> tuple[str, ...]:
    layout = watcher.picture.layout
    assert layout is not None
    (own,) = (s for s in layout.studies if s.name == study)
    return layout.names[own.first : own.first + len(own.places)]


def set_speed(store: SmallStore, run: Run, segment: int, seconds: float, steps: int) -> None:
    path = store.paths.run(run) / record_name(segment)
    path.write_text(json.dumps({"seconds": seconds, "steps": steps}))


def test_nothing_is_done(watcher: Watcher) -> None:
    totals = watcher.picture.totals
    assert totals is not None
    assert totals.states == {"waiting": 3, "partial": 0, "running": 0, "done": 0, "failed": 0}
    assert (totals.segments, totals.segments_asked) == (0, 2 * 6 + 3)
    assert not watcher.picture.curves
    assert watcher.look().empty


def test_states(store: SmallStore, watcher: Watcher) -> None:
    """As ``ensemble status`` has them, and only what has changed is told."""
    first, second = store.run(), store.run(number=1)
    with Lease.acquire(store.paths.lease(first)):
        assert watcher.look().rows.tolist() == [0]
        assert state_of(watcher, first) == "running"
    store.finish(first, segments=3)
    assert watcher.look().rows.tolist() == [0]
    assert state_of(watcher, first) == "partial"
    store.finish(first)
    store.finish(second, segments=1)
    assert watcher.look().rows.tolist() == [0, 1]
    assert [state_of(watcher, run) for run in (first, second)] == ["done", "partial"]
    assert watcher.picture.values["segments"].tolist() == [6, 1, 0]
    # Who comes later sees the same.
    late = Watcher(store.paths.root)
    late.look()
    for name in ("state", "segments", "attempts"):
        assert late.picture.values[name].tolist() == watcher.picture.values[name].tolist(), name


def test_equilibration_is_seen_where_a_worker_tells_of_it(
    store: SmallStore, watcher: Watcher
) -> None:
    run = store.run()
    store.finish(run, segments=1)
    watcher.look()
    store.finish(run, segments=1)
    assert watcher.look().empty
    watcher.look(told=[run.key])
    assert watcher.picture.values["segments"][0] == 2


def test_a_failure_and_what_follows(store: SmallStore, watcher: Watcher) -> None:
    """It is told with the end of its log until the run has got past it."""
    run = store.run()
    store.finish(run, segments=2)
    log = store.paths.run(run) / "segment-0002.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    about = {"segment": 2, "cause": "lost_atoms", "message": "atoms were <lost>", "wall": 3600.0}
    ledger.append(store.paths, ledger.event_of(run, "failed", **about))
    watcher.look()
    (failure,) = watcher.picture.failures
    assert state_of(watcher, run) == failure.state == "failed"
    assert (failure.cause, failure.message, failure.attempts) == (
        about["cause"],
        about["message"],
        1,
    )
    assert failure.log_tail.splitlines() == [f"line {n}" for n in range(100 - LOG_LINES, 100)]
    assert failure.log == str(log)
    assert watcher.picture.totals is not None
    assert watcher.picture.totals.costs[0].spent == pytest.approx(1.0)
    store.finish(run)
    ledger.append(store.paths, ledger.event_of(run, "done", segment=5))
    watcher.look()
    assert watcher.picture.failures == ()
    assert state_of(watcher, run) == "done"


def test_a_torn_line_of_the_ledger_waits(store: SmallStore, watcher: Watcher) -> None:
    run = store.run()
    store.finish(run, segments=1)
    event = ledger.event_of(run, "failed", segment=1, cause="killed", message="died")
    ledger.append(store.paths, event)
    content = store.paths.ledger.read_bytes()
    store.paths.ledger.write_bytes(content[:-10])
    watcher.look()
    assert watcher.picture.failures == ()
    store.paths.ledger.write_bytes(content)
    watcher.look()
    assert len(watcher.picture.failures) == 1


def test_speed_and_what_is_left(store: SmallStore, watcher: Watcher) -> None:
    """τ a day, µs a step and an atom, time left: of a run with a record, in closed form."""
    run = store.run()
    store.finish(run, segments=3)
    set_speed(store, run, 2, seconds=50.0, steps=100)
    watcher.look(workers=1)
    values, info = watcher.picture.values, store.info.studies["gk"]
    assert values["speed"][0] == pytest.approx(0.005 * 86400 / 0.5)
    assert values["microseconds"][0] == pytest.approx(1e6 * 0.5 / info.atoms[0])
    assert values["left"][0] == pytest.approx(0.5 * 3 * info.rows_per_segment * info.steps_per_row)
    assert math.isnan(values["speed"][1])
    totals = watcher.picture.totals
    assert totals is not None
    # The other run of its study is as slow, so it takes longer than is left of this one.
    assert totals.seconds_left > 2 * values["left"][0]


def test_the_store_grows(store: SmallStore, watcher: Watcher, tmp_path: Path) -> None:
    store.finish(store.run())
    watcher.look()
    grown = make_store(tmp_path, GROWN + SECOND_STUDY)
    news = watcher.look()
    assert news.layout is not None
    assert len(news.rows) == len(list(grown.info.runs("gk"))) + len(list(grown.info.runs("direct")))
    assert state_of(watcher, store.run()) == "partial"  # more is asked of it now


def test_curves_are_those_of_the_results(store: SmallStore, watcher: Watcher) -> None:
    """When all runs are whole κ(t) is what `Results.curves` gives, and the interval its error's."""
    for run in store.plan.runs():
        store.finish(run)
    for _ in range(20):
        watcher.look()
    (curve,) = watcher.picture.curves.values()
    expected = open_results(store.paths.root).curves("gk").squeeze().sel(lag=curve.lag)
    np.testing.assert_allclose(curve.kappa, expected.kappa, rtol=1e-9)
    np.testing.assert_allclose(curve.half_width, 2.5705818 * expected.kappa_error, rtol=1e-6)
    correlation = expected.correlation / expected.correlation[0]
    np.testing.assert_allclose(curve.correlation, correlation, rtol=1e-9)
    assert (curve.runs, curve.segments) == (2, 8)
    (profile,) = watcher.picture.profiles.values()
    assert profile.temperature.shape == (8,)


def test_curves_grow_with_the_segments(store: SmallStore, watcher: Watcher) -> None:
    run = store.run()
    segments = []
    for _ in range(4):
        store.finish(run, segments=3 if not segments else 1)
        watcher.look()
        (curve,) = watcher.picture.curves.values()
        segments.append(curve.segments)
    assert segments == [1, 2, 3, 4]


def test_a_damaged_chunk_stops_nothing(store: SmallStore, watcher: Watcher) -> None:
    first, second = store.run(), store.run(number=1)
    store.finish(first)
    store.paths.chunk("gk", (0, 0, 0, 0), 0).write_bytes(b"nothing")
    store.finish(second)
    for _ in range(5):
        watcher.look()
    (curve,) = watcher.picture.curves.values()
    assert (curve.runs, curve.segments) == (1, 4)


def test_there_is_no_store(tmp_path: Path) -> None:
    """The page has to say so; and it goes on when one comes."""
    watcher = Watcher(tmp_path / "store")
    assert str(tmp_path / "store") in watcher.look().problem
    assert json.loads(as_json(watcher.picture))["problem"]
    assert b"ensemble_readable 0.0" in as_metrics(watcher.picture)
    make_store(tmp_path)
    assert watcher.look().problem == ""
    assert b"ensemble_readable 1.0" in as_metrics(watcher.picture)


def test_json(store: SmallStore, watcher: Watcher) -> None:
    """Every run by its name; what is not known is null."""
    store.finish(store.run())
    watcher.look()
    table = json.loads(as_json(watcher.picture))
    assert [run["run"] for run in table["runs"]] == [run.name for run in store.plan.runs()]
    assert table["runs"][0]["state"] == "done"
    assert table["runs"][1]["speed"] is None
    assert table["curves"][0]["model"] == "soft"


def test_last_lines_of_no_file(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "nothing") == ""


def test_kappa_is_what_workers_have_reduced(store: SmallStore, watcher: Watcher) -> None:
    """As `Results.kappa` has it; groups that nobody has reduced are not reduced here."""
    for run in store.plan.runs():
        store.finish(run)
    for _ in range(3):
        watcher.look()
    assert watcher.picture.kappas == ()
    reduce_group(store.paths.root, "direct", (0, 0, 0))
    watcher.look()
    (kappa,) = watcher.picture.kappas
    expected = open_results(store.paths.root).kappa(study="direct")
    assert kappa.group == ("direct", 0, 0, 0)
    assert (kappa.estimate, kappa.verdict) == ("direct", expected.verdict[0])
    np.testing.assert_equal(kappa.kappa, expected.kappa[0])
    assert not store.paths.results("gk").exists()


def test_a_result_that_is_there_before_its_run_is_seen_done(store: SmallStore) -> None:
    """The worker was faster than the look at the runs."""
    runs = Runs(store.info)
    conductivities = Conductivities(store.info, runs)
    store.finish(store.run("direct"))
    reduce_group(store.paths.root, "direct", (0, 0, 0))
    assert conductivities.look() is None
    runs.look()
    assert [kappa.group for kappa in conductivities.look() or ()] == [("direct", 0, 0, 0)]
    assert conductivities.look() is None


def test_a_result_whose_samples_are_not_seen_yet(store: SmallStore) -> None:
    """As on a network file system."""
    store.finish(store.run("direct"))
    reduce_group(store.paths.root, "direct", (0, 0, 0))
    conductivities = Conductivities(store.info, Runs(store.info))
    chunk = store.paths.chunk("direct", (0, 0, 0, 0), 0)
    hidden = chunk.rename(store.paths.root / "hidden")
    assert conductivities.look() is None
    hidden.rename(chunk)
    assert [kappa.group for kappa in conductivities.look() or ()] == [("direct", 0, 0, 0)]


def test_groups_with_runs_to_come_have_no_kappa(store: SmallStore) -> None:
    """Though somebody has asked for their results already."""
    first, second = store.run(), store.run(number=1)
    runs = Runs(store.info)
    conductivities = Conductivities(store.info, runs)
    store.finish(first)
    reduce_group(store.paths.root, "gk", (0, 0, 0))
    runs.look()
    assert conductivities.look() is None
    event = ledger.event_of(second, "failed", segment=0, cause="lost_atoms", message="gone")
    ledger.append(store.paths, event)
    runs.look()
    found = conductivities.look()
    assert found
    assert all("1 of 2 runs failed" in kappa.verdict for kappa in found)
    with Lease.acquire(store.paths.lease(second)):  # it is tried again
        runs.look()
        assert conductivities.look() == ()
