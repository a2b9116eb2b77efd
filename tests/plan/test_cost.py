"""What a plan costs, by hand and by brute force."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_campaigns import CU2SE, Folder

from ensemble.plan.cost import SEGMENT_START, estimate, makespan, run_seconds

SPEED = {"level10": 1e-6, "level12": 2e-6, "level14": 3e-6}


@pytest.mark.parametrize(
    ("seconds", "workers", "expected"),
    [
        ([], 3, 0),
        ([5], 2, 5),
        ([1, 2, 3], 1, 6),
        ([3, 3, 2, 2, 2], 2, 7),  # 3+2+2 and 3+2; 3+3 and 2+2+2 would be 6
        ([2, 7, 4, 4, 5], 3, 8),
        ([1] * 10, 4, 3),
    ],
)
def test_makespan(seconds: list[float], workers: int, expected: float) -> None:
    assert makespan(seconds, workers) == expected


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 3))
def test_makespan_against_the_best_of_all_schedules(seconds: list[int], workers: int) -> None:
    best = min(
        max(
            sum(t for t, at in zip(seconds, places, strict=True) if at == w) for w in range(workers)
        )
        for places in product(range(workers), repeat=len(seconds))
    )
    found = makespan(seconds, workers)
    assert best <= found <= best * (4 / 3 - 1 / (3 * workers)) + 1e-9


def test_seconds_of_a_run(folder: Folder) -> None:
    plan = folder.plan()
    seconds = run_seconds(plan, SPEED)
    found = {run.name: seconds(run) for run in plan.runs("gk")}
    # 21,500 steps of 319 atoms, three segments
    expected = 21_500 * 319 * 2e-6 + 3 * SEGMENT_START
    assert found["level12-T600-3x3x3-s1"] == pytest.approx(expected)
    assert found["level14-T300-3x3x3-s1"] == pytest.approx(21_500 * 319 * 3e-6 + 3 * SEGMENT_START)
    # The trajectory of level12 once more, and every tenth step by level14
    expected = 319 * (20_000 * 2e-6 + 2000 * 3e-6) + SEGMENT_START
    (run,) = [run for run in plan.runs("fixed") if run.name == "level14-T600-3x3x3-s2"]
    assert seconds(run) == pytest.approx(expected)


def test_speed_may_depend_on_the_size(folder: Folder) -> None:
    plan = folder.plan()
    seconds = run_seconds(plan, lambda model, atoms: 1e-6 if atoms > 100 else 1e-5)
    small, large = (seconds(run) for run in list(plan.runs("gk"))[1:3])
    assert small == pytest.approx(21_500 * 94 * 1e-5 + 3 * SEGMENT_START)
    assert large == pytest.approx(21_500 * 319 * 1e-6 + 3 * SEGMENT_START)


def test_estimate(folder: Folder) -> None:
    plan = folder.plan()
    found = estimate(plan, SPEED, workers=2)
    times = [run_seconds(plan, SPEED)(run) for run in plan.runs()]
    assert found.core_seconds == pytest.approx(sum(times))
    assert found.longest_seconds == max(times)
    assert found.makespan_seconds == makespan(times, 2)
    direct = 21_000 * 566 * 2e-6 + 3 * SEGMENT_START
    assert found.studies["direct"].core_seconds == pytest.approx(direct)
    assert found.studies["direct"].longest_seconds == pytest.approx(direct)
    assert found.measured
    assert not estimate(plan, workers=2).measured


def test_ranks(folder: Folder) -> None:
    """Four ranks are 3.6 times as fast, and cost 4/3.6 times as much."""
    text = CU2SE.replace("bins = 12", "bins = 12\nengine = { ranks = 4 }")
    one, four = (
        estimate(folder.plan(t), SPEED, workers=1).studies["direct"] for t in (CU2SE, text)
    )
    start = 3 * SEGMENT_START
    assert four.longest_seconds - start == pytest.approx((one.longest_seconds - start) / 3.6)
    assert four.core_seconds == pytest.approx(4 * four.longest_seconds)


def test_costlier_models_take_longer_when_nothing_is_measured(folder: Folder) -> None:
    plan = folder.plan()
    seconds = run_seconds(plan)
    small = [run for run in plan.runs("gk") if run.supercell[0] == 3]
    times = {run.model: seconds(run) for run in small}
    assert times["level10"] < times["level12"] < times["level14"]
