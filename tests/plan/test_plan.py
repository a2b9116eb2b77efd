"""The runs of a campaign, and what they have in common."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from small_campaigns import CU2SE, LJ, ROOT, Folder, changed

from ensemble.campaign import find_files, load_campaign
from ensemble.plan.plan import make_plan
from ensemble.plan.recipe import Run


def test_runs(folder: Folder) -> None:
    plan = folder.plan()
    runs = list(plan.runs())
    assert len(runs) == plan.run_count == 3 * 2 * 2 * 2 + 1 + 3 * 2 * 2 * 2
    assert [axes.shape for axes in plan.axes.values()] == [(3, 2, 2, 2), (1, 1, 1, 1), (3, 2, 2, 2)]
    assert len({run.key for run in runs}) == len(runs)
    assert [run.key for run in runs[:3]] == [
        "emd-gk/level10-T300-2x2x2-s1",
        "emd-gk/level10-T300-2x2x2-s2",
        "emd-gk/level10-T300-3x3x3-s1",
    ]
    assert runs[4].temperature == 600
    assert runs[8].model == "level12"
    assert [run.key for run in plan.runs("direct")] == ["nemd-direct/level12-T600-2x2x12-s7"]
    assert runs[25].key == "rerun-fixed/level10-T300-2x2x2-s1"


def test_names_keep_every_digit() -> None:
    run = Run(
        study="gk",
        method="emd",
        model="m.v2",
        temperature=1.35,
        supercell=(10, 1, 2),
        seed=3,
    )
    assert run.name == "m.v2-T1.35-10x1x2-s3"


def test_what_a_run_samples(folder: Folder) -> None:
    plan = folder.plan()
    gk, direct, fixed = plan.recipes.values()
    # 2 ps and 1 ps of equilibration, 40 ps of sampling every 10 fs; 2 fs a step
    assert (gk.steps, gk.steps_per_row, gk.rows) == (1000 + 500 + 20_000, 5, 4000)
    # 2 ps, 10 ps until the current is steady, 30 blocks of 1 ps
    assert (direct.steps, direct.steps_per_row, direct.rows) == (1000 + 5000 + 15_000, 500, 30)
    assert [stage.stage is None for stage in direct.stages] == [False, True]
    assert (fixed.steps, fixed.steps_per_row, fixed.rows) == (20_000, 10, 2000)
    assert plan.sample_bytes("gk") == 24 * 4000 * 23 * 8
    assert plan.sample_bytes("direct") == 30 * 70 * 8
    assert plan.sample_bytes("fixed") == 24 * 2000 * 19 * 8
    assert plan.atom_count("fixed", (3, 3, 3)) == 319


def test_reduced_times(folder: Folder) -> None:
    recipe = folder.plan(LJ).recipes["gk"]
    assert (recipe.steps, recipe.steps_per_row, recipe.rows) == (10_000 + 100_000, 10, 10_000)


def test_engine_of_a_study(folder: Folder) -> None:
    text = CU2SE.replace("bins = 12", "bins = 12\nengine = { ranks = 4 }")
    plan = folder.plan(text)
    assert [recipe.engine.ranks for recipe in plan.recipes.values()] == [1, 4, 1]


def test_source_of_a_rerun(folder: Folder) -> None:
    plan = folder.plan()
    runs, recipe = set(plan.runs("gk")), plan.recipes["fixed"]
    for run in plan.runs("fixed"):
        source = recipe.source_of(run)
        assert source in runs
        assert source.model == "level12"
        assert source.name == run.name.replace(run.model, "level12")
    assert plan.recipes["gk"].source_of(next(plan.runs("gk"))) is None
    assert list(recipe.models) == ["level10", "level12", "level14"]


def test_a_rerun_has_the_model_of_its_source_at_hand(folder: Folder) -> None:
    plan = folder.plan(CU2SE.replace("every = 20\n", 'every = 20\nmodels = ["level14"]\n'))
    assert plan.axes["fixed"].models == ("level14",)
    assert list(plan.recipes["fixed"].models) == ["level14", "level12"]


def test_a_rerun_may_come_before_its_source(folder: Folder) -> None:
    start, end = CU2SE.index('[[study]]\nname = "gk"'), CU2SE.index('[[study]]\nname = "fixed"')
    text = CU2SE[:start] + CU2SE[end:] + CU2SE[start:end]
    plan = folder.plan(text)
    assert list(plan.recipes) == ["fixed", "gk", "direct"]
    assert plan.recipes["gk"].keeps_restarts


def test_the_same_plan_each_time(folder: Folder) -> None:
    first, second = folder.plan(), folder.plan()
    assert first == second
    assert list(first.runs()) == list(second.runs())


@pytest.mark.parametrize("name", ["quickstart", "cu195se"])
def test_recipes_are_small_enough_to_travel(name: str) -> None:
    campaign = load_campaign(ROOT / "campaigns" / f"{name}.toml")
    plan = make_plan(campaign, find_files(campaign))
    for recipe in plan.recipes.values():
        sent = pickle.dumps(recipe)
        assert len(sent) < 10_000
        assert pickle.loads(sent) == recipe
    assert len(pickle.dumps(next(plan.runs()))) < 500


def test_ten_thousand_runs(folder: Folder) -> None:
    cells = ", ".join(f"[{n}, {n}, {n}]" for n in range(2, 22))
    text = changed(CU2SE, supercells=f"[{cells}]", temperatures="[300, 400, 500, 600]", seeds="42")
    plan = folder.plan(text)
    assert plan.axes["gk"].shape == (3, 4, 20, 42)
    runs = list(plan.runs("gk"))
    assert len(set(runs)) == len(runs) == 10_080


def test_planning_starts_no_heavy_library(folder: Folder) -> None:
    """ASE, Dask and Zarr take longer to import than a plan to make."""
    folder.load()
    code = f"""if True:
        import sys
        from pathlib import Path
        from ensemble.campaign import find_files, load_campaign
        from ensemble.plan.cost import estimate
        from ensemble.plan.plan import make_plan
        campaign = load_campaign({str(folder.path / "c.toml")!r})
        estimate(make_plan(campaign, find_files(campaign)), workers=2)
        print(sorted({{"ase", "dask", "rich", "xarray", "zarr"}} & set(sys.modules)))
    """
    found = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=Path("/"))
    assert found == "[]\n"


def test_the_frames_of_a_followed_segment_fit_on_a_disk() -> None:
    campaign = load_campaign(ROOT / "campaigns" / "cu195se.toml")
    plan = make_plan(campaign, find_files(campaign))
    followed, follower = plan.recipes["gk-600K"], plan.recipes["fixed-trajectory-600K"]
    frames = followed.rows_per_segment * followed.steps_per_row / follower.steps_per_row
    assert frames * 1475 * 130 <= 1e9
    assert plan.recipes["gk-300K"].rows_per_segment > followed.rows_per_segment
