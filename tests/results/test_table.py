"""The table of κ: planted fluxes and profiles come out in W/m/K, and every shortcoming is named."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.plan.recipe import Run
from ensemble.results import Results, Selection, Settings, open_results, reduce_group
from ensemble.results.table import COLUMNS, DIFFUSION_COLUMNS, Row
from ensemble.store.ledger import append, event_of

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]
Floats = NDArray[np.float64]
Samples = dict[str, Floats | float]

TEMPERATURE, VOLUME = 610.0, 20_000.0
"""Of the runs; they were asked to have 600 or 300."""

GREEN_KUBO = {"metal": 1.85925e7, "real": 3.49622e7, "lj": 1.0}
"""Times ∫<JJ>dt / (V T²) it is W/m/K, in units of the style; in lj k_B is 1."""

MUELLER_PLATHE = {"metal": 1602.177, "real": 69_476.95, "lj": 1.0}
"""Times E / (2 A Δt dT/dz) it is W/m/K."""

PICOSECOND = {"metal": 1.0, "real": 1000.0, "lj": 1.0}

COUPLING = 3.0
"""Of the heat flux to the species current, which is as large as the rest of it."""

LENGTH, AREA, ENERGY, SLOPE = 80.0, 120.0, 0.6, 0.25
"""Of a run by the direct method: cell, energy exchanged in a block, K per length."""


def currents(run: Run, rows: int) -> tuple[Floats, Floats, Floats]:
    """Two parts of the heat flux and a species current, shape (rows, 3), others for each run.

    All are correlated over 20 rows and independent of one another.
    """
    seed = [run.seed, int(run.temperature), ord(run.model[0])]
    white = np.random.default_rng(seed).standard_normal((3, rows + 500, 3))
    first, second, third = lfilter([1], [1, -math.exp(-1 / 20)], white, axis=1)[:, 500:]
    return first, second, third


def equilibrium(run: Run, rows: int) -> Samples:
    conductive, convective, current = currents(run, rows)
    parts = {
        "heat_flux": conductive + convective + COUPLING * current,
        "heat_flux_conductive": conductive,
        "heat_flux_convective": convective + COUPLING * current,
        "momentum_Na": current,
        "momentum_Cl": -current,
    }
    vectors = {
        f"{name}_{axis}": values[:, i]
        for name, values in parts.items()
        for i, axis in enumerate("xyz")
    }
    return {**vectors, "temperature": TEMPERATURE, "volume": VOLUME}


def driven(run: Run, rows: int, slab: float = 1.0, steady: bool = True, bins: int = 12) -> Samples:
    """A linear profile with noise; `slab` times the flux that the swaps make."""
    generator = np.random.default_rng([run.seed, 7])
    layer = np.arange(bins)
    height = SLOPE * (np.minimum(layer, bins - layer) - bins / 4) * LENGTH / bins
    scale = np.ones(rows) if steady else np.linspace(0.5, 1, rows)
    current = np.where(layer < bins // 2, -1, 1) * slab * ENERGY / (2 * AREA) * AREA * LENGTH / bins
    # Atoms go to and fro, and carry -3 and -5 times their momenta: all the more than the current.
    sloshing = 300 * np.diff(generator.standard_normal((2, bins, rows + 1)), axis=-1)
    samples: Samples = {
        "length": LENGTH,
        "area": AREA,
        "exchanged_energy": ENERGY,
        "energy": -500,
        "temperature": 605.0,
    }
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


def results_of(store: Planted) -> Results:
    return open_results(store.paths.root)


def rows_of(store: Planted, study: str, estimate: str = "raw", **settings: object) -> list[Row]:
    chosen = Selection(studies=frozenset([study]))
    rows = results_of(store).tables(chosen, Settings(**settings)).kappa
    return [
        row for row in rows if row.found.estimate == ("direct" if study == "direct" else estimate)
    ]


def integrals_by_hand(store: Planted, units: str, seeds: list[int]) -> Floats:
    """Of heat flux and current with one another over the window, by the sums that they are.

    Shape (seeds, 3 components, 2, 2), for model b at 600, symmetric in the currents.
    """
    timestep = 0.01 * PICOSECOND[units]
    found = np.zeros((len(seeds), 3, 2, 2))
    for s, seed in enumerate(seeds):
        conductive, convective, current = currents(
            store.run("gk", "b", 600, seed), store.rows("gk")
        )
        both = np.stack([conductive + convective + COUPLING * current, current])
        rows = both.shape[1]
        for lag in range(201):
            weight = np.mean([(lag <= end) - 0.5 * (lag in (0, end)) for end in range(100, 201)])
            for i, j in np.ndindex(2, 2):
                lagged = (both[i, : rows - lag] * both[j, lag:]).sum(axis=0) / (rows - lag)
                found[s, :, i, j] += weight * timestep * lagged
    return (found + found.swapaxes(2, 3)) / 2


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


def test_a_window_behind_the_series(planted: MakeStore) -> None:
    store = planted(window="[30, 40]")
    fill(store, "gk")
    row = rows_of(store, "gk")[0]
    assert row.verdict == "window up to 40 ps: the longest lag of the series is 39.99 ps"
    assert math.isnan(row.found.kappa.mean)


def test_a_window_behind_the_pieces_of_few_runs(planted: MakeStore) -> None:
    """A single run of 4000 rows is cut into three, its components alone into nine."""
    store = planted(window="[10, 15]")
    store.plant(store.run("gk"), equilibrium(store.run("gk"), store.rows("gk")))
    wanted = "window up to 15 ps: the longest lag of the series is {}; {} {} series"
    few = "the runs are few, so each is cut into"
    assert rows_of(store, "gk")[1].verdict == wanted.format("13.32 ps", few, 3)
    alone = rows_of(store, "gk", components=True)[1]
    assert alone.verdict == wanted.format("4.43 ps", few, 9)


def test_a_gradient_that_is_hardly_known(planted: MakeStore) -> None:
    """Two runs that differ by a fifth: Student's t makes that more than κ itself."""
    store = planted(direct_seeds=2)
    rows = store.rows("direct")

    def scattered(run: Run) -> Samples:
        samples = driven(run, rows)
        return samples | {"exchanged_energy": ENERGY * (1 + 0.2 * (run.seed - 1))}

    store.each("direct", scattered)
    row = rows_of(store, "direct")[0]
    assert row.found.kappa.mean > 0
    assert "too few independent samples: the interval is wider than ± 20 %" in row.verdict
    assert not row.trusted


def test_runs_that_are_not_whole_do_not_count(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    store.chunks(store.run("gk", "b", 600, 2))[-1].unlink()
    for path in store.chunks(store.run("gk", "b", 600, 4)):
        path.unlink()
    row = rows_of(store, "gk")[3]
    by_hand = integrals_by_hand(store, "metal", [1, 3, 5])[..., 0, 0]
    scale = GREEN_KUBO["metal"] / (VOLUME * TEMPERATURE**2)
    assert row.found.kappa.mean == pytest.approx(scale * by_hand.mean(), rel=1e-5)
    assert (len(row.group.done), row.group.asked, row.found.kappa.samples) == (3, 5, 9)


def test_a_single_seed(planted: MakeStore) -> None:
    """Is cut into pieces: its three components alone would hardly give an error."""
    store = planted()
    fill(store, "gk")
    for seed in (2, 3, 4, 5):
        store.chunks(store.run("gk", "a", 600, seed))[0].unlink()
    found = rows_of(store, "gk")[1].found
    assert found.kappa.samples == 9
    assert 0 < found.kappa.half_width < math.inf


def test_an_empty_store(planted: MakeStore) -> None:
    rows = results_of(planted()).tables().kappa
    assert len(rows) == 4 + 2 + 4
    assert {row.verdict for row in rows} == {"no run is done"}
    assert {len(row.group.done) for row in rows} == {0}
    assert all(math.isnan(row.found.kappa.mean) for row in rows)
    assert {row.found.kappa.half_width for row in rows} == {math.inf}


def test_failures_are_in_the_verdict_of_their_group(planted: MakeStore) -> None:
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
    assert rows[1].verdict.endswith("2 runs failed: energy drifted by 9 eV")
    assert not any("failed" in row.verdict for row in (rows[0], *rows[2:]))
    assert len(rows[1].group.done) == 3


def test_a_damaged_chunk_is_named_and_the_others_are_shown(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    damaged = store.chunks(store.run("gk", "a", 600, 2))[1]
    damaged.write_bytes(b"garbage")
    rows = rows_of(store, "gk")
    assert rows[1].verdict.startswith(f"{damaged}: ")
    assert math.isnan(rows[1].found.kappa.mean)
    assert all(row.found.kappa.mean > 0 for row in (rows[0], *rows[2:]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_none_is_named(planted: MakeStore, value: float) -> None:
    store = planted()
    fill(store, "gk")
    run = store.run("gk", "b", 300, 3)
    samples = equilibrium(run, store.rows("gk"))
    flux = np.array(samples["heat_flux_y"])
    flux[1234] = value
    store.plant(run, {**samples, "heat_flux_y": flux})
    rows = rows_of(store, "gk")
    wanted = f"b-T300-3x3x3-s3: heat_flux_y is {value} in row 1234, not a finite number"
    assert rows[2].verdict == wanted
    assert all(row.found.kappa.mean > 0 for row in (*rows[:2], rows[3]))


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0.0}, {"volume": 0.0}, {f"heat_flux_{x}": 0.0 for x in "xyz"}]
)
def test_what_cannot_be_is_one_verdict(planted: MakeStore, wrong: Samples) -> None:
    store = planted(window='"auto"')
    fill(store, "gk")
    for seed in range(1, 6):
        run = store.run("gk", "a", 600, seed)
        store.plant(run, {**equilibrium(run, store.rows("gk")), **wrong})
    rows = rows_of(store, "gk")
    assert rows[1].verdict != "converged"
    assert "\n" not in rows[1].verdict
    assert not rows[1].found.kappa.mean > 0
    assert all(row.found.kappa.mean > 0 for row in (rows[0], *rows[2:]))


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
