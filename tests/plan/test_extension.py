"""What some groups of runs are to have beyond what their study asks for."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_campaigns import CU2SE, LJ, Folder

from ensemble.campaign.types import MAX_SEED
from ensemble.plan.cost import SEGMENT_START, run_seconds
from ensemble.plan.extension import (
    Extension,
    extensions_as_json,
    extensions_from_json,
    group_of,
    merge_extensions,
    next_seeds,
)
from ensemble.plan.plan import Plan

SOURCE = ("level12", 600.0, (3, 3, 3))
OTHER = ("level10", 300.0, (2, 2, 2))
DIRECT = ("level12", 600.0, (2, 2, 12))
LIMITS = "\n[convergence]\nrelative_error = 0.05\nmax_seeds = 5\nmax_time = 100\n"


@pytest.fixture
def extended(folder: Folder) -> Plan:
    """Two groups have more than the others."""
    extensions = {
        "gk": {SOURCE: Extension(seeds=(3, 4), segments=3), OTHER: Extension(seeds=(3,))},
        "direct": {DIRECT: Extension(segments=7)},
    }
    return folder.plan().extended(extensions)


def test_json_comes_back() -> None:
    extensions = {SOURCE: Extension(seeds=(3, 4), segments=9), OTHER: Extension(segments=2)}
    assert (
        extensions_from_json(json.loads(json.dumps(extensions_as_json(extensions)))) == extensions
    )


def test_seeds_only_grow_and_the_time_is_the_last() -> None:
    before = {
        SOURCE: Extension(seeds=(3, 4), segments=9),
        OTHER: Extension(segments=4),
        DIRECT: Extension(seeds=(8,)),
    }
    now = {SOURCE: Extension(seeds=(5, 4), segments=12), DIRECT: Extension(segments=2)}
    assert merge_extensions(before, now) == {
        SOURCE: Extension(seeds=(3, 4, 5), segments=12),
        DIRECT: Extension(seeds=(8,), segments=2),
    }
    assert merge_extensions(before, {}) == {
        SOURCE: Extension(seeds=(3, 4)),
        DIRECT: Extension(seeds=(8,)),
    }


@pytest.mark.parametrize(
    ("known", "count", "expected"),
    [
        ((1, 2, 3), 2, (4, 5)),
        ((7,), 3, (8, 9, 10)),
        ((12, 3), 2, (13, 14)),
        ((1, MAX_SEED - 1), 3, (MAX_SEED, 2, 3)),
        ((1,), 0, ()),
    ],
)
def test_next_seeds(known: tuple[int, ...], count: int, expected: tuple[int, ...]) -> None:
    assert next_seeds(known, count) == expected


@settings(deadline=None, derandomize=True, database=None)
@given(st.sets(st.integers(1, 40) | st.integers(MAX_SEED - 40, MAX_SEED)), st.integers(0, 50))
def test_next_seeds_are_new(known: set[int], count: int) -> None:
    found = next_seeds(known, count)
    assert len(set(found) - known) == len(found) == count
    assert all(1 <= seed <= MAX_SEED for seed in found)


def test_only_the_groups_named_have_more_runs(folder: Folder, extended: Plan) -> None:
    before, after = list(folder.plan().runs()), list(extended.runs())
    assert len(after) == len(set(after)) == extended.run_count
    added = Counter((run.study, *group_of(run)) for run in set(after) - set(before))
    assert added == {
        ("gk", *SOURCE): 2,
        ("gk", *OTHER): 1,
        # A rerun follows the trajectory of level12 with every model.
        **{("fixed", f"level{n}", *SOURCE[1:]): 2 for n in (10, 12, 14)},
    }
    assert [run for run in after if run in set(before)] == before


def test_a_longer_run_is_cut_as_before(extended: Plan) -> None:
    own = {run.key: extended.recipe_of(run) for run in extended.runs()}
    longer = {key: recipe.sample_segments for key, recipe in own.items()}
    recipe = own["emd-gk/level12-T600-3x3x3-s1"]
    assert (longer["emd-gk/level12-T600-3x3x3-s4"], recipe.sample_segments) == (3, 3)
    assert longer["emd-gk/level10-T300-2x2x2-s3"] == 1
    assert longer["rerun-fixed/level14-T600-3x3x3-s3"] == 3
    assert longer["nemd-direct/level12-T600-2x2x12-s7"] == 7
    for number in range(6):
        assert recipe.segment(number) == extended.recipes["gk"].segment(number)


def test_a_rerun_with_seeds_of_its_own_keeps_to_them(folder: Folder, extended: Plan) -> None:
    """It gets the time of its source, not its seeds."""
    text = CU2SE.replace('method = "rerun"', 'method = "rerun"\nseeds = [2]')
    own = folder.plan(text).extended(extended.extensions)
    runs = [run for run in own.runs("fixed") if group_of(run)[1:] == SOURCE[1:]]
    assert {run.seed for run in runs} == {2}
    assert {own.recipe_of(run).sample_segments for run in runs} == {3}
    assert set(own.extensions["fixed"]) == {(f"level{n}", *SOURCE[1:]) for n in (10, 12, 14)}


def test_what_is_asked_for_again_is_no_extension(folder: Folder, extended: Plan) -> None:
    text = CU2SE.replace("seeds = 2", "seeds = 4").replace("time = 40", "time = 120")
    more = folder.plan(text, recorded=extended.segmentation())
    again = more.extended(extended.extensions)
    assert list(again.runs("gk")) == list(more.runs("gk"))
    assert {again.recipe_of(run).sample_segments for run in again.runs("gk")} == {
        more.recipes["gk"].sample_segments
    }


def test_groups_that_the_campaign_has_dropped_have_no_runs(folder: Folder, extended: Plan) -> None:
    fewer = folder.plan(CU2SE.replace("[300, 600]", "[300]")).extended(extended.extensions)
    assert {run.temperature for run in fewer.runs("gk")} == {300}


def test_cost_of_a_longer_run(folder: Folder, extended: Plan) -> None:
    """Three times the sampling, of 20,000 steps and one segment."""
    seconds = run_seconds(extended, dict.fromkeys(("level10", "level12", "level14"), 1e-6))
    found = {run.name: seconds(run) for run in extended.runs("gk")}
    short = 21_500 * 319e-6 + 3 * SEGMENT_START
    assert found["level10-T600-3x3x3-s1"] == pytest.approx(short)
    longer = short + 40_000 * 319e-6 + 2 * SEGMENT_START
    assert found["level12-T600-3x3x3-s1"] == pytest.approx(longer)
    assert found["level12-T600-3x3x3-s4"] == pytest.approx(longer)
    samples = sum(extended.recipe_of(run).rows for run in extended.runs("gk"))
    assert extended.sample_bytes("gk") == samples * len(extended.recipes["gk"].channels) * 8


def test_at_most(folder: Folder) -> None:
    plan = folder.plan(CU2SE + LIMITS)
    most = plan.at_most()
    seeds = {(run.study, run.seed) for run in most.runs()}
    assert {seed for study, seed in seeds if study == "gk"} == {1, 2, 3, 4, 5}
    assert {seed for study, seed in seeds if study == "fixed"} == {1, 2, 3, 4, 5}
    assert {seed for study, seed in seeds if study == "direct"} == {7, 8, 9, 10, 11}
    assert most.run_count == 12 * 5 + 5 + 12 * 5
    # 100 ps in segments of 40 ps and of 30 ps
    assert [plan.most_segments(study) for study in ("gk", "direct")] == [2, 3]
    assert {most.recipe_of(run).sample_segments for run in most.runs("direct")} == {3}


def test_at_most_without_limits(folder: Folder) -> None:
    plan = folder.plan(LJ)
    assert plan.at_most() == plan
    assert plan.most_segments("gk") == plan.recipes["gk"].sample_segments
    only_seeds = folder.plan(LJ + "\n[convergence]\nrelative_error = 0.1\nmax_seeds = 5\n")
    assert list(only_seeds.at_most().runs()) == list(only_seeds.runs())
    assert only_seeds.most_segments("gk") == only_seeds.recipes["gk"].sample_segments
