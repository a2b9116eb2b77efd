"""Groups of runs that are to have more than their study asks for, as the store knows them."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray
from small_stores import CAMPAIGN, RERUN, SECOND_MODEL, SmallStore, make_store, plan_of

from ensemble.plan.extension import Extension
from ensemble.store import ledger
from ensemble.store.arrays import create_or_grow
from ensemble.store.info import StoreInfo, read_store
from ensemble.store.layout import StorePaths
from ensemble.store.lease import Lease
from ensemble.store.progress import committed
from ensemble.store.status import as_json, read_status

TWO_MODELS = CAMPAIGN.replace("[[study]]", f"{SECOND_MODEL}\n[[study]]")
CONVERGENCE = "\n[convergence]\nrelative_error = 0.1\nmax_time = 4\n"
GROUP = ("hard", 1.35, (2, 2, 2))
MORE = {"gk": {GROUP: Extension(seeds=(3, 4), segments=6)}}


def extend(folder: Path, text: str = TWO_MODELS, more: dict = MORE) -> SmallStore:
    """The store with more for one group."""
    plan, paths = plan_of(folder, text).extended(more), StorePaths(folder / "store")
    with Lease.acquire(paths.lock) as lease:
        info = create_or_grow(paths, plan, versions={"ensemble": "1"}, confirm=lease.confirm)
    return SmallStore(paths, plan, info)


def names(info: StoreInfo, study: str = "gk") -> list[str]:
    return [f"{run.model}-{run.seed}" for _, run in info.runs(study)]


def test_only_one_group_has_the_new_seeds(tmp_path: Path) -> None:
    make_store(tmp_path, TWO_MODELS)
    store = extend(tmp_path)
    info = read_store(store.paths.root)
    study = info.studies["gk"]
    assert study == store.info.studies["gk"]
    assert study.axes.seeds == (1, 2, 3, 4)
    assert names(info) == ["soft-1", "soft-2", "hard-1", "hard-2", "hard-3", "hard-4"]
    (soft, *_, hard) = [run for _, run in info.runs("gk")]
    assert (study.segments_of(soft), study.segments_of(hard)) == (4, 6)
    assert (study.seeds_of(soft), study.seeds_of(hard)) == ((1, 2), (1, 2, 3, 4))
    assert study.longest == 6
    assert {run for _, run in info.runs("gk")} == set(store.plan.runs())


def test_the_metadata_of_a_store_without_extensions_say_nothing_of_them(store: SmallStore) -> None:
    (study,) = json.loads(store.paths.metadata.read_text())["attributes"]["studies"].values()
    assert not {"extensions", "seeds"} & study.keys()


def test_samples_stay_where_they_are(tmp_path: Path) -> None:
    before = make_store(tmp_path, TWO_MODELS)
    for run in before.plan.runs():
        before.finish(run)
    chunks = {path: path.read_bytes() for path in before.paths.samples("gk").glob("c.*")}
    after = extend(tmp_path)
    finished = {f"{run.model}-{run.seed}": after.finish(run) for run in after.plan.runs()}
    # Two segments more of what there was, six and two of equilibration of what there was not.
    assert finished == {
        "soft-1": 0,
        "soft-2": 0,
        "hard-1": 2,
        "hard-2": 2,
        "hard-3": 8,
        "hard-4": 8,
    }
    assert chunks == {path: path.read_bytes() for path in chunks}
    with xarray.open_zarr(after.paths.group("gk")) as dataset:
        for run in after.plan.runs():
            mine = dataset.samples.sel(model=run.model, seed=run.seed).values.squeeze()
            length = 60 if run.model == "hard" else 40
            expected = after.series(run, length // 10)
            np.testing.assert_array_equal(mine[:length], expected)
            assert np.isnan(mine[length:]).all()
        assert np.isnan(dataset.samples.sel(model="soft", seed=[3, 4]).values).all()


def test_a_rerun_follows(tmp_path: Path) -> None:
    text = TWO_MODELS + RERUN
    make_store(tmp_path, text)
    more = {"gk": {("soft", 1.35, (2, 2, 2)): Extension(seeds=(3,), segments=6)}}
    info = extend(tmp_path, text, more).info
    expected = [f"{model}-{seed}" for model in ("soft", "hard") for seed in (1, 2, 3)]
    assert names(info, "again") == expected
    assert {info.studies["again"].segments_of(run) for _, run in info.runs("again")} == {6}


def test_a_launch_without_extensions_keeps_the_seeds(tmp_path: Path) -> None:
    """It asks for the time that its file names, as it does of whole studies."""
    extend(tmp_path)
    info = make_store(tmp_path, TWO_MODELS).info
    assert names(info) == ["soft-1", "soft-2", "hard-1", "hard-2", "hard-3", "hard-4"]
    assert {info.studies["gk"].segments_of(run) for _, run in info.runs("gk")} == {4}
    assert info.studies["gk"].longest == 6


def test_seeds_that_the_campaign_names_later_are_those_of_every_group(tmp_path: Path) -> None:
    extend(tmp_path)
    info = extend(tmp_path, TWO_MODELS.replace("seeds = 2", "seeds = 3")).info
    assert info.studies["gk"].axes.seeds == (1, 2, 3, 4)
    assert names(info) == [
        *("soft-1", "soft-2", "soft-3"),
        *("hard-1", "hard-2", "hard-3", "hard-4"),
    ]


def test_status_counts_what_is_asked_for(tmp_path: Path) -> None:
    make_store(tmp_path, TWO_MODELS + CONVERGENCE)
    store = extend(tmp_path, TWO_MODELS + CONVERGENCE)
    runs = list(store.plan.runs())
    for run in runs[:-1]:
        store.finish(run)
    store.finish(runs[-1], segments=4)
    (found,) = as_json(read_status(store.paths.root))["studies"]
    assert (found["runs"], found["done"], found["partial"]) == (6, 5, 1)
    assert (found["sampling_segments"], found["sampling_segments_asked"]) == (28, 32)
    assert committed(store.paths, "gk")[1, 0, 0, 3] == 2


@pytest.mark.parametrize("text", [TWO_MODELS, TWO_MODELS + CONVERGENCE])
def test_status_tells_of_the_last_decisions(tmp_path: Path, text: str) -> None:
    """But not where the campaign, as it was last launched, leaves nothing to decide."""
    store = make_store(tmp_path, text)
    for step, seeds, message in (("seeds", 4, "more seeds: 3, 4"), ("met", 4, "known well enough")):
        decision = ledger.Decision(
            study="gk",
            group="hard-T1.35-2x2x2",
            decision=step,
            runs=2,
            kappa=3.5,
            relative_error=0.04,
            seeds=seeds,
            segments=4,
            message=message,
        )
        ledger.append(store.paths, decision)
    status = read_status(store.paths.root)
    said = "gk hard-T1.35-2x2x2: known well enough" in str(status).splitlines()
    assert said == ("[convergence]" in text)
    tables = as_json(status)["convergence"]
    assert [table["decision"] for table in tables] == (["met"] if said else [])
