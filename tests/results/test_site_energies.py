"""Site energies of a store: the counts of the runs' last records, pooled over the seeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ensemble.plan.recipe import Run
from ensemble.reduction.site_energies import count
from ensemble.results.site_energies import site_energies
from ensemble.store.layout import record_name

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]


def record(store: Planted, run: Run, content: dict[str, Any]) -> None:
    """The record of a run's last segment."""
    study = store.study(run.study)
    folder = store.paths.run(run)
    folder.mkdir(parents=True, exist_ok=True)
    name = record_name(sum(study.parts) + study.sample_segments - 1)
    (folder / name).write_text(json.dumps(content))


def counts(sodium: list[float], chlorine: list[float], frames: int = 1) -> dict[str, Any]:
    species = {"Na": count(sodium, 0.01), "Cl": count(chlorine, 0.01)}
    text = {name: {str(k): n for k, n in found.items()} for name, found in species.items()}
    return {"site_energies": {"width": 0.01, "frames": frames, "counts": text}}


def test_counts_are_pooled_over_the_seeds(planted: MakeStore) -> None:
    store = planted()
    store.each("gk", lambda run: {})
    one, two = (store.run("gk", model="b", temperature=600, seed=seed) for seed in (1, 2))
    record(store, one, counts([-4.0, -3.9], [-3.0], frames=3))
    record(store, two, counts([-4.0, -4.2], [-3.0], frames=2))
    record(store, store.run("gk", model="a"), counts([1.0], [2.0, 2.5]))
    found = site_energies(store.info, "gk")
    assert found.sizes["species"] == 2
    mine = found.sel(model="b", temperature=600, supercell="3x3x3")
    assert int(mine.frames) == 5
    sodium = mine.counts.sel(species="Na")
    occupied = sodium.energy.values[sodium.values > 0]
    assert occupied == pytest.approx([-4.195, -3.995, -3.895], abs=0.011)
    assert sodium.values[sodium.values > 0].tolist() == [1, 2, 1]
    assert float(mine["mean"].sel(species="Cl")) == pytest.approx(-3.0, abs=0.006)
    assert float(mine["mean"].sel(species="Na")) == pytest.approx(-4.025, abs=0.006)
    assert found.energy.values[0] == pytest.approx(-4.195, abs=0.011)
    assert found.energy.values[-1] == pytest.approx(2.505, abs=0.011)
    assert int(found.counts.sum()) == 9
    assert found["mean"].attrs["units"] == found.energy.attrs["units"] == "eV"
    nothing = found.sel(model="a", temperature=300, supercell="3x3x3")
    assert int(nothing.frames) == 0
    assert np.isnan(nothing["mean"]).all()


@pytest.mark.parametrize("content", ["", "{", '{"segment": 5}'])
def test_damaged_records_and_those_without_counts_are_left_out(
    planted: MakeStore, content: str
) -> None:
    store = planted()
    store.each("gk", lambda run: {})
    with pytest.raises(ValueError, match="study gk: no run has counted site energies"):
        site_energies(store.info, "gk")
    record(store, store.run("gk", seed=1), counts([1.0], [2.0]))
    study, other = store.study("gk"), store.run("gk", seed=2)
    record(store, other, {})
    name = record_name(sum(study.parts) + study.sample_segments - 1)
    (store.paths.run(other) / name).write_text(content)
    assert int(site_energies(store.info, "gk").frames.sum()) == 1
