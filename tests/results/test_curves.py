"""Behind the numbers: correlation functions, profiles, κ against length, κ against the gauge."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray
from planted_samples import fill, results_of
from scipy.signal import lfilter

from ensemble.plan.recipe import Run
from ensemble.reduction.intervals import Interval
from ensemble.results import curves, open_results
from ensemble.results.findings import Finding
from ensemble.results.groups import Group
from ensemble.results.lengths import LENGTH_COLUMNS, extrapolations
from ensemble.results.table import Row
from ensemble.units import unit_system

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]
Floats = NDArray[np.float64]

TEMPERATURE, VOLUME = 610.0, 20_000.0


def noise(run: Run, rows: int) -> Floats:
    """Shape (2, 3, rows), correlated over 20 rows."""
    generator = np.random.default_rng([run.seed, int(run.temperature), ord(run.model[0])])
    white = generator.standard_normal((2, 3, rows + 500))
    series: Floats = lfilter([1], [1, -math.exp(-1 / 20)], white)[..., 500:]
    return series


def equilibrium(run: Run, rows: int) -> dict[str, Floats | float]:
    flux, current = noise(run, rows)
    columns = {"heat_flux": flux, "heat_flux_conductive": flux, "momentum_Na": current}
    return {
        f"{name}_{axis}": values[k]
        for name, values in columns.items()
        for k, axis in enumerate("xyz")
    } | {
        **{f"momentum_Cl_{axis}": -current[k] for k, axis in enumerate("xyz")},
        **{f"heat_flux_convective_{axis}": 0.1 * current[k] for k, axis in enumerate("xyz")},
        # Each run its own: no gauge may show in that.
        "temperature": TEMPERATURE + 10 * run.seed,
        "volume": VOLUME,
    }


@pytest.fixture
def store(planted: MakeStore) -> Planted:
    found = planted()
    found.each("gk", lambda run: equilibrium(run, found.rows("gk")))
    return found


def test_correlation_function_and_running_integral(store: Planted) -> None:
    found = open_results(store.paths.root).curves("gk", model="b")
    assert dict(found.sizes) == {"model": 1, "temperature": 2, "supercell": 1, "lag": 1000}
    one = found.sel(temperature=600).squeeze()
    series = np.concatenate([noise(store.run("gk", "b", 600, s), 4000)[0] for s in range(1, 6)])
    for lag in (0, 1, 35):
        by_hand = (series[:, : 4000 - lag] * series[:, lag:]).mean()
        assert float(one.correlation.sel(lag=lag / 100)) == pytest.approx(by_hand, rel=1e-9)
    temperatures = np.repeat(TEMPERATURE + 10 * np.arange(1, 6), 3)
    factor = unit_system("metal").green_kubo / (VOLUME * temperatures**2)
    lagged = np.array(
        [(series[:, : 4000 - lag] * series[:, lag:]).mean(axis=1) for lag in range(36)]
    )
    kappa = factor * np.trapezoid(lagged, dx=0.01, axis=0)
    assert float(one.kappa.sel(lag=0.35)) == pytest.approx(kappa.mean(), rel=1e-9)
    error = kappa.std(ddof=1) / math.sqrt(15)
    assert float(one.kappa_error.sel(lag=0.35)) == pytest.approx(error, rel=1e-9)
    assert (float(one.window_start), float(one.window_end)) == (1, 2)
    assert found.lag.attrs == {"units": "ps"}
    assert found.kappa.attrs["units"] == "W/m/K"
    assert found.correlation.attrs["units"] == "(eV angstrom/ps)^2"


def test_the_window_is_where_the_mean_of_the_running_integral_is_kappa(store: Planted) -> None:
    results = open_results(store.paths.root)
    table = results.kappa(study="gk", model="a", temperature=300)
    one = results.curves("gk", model="a", temperature=300).squeeze()
    inside = one.kappa.sel(lag=slice(one.window_start - 1e-9, one.window_end + 1e-9))
    assert float(inside.mean()) == pytest.approx(table.kappa[0], rel=1e-9)


def test_many_lags_are_thinned(store: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    results = open_results(store.paths.root)
    whole = results.curves("gk", model="a", longest=30)
    assert 500 < whole.sizes["lag"] <= curves.MOST_LAGS + 1
    monkeypatch.setattr(curves, "MOST_LAGS", 100)
    thinned = results.curves("gk", model="a", longest=30)
    assert thinned.sizes["lag"] <= 101
    assert thinned.lag.values[[0, 1, -1]].tolist() == pytest.approx([0, 0.01, 30])
    last = thinned.kappa.isel(lag=-1).values
    assert last == pytest.approx(whole.kappa.isel(lag=-1).values, rel=1e-9)


def test_groups_without_runs_are_nan(store: Planted) -> None:
    for seed in range(1, 6):
        store.chunks(store.run("gk", "a", 600, seed))[0].unlink()
    found = open_results(store.paths.root).curves("gk", longest=1)
    assert np.isnan(found.kappa.sel(model="a", temperature=600)).all()
    assert np.isfinite(found.kappa.sel(model="b")).all()
    empty = open_results(store.paths.root).curves("fixed")
    assert not empty.data_vars


def test_labels_of_another_study(store: Planted) -> None:
    """Such as one that is asked for as it stands in a table of all studies."""
    results = open_results(store.paths.root)
    own = "study gk: none of its runs is chosen; it has models a, b; temperatures 300, 600; "
    for ask in (
        results.curves,
        results.displacements,
        lambda study, **labels: results.gauge_scan(study, [{}], **labels),
    ):
        with pytest.raises(ValueError, match=f"{own}supercells 3x3x3$"):
            ask("gk", supercell="2x2x10")
    with pytest.raises(ValueError, match=r"study direct: .* temperatures 600; "):
        results.curves("direct", temperature=300)


def test_displacements_over_origins_and_seeds(store: Planted) -> None:
    """Rows since the last origin, which come every 500: lag r is at the rows r, 500 + r, …"""
    rows = store.rows("gk")
    lag = np.arange(rows) % 500 + 1

    def wandering(run: Run) -> dict[str, Floats | float]:
        return equilibrium(run, rows) | {"square_displacement_Na": run.seed * lag}

    store.each("gk", wandering)
    results = open_results(store.paths.root)
    one = results.displacements("gk", model="b", temperature=600).squeeze()
    assert dict(one.sizes) == {"species": 2, "lag": 500}
    assert one.lag.values[[0, -1]].tolist() == [0.01, 5]
    sodium = one.sel(species="Na")
    assert sodium.displacement.values.tolist() == pytest.approx((3 * lag[:500]).tolist())
    error = np.std([1, 2, 3, 4, 5], ddof=1) / math.sqrt(5)
    assert float(sodium.displacement_error[9]) == pytest.approx(10 * error)
    assert not one.displacement.sel(species="Cl").any()
    assert one.displacement.attrs["units"] == "angstrom^2"
    with pytest.raises(ValueError, match="study direct: samples no displacements"):
        results.displacements("direct")


def test_drift_of_the_energy(store: Planted) -> None:
    """From the first quarter of the first segment to the last one of the last."""
    rows = store.rows("gk")
    quarter = rows // store.study("gk").sample_segments // 4
    energy = np.full(rows, -100.0)
    energy[:quarter], energy[-quarter:] = -101, -99

    store.each("gk", lambda run: equilibrium(run, rows) | {"energy": run.seed * energy})
    lines = open_results(store.paths.root).energy_drift(model="a", temperature=600)
    assert lines.seed.tolist() == [1, 2, 3, 4, 5]
    atoms = 27 * 8
    assert lines.drift.tolist() == pytest.approx([2 * seed / atoms for seed in range(1, 6)])
    assert lines.time.tolist() == pytest.approx([40 * (1 - quarter / rows)] * 5)
    assert set(lines.units) == {"eV/atom"}
    kelvin = unit_system("metal").boltzmann
    assert lines.relative_drift[0] == pytest.approx(2 / atoms / (3 * kelvin * 600))
    store.chunks(store.run("gk", "a", 600, 1))[0].unlink()
    assert open_results(store.paths.root).energy_drift(model="a", temperature=600).seed[0] == 2
    assert open_results(store.paths.root).energy_drift(study="direct").empty


def test_a_temperature_profile(planted: MakeStore) -> None:
    store = planted()
    layer = np.arange(12)
    height = 600 + 5.0 * np.minimum(layer, 12 - layer)
    profile = {f"temperature_{place}": height[place] for place in layer}
    store.each(
        "direct", lambda _: {"length": 60.0, "area": 4.0, "exchanged_energy": 2.0, **profile}
    )
    found = open_results(store.paths.root).curves("direct", model="a").squeeze()
    assert found.temperature_profile.values == pytest.approx(height)
    assert found.position.values.tolist() == pytest.approx((2.5 + 5 * layer).tolist())
    assert np.flatnonzero(found.fitted).tolist() == [2, 3, 4, 8, 9, 10]
    assert found.temperature_profile.attrs["units"] == "K"


def test_the_gauge_moves_the_raw_kappa_alone(store: Planted) -> None:
    shifts = [{}, {"Na": 2.0}, {"Na": 20.0, "Cl": -20.0}]
    results = open_results(store.paths.root)
    table = results.gauge_scan("gk", shifts, model="a", temperature=600)
    assert table.shift_Na.tolist() == [0, 2, 20]
    assert table.shift_Cl.tolist() == [0, 0, -20]
    assert table.corrected.tolist() == pytest.approx([table.corrected[0]] * 3, rel=1e-9)
    half_widths = table.corrected_half_width.tolist()
    assert half_widths == pytest.approx([half_widths[0]] * 3, rel=1e-9)
    sodium, chlorine = (atomic_masses[atomic_numbers[s]] for s in ("Na", "Cl"))
    # Flux and current are the same process: each adds as its square.
    for number, moved in ((1, 2 / sodium), (2, 20 / sodium + 20 / chlorine)):
        assert table.raw[number] / table.raw[0] == pytest.approx(1 + moved**2, rel=0.3)
    assert table.gamma_squared[2] > 0.5 > table.gamma_squared[1]


def test_a_gauge_scan_of_a_crystal_that_is_not_cubic(planted: MakeStore) -> None:
    """Its corrected κ is that of the table, and the same for every shift."""
    store = planted(
        window='"auto"',
        crystal='prototype = "wurtzite"\nspecies = ["Na", "Cl"]\nlattice = [4.5, 7.3]',
    )
    fill(store, "gk")
    results = results_of(store)
    scan = results.gauge_scan("gk", [{}, {"Na": 20.0}], model="a", temperature=600)
    table = results.kappa(study="gk", model="a", temperature=600)
    (corrected,) = table[table.estimate == "corrected"].kappa
    assert scan.corrected.to_numpy() == pytest.approx(corrected, rel=1e-9)
    assert scan.raw[1] > 1.5 * scan.raw[0]


def test_what_has_no_gauge(store: Planted) -> None:
    results = open_results(store.paths.root)
    with pytest.raises(ValueError, match="study direct: the direct method has no gauge"):
        results.gauge_scan("direct", [{"Na": 1.0}])
    with pytest.raises(ValueError, match="shift of K: species are Na, Cl"):
        results.gauge_scan("gk", [{"K": 1.0}])


def direct(length: float, kappa: float, **more: object) -> Row:
    group = Group(
        study="mp",
        method="nemd",
        material="alpha",
        model="mtp1",
        temperature=300,
        supercell=(3, 3, round(length)),
        atoms=1000,
        place=(0, 0, round(length)),
        done=(),
        asked=5,
    )
    found = Finding(
        estimate="direct",
        kappa=Interval(mean=kappa, half_width=0.01 * kappa, samples=5),
        estimator="direct",
        length=length,
        **more,
    )
    return Row(group, found, unit_system("metal"))


def test_length_dependence() -> None:
    """1/κ = 1/κ∞ · (1 + λ/L)."""
    lengths = (50, 80, 120, 200)
    rows = [direct(length, 0.83 / (1 + 40 / length)) for length in lengths]
    line, parabola = extrapolations(rows)
    assert set(line) <= set(LENGTH_COLUMNS)
    assert (line["order"], parabola["order"], line["lengths"]) == (1, 2, 4)
    assert line["kappa"] == pytest.approx(0.83, rel=1e-9)
    assert line["mean_free_path"] == pytest.approx(40, rel=1e-8)
    assert line["kappa_low"] < 0.83 < line["kappa_high"]
    assert line["verdict"] == "converged"
    assert parabola["kappa"] == pytest.approx(0.83, rel=1e-7)
    assert parabola["kappa_half_width"] > line["kappa_half_width"]


def test_lengths_that_are_too_few_or_doubted() -> None:
    rows = [direct(length, 0.83 / (1 + 40 / length)) for length in (50, 80)]
    assert not list(extrapolations(rows))
    rows.append(direct(120, 0.5, problems=("not steady",)))
    (line,) = extrapolations(rows)
    assert "L = 120" in line["verdict"] or "does not follow" in line["verdict"]
