"""The table of κ: planted fluxes and profiles come out in W/m/K, and every shortcoming is named."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.plan.recipe import Run
from ensemble.results import as_json, open_results
from ensemble.results.table import COLUMNS, Row
from ensemble.store.ledger import append, event_of

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]
Samples = dict[str, NDArray[np.float64] | float]

TEMPERATURE, VOLUME = 610.0, 20_000.0
"""Of the runs; they were asked to have 600 or 300."""

GREEN_KUBO = {"metal": 1.85925e7, "real": 3.49622e7, "lj": 1.0}
"""Times ∫<JJ>dt / (V T²) it is W/m/K, in units of the style; in lj k_B is 1."""

MUELLER_PLATHE = {"metal": 1602.177, "real": 69_476.95, "lj": 1.0}
"""Times E / (2 A Δt dT/dz) it is W/m/K."""

PICOSECOND = {"metal": 1.0, "real": 1000.0, "lj": 1.0}

LENGTH, AREA, ENERGY, SLOPE = 80.0, 120.0, 0.6, 0.25
"""Of a run by the direct method: cell, energy exchanged in a block, K per length."""


def flux(run: Run, rows: int) -> NDArray[np.float64]:
    """Shape (rows, 3), correlated over 20 rows, another one for each run."""
    seed = [run.seed, int(run.temperature), ord(run.model[0])]
    white = np.random.default_rng(seed).standard_normal((rows + 500, 3))
    series: NDArray[np.float64] = lfilter([1], [1, -math.exp(-1 / 20)], white, axis=0)[500:]
    return series


def equilibrium(run: Run, rows: int) -> Samples:
    currents = {f"heat_flux_{axis}": flux(run, rows)[:, i] for i, axis in enumerate("xyz")}
    return {**currents, "temperature": TEMPERATURE, "volume": VOLUME}


def driven(run: Run, rows: int, slab: float = 1.0, steady: bool = True) -> Samples:
    """A linear profile with noise; `slab` times the flux that the swaps make."""
    generator = np.random.default_rng([run.seed, 7])
    layer = np.arange(12)
    height = SLOPE * (np.minimum(layer, 12 - layer) - 3) * LENGTH / 12
    scale = np.ones(rows) if steady else np.linspace(0.5, 1, rows)
    current = np.where(layer < 6, -1, 1) * slab * ENERGY / (2 * AREA) * AREA * LENGTH / 12
    # Atoms go to and fro, and carry -3 and -5 times their momenta: all the more than the current.
    sloshing = 300 * np.diff(generator.standard_normal((2, 12, rows + 1)), axis=-1)
    samples: Samples = {"length": LENGTH, "area": AREA, "exchanged_energy": ENERGY, "energy": -500}
    for place in layer:
        noise = 0.05 * generator.standard_normal((2, rows))
        samples[f"temperature_{place}"] = 600 + height[place] * scale + noise[0]
        samples[f"momentum_Na_{place}"], samples[f"momentum_Cl_{place}"] = sloshing[:, place]
        carried = -3 * sloshing[0, place] - 5 * sloshing[1, place]
        samples[f"heat_flux_{place}"] = current[place] * (1 + noise[1]) + carried
    return samples


def fill(store: Planted, study: str, **more: float | bool) -> None:
    rows = store.rows(study)
    make = driven if study == "direct" else equilibrium
    store.each(study, lambda run: make(run, rows, **more))


def rows_of(store: Planted, study: str) -> list[Row]:
    return [row for row in open_results(store.paths.root).rows if row.study == study]


def kappa_by_hand(store: Planted, units: str, model: str, seeds: list[int]) -> NDArray[np.float64]:
    """κ of each seed and component, by the sums that the formulas are."""
    timestep = 0.01 * PICOSECOND[units]
    found = []
    for seed in seeds:
        series = flux(store.run("gk", model, 600, seed), store.rows("gk")).T
        for current in series:
            rows = len(current)
            lagged = [current[: rows - lag] @ current[lag:] / (rows - lag) for lag in range(201)]
            upto = [np.trapezoid(lagged[: lag + 1], dx=timestep) for lag in range(100, 201)]
            found.append(GREEN_KUBO[units] * np.mean(upto) / (VOLUME * TEMPERATURE**2))
    return np.array(found)


@pytest.mark.parametrize("units", ["metal", "real", "lj"])
def test_green_kubo_over_the_window(planted: MakeStore, units: str) -> None:
    store = planted(units)
    fill(store, "gk")
    rows = rows_of(store, "gk")
    assert [(row.model, row.temperature) for row in rows] == [
        ("a", 300),
        ("a", 600),
        ("b", 300),
        ("b", 600),
    ]
    row = rows[3]
    by_hand = kappa_by_hand(store, units, "b", [1, 2, 3, 4, 5])
    assert row.kappa.mean == pytest.approx(by_hand.mean(), rel=1e-5)
    half_width = 2.1447867 * by_hand.std(ddof=1) / math.sqrt(15)  # t of 14 degrees of freedom
    assert row.kappa.half_width == pytest.approx(half_width, rel=1e-5)
    assert (row.runs, row.runs_asked, row.kappa.samples, row.note) == (5, 5, 15, "")
    assert (row.window, row.atoms) == ((1, 2), 216)
    assert row.units == ("kB/sigma/tau" if units == "lj" else "W/m/K")


@pytest.mark.parametrize("units", ["metal", "real", "lj"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_direct_method(planted: MakeStore, units: str, seeds: int) -> None:
    store = planted(units, direct_seeds=seeds)
    fill(store, "direct")
    row = rows_of(store, "direct")[0]
    block = PICOSECOND[units]
    kappa = MUELLER_PLATHE[units] * ENERGY / (2 * AREA * block * SLOPE)
    assert row.kappa.mean == pytest.approx(kappa, rel=0.02)
    assert row.kappa.low < kappa < row.kappa.high
    assert row.swap_flux is not None
    assert row.swap_flux.mean == pytest.approx(ENERGY / (2 * AREA * block), rel=1e-12)
    assert (row.runs, row.runs_asked, row.window) == (seeds, seeds, None)


def test_both_heat_fluxes_of_the_direct_method(planted: MakeStore) -> None:
    store = planted(direct_seeds=3)
    fill(store, "direct")
    row = rows_of(store, "direct")[0]
    assert row.slab_flux is not None
    assert row.slab_flux.low < ENERGY / (2 * AREA) < row.slab_flux.high
    assert (row.flux_units, row.note) == ("eV/angstrom^2/ps", "")
    fill(store, "direct", slab=1.3)
    assert "slabs differs from the swap power" in rows_of(store, "direct")[0].note


def test_a_profile_that_still_changes_is_not_steady(planted: MakeStore) -> None:
    store = planted()
    fill(store, "direct", steady=False)
    assert rows_of(store, "direct")[0].note == "not steady: the temperature gradient still changes"


def test_a_rerun_has_the_window_of_its_own(planted: MakeStore) -> None:
    store = planted(window="[0, 1]")
    fill(store, "fixed")
    fill(store, "gk")
    assert {row.window for row in rows_of(store, "fixed")} == {(1, 2)}
    assert {row.window for row in rows_of(store, "gk")} == {(0, 1)}
    assert all(row.runs == 5 and row.kappa.mean > 0 for row in rows_of(store, "fixed"))


def test_a_window_is_found_where_none_is_given(planted: MakeStore) -> None:
    store = planted(window='"auto"')
    fill(store, "gk")
    phi = math.exp(-1 / 20)
    # Of lfilter's AR(1) series: variance 1 / (1 − φ²), integral of φ^t (1 + φ) / (2 (1 − φ)).
    integral = 0.01 / (1 - phi**2) * (1 + phi) / (1 - phi) / 2
    kappa = GREEN_KUBO["metal"] * integral / (VOLUME * TEMPERATURE**2)
    for row in rows_of(store, "gk"):
        assert row.window is not None
        assert row.window[1] == 2 * row.window[0]
        assert 0.2 < row.window[0] <= 5
        assert abs(row.kappa.mean - kappa) < 1.5 * row.kappa.half_width


def test_a_window_behind_the_series(planted: MakeStore) -> None:
    store = planted(window="[30, 40]")
    fill(store, "gk")
    row = rows_of(store, "gk")[0]
    assert row.note == "window up to 40 ps: the longest lag of the series is 39.99 ps"
    assert math.isnan(row.kappa.mean)


def test_runs_that_are_not_whole_do_not_count(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    store.chunks(store.run("gk", "a", 600, 2))[-1].unlink()
    for path in store.chunks(store.run("gk", "a", 600, 4)):
        path.unlink()
    row = rows_of(store, "gk")[1]
    by_hand = kappa_by_hand(store, "metal", "a", [1, 3, 5])
    assert row.kappa.mean == pytest.approx(by_hand.mean(), rel=1e-5)
    assert (row.runs, row.runs_asked, row.kappa.samples, row.note) == (3, 5, 9, "")


def test_an_empty_store(planted: MakeStore) -> None:
    store = planted()
    rows = open_results(store.paths.root).rows
    assert len(rows) == 4 + 2 + 4
    assert {(row.runs, row.note) for row in rows} == {(0, "no run is done")}
    assert all(math.isnan(row.kappa.mean) and row.kappa.half_width == math.inf for row in rows)


def test_failures_are_in_the_note_of_their_group(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    unlucky = [store.run("gk", "a", 600, seed) for seed in (2, 3, 4)]
    for run in unlucky:
        append(
            store.paths, event_of(run, "failed", cause="drift", message="energy drifted by 9 eV")
        )
    for run in unlucky[:2]:
        store.chunks(run)[0].unlink()
    rows = rows_of(store, "gk")
    assert rows[1].note == "2 runs failed: energy drifted by 9 eV"
    assert [row.note for row in (rows[0], *rows[2:])] == [""] * 3
    assert rows[1].runs == 3


def test_a_damaged_chunk_is_named_and_the_others_are_shown(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    damaged = store.chunks(store.run("gk", "a", 600, 2))[1]
    damaged.write_bytes(b"garbage")
    rows = rows_of(store, "gk")
    assert rows[1].note.startswith(f"{damaged}: ")
    assert math.isnan(rows[1].kappa.mean)
    assert [row.note for row in (rows[0], *rows[2:])] == [""] * 3


def test_the_table_is_tidy(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    fill(store, "direct")
    results = open_results(store.paths.root)
    table = results.table()
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 10
    chosen = table.set_index(["study", "model", "temperature"]).loc["gk", "b", 600]
    assert chosen.kappa == results.rows[3].kappa.mean
    assert chosen.supercell == "3x3x3"
    assert table.kappa.notna().sum() == 6
    assert table.swap_flux.notna().sum() == 2
    assert table.window_end[0] == 2
    assert all(tuple(row.as_dict()) == COLUMNS for row in results.rows)


def test_json_has_no_numbers_that_are_none(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    found = json.loads(json.dumps(as_json(open_results(store.paths.root)), allow_nan=False))
    assert found[0]["kappa"] > 0
    assert (found[-1]["kappa"], found[-1]["kappa_half_width"]) == (None, None)
    assert found[-1]["note"] == "no run is done"
