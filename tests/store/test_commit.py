"""Commits: what is in place afterwards, whatever happens on the way."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr
from numcodecs.zstd import Zstd
from small_stores import CAMPAIGN, RERUN, Interrupt, SmallStore, files_in, make_store

from ensemble.plan.recipe import segment_name
from ensemble.store import commit
from ensemble.store.commit import encode_chunk, new_attempt, read_chunk
from ensemble.store.errors import DiskFull, LeaseLost, NotReproducible, ReadOnly, StoreError
from ensemble.store.files import write_atomically
from ensemble.store.layout import record_name, restart_name
from ensemble.store.progress import committed_of, next_segment, tidy

EQUILIBRATION = 2
"""Segments of the campaign's two stages."""


def samples(store: SmallStore) -> np.ndarray:
    """The rows of the first run, as a reader finds them."""
    data = xarray.open_zarr(store.paths.group("gk"), chunks=None)
    return data.samples[0, 0, 0, 0].values


def segment_files(store: SmallStore) -> set[str]:
    """What is in the folder of the first run."""
    return {path.name for path in store.paths.run(store.run()).iterdir()}


def state_files(*segments: int) -> set[str]:
    """What tells the states at the ends of segments."""
    return {name(number) for number in segments for name in (record_name, restart_name)}


def start(store: SmallStore) -> int | None:
    """The number of the first run's next segment."""
    recipe = store.plan.recipes["gk"]
    found = next_segment(store.paths, recipe, store.run(), (0, 0, 0, 0))
    return None if found is None else found.segment


def test_a_chunk_is_what_zarr_writes(store: SmallStore) -> None:
    run = store.run()
    store.finish(run)
    chunk = store.paths.chunk("gk", (0, 0, 0, 0), 2)
    ours = chunk.read_bytes()
    rows = store.series(run, 4)
    array = zarr.open_array(store.paths.samples("gk"), mode="r+")
    array[0, 0, 0, 0] = np.zeros_like(rows)
    assert chunk.read_bytes() != ours
    array[0, 0, 0, 0] = rows
    assert chunk.read_bytes() == ours
    np.testing.assert_array_equal(read_chunk(chunk, (10, rows.shape[1])), rows[20:30])


def test_a_run_goes_from_segment_to_segment(store: SmallStore) -> None:
    run = store.run()
    for number in range(EQUILIBRATION):
        assert start(store) == number
        assert store.finish(run, segments=1) == 1
        assert segment_files(store) == state_files(*range(number + 1))
    for part in range(4):
        number = EQUILIBRATION + part
        assert start(store) == number
        assert store.finish(run, segments=1) == 1
        assert segment_files(store) == state_files(number - 1, number)
        found = samples(store)
        np.testing.assert_array_equal(found[: 10 * (part + 1)], store.series(run, part + 1))
        assert np.isnan(found[10 * (part + 1) :]).all()
    assert start(store) is None
    assert store.finish(run) == 0


def test_a_segment_starts_from_the_record_and_restart_file_before(store: SmallStore) -> None:
    run, recipe = store.run(), store.plan.recipes["gk"]
    begin = next_segment(store.paths, recipe, run, (0, 0, 0, 0))
    assert begin is not None
    assert (begin.segment, begin.restart, begin.record) == (0, None, None)
    store.finish(run, segments=2)
    later = next_segment(store.paths, recipe, run, (0, 0, 0, 0))
    assert later is not None
    assert later.restart == store.paths.run(run) / "segment-0001.restart"
    assert later.restart.read_text().endswith("after segment 1")
    assert later.record is not None
    assert later.record["steps"] == recipe.segment(1).steps


def test_a_trajectory_that_is_used_again_keeps_its_states(tmp_path: Path) -> None:
    store = make_store(tmp_path, CAMPAIGN + RERUN)
    store.finish(store.run())
    kept = range(EQUILIBRATION - 1, EQUILIBRATION + 4)
    assert segment_files(store) == state_files(*kept)
    again = store.run("again")
    assert store.finish(again) == 4
    found = {path.name for path in store.paths.run(again).iterdir()}
    assert found == {record_name(2), record_name(3)}


def test_the_last_script_stays_with_the_state_that_it_begins_with(store: SmallStore) -> None:
    run = store.run()
    store.finish(run, segments=EQUILIBRATION + 1)
    for number in range(EQUILIBRATION + 2):
        for ending in ("in", "log"):
            (store.paths.run(run) / f"{segment_name(number)}.{ending}").touch()
    store.finish(run, segments=1)
    last = EQUILIBRATION + 1
    scripts = {f"{segment_name(last)}.{ending}" for ending in ("in", "log")}
    assert segment_files(store) == scripts | state_files(last - 1, last)


def damage_state(folder: Path, number: int, damage: str) -> None:
    """Do something to the state at the end of a segment."""
    restart, record = folder / restart_name(number), folder / record_name(number)
    if damage == "missing":
        restart.unlink()
    elif damage == "cut":
        restart.write_bytes(restart.read_bytes()[:-1])
    elif damage == "flipped":
        restart.write_bytes(restart.read_bytes().swapcase())
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text(record.read_text()[:-3])


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "no record", "torn record"])
@pytest.mark.parametrize(("damaged", "begin"), [(1, EQUILIBRATION + 1), (2, 0)])
def test_a_damaged_state_costs_time_and_nothing_else(
    store: SmallStore, tmp_path: Path, damage: str, damaged: int, begin: int
) -> None:
    """One costs a segment, both that there are the run."""
    run = store.run()
    store.finish(run, segments=EQUILIBRATION + 2)
    for number in range(EQUILIBRATION + 2 - damaged, EQUILIBRATION + 2):
        damage_state(store.paths.run(run), number, damage)
    assert start(store) == begin
    # The rows that are there are the same, so nobody minds.
    assert store.finish(run) == EQUILIBRATION + 4 - begin
    np.testing.assert_array_equal(samples(store), store.series(run, 4))
    assert make_store(tmp_path).info == store.info


def test_other_rows_for_the_same_segment_are_refused(store: SmallStore) -> None:
    run = store.run()
    store.finish(run, segments=EQUILIBRATION + 2)
    before = files_in(store.paths.root)
    segment = store.plan.recipes["gk"].segment(EQUILIBRATION + 1)
    with pytest.raises(NotReproducible, match=f"segment {segment.number} of {run.key}"):
        store.do(run, segment, add=1e-15)
    after = {name: data for name, data in files_in(store.paths.root).items() if "atte" not in name}
    assert after == before


def test_the_same_rows_in_other_bytes_are_the_same(store: SmallStore) -> None:
    run = store.run()
    store.finish(run, segments=EQUILIBRATION + 2)
    segment = store.plan.recipes["gk"].segment(EQUILIBRATION + 1)
    chunk = store.paths.chunk("gk", (0, 0, 0, 0), 1)
    rows = store.rows(run, segment)
    other = bytes(Zstd(level=19, checksum=True).encode(rows))
    assert other != encode_chunk(rows)
    chunk.write_bytes(other)
    store.do(run, segment)
    assert chunk.read_bytes() == other


def test_a_damaged_chunk_is_named(store: SmallStore) -> None:
    chunk = store.paths.chunk("gk", (0, 0, 0, 0), 0)
    chunk.write_bytes(b"garbage")
    with pytest.raises(StoreError, match=r"c\.0\.0\.0\.0\.0\.0: not the chunk that was written"):
        read_chunk(chunk, (10, 21))


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_nothing_is_put_in_place_after_the_lease_is_lost(store: SmallStore, allowed: int) -> None:
    """The record, the restart file, the chunk: each is asked for."""
    run, asked = store.run(), []
    store.finish(run, segments=EQUILIBRATION)

    def confirm() -> None:
        asked.append(1)
        if len(asked) > allowed:
            raise LeaseLost(store.paths.lease(run), "somebody")

    with pytest.raises(LeaseLost):
        store.do(run, store.plan.recipes["gk"].segment(EQUILIBRATION), confirm)
    assert len(asked) == allowed + 1
    assert np.isnan(samples(store)).all()
    assert start(store) == EQUILIBRATION
    assert store.finish(run) == 4
    np.testing.assert_array_equal(samples(store), store.series(run, 4))


@pytest.mark.parametrize("rows", [None, np.zeros((9, 21)), np.zeros((10, 20)), np.zeros(210)])
def test_rows_of_another_shape_are_refused(store: SmallStore, rows: np.ndarray | None) -> None:
    from ensemble.store.commit import commit_segment

    run, recipe = store.run(), store.plan.recipes["gk"]
    attempt = new_attempt(store.paths, run, "a")
    with pytest.raises(StoreError, match="segment 2 gave rows of shape"):
        commit_segment(
            store.paths,
            recipe,
            run,
            (0, 0, 0, 0),
            recipe.segment(EQUILIBRATION),
            attempt=attempt,
            rows=rows,
            restart=None,
            record={},
            confirm=lambda: None,
        )
    assert committed_of(store.paths, "gk", (0, 0, 0, 0)) == 0


def test_what_attempts_have_left_goes(store: SmallStore) -> None:
    run = store.run()
    for token in ("a", "b"):
        (new_attempt(store.paths, run, token) / "rows").write_text("1")
    assert segment_files(store) == {"attempt-b"}
    store.finish(run, segments=1)
    assert segment_files(store) == state_files(0)


def test_nothing_older_is_removed_before_what_is_newer_is_on_the_disk(
    store: SmallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut must not take the last state, nor the chunk's name, after the older ones."""
    run, done = store.run(), []
    store.finish(run, segments=EQUILIBRATION + 1)

    def spy(name: str, call: Callable[..., None]) -> Callable[..., None]:
        def told(path: str | Path) -> None:
            done.append((name, Path(path).name))
            call(path)

        return told

    monkeypatch.setattr(commit, "flush", spy("flush", commit.flush))
    monkeypatch.setattr(os, "unlink", spy("unlink", os.unlink))
    last = EQUILIBRATION + 1
    store.do(run, store.plan.recipes["gk"].segment(last))
    removed = [("unlink", name) for name in state_files(last - 2)]
    assert set(removed) <= set(done)
    before = done[: min(map(done.index, removed))]
    flushed = {*state_files(last), run.name, "samples"}
    assert {("flush", name) for name in flushed} <= set(before)


def test_a_run_killed_anywhere_gives_the_same_bytes(tmp_path: Path, interrupt: Interrupt) -> None:
    """Killed before each change to the file system in turn; readers find whole segments."""
    folders = {name: tmp_path / name for name in ("fresh", "wanted", "trial")}
    for name in ("fresh", "wanted"):
        folders[name].mkdir()
        store = make_store(folders[name])
    store.finish(store.run())
    wanted = files_in(folders["wanted"] / "store")
    series = store.series(store.run(), 4)
    seen, kills = set(), 0
    while True:
        shutil.rmtree(folders["trial"], ignore_errors=True)
        shutil.copytree(folders["fresh"], folders["trial"])
        if not interrupt("run", folders["trial"], kills):
            break
        kills += 1
        trial = make_store(folders["trial"])
        found = samples(trial)
        rows = int(np.isfinite(found).all(axis=1).sum())
        assert rows % 10 == 0
        np.testing.assert_array_equal(found[:rows], series[:rows])
        assert np.isnan(found[rows:]).all()
        seen.add(rows)
        if start(trial) is None:
            tidy(trial.paths, trial.plan.recipes["gk"], trial.run(), (0, 0, 0, 0))
        else:
            trial.finish(trial.run())
        assert files_in(folders["trial"] / "store") == wanted, f"before change {kills - 1}"
    assert seen == {0, 10, 20, 30, 40}
    assert kills > 40


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """Something mounted on the last argument."""
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", arguments[-1]], check=True, capture_output=True)


def can_mount() -> bool:
    """Whether this process may."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def finish_elsewhere(folder: Path, first: str) -> str:
    """Finish a run in a process that does something else before; returns what stderr tells."""
    code = (
        "import sys; from pathlib import Path; from small_stores import make_store\n"
        f"store = make_store(Path(sys.argv[1]))\n{first}\nstore.finish(store.run())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    ).stderr


def test_a_file_may_not_grow_any_more(store: SmallStore) -> None:
    """By the system's own limit, which whoever may not mount anything can set as well."""
    run = store.run()
    store.finish(run, segments=EQUILIBRATION)
    before = files_in(store.paths.root)
    folder = store.paths.root.parent
    assert len(encode_chunk(np.random.default_rng(0).normal(size=(10, 21)))) > 500
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))"
    said = finish_elsewhere(folder, limit)
    assert "DiskFull" in said
    assert "file too large; make room, then launch again: nothing is lost" in said
    after = {name: data for name, data in files_in(store.paths.root).items() if "atte" not in name}
    assert after == before
    assert store.finish(run) == 4


def test_a_full_or_read_only_disk_is_one_message_and_nothing_is_lost(tmp_path: Path) -> None:
    """On a disk of its own where this process may mount one; else as a user who may not write."""
    if can_mount():
        full_disk(tmp_path)
        read_only_disk(tmp_path)
    else:
        read_only_folder(tmp_path)


def full_disk(folder: Path) -> None:
    """A small disk, full, and then with room again."""
    disk = folder / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)):
        store = make_store(disk)
        run = store.run()
        store.finish(run, segments=EQUILIBRATION + 1)
        before = files_in(store.paths.root)
        filler = disk / "filler"
        fill(filler)
        with pytest.raises(DiskFull, match="no space left on device; make room"):
            store.finish(run)
        left = files_in(store.paths.root)
        assert {name: data for name, data in left.items() if "attempt" not in name} == before
        with pytest.raises(DiskFull):
            write_atomically(store.paths.campaign, bytes(1_000_000))
        assert store.paths.campaign.read_text() == CAMPAIGN
        filler.unlink()
        assert store.finish(run) == 3
        np.testing.assert_array_equal(samples(store), store.series(run, 4))


def fill(path: Path) -> None:
    """Take all the room that there is."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def read_only_disk(folder: Path) -> None:
    """A disk that may not be written, and then may."""
    disk = folder / "read-only"
    disk.mkdir()
    with mounted("-t", "tmpfs", "tmpfs", str(disk)):
        store = make_store(disk)
        run = store.run()
        store.finish(run, segments=EQUILIBRATION + 1)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(ReadOnly, match="read-only file system; a store has to be writable"):
            store.finish(run)
        assert np.isfinite(samples(store)).all(axis=1).sum() == 10
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert store.finish(run) == 3


def read_only_folder(folder: Path) -> None:
    """A store of somebody else."""
    store = make_store(folder)
    run = store.run()
    store.finish(run, segments=EQUILIBRATION + 1)
    subprocess.run(["chmod", "-R", "a-w", store.paths.root], check=True)
    said = finish_elsewhere(folder, "import os; os.geteuid() or os.setuid(65534)")
    subprocess.run(["chmod", "-R", "u+w", store.paths.root], check=True)
    assert "ReadOnly" in said
    assert "permission denied; a store has to be writable" in said
    assert store.finish(run) == 3
