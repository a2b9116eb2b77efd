"""The table of κ: planted fluxes and profiles come out in W/m/K."""

from __future__ import annotations

import math
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from ase.io import write
from planted_samples import (
    AREA,
    COUPLING,
    ENERGY,
    GREEN_KUBO,
    LENGTH,
    MUELLER_PLATHE,
    PICOSECOND,
    SLOPE,
    TEMPERATURE,
    VOLUME,
    MakeStore,
    Samples,
    driven,
    equilibrium,
    fill,
    integrals_by_hand,
    results_of,
    rows_of,
)

from ensemble.plan.recipe import Run
from ensemble.results import reduce_group
from ensemble.results.lines import equilibrium_lines
from ensemble.results.table import COLUMNS, DIFFUSION_COLUMNS
from ensemble.structures import crystal


def test_green_kubo_over_the_window(planted: MakeStore) -> None:
    store = planted("real")
    fill(store, "gk")
    rows = rows_of(store, "gk")
    places = [(row.group.model, row.group.temperature) for row in rows]
    assert places == [("a", 300), ("a", 600), ("b", 300), ("b", 600)]
    row = rows[3]
    factor = GREEN_KUBO["real"] / (VOLUME * TEMPERATURE**2)
    integrals = integrals_by_hand(store, "real", [1, 2, 3, 4, 5])
    by_hand = factor * integrals[..., 0, 0].ravel()
    assert row.found.kappa.mean == pytest.approx(by_hand.mean(), rel=1e-5)
    # t of 14 degrees of freedom
    student = 2.1447867 * by_hand.std(ddof=1) / math.sqrt(15)
    assert row.found.student is not None
    assert row.found.student.half_width == pytest.approx(student, rel=1e-5)
    assert row.found.kappa.half_width >= row.found.student.half_width
    assert row.found.window == pytest.approx((1, 2))
    assert (row.found.temperature, row.found.estimator) == (TEMPERATURE, "window")
    assert (len(row.group.done), row.group.asked, row.found.kappa.samples) == (5, 5, 15)

    corrected = rows_of(store, "gk", "corrected")[3].found
    (qq, q1), (_, mm) = integrals.mean(axis=(0, 1))
    assert corrected.kappa.mean == pytest.approx(factor * (qq - q1**2 / mm), rel=1e-5)
    assert corrected.gamma_squared is not None
    assert corrected.gamma_squared.mean == pytest.approx(q1**2 / (qq * mm), rel=1e-5)
    truth = COUPLING**2 / (2 + COUPLING**2)
    assert corrected.gamma_squared.low < truth < corrected.gamma_squared.high


@pytest.mark.parametrize("units", ["metal", "real", "lj"])
def test_units(planted: MakeStore, units: str) -> None:
    """Two runs of the process in any units of time are κ of its analytic integral."""
    store = planted(units, window='"auto"')
    fill(store, "fixed")
    phi = math.exp(-1 / 20)
    # Of lfilter's AR(1) series: variance 1 / (1 − φ²), integral of φ^t (1 + φ) / (2 (1 − φ)).
    integral = 0.01 * PICOSECOND[units] / (1 - phi**2) * (1 + phi) / (1 - phi) / 2
    kappa = GREEN_KUBO[units] * integral / (VOLUME * TEMPERATURE**2)
    for estimate, parts in (("raw", 2 + COUPLING**2), ("corrected", 2)):
        found = rows_of(store, "fixed", estimate, estimator="spectrum")[0].found
        assert abs(found.kappa.mean - parts * kappa) < 1.5 * found.kappa.half_width
        assert found.kappa.half_width < 0.5 * found.kappa.mean
        # 20 rows of 0.01 ps
        assert found.correlation_time == pytest.approx(0.2, rel=0.3)
    assert rows_of(store, "fixed")[0].as_dict()["units"] == (
        "kB/sigma/tau" if units == "lj" else "W/m/K"
    )


def test_the_estimator_is_the_window_only_where_the_campaign_names_one(planted: MakeStore) -> None:
    store = planted(window='"auto"')
    fill(store, "gk")
    fill(store, "fixed")
    assert {row.found.estimator for row in rows_of(store, "gk")} == {"spectrum"}
    assert {row.found.window for row in rows_of(store, "fixed")} == {(1, 2)}
    found = [row.found for row in rows_of(store, "gk", estimator="window")]
    assert {one.estimator for one in found} == {"window"}
    assert all(one.window is not None and 0.1 < one.window[0] < 5 for one in found)
    assert {row.found.estimator for row in rows_of(store, "fixed", estimator="cepstral")} == {
        "cepstral"
    }


def test_the_parts_of_a_raw_kappa_add_up(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    found = rows_of(store, "gk")[0].found
    parts = [found.convective, found.conductive, found.cross]
    total = sum(part.mean for part in parts if part is not None)
    assert total == pytest.approx(found.kappa.mean, rel=1e-9)


def test_components(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    rows = rows_of(store, "gk", components=True)[-3:]
    assert [row.found.component for row in rows] == ["x", "y", "z"]
    by_hand = integrals_by_hand(store, "metal", [1, 2, 3, 4, 5])[..., 0, 0]
    scale = GREEN_KUBO["metal"] / (VOLUME * TEMPERATURE**2)
    for row, values in zip(rows, by_hand.T, strict=True):
        # Runs of five seeds are cut in two: what lies over the cut is not the same.
        assert row.found.kappa.mean == pytest.approx(scale * values.mean(), rel=0.1)
        assert row.found.kappa.samples == 10


WURTZITE = 'prototype = "wurtzite"\nspecies = ["Na", "Cl"]\nlattice = [4.5, 7.3]'


def test_the_direct_method_is_set_beside_the_component_along_its_axis(planted: MakeStore) -> None:
    store = planted(crystal=WURTZITE)
    for study in ("gk", "direct"):
        fill(store, study)
    results = results_of(store)
    tables = results.tables()
    assert {(row.group.cubic, row.group.axis) for row in tables.kappa} == {
        (False, "z"),
        (False, None),
    }
    # The direct method is at 600 K alone, and a rerun has no κ of a material.
    assert {(row.group.study, row.group.temperature) for row in tables.components} == {("gk", 600)}
    asked = rows_of(store, "gk", components=True)
    hot = [row for row in asked if row.group.temperature == 600]
    assert [row for row in tables.components if row.found.estimate == "raw"] == hot
    driven = rows_of(store, "direct")
    assert {cells[-2] for _, cells in equilibrium_lines(rows_of(store, "gk"), driven)} == {"–"}
    beside = {
        (row.group.temperature, row.found.component)
        for row, cells in equilibrium_lines(asked, driven)
        if cells[-2] != "–"
    }
    assert beside == {(600, "z")}


def test_a_cubic_crystal_has_one_kappa(planted: MakeStore) -> None:
    store = planted()
    for study in ("gk", "direct"):
        fill(store, study)
    tables = results_of(store).tables()
    assert all(row.group.cubic for row in tables.kappa)
    assert not tables.components


def test_of_a_structure_file_it_is_not_told_whether_it_is_cubic(
    planted: MakeStore, tmp_path: Path
) -> None:
    write(tmp_path / "salt.cif", crystal("rocksalt", ["Na", "Cl"], 5.6))
    store = planted(crystal='structure = "salt.cif"\nspecies = ["Na", "Cl"]')
    assert not any(row.group.cubic for row in results_of(store).tables().kappa)


@pytest.mark.parametrize("units", ["metal", "real", "lj"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_direct_method(planted: MakeStore, units: str, seeds: int) -> None:
    store = planted(units, direct_seeds=seeds)
    fill(store, "direct")
    row = rows_of(store, "direct")[0]
    found = row.found
    block = PICOSECOND[units]
    kappa = MUELLER_PLATHE[units] * ENERGY / (2 * AREA * block * SLOPE)
    assert found.kappa.mean == pytest.approx(kappa, rel=0.02)
    assert found.kappa.low < kappa < found.kappa.high
    assert found.swap_flux is not None
    assert found.swap_flux.mean == pytest.approx(ENERGY / (2 * AREA * block), rel=1e-12)
    assert (found.temperature, found.length) == (605, LENGTH / 2)
    assert (len(row.group.done), row.group.asked, found.window) == (seeds, seeds, None)


def test_both_heat_fluxes_of_the_direct_method(planted: MakeStore) -> None:
    store = planted(direct_seeds=3)
    fill(store, "direct")
    row = rows_of(store, "direct")[0]
    assert row.found.slab_flux is not None
    assert row.found.slab_flux.low < ENERGY / (2 * AREA) < row.found.slab_flux.high
    assert row.verdict == "converged"
    fill(store, "direct", slab=1.3)
    assert "slabs differs from the swap power" in rows_of(store, "direct")[0].verdict


def test_a_profile_that_still_changes_is_not_steady(planted: MakeStore) -> None:
    store = planted()
    fill(store, "direct", steady=False)
    verdict = rows_of(store, "direct")[0].verdict
    assert verdict.startswith("not steady: the temperature gradient still changes")


def test_a_profile_that_bends_beside_the_exchange_layers(planted: MakeStore) -> None:
    """Of 20 layers two beside each exchange layer are left out by default; here three should be."""
    store = planted(direct_seeds=3, bins=20)
    rows = store.rows("direct")

    def bent(run: Run) -> Samples:
        samples = driven(run, rows, bins=20)
        for place, shift in ((3, -8), (17, -8), (7, 8), (13, 8)):
            samples[f"temperature_{place}"] = samples[f"temperature_{place}"] + shift
        return samples

    store.each("direct", lambda run: driven(run, rows, bins=20))
    assert rows_of(store, "direct")[0].verdict == "converged"
    store.each("direct", bent)
    verdict = rows_of(store, "direct")[0].verdict
    assert verdict == "κ still changes where more layers beside the exchange layers are left out"


def test_diffusion(planted: MakeStore) -> None:
    """1 Å²/ps is 1e-4 cm²/s; the lag begins again at every time origin."""
    store = planted()
    rows, pieces = store.rows("gk"), 8
    lag = 0.01 * np.tile(np.arange(1, rows // pieces + 1), pieces)

    def diffusing(run: Run) -> Samples:
        noise = 1 + 0.05 * np.random.default_rng(run.seed).standard_normal(pieces)
        moved = 6 * 0.3 * lag * np.repeat(noise, rows // pieces) + 0.2
        rattling = 0.4 * (1 - np.exp(-lag / 0.05))
        return {
            **equilibrium(run, rows),
            "square_displacement_Na": moved,
            "square_displacement_Cl": rattling,
        }

    store.each("gk", diffusing)
    table = results_of(store).diffusion(study="gk", model="a", temperature=600)
    assert tuple(table.columns) == tuple(DIFFUSION_COLUMNS)
    sodium, chlorine = (table.set_index("species").loc[name] for name in ("Na", "Cl"))
    assert sodium.diffusion == pytest.approx(0.3e-4, rel=0.05)
    assert abs(sodium.diffusion - 0.3e-4) < sodium.diffusion_half_width
    assert (sodium.units, sodium.problem) == ("cm^2/s", "")
    assert math.isnan(chlorine.diffusion)
    assert chlorine.upper_limit < 0.02e-4
    assert "not diffusive" in chlorine.problem


def test_the_table_is_tidy(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    fill(store, "direct")
    table = results_of(store).kappa()
    assert tuple(table.columns) == tuple(COLUMNS)
    assert len(table) == 2 * 4 + 2 + 4
    some = (table.study == "gk") & (table.model == "b") & (table.temperature == 600)
    chosen = table[some].set_index("estimate")
    assert chosen.loc["raw"].kappa == rows_of(store, "gk")[3].found.kappa.mean
    assert set(chosen.index) == {"raw", "corrected"}
    assert set(chosen.supercell) == {"3x3x3"}
    assert table.kappa.notna().sum() == 8 + 2
    assert table.swap_flux.notna().sum() == 2
    assert table.window_end[0] == 2
    low_high = table.kappa_high - table.kappa_low
    assert low_high[:8].tolist() == pytest.approx((2 * table.kappa_half_width[:8]).tolist())


def test_a_selection(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    results = results_of(store)
    table = results.kappa(study="gk", model=["b"], temperature=300)
    assert [tuple(row) for row in table[["study", "model", "temperature"]].values] == [
        ("gk", "b", 300)
    ] * 2
    assert len(results.kappa(supercell="2x2x10")) == 2
    assert len(results.kappa(temperature=(300, 600), model=("a", "b"))) == 2 * 4 + 2 + 4
    for wrong, message in (
        ({"model": "c"}, "model 'c': the store has a, b"),
        ({"study": ["gk", "kg"]}, "study 'kg': the store has gk, direct, fixed"),
        ({"temperature": 450}, "temperature 450: the store has 300, 600"),
        ({"supercell": "9x9x9"}, "supercell '9x9x9': the store has 3x3x3, 2x2x10"),
        ({"estimator": "magic"}, "estimator 'magic': must be one of spectrum, window, cepstral"),
    ):
        with pytest.raises(ValueError, match=message):
            results.kappa(**wrong)


def test_one_group_alone(planted: MakeStore) -> None:
    """As a worker does it: what travels can be pickled, and the result is then in the store."""
    store = planted()
    fill(store, "gk")
    function, arguments = pickle.loads(
        pickle.dumps((reduce_group, (os.fspath(store.paths.root), "gk", (1, 0, 0))))
    )
    reduced = function(*arguments)
    kept = list(store.paths.results("gk").iterdir())
    assert [path.name for path in kept] == ["b-T300-3x3x3-window.json"]
    row = rows_of(store, "gk")[2]
    assert reduced.findings[0] == row.found
    with pytest.raises(LookupError, match=r"study 'gk' has no group \(7, 0, 0\)"):
        reduce_group(store.paths.root, "gk", (7, 0, 0))
