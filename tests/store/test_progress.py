"""How far runs are, from the names of files."""

import subprocess
import sys

from small_stores import GROWN, SmallStore, make_store

from ensemble.store.layout import chunk_name
from ensemble.store.lease import Lease
from ensemble.store.progress import State, committed, committed_of, states


def test_segments_are_counted(store: SmallStore) -> None:
    first, second = store.plan.runs()
    assert committed(store.paths, "gk") == {}
    store.finish(first)
    store.finish(second, segments=3)
    assert committed(store.paths, "gk") == {(0, 0, 0, 0): 4, (0, 0, 0, 1): 1}
    assert committed_of(store.paths, "gk", (0, 0, 0, 1)) == 1


def test_behind_a_gap_nothing_counts(store: SmallStore) -> None:
    run = store.run()
    store.finish(run)
    store.paths.chunk("gk", (0, 0, 0, 0), 1).unlink()
    assert committed(store.paths, "gk") == {(0, 0, 0, 0): 1}
    assert committed_of(store.paths, "gk", (0, 0, 0, 0)) == 1
    # The states in between are gone: all is computed again up to there, and what is there is the
    # same.
    assert store.finish(run) == 4
    assert committed(store.paths, "gk") == {(0, 0, 0, 0): 4}


def test_longer_sampling_goes_on(store: SmallStore) -> None:
    run = store.run()
    store.finish(run)
    longer = make_store(store.paths.root.parent, GROWN)
    assert longer.finish(run) == 2
    assert committed_of(longer.paths, "gk", (0, 0, 0, 0)) == 6


def test_states(store: SmallStore) -> None:
    store = make_store(store.paths.root.parent, GROWN)
    runs = list(store.info.runs("gk"))
    done, running, failed, partial, waiting = (run for _, run in runs[:5])
    store.finish(done)
    store.finish(partial, segments=1)
    store.finish(failed, segments=3)
    with Lease.acquire(store.paths.lease(running)):
        found = {
            run: (state, segments)
            for _, run, state, segments in states(
                store.paths, "gk", runs, lambda run: 6, failed=[failed.name, running.name]
            )
        }
    assert len(found) == 24
    assert found[done] == (State.DONE, 6)
    assert found[running] == (State.RUNNING, 0)
    assert found[failed] == (State.FAILED, 1)
    assert found[partial] == (State.PARTIAL, 0)
    assert found[waiting] == (State.WAITING, 0)


def test_places_are_those_of_the_array(store: SmallStore) -> None:
    store = make_store(store.paths.root.parent, GROWN)
    for index, run in store.info.runs("gk"):
        assert store.info.studies["gk"].axes.index(run) == index
    assert chunk_name((0, 1, 2, 3, 4, 0)) == "c.0.1.2.3.4.0"


def test_status_needs_neither_zarr_nor_numpy() -> None:
    code = (
        "import sys, ensemble.store\n"
        "print(sorted({'zarr', 'numpy', 'xarray', 'numcodecs'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert result.stdout == "[]\n"
