"""κ of equilibrium runs: raw, corrected, in parts, in the units of every unit style."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from processes import kappa, series

from ensemble.reduction.currents import currents_of
from ensemble.reduction.equilibrium import GreenKubo, green_kubo
from ensemble.reduction.gauge import gauge_scan

Floats = NDArray[np.float64]

TIMESTEP = 0.05
ROWS = 40_000


def runs_of(values: Floats, seeds: int) -> Floats:
    """Shape (samples, rows) to (seeds, rows, components)."""
    return np.moveaxis(values.reshape(seeds, -1, values.shape[-1]), 1, 2)


@pytest.fixture(scope="module")
def flux() -> Floats:
    return runs_of(series("B", np.random.default_rng(1), 15, ROWS, TIMESTEP), 5)


@pytest.fixture(scope="module")
def coupled() -> tuple[Floats, Floats]:
    values = series("C", np.random.default_rng(2), 15, ROWS, TIMESTEP)
    heat, mass = (runs_of(np.ascontiguousarray(values[:, k]), 5) for k in range(2))
    return heat, np.stack([mass, -mass], axis=2)


def reduced(flux: Floats, **options: object) -> GreenKubo:
    return green_kubo(flux, volume=1, temperature=1, timestep=TIMESTEP, units="lj", **options)


@pytest.mark.parametrize("method", ["spectrum", "window", "cepstral"])
def test_every_method_finds_a_known_kappa(flux: Floats, method: str) -> None:
    found = reduced(flux, method=method)
    truth = kappa("B", TIMESTEP)
    assert found.kappa.value.mean == pytest.approx(truth, rel=0.12)
    assert found.kappa.value.low < truth < found.kappa.value.high
    assert found.kappa.converged
    assert found.corrected is None
    assert found.gamma_squared is None


def test_kappa_goes_with_volume_temperature_and_the_constants(flux: Floats) -> None:
    one = reduced(flux).kappa.value.mean
    lj = green_kubo(flux, volume=3, temperature=5, timestep=TIMESTEP, units="lj")
    assert lj.kappa.value.mean == pytest.approx(one / 75, rel=1e-9)
    metal = green_kubo(flux, volume=3, temperature=5, timestep=TIMESTEP)
    # physics: 1 eV²/Å/ps/K/k_B… in W/m/K, from CODATA.
    boltzmann, charge = 1.380649e-23, 1.602176634e-19
    factor = (charge * 1e-10 / 1e-12) ** 2 * 1e-12 / (boltzmann * 1e-30)
    assert metal.kappa.value.mean == pytest.approx(factor * one / 75, rel=1e-9)
    assert factor == pytest.approx(1.85925e7, rel=1e-5)
    real = green_kubo(flux, volume=3, temperature=5, timestep=TIMESTEP, units="real")
    assert real.kappa.value.mean == pytest.approx(3.49622e7 * one / 75, rel=1e-5)


def test_every_run_has_its_own_volume_and_temperature(flux: Floats) -> None:
    temperature = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    volume = np.array([5.0, 1.0, 2.0, 7.0, 3.0])
    scaled = flux * (temperature * np.sqrt(volume))[:, None, None]
    found = green_kubo(
        scaled, volume=volume, temperature=temperature, timestep=TIMESTEP, units="lj"
    )
    assert found.kappa.value.mean == pytest.approx(reduced(flux).kappa.value.mean, rel=1e-9)


@pytest.mark.parametrize("method", ["spectrum", "window", "cepstral"])
def test_the_coupling_is_taken_out(coupled: tuple[Floats, Floats], method: str) -> None:
    flux, momenta = coupled
    found = reduced(flux, momenta=momenta, method=method)
    assert found.raw.value.mean == pytest.approx(7.2, rel=0.15)
    assert found.corrected is not None
    assert found.gamma_squared is not None
    assert found.kappa is found.corrected
    truth = kappa("C", TIMESTEP)
    assert found.corrected.value.low < truth < found.corrected.value.high
    assert found.corrected.value.mean == pytest.approx(truth, rel=0.15)
    gamma_squared = found.gamma_squared
    assert gamma_squared.low < 1 - truth / 7.2 < gamma_squared.high
    assert gamma_squared.half_width < 0.03


@pytest.mark.parametrize("method", ["spectrum", "window", "cepstral"])
@pytest.mark.parametrize("multiple", [1e-3, 1.0, -30.0, 1e3])
def test_no_gauge_changes_the_corrected_kappa(
    coupled: tuple[Floats, Floats], method: str, multiple: float
) -> None:
    flux, momenta = coupled
    one = reduced(flux, momenta=momenta, method=method).kappa
    moved = reduced(flux + multiple * momenta[:, :, 0], momenta=momenta, method=method).kappa
    assert moved.value.mean == pytest.approx(one.value.mean, rel=1e-10)
    assert moved.value.half_width == pytest.approx(one.value.half_width, rel=1e-10)
    assert (moved.window is None) == (one.window is None)
    if one.window is not None:
        assert moved.window == pytest.approx(one.window, rel=1e-10)
    if one.cutoff is not None:
        assert moved.cutoff == pytest.approx(one.cutoff, rel=1e-10)


def test_no_gauge_changes_it_where_runs_differ_in_temperature(
    coupled: tuple[Floats, Floats],
) -> None:
    flux, momenta = coupled
    state = {
        "temperature": [1.0, 1.1, 1.2, 0.9, 0.8],
        "volume": [1.0, 1.2, 0.8, 1.1, 0.9],
        "timestep": TIMESTEP,
        "units": "lj",
        "momenta": momenta,
    }
    one = green_kubo(flux, **state).kappa.value
    moved = green_kubo(flux + 50 * momenta[:, :, 0], **state).kappa.value
    assert moved.mean == pytest.approx(one.mean, rel=1e-10)
    assert moved.half_width == pytest.approx(one.half_width, rel=1e-10)


def test_where_nothing_diffuses_both_kappas_agree() -> None:
    """Momenta of atoms that only oscillate: the derivative of a bounded displacement."""
    widths = []
    for seed in range(12):
        rng = np.random.default_rng([seed, 3])
        flux = runs_of(series("B", rng, 15, ROWS, TIMESTEP), 5)
        displacement = runs_of(series("B", rng, 15, ROWS + 1, TIMESTEP), 5)
        velocity = np.diff(displacement, axis=1)
        momenta = np.stack([velocity, -velocity], axis=2)
        found = reduced(flux + 3 * velocity, momenta=momenta)
        assert found.corrected is not None
        assert found.gamma_squared is not None
        raw, corrected = found.raw.value, found.corrected.value
        assert corrected.mean == pytest.approx(raw.mean, abs=0.5 * raw.half_width)
        assert found.gamma_squared.low < 0.05
        widths.append((raw.half_width, corrected.half_width))
    # A width from 15 samples scatters by a fifth: their mean tells.
    assert np.divide(*np.mean(widths, axis=0)) > 1 / 1.2


def test_a_gauge_scan_moves_the_raw_kappa_only(coupled: tuple[Floats, Floats]) -> None:
    flux, momenta = coupled
    currents = currents_of(list(flux), scale=np.ones(5), timestep=TIMESTEP, momenta=list(momenta))
    masses = [2.0, 4.0]
    points = gauge_scan(
        currents, masses=masses, shifts=[(0.0, 0.0), (1.0, -1.0), (10.0, 3.0), (-5.176, 0.0)]
    )
    corrected = [point.kappa.kappa.value.mean for point in points]
    assert corrected == pytest.approx([corrected[0]] * 4, rel=1e-10)
    # J + c₁ P/m₁ − c₂ P/m₂ with L₁₁ = 1: raw is 0.5 + (2.588 + c₁/m₁ − c₂/m₂)².
    for point in points:
        coupling = 2.588 + point.shifts[0] / masses[0] - point.shifts[1] / masses[1]
        assert point.kappa.raw.value.mean == pytest.approx(0.5 + coupling**2, rel=0.15)
    with pytest.raises(ValueError, match="3 shifts"):
        gauge_scan(currents, masses=masses, shifts=[(1.0, 2.0, 3.0)])


def test_the_parts_add_up_and_are_those_planted() -> None:
    rng = np.random.default_rng(4)
    first, second = (runs_of(series("B", rng, 15, ROWS, TIMESTEP), 5) for _ in range(2))
    convective, conductive = first, 2 * second + 0.5 * first
    found = reduced(convective + conductive, convective=convective)
    parts = [found.convective, found.conductive, found.cross]
    assert all(part is not None for part in parts)
    means = [part.mean for part in parts if part is not None]
    assert sum(means) == pytest.approx(found.raw.value.mean, rel=1e-12)
    truth = kappa("B", TIMESTEP) * np.array([1.0, 4.25, 1.0])
    for part, wanted in zip(parts, truth, strict=True):
        assert part is not None
        assert abs(part.mean - wanted) < 1.6 * part.half_width < wanted


def test_a_part_that_is_not_there_is_zero(flux: Floats) -> None:
    found = reduced(flux, convective=0 * flux)
    assert found.convective is not None
    assert (found.convective.mean, found.convective.half_width) == (0, 0)
    assert found.conductive == found.raw.value


def test_one_run_is_cut_into_pieces(flux: Floats) -> None:
    one = reduced(flux[0])
    assert one.raw.value.samples == 9
    truth = kappa("B", TIMESTEP)
    assert one.raw.value.low < truth < one.raw.value.high


def test_a_series_on_disk_is_read_piece_by_piece(flux: Floats, tmp_path: Path) -> None:
    mapped = np.lib.format.open_memmap(
        tmp_path / "flux.npy", mode="w+", dtype=np.float64, shape=flux.shape
    )
    mapped[:] = flux
    assert reduced(mapped).raw.value == reduced(flux).raw.value
    assert reduced([run for run in mapped]).raw.value == reduced(flux).raw.value


def test_a_long_series_is_averaged_over_neighbours(flux: Floats) -> None:
    whole, short = (
        currents_of(list(flux), scale=np.ones(5), timestep=TIMESTEP, most_rows=rows)
        for rows in (ROWS, 10_000)
    )
    from ensemble.reduction.equilibrium import reduced as of_currents

    assert short.heat.shape[-1] == 10_000
    assert short.timestep == 4 * TIMESTEP
    one, other = of_currents(whole).raw.value, of_currents(short).raw.value
    assert other.mean == pytest.approx(one.mean, abs=0.3 * one.half_width)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"volume": 0}, "volume: 0.0, must be positive"),
        ({"temperature": 0}, "temperature: 0.0, must be positive"),
        ({"temperature": [300, 300]}, r"temperature: shape \(2,\), there are 5 runs"),
        ({"timestep": 0}, "timestep: 0, must be positive"),
        ({"units": "imperial"}, "imperial"),
        ({"momenta": np.zeros((5, 10, 2, 3))}, r"momenta: rows and components \(10, 3\)"),
        ({"momenta": np.ones((ROWS, 2, 3))}, "momenta: of 1 runs, the heat flux is of 5"),
        ({"convective": np.ones((4, ROWS, 3))}, "convective part: of 4 runs"),
        ({"window": (1, 2)}, "the method is 'spectrum', which has none"),
        ({"convective": np.zeros((5, ROWS, 2))}, "convective part: rows and components"),
    ],
)
def test_bad_arguments_are_named(flux: Floats, change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {
        "volume": 1,
        "temperature": 1,
        "timestep": TIMESTEP,
        "units": "lj",
    }
    with pytest.raises(ValueError, match=message):
        green_kubo(flux, **{**arguments, **change})


def test_bad_series_are_named(flux: Floats) -> None:
    bad = flux.copy()
    bad[2, 1234, 1] = np.nan
    with pytest.raises(ValueError, match="the heat flux of run 2, row 1234: not a finite number"):
        reduced(bad)
    with pytest.raises(ValueError, match="runs of different shapes"):
        green_kubo([flux[0], flux[1][:-1]], volume=1, temperature=1, timestep=TIMESTEP)
    zero = flux.copy()
    zero[3, :, 1] = 0
    with pytest.raises(ValueError, match="run 3, component 1: zero throughout"):
        reduced(zero, method="window")
    with pytest.raises(ValueError, match="too few"):
        reduced(flux[:, :1])
    with pytest.raises(ValueError, match="dimensions"):
        reduced(flux[0, :, 0])
    missing = np.stack([flux, 0 * flux], axis=2)
    with pytest.raises(ValueError, match="one is missing"):
        reduced(flux, momenta=missing)
