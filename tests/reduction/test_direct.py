"""The direct method on planted profiles: κ, its interval, and what is said of runs not steady."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from ensemble.reduction.direct import (
    DirectMethod,
    default_leave_out,
    direct_method,
    leg_weights,
    slope_weights,
)

Floats = NDArray[np.float64]

KAPPA, LENGTH, AREA, BLOCK, BINS = 0.01, 100.0, 50.0, 2.0, 20
ENERGY = 1.0
"""Exchanged in a block: a flux of 0.005, a gradient of 0.5."""
FLUX = ENERGY / (2 * AREA * BLOCK)


def tent(bins: int) -> Floats:
    """1 per layer up to the middle one, and down again."""
    layer = np.arange(bins)
    return np.minimum(layer, bins - layer) - bins / 4


def profiles(runs: int, blocks: int, bins: int = BINS) -> tuple[Floats, Floats]:
    """Temperatures (runs, blocks, bins) and exchanged energies (runs, blocks) of κ = KAPPA."""
    temperature = 600 + FLUX / KAPPA * LENGTH / bins * tent(bins)
    return np.tile(temperature, (runs, blocks, 1)), np.full((runs, blocks), ENERGY)


def noise(seed: int, shape: tuple[int, ...], phi: float = 0.5) -> Floats:
    """Correlated along the axis of the blocks."""
    runs, blocks, *rest = shape
    white = np.random.default_rng(seed).standard_normal((runs, blocks + 50, *rest))
    series: Floats = lfilter([1], [1, -phi], white, axis=1)[:, 50:]
    return series


def reduced(temperature: Floats, exchanged: Floats, **more: object) -> DirectMethod:
    arguments = {"block_time": BLOCK, "length": LENGTH, "area": AREA} | more
    return direct_method(temperature, exchanged, **arguments)


@pytest.mark.parametrize("leave_out", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("bins", [18, 20, 50])
def test_a_linear_profile_is_exact(bins: int, leave_out: int | None) -> None:
    found = reduced(*profiles(2, 10, bins), leave_out=leave_out, prefactor=7.0)
    assert found.kappa.mean == pytest.approx(7 * KAPPA, rel=1e-12)
    assert found.kappa.half_width == pytest.approx(0, abs=1e-12)
    assert found.gradient.mean == pytest.approx(FLUX / KAPPA, rel=1e-12)
    assert found.swap_flux.mean == pytest.approx(FLUX, rel=1e-12)
    assert found.profile == pytest.approx(profiles(1, 1, bins)[0][0, 0], rel=1e-14)
    assert (found.problem, found.slab_flux) == ("", None)


@pytest.mark.parametrize(
    ("bins", "left_out"), [(8, 0), (10, 0), (12, 1), (14, 1), (20, 2), (50, 5), (100, 10)]
)
def test_the_layers_left_out_by_default(bins: int, left_out: int) -> None:
    assert default_leave_out(bins) == left_out
    weights = slope_weights(bins, left_out)
    assert np.count_nonzero(leg_weights(bins, left_out)[: bins // 2]) >= 3
    exchange = [0, bins // 2, *range(1, left_out + 1), *range(bins - left_out, bins)]
    assert not weights[exchange].any()


def test_layers_left_out_do_not_matter() -> None:
    temperature, exchanged = profiles(2, 10)
    for layer in (0, 1, 2, 8, 9, 10, 11, 12, 18, 19):
        temperature[:, :, layer] += 1000 * (layer + 1) ** 2
    assert reduced(temperature, exchanged, leave_out=2).kappa.mean == pytest.approx(KAPPA)
    assert reduced(temperature, exchanged, leave_out=1).kappa.mean != pytest.approx(KAPPA, rel=0.1)


def test_an_overall_slope_or_shift_cancels_between_the_legs() -> None:
    temperature, exchanged = profiles(2, 10)
    skew = temperature + 3.0 * np.arange(BINS) - 40
    assert reduced(skew, exchanged).kappa.mean == pytest.approx(KAPPA, rel=1e-10)


def test_each_run_has_its_own_cell() -> None:
    temperature, exchanged = profiles(2, 10)
    temperature[1] = 600 + 2 * (temperature[1] - 600)
    found = reduced(temperature, exchanged * [[1.0], [3.0]], length=[100, 200], area=[50, 150])
    assert found.kappa.mean == pytest.approx(KAPPA, rel=1e-12)


def test_the_flux_in_the_slabs_flows_from_hot_to_cold() -> None:
    temperature, exchanged = profiles(2, 10)
    per_layer = FLUX * AREA * LENGTH / BINS
    flux = np.where(np.arange(BINS) < BINS // 2, -per_layer, per_layer) * np.ones((2, 10, 1))
    flux[:, :, [0, 10]] = 77.0
    found = reduced(temperature, exchanged, heat_flux=flux)
    assert found.slab_flux is not None
    assert found.slab_flux.mean == pytest.approx(FLUX, rel=1e-12)


PER_LAYER = FLUX * AREA * LENGTH / BINS
SITE_ENERGIES = np.array([-3.0, 2.0])
"""Per mass, of two species: what an atom carries with it."""


def sloshing(seed: int, runs: int, blocks: int) -> tuple[Floats, Floats]:
    """Heat flux (runs, blocks, bins) and momenta (runs, blocks, species, bins) of a steady state in
    which both species go to and fro and carry their site energies, hundreds of times the flux.
    """
    legs = np.where(np.arange(BINS) < BINS // 2, -1.0, 1.0)
    displaced = np.random.default_rng(seed).standard_normal((runs, blocks + 1, 2, BINS))
    momentum = 100 * PER_LAYER * np.diff(displaced, axis=1)
    flux = PER_LAYER * (legs + noise(seed, (runs, blocks, BINS), 0))
    return flux + np.einsum("s,rksb->rkb", SITE_ENERGIES, momentum), momentum


@pytest.mark.parametrize(("runs", "blocks"), [(1, 40), (4, 20)])
def test_what_sloshes_to_and_fro_does_not_hide_the_flux(runs: int, blocks: int) -> None:
    temperature, exchanged = profiles(runs, blocks)
    fluxes, as_sampled, covered = [], [], 0
    for trial in range(200):
        flux, momentum = sloshing(trial, runs, blocks)
        found = reduced(temperature, exchanged, heat_flux=flux, momentum=momentum).slab_flux
        assert found is not None
        fluxes.append(found.mean)
        covered += found.low < FLUX < found.high
        raw = reduced(temperature, exchanged, heat_flux=flux).slab_flux
        assert raw is not None
        as_sampled.append(raw.mean)
    assert np.mean(fluxes) == pytest.approx(FLUX, abs=4 * np.std(fluxes) / math.sqrt(200))
    assert np.std(fluxes) < 0.05 * FLUX
    assert np.std(as_sampled) > 2 * FLUX
    assert 176 <= covered <= 199


@pytest.mark.parametrize("runs", [1, 3])
def test_a_constant_in_the_site_energies_changes_nothing(runs: int) -> None:
    """They are arbitrary by any multiple of the masses that move."""
    temperature, exchanged = profiles(runs, 40)
    flux, momentum = sloshing(1, runs, 40)
    shifted = flux + np.einsum("s,rksb->rkb", [70.0, -30.0], momentum)
    found = [
        reduced(temperature, exchanged, heat_flux=either, momentum=momentum).slab_flux
        for either in (flux, shifted)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].mean == pytest.approx(found[1].mean, rel=1e-10)
    assert found[0].half_width == pytest.approx(found[1].half_width, rel=1e-10)


def agreeing(runs: int, blocks: int, share: float, trials: int) -> int:
    """In how many trials the check passes a flux in the slabs that is a share of the swaps'."""
    temperature, exchanged = profiles(runs, blocks)
    weights = leg_weights(BINS, default_leave_out(BINS))
    flows = share * FLUX * AREA * LENGTH / BINS * np.sign(weights)
    held = 0
    for trial in range(trials):
        flux = flows + 0.3 * noise(trial, temperature.shape)
        found = reduced(temperature, exchanged, heat_flux=flux)
        assert found.flux_difference is not None
        held += found.flux_difference.holds(0.0)
    return held


@pytest.mark.parametrize("runs", [1, 2, 4])
def test_a_flux_that_is_40_percent_short_is_noticed(runs: int) -> None:
    assert agreeing(runs, blocks=100, share=0.6, trials=100) <= 2


@pytest.mark.parametrize("runs", [1, 2, 4])
def test_two_fluxes_that_are_the_same_differ_by_chance_alone(runs: int) -> None:
    """In one of a hundred, not of twenty."""
    assert agreeing(runs, blocks=60, share=1.0, trials=300) >= 292


@pytest.mark.parametrize(("runs", "blocks"), [(1, 100), (4, 40)])
def test_noise_is_covered(runs: int, blocks: int) -> None:
    temperature, exchanged = profiles(runs, blocks)
    kappa, covered = [], 0
    for trial in range(200):
        shaken = temperature + noise(trial, temperature.shape)
        shaken_energy = exchanged + 0.05 * noise(1000 + trial, exchanged.shape, 0)
        found = reduced(shaken, shaken_energy)
        kappa.append(found.kappa.mean)
        covered += found.kappa.low < KAPPA < found.kappa.high
    assert np.mean(kappa) == pytest.approx(KAPPA, rel=0.01)
    assert 176 <= covered <= 199


def test_many_short_runs_have_no_bias() -> None:
    """The gradient of each is known to 25 %: a mean of their own ratios would be 7 % too large."""
    temperature, exchanged = profiles(40, 40)
    kappa, scatter, covered = [], [], 0
    for trial in range(100):
        found = reduced(temperature + 9 * noise(trial, temperature.shape), exchanged)
        scatter.append(found.gradient.half_width / found.gradient.mean)
        kappa.append(found.kappa.mean)
        covered += found.kappa.low < KAPPA < found.kappa.high
    assert np.mean(scatter) == pytest.approx(0.08, rel=0.2)
    assert np.mean(kappa) == pytest.approx(KAPPA, rel=0.02)
    assert covered >= 88


def test_a_transient_is_left_out() -> None:
    temperature, exchanged = profiles(3, 100)
    settling = 1 - np.exp(-np.arange(100) / 5)[:, None]
    shaken = 600 + (temperature - 600) * settling + 0.2 * noise(1, temperature.shape)
    found = reduced(shaken, exchanged)
    assert 5 <= found.first_block <= 50
    assert found.problem == ""
    assert found.kappa.low < KAPPA < found.kappa.high


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("time", [50, 200])
def test_what_still_changes_is_called_unsteady(runs: int, time: float) -> None:
    temperature, exchanged = profiles(runs, 100)
    settling = 1 - np.exp(-np.arange(1, 101) / time)[:, None]
    shaken = 600 + (temperature - 600) * settling + 0.2 * noise(2, temperature.shape)
    assert (
        reduced(shaken, exchanged).problem == "not steady: the temperature gradient still changes"
    )


def test_an_energy_that_drifts_is_called_unsteady() -> None:
    temperature, exchanged = profiles(2, 100)
    shaken = temperature + 0.2 * noise(3, temperature.shape)
    jitter = 0.1 * noise(4, exchanged.shape)
    drifting = -1000 + 0.3 * ENERGY * np.arange(100) + jitter
    assert reduced(shaken, exchanged, energy=-1000 + jitter).problem == ""
    assert reduced(shaken, exchanged, energy=drifting).problem == (
        "not steady: the total energy drifts"
    )


def test_few_blocks_are_not_known_to_be_steady() -> None:
    found = reduced(*profiles(2, 7))
    assert found.problem == "not known to be steady: 7 blocks, 8 are needed"
    assert found.kappa.mean == pytest.approx(KAPPA)


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_without_a_gradient_there_is_no_kappa(runs: int, scale: float) -> None:
    temperature, exchanged = profiles(runs, 50)
    flat = 600 + scale * (temperature - 600)
    flat += (1e-6 if scale else 0.0) * noise(5, flat.shape)
    found = reduced(flat, exchanged)
    assert found.problem == "no temperature gradient beyond the noise"
    assert math.isnan(found.kappa.mean)
    assert found.kappa.half_width == math.inf


def test_a_single_run_in_noise_has_no_kappa() -> None:
    temperature, exchanged = profiles(1, 30)
    found = reduced(600 + 0.01 * (temperature - 600) + 50 * noise(6, temperature.shape), exchanged)
    assert math.isnan(found.kappa.mean)


@pytest.mark.parametrize(
    ("temperature", "exchanged", "more", "message"),
    [
        (np.ones((2, 10)), np.ones((2, 10)), {}, "temperature: 3 dimensions"),
        (np.ones((2, 10, 20)), np.ones((2, 9)), {}, r"\(2, 10, 20\).*\(2, 9\)"),
        (np.full((2, 10, 20), np.nan), np.ones((2, 10)), {}, "temperature: .*finite"),
        (np.ones((0, 10, 20)), np.ones((0, 10)), {}, r"\(0, 10, 20\)"),
        (np.ones((2, 0, 20)), np.ones((2, 0)), {}, r"\(2, 0, 20\)"),
        (np.ones((2, 10, 21)), np.ones((2, 10)), {}, "21 layers"),
        (np.ones((2, 10, 20)), np.ones((2, 10)), {"leave_out": 4}, "20 layers with 4 left out"),
        (np.ones((2, 10, 20)), np.ones((2, 10)), {"leave_out": -1}, "-1 left out"),
        (np.ones((2, 10, 20)), np.ones((2, 10)), {"heat_flux": np.ones(3)}, "heat_flux"),
        (np.ones((2, 10, 20)), np.ones((2, 10)), {"energy": np.ones(3)}, "energy"),
        (
            np.ones((2, 10, 20)),
            np.ones((2, 10)),
            {"heat_flux": np.ones((2, 10, 20)), "momentum": np.ones((2, 10, 20))},
            "momentum: 4 dimensions",
        ),
        (
            np.ones((2, 10, 20)),
            np.ones((2, 10)),
            {"heat_flux": np.ones((2, 10, 20)), "momentum": np.ones((3, 10, 2, 20))},
            "controls",
        ),
    ],
)
def test_refusals(
    temperature: Floats, exchanged: Floats, more: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        reduced(temperature, exchanged, **more)
