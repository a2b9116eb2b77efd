"""Coupled currents: the same κ in every gauge."""

import numpy as np
import pytest
from numpy.typing import NDArray
from processes import PROCESSES, TIMESTEP, Coupled, kappa, series

from ensemble.reduction.equilibrium import GreenKuboMethod, green_kubo
from ensemble.reduction.onsager import gauge_fixed, independent_currents, uncoupled_periodograms
from ensemble.reduction.spectrum import bands, transforms

Floats = NDArray[np.float64]


def noise(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def test_of_two_species_one_current_is_independent() -> None:
    first = 7.0 * noise(4, 500)
    current = independent_currents([first, -first])
    assert current.shape == (1, 4, 500)
    np.testing.assert_allclose(np.abs(current[0]), np.abs(first) / np.sqrt(np.mean(first**2)))


def test_of_three_species_two_and_uncorrelated() -> None:
    first, second = noise(2, 4, 500)
    second = 1e-3 * second + 0.3 * first
    currents = independent_currents([first, second, -first - second])
    products = np.einsum("itr,jtr->ij", currents, currents) / first.size
    np.testing.assert_allclose(products, np.eye(2), atol=1e-7)


def test_species_at_rest_or_alone_give_no_current() -> None:
    first = noise(4, 500)
    assert len(independent_currents([first, -first, np.zeros((4, 500))])) == 1
    assert len(independent_currents(np.zeros((2, 4, 500)))) == 0
    # One species has the momentum of the cell, which is rounding.
    assert len(independent_currents(1e-13 * noise(1, 4, 500))) == 0


def test_a_missing_species_is_noticed() -> None:
    with pytest.raises(ValueError, match="do not add up to zero"):
        independent_currents([noise(4, 500, seed=1), noise(4, 500, seed=2)])


@pytest.mark.parametrize("multiple", [0.0, 1e-3, 1.0, 1e3])
def test_the_gauge_is_fixed_whatever_it_was(multiple: float) -> None:
    rest, mass = (
        noise(4, 500),
        independent_currents([noise(4, 500, seed=2)] * np.array([[[1]], [[-1]]])),
    )
    fixed = gauge_fixed(rest + multiple * mass[0], mass)
    np.testing.assert_allclose(fixed, gauge_fixed(rest, mass), atol=1e-12)
    assert abs(np.mean(fixed * mass[0])) < 1e-15


def periodograms(heat: Floats, currents: Floats) -> Floats:
    grid = bands(heat.shape[-1], TIMESTEP)
    return uncoupled_periodograms(transforms(heat, TIMESTEP), transforms(currents, TIMESTEP), grid)


def test_what_follows_the_currents_at_a_frequency_is_taken_out() -> None:
    """Also what follows them later, or earlier: the coupling is complex."""
    currents = noise(2, 6, 4096, seed=3)
    heat = 3 * np.roll(currents[0], 5, axis=-1) - 2 * np.roll(currents[1], -2, axis=-1)
    grid = bands(4096, TIMESTEP)
    before = grid.mean(np.abs(transforms(heat, TIMESTEP)) ** 2).mean(axis=0)
    left = periodograms(heat, currents).mean(axis=0)
    # Single frequencies: all of it. In a band the delay turns the coupling by a small angle.
    assert (left[:24] < 1e-12 * before[:24]).all()
    assert (left < 0.2 * before).all()


def test_independent_heat_keeps_its_spectrum_without_bias() -> None:
    heat, currents = noise(7, 200_000, seed=4), noise(2, 7, 200_000, seed=5)
    left = periodograms(heat, currents)
    expected = TIMESTEP / 2
    # 24 single frequencies of 7 − 2 samples each: 9 %; and all of 700,000.
    assert left[:, 1:25].mean() == pytest.approx(expected, rel=0.3)
    assert np.average(left.mean(axis=0), weights=bands(200_000, TIMESTEP).count) == pytest.approx(
        expected, rel=0.005
    )


def test_it_is_the_schur_complement_of_the_mean_matrix() -> None:
    heat, currents = noise(8, 200, seed=6), noise(2, 8, 200, seed=7)
    heat = heat + 0.5 * currents[0] - currents[1]
    every = np.concatenate([heat[None], currents])
    transformed = transforms(every, TIMESTEP)
    matrix = np.einsum("ask,bsk->kab", transformed, transformed.conj()) / 8
    schur = 1 / np.linalg.inv(matrix)[:, 0, 0].real * 8 / (8 - 2)
    np.testing.assert_allclose(
        periodograms(heat, currents).mean(axis=0)[:24], schur[:24], rtol=1e-6
    )


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="too few for 2"):
        periodograms(noise(2, 100), noise(2, 2, 100, seed=8))


def test_case_c_without_its_coupling() -> None:
    both = series("C", np.random.default_rng(9), 15, 40_000, 5 * TIMESTEP)
    heat, mass = both[:, 0], both[:, 1]
    currents = independent_currents([mass, -mass])
    left = gauge_fixed(heat, currents)
    grid = bands(40_000, 5 * TIMESTEP)
    uncoupled = uncoupled_periodograms(
        transforms(left, 5 * TIMESTEP), transforms(currents, 5 * TIMESTEP), grid
    )
    lowest = slice(0, 60)
    # 15 samples of about 90 frequencies: 3 %.
    weights = grid.count[lowest]
    assert np.average(uncoupled.mean(axis=0)[lowest], weights=weights) == pytest.approx(
        kappa("C", 5 * TIMESTEP), rel=0.1
    )


@pytest.mark.parametrize("method", ["spectrum", "window", "cepstral"])
def test_components_that_are_coupled_to_the_currents_in_their_own_way(
    method: GreenKuboMethod,
) -> None:
    """One coupling for all three would leave what they differ by in κ."""
    case = PROCESSES["C"]
    assert isinstance(case, Coupled)
    runs, rows = 12, 40_000
    rng = np.random.default_rng(5)
    mass = case.mass.series(rng, 3 * runs, rows, TIMESTEP).reshape(runs, 3, rows)
    apart = case.perpendicular.series(rng, 3 * runs, rows, TIMESTEP).reshape(runs, 3, rows)
    heat = (apart + np.array([[0.5], [0.5], [1.5]]) * mass).swapaxes(1, 2)
    momenta = np.stack([mass, -mass], axis=2).transpose(0, 3, 2, 1)
    of = {"volume": 1.0, "temperature": 1.0, "timestep": TIMESTEP, "units": "lj"}
    together, each = (
        green_kubo(heat, momenta=momenta, method=method, isotropic=isotropic, **of).corrected
        for isotropic in (True, False)
    )
    assert together is not None
    assert each is not None
    truth = case.kappa(TIMESTEP)
    assert together.value.low > 1.2 * truth
    assert each.value.holds(truth)
    assert each.value.half_width < 0.15 * truth


def test_components_that_are_alike_lose_little_by_couplings_of_their_own() -> None:
    both = series("C", np.random.default_rng(3), 15, 100_000).reshape(5, 3, 2, -1)
    heat, mass = np.moveaxis(both, (2, 3), (0, 2))
    momenta = np.stack([mass, -mass], axis=2)
    together, each = (
        green_kubo(
            heat,
            momenta=momenta,
            volume=1.0,
            temperature=1.0,
            timestep=TIMESTEP,
            units="lj",
            isotropic=isotropic,
        ).kappa.value
        for isotropic in (True, False)
    )
    assert each.mean == pytest.approx(together.mean, rel=0.03)
    assert each.half_width < 1.3 * together.half_width
