"""How runs are cut: every step and every row once, by the same rule everywhere."""

import json
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_campaigns import CU2SE, Folder, changed

from ensemble.campaign import CampaignError
from ensemble.campaign.studies import Emd, Npt, Sample
from ensemble.plan.recipe import Recipe, StagePlan
from ensemble.plan.segments import (
    FEWEST_ROWS,
    MOST_ROWS,
    Segmentation,
    cut,
    divide,
    divisors,
    rows_per_frame,
    rows_per_origin,
)

STEADY = settings(deadline=None, derandomize=True, database=None)


def all_segments(recipe: Recipe) -> list[tuple[int, int, int]]:
    numbers = range(recipe.segments)
    return [(s.stage, s.part, s.steps) for s in map(recipe.segment, numbers)]


def study(time: float, **keys: object) -> Emd:
    return Emd(
        name="gk",
        method="emd",
        material="beta",
        temperatures=(300.0,),
        supercells=((2, 2, 2),),
        equilibrate=(Npt(ensemble="npt", time=100.0),),
        sample=Sample(time=time),
        **keys,
    )


@pytest.mark.parametrize(
    ("total", "most", "multiple", "rows"),
    [
        (4000, 20_000, 1, 4000),  # all in one
        (4000, 1000, 1, 1000),
        (200_000, 17_000, 1, 12_500),  # 16 whole ones
        (101, 50, 1, 34),  # a prime number: 3 segments, one row more than asked for
        (100, 60, 1, 50),
        (100, 1, 1, 1),
        (120, 50, 8, 40),
        (100, 45, 8, 40),  # 13 units of 8 rows in 3 segments of 5: 120 rows
        (10, 3, 8, 8),  # a unit at least
    ],
)
def test_rows_of_a_segment(total: int, most: int, multiple: int, rows: int) -> None:
    assert divide(total, most, multiple) == rows


@STEADY
@given(st.integers(1, 300_000), st.integers(1, 25_000), st.integers(1, 50))
def test_rows_fit(total: int, most: int, multiple: int) -> None:
    rows = divide(total, most, multiple)
    segments = ceil(total / rows)
    assert rows % multiple == 0
    assert rows <= max(most, multiple)
    assert (segments - 1) * rows < total
    # No row too many, except where the total is no whole number of segments.
    assert segments * rows - total < segments * multiple
    if total % multiple == 0 and total <= most:
        assert rows == total


@STEADY
@given(st.integers(1, 5000))
def test_divisors(number: int) -> None:
    assert set(divisors(number)) == {n for n in range(1, number + 1) if number % n == 0}


@STEADY
@given(st.integers(1, 10**9), st.integers(1, 500))
def test_every_step_of_a_stage_once(steps: int, parts: int) -> None:
    stage = StagePlan(stage=None, steps=steps, parts=min(parts, steps))
    bounds = [stage.bounds(part) for part in range(stage.parts)]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == steps
    assert all(behind == first for (_, behind), (first, _) in pairwise(bounds))
    lengths = [behind - first for first, behind in bounds]
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1


def test_short_runs_are_not_cut(folder: Folder) -> None:
    plan = folder.plan()
    assert all_segments(plan.recipes["gk"]) == [(0, 0, 1000), (1, 0, 500), (2, 0, 20_000)]
    assert all_segments(plan.recipes["direct"]) == [(0, 0, 1000), (1, 0, 5000), (2, 0, 15_000)]
    assert all_segments(plan.recipes["fixed"]) == [(0, 0, 20_000)]
    rows = [recipe.segment(recipe.segments - 1).rows for recipe in plan.recipes.values()]
    assert rows == [4000, 30, 2000]


def test_ten_minutes() -> None:
    """At 1 ms a step ten minutes are 600,000 steps, or 60,000 rows: 20,000 are the most."""
    assert cut(study(2000), 1000, 1e-3) == Segmentation(rows_per_segment=20_000, parts=(1,))
    assert MOST_ROWS == 20_000
    # 10 ms: 60,000 steps, 6000 rows; 5000 of them divide the total.
    assert cut(study(2000), 1000, 1e-2) == Segmentation(rows_per_segment=5000, parts=(2,))
    # 10 s: 60 steps would be too few.
    assert cut(study(2000), 1000, 10).rows_per_segment == FEWEST_ROWS
    assert cut(study(0.5), 1000, 10).rows_per_segment == 50


def test_the_study_says_how_long_a_segment_is() -> None:
    found = cut(study(2000, segment=30.0), 1000, 1e-6, multiple=7)
    assert found == Segmentation(rows_per_segment=3000, parts=(4,))


def test_blocks_may_be_few(folder: Folder) -> None:
    """Cells so large that ten minutes are one block."""
    text = changed(CU2SE[: CU2SE.index('[[study]]\nname = "fixed"')], bins="12")
    text = text.replace("[[2, 2, 12]]", "[[20, 20, 100]]").replace("block = 1", "block = 10")
    direct = folder.plan(text).recipes["direct"]
    assert direct.rows_per_segment == 1
    assert direct.sample_segments == 3


def test_the_cut_is_that_of_the_largest_cell_and_the_costliest_model(folder: Folder) -> None:
    alone = CU2SE[: CU2SE.rindex("[[study]]")]  # no rerun, whose frames have to fit on a disk
    text = alone.replace("time = 40", "time = 4000").replace("[3, 3, 3]", "[12, 12, 12]")
    all_models = folder.plan(text).recipes["gk"].rows_per_segment
    quickest = folder.plan(text.replace("seeds = 2", 'seeds = 2\nmodels = ["level12"]', 1))
    small = folder.plan(text.replace(", [12, 12, 12]", ""))
    assert all_models < quickest.recipes["gk"].rows_per_segment
    assert all_models < small.recipes["gk"].rows_per_segment


def test_what_is_recorded_wins(folder: Folder) -> None:
    recorded = {"gk": Segmentation(rows_per_segment=1500, parts=(3, 2))}
    recipe = folder.plan(recorded=recorded).recipes["gk"]
    assert [(stage.steps, stage.parts) for stage in recipe.stages] == [(1000, 3), (500, 2)]
    assert (recipe.rows_per_segment, recipe.sample_segments) == (1500, 3)
    assert [steps for *_, steps in all_segments(recipe)][:5] == [333, 333, 334, 250, 250]
    assert recipe.rows == 4500  # whole segments, a little more than was asked for


def test_what_is_recorded_of_other_stages_is_of_no_use(folder: Folder) -> None:
    recorded = {"gk": Segmentation(rows_per_segment=1500, parts=(3,))}
    assert folder.plan(recorded=recorded) == folder.plan()


def test_a_store_that_grows_is_cut_as_before(folder: Folder) -> None:
    """Larger cells, costlier models and longer sampling change nothing about what is there."""
    plan = folder.plan(CU2SE.replace("time = 40", "time = 4000"))
    recorded = {
        name: Segmentation.from_json(json.loads(json.dumps(cut.as_json())))
        for name, cut in plan.segmentation().items()
    }
    assert recorded == plan.segmentation()
    text = CU2SE.replace("time = 40", "time = 8000").replace("[3, 3, 3]]", "[3, 3, 3], [9, 9, 9]]")
    grown = folder.plan(text, recorded)
    assert grown.segmentation() == recorded
    assert folder.plan(text).segmentation() != recorded
    before, after = plan.recipes["gk"], grown.recipes["gk"]
    assert after.sample_segments == 2 * before.sample_segments
    assert all_segments(after)[: before.segments] == all_segments(before)


def test_numbers_of_segments(folder: Folder) -> None:
    recipe = folder.plan().recipes["gk"]
    assert [recipe.segment(n).number for n in range(5)] == [0, 1, 2, 3, 4]
    assert [recipe.segment(n).samples for n in range(3)] == [False, False, True]
    assert recipe.segment(7).part == 5  # one that more sampling may ask for
    with pytest.raises(IndexError):
        recipe.segment(-1)


# A rerun follows the segments of its source


@pytest.mark.parametrize(
    ("every", "rows"),
    # 40 ps are no whole number of 14 or 30 fs; the next times that are one of 10 fs as well are
    # 40.04 and 40.02 ps.
    [(10, 4000), (2, 20_000), (20, 2000), (14, 2860), (30, 1334)],
)
def test_frames_fit_into_the_segments_of_the_source(folder: Folder, every: int, rows: int) -> None:
    text = CU2SE.replace("every = 20\n", f"every = {every}\n")
    plan = folder.plan(text)
    source, rerun = plan.recipes["gk"], plan.recipes["fixed"]
    assert rerun.rows_per_segment == rows
    assert rerun.sample_segments == source.sample_segments == 1
    steps = source.rows_per_segment * source.steps_per_row
    assert rerun.rows_per_segment * rerun.steps_per_row == steps
    assert source.rows >= 4000
    assert source.keeps_restarts
    assert not rerun.keeps_restarts
    assert not plan.recipes["direct"].keeps_restarts
    assert rerun.source_equilibration_segments == source.equilibration_segments == 2
    assert rerun.stages == ()


def test_two_reruns_of_one_source(folder: Folder) -> None:
    other = CU2SE[CU2SE.index('[[study]]\nname = "fixed"') :].replace("fixed", "other")
    text = CU2SE.replace("every = 20\n", "every = 30\n") + other.replace("= 20", "= 14")
    plan = folder.plan(text)
    assert plan.recipes["gk"].rows_per_segment == 4011  # the next multiple of 3 and 7
    for name in ("gk", "fixed", "other"):
        assert plan.recipes[name].rows * plan.recipes[name].steps_per_row == 4011 * 5


def test_frames_that_do_not_fit(folder: Folder) -> None:
    text = CU2SE.replace("every = 20\n", "every = 30\n")
    with pytest.raises(CampaignError) as caught:
        folder.plan(text, {"gk": Segmentation(rows_per_segment=1000, parts=(1, 1))})
    assert (
        "study.fixed.every: found 30.0; allowed: a whole fraction of 10000 fs, "
        "a segment of study gk in the store"
    ) in str(caught.value)
    text = text.replace("timestep = 2", "segment = 10\ntimestep = 2", 1)
    with pytest.raises(CampaignError, match=r"a segment of study gk by study\.gk\.segment"):
        folder.plan(text)


@pytest.mark.parametrize(
    ("rows", "origin", "frame"),
    [
        (6000, 3000, 1500),
        (100, 50, 25),
        (15, 5, 3),
        (101, 101, 101),
        (7, 7, 1),
        (2, 1, 1),
        (1, 1, 1),
    ],
)
def test_origins_and_frames_divide_a_segment(rows: int, origin: int, frame: int) -> None:
    """Into two and four pieces, or what is nearest."""
    assert (rows_per_origin(rows), rows_per_frame(rows)) == (origin, frame)
    assert rows % origin == rows % frame == 0
