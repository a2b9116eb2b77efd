"""Datasets: every number under its labels, and nothing read that was not asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray

from ensemble.plan.recipe import Channel
from ensemble.results import open_results
from ensemble.results.quantities import LONG_NAMES, quantities
from ensemble.store.errors import StoreMissing

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]


def number(model: str, temperature: float, seed: int, channel: int) -> float:
    """Tells every run and channel from every other."""
    return channel + 100 * seed + 1000 * temperature + 1e6 * (model == "b")


def fill(store: Planted, study: str) -> dict[str, int]:
    """Every value is `number` of its labels, plus a thousandth for each row."""
    names = [channel.name for channel in store.study(study).channels]
    ramp = np.arange(store.rows(study)) / 1000
    store.each(
        study,
        lambda run: {
            name: number(run.model, run.temperature, run.seed, place) + ramp
            for place, name in enumerate(names)
        },
    )
    return {name: place for place, name in enumerate(names)}


def test_quantities_are_put_together_from_their_channels() -> None:
    names = [f"{flux}_{xy}" for flux in ("heat_flux", "heat_flux_convective") for xy in "xy"]
    names += [f"momentum_{species}_{xy}" for species in ("Cu", "Se") for xy in "xy"]
    names += ["msd_Cu", "msd_Se", "temperature", "temperature_0", "temperature_1"]
    names += ["exchanged_energy"]
    names += [f"momentum_{species}_{layer}" for species in ("Cu", "Se") for layer in (0, 1, 2)]
    found = quantities([Channel(name=name, units=f"of {name}") for name in names])
    assert {name: (q.columns.tolist(), q.labels) for name, q in found.items()} == {
        "heat_flux": ([0, 1], {"component": ("x", "y")}),
        "heat_flux_convective": ([2, 3], {"component": ("x", "y")}),
        "momentum": ([[4, 5], [6, 7]], {"species": ("Cu", "Se"), "component": ("x", "y")}),
        "msd": ([8, 9], {"species": ("Cu", "Se")}),
        "kinetic_temperature": (10, {}),
        "temperature_profile": ([11, 12], {"bin": (0, 1)}),
        "exchanged_energy": (13, {}),
        "momentum_profile": (
            [[14, 15, 16], [17, 18, 19]],
            {"species": ("Cu", "Se"), "bin": (0, 1, 2)},
        ),
    }
    assert found["exchanged_energy"].units == "of exchanged_energy"


@pytest.mark.parametrize("study", ["gk", "direct", "fixed"])
def test_every_value_is_under_its_labels(planted: MakeStore, study: str) -> None:
    store = planted()
    places = fill(store, study)
    dataset = open_results(store.paths.root)[study]
    rows = "block" if study == "direct" else "time"
    run = dataset.sel(model="b", temperature=600, seed=2).isel({"supercell": 0, rows: 7})
    found = quantities(store.study(study).channels)
    assert set(run.data_vars) == set(found)
    for name, quantity in found.items():
        wanted = [number("b", 600, 2, int(place)) + 0.007 for place in quantity.columns.ravel()]
        assert run[name].values.ravel().tolist() == wanted
    assert sum(run[name].size for name in found) == len(places)


@pytest.mark.filterwarnings("error")
def test_the_same_as_xarray_reads_from_the_store(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    plain = xarray.open_zarr(store.paths.group("gk"), chunks=None)
    dataset = open_results(store.paths.root)["gk"]
    for name in ("model", "temperature", "supercell", "seed", "time", "atoms"):
        assert dataset[name].values.tolist() == plain[name].values.tolist()
        assert dataset[name].attrs.get("units") == plain[name].attrs.get("units")
    channels = [
        f"momentum_{species}_{component}" for species in ("Na", "Cl") for component in "xyz"
    ]
    columns = plain.samples.sel(channel=channels).values
    assert dataset.momentum.values.reshape(columns.shape).tolist() == columns.tolist()


def test_any_selection_is_that_of_the_whole_array(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    momentum = open_results(store.paths.root)["gk"].momentum
    whole = momentum.copy(data=momentum.values)
    vector = xarray.DataArray([0, 3, 1], dims="pick")
    for selection in (
        {"model": 1, "seed": -1, "time": slice(5, 995, 7)},
        {"species": [1, 0], "component": [2, 0]},
        {"species": 1, "component": slice(None, None, -1), "time": [3, 999, 3]},
        {"component": [], "model": [1]},
        {"seed": vector, "time": vector + 10},
    ):
        found = momentum.isel(selection)
        xarray.testing.assert_identical(found.load(), whole.isel(selection))


def test_units_and_names(planted: MakeStore) -> None:
    results = open_results(planted().paths.root)
    assert results.studies == ("gk", "direct", "fixed")
    emd, nemd = results["gk"], results["direct"]
    assert emd.heat_flux.attrs == {"units": "eV angstrom/ps", "long_name": "extensive heat flux"}
    assert emd.heat_flux.dims[-2:] == ("time", "component")
    assert nemd.temperature_profile.dims[-2:] == ("block", "bin")
    assert (nemd.area.attrs["units"], nemd.block.attrs["units"]) == ("angstrom^2", "ps")
    assert nemd.block.values[:2].tolist() == [1, 2]
    assert emd.time.values[[0, -1]].tolist() == [0.01, 40]
    assert "msd" not in results["fixed"]
    for dataset in (emd, nemd):
        for name, variable in dataset.data_vars.items():
            assert variable.attrs["units"]
            assert variable.attrs["long_name"] == LONG_NAMES[str(name)]


def test_times_are_in_tau_under_lj(planted: MakeStore) -> None:
    dataset = open_results(planted("lj").paths.root)["gk"]
    assert dataset.time.attrs["units"] == "tau"
    assert dataset.time.values[[0, -1]] == pytest.approx([0.01, 40])


def test_a_selection_reads_its_own_chunks_only(planted: MakeStore) -> None:
    """All other chunks are garbage that cannot be read."""
    store = planted()
    fill(store, "gk")
    wanted = store.chunks(store.run("gk", "a", 300, 3))[1]
    for path in store.paths.samples("gk").glob("c.*"):
        if path != wanted:
            path.write_bytes(b"garbage")
    flux = open_results(store.paths.root)["gk"].heat_flux
    run = flux.sel(model="a", temperature=300, seed=3).isel(supercell=0)
    found = run.isel(time=slice(1000, 2000)).sel(component="y").values
    assert found == pytest.approx(number("a", 300, 3, 1) + np.arange(1000, 2000) / 1000)
    with pytest.raises(Exception, match=r"(?i)zstd|decode|decompress"):
        np.asarray(run.isel(time=slice(999, 2000)))


def test_rows_that_are_not_there_yet_are_nan(planted: MakeStore) -> None:
    store = planted()
    run = store.run("gk")
    store.plant(run, {"energy": -3.0})
    store.chunks(run)[-1].unlink()
    energy = open_results(store.paths.root)["gk"].energy.sel(temperature=600).isel(supercell=0)
    found = energy.sel(model="a", seed=1).values
    assert np.all(found[:3000] == -3)
    assert np.isnan(found[3000:]).all()
    assert np.isnan(energy.sel(model="b", seed=1).values).all()


def test_what_is_not_there_is_named(planted: MakeStore, tmp_path: Path) -> None:
    results = open_results(planted().paths.root)
    with pytest.raises(KeyError, match="study 'gk-600K': the store has gk, direct, fixed"):
        results["gk-600K"]
    with pytest.raises(StoreMissing, match="no store"):
        open_results(tmp_path / "nothing")
