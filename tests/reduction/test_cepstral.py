"""Cepstral analysis: against its formulas, on known noise, and on processes whose κ is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from processes import PROCESSES, Coupled, kappa, series
from scipy.special import polygamma

from ensemble.reduction.cepstral import cepstral, reduced_periodograms
from ensemble.reduction.spectrum import transforms

Floats = NDArray[np.float64]

TIMESTEP = 0.01


def noisy(generator: np.random.Generator, spectrum: Floats, samples: int) -> Floats:
    """Periodograms of Gaussian currents with a spectrum, shape (samples, frequencies)."""
    each = generator.exponential(size=(samples, spectrum.size))
    each[:, 0] = generator.standard_normal(samples) ** 2
    return spectrum * each


@pytest.mark.parametrize("dof", [1, 2, 15])
def test_white_noise(dof: int) -> None:
    """A flat spectrum: no bias, the error of one coefficient, and intervals that hold."""
    generator = np.random.default_rng(1)
    trials, behind = 200, 500
    error = np.empty(trials)
    covered = 0
    for trial in range(trials):
        periodogram = noisy(generator, np.full(2000, 3.0), dof).mean(axis=0)
        found = cepstral(periodogram, dof, 0.01, cutoff=behind * 0.01)
        error[trial] = math.log(found.value.mean / 3)
        covered += found.value.low < 3 < found.value.high
    scatter = error.std(ddof=1)
    assert abs(error.mean()) < 3.5 * scatter / math.sqrt(trials)
    one = math.sqrt(float(polygamma(1, dof)) / behind)
    # Akaike's criterion keeps more than one now and then; the intervals know it.
    assert one < scatter < 3 * one
    assert covered >= 180  # 190 less three standard deviations


def test_the_sum_of_the_cosine_series() -> None:
    """Without noise, of log S = a + 2 b cos πk/K, the value at zero is exp(a + 2 b)."""
    frequency = np.arange(201)
    log = 0.3 + 2 * 0.7 * np.cos(np.pi * frequency / 200)
    found = cepstral(np.exp(log), 1e9, 1.0, cutoff=200)
    assert found.value.mean == pytest.approx(math.exp(0.3 + 1.4), rel=1e-6)
    assert found.cutoff == pytest.approx(200, rel=1e-12)


def test_samples_are_the_linearisation() -> None:
    """Their mean is the value; each is its derivative by the sample's part of the mean."""
    generator = np.random.default_rng(2)
    spectrum = 1 / (1 + (np.arange(400) / 60) ** 2) + 0.2
    each = noisy(generator, spectrum, 5)
    found = cepstral(each, 5, 1.0, cutoff=300)
    assert found.samples.mean() == pytest.approx(found.value.mean, rel=1e-12)
    assert found.student.mean == pytest.approx(found.value.mean, rel=1e-12)
    # Akaike's weights depend on the data as well; they are second order in a smooth spectrum.
    step = 1e-6
    mean = each.mean(axis=0)
    moved = cepstral(mean * (1 + step), 5, 1.0, cutoff=300)
    assert moved.value.mean / found.value.mean - 1 == pytest.approx(step, rel=1e-4)
    uniform = cepstral(np.stack([2 * mean, 0 * mean]), 5, 1.0, cutoff=300)
    assert uniform.samples == pytest.approx(np.array([2, 0]) * found.value.mean, abs=1e-9)


def test_scale_and_units() -> None:
    generator = np.random.default_rng(3)
    periodogram = noisy(generator, np.ones(3000), 9).mean(axis=0)
    plain = cepstral(periodogram, 9, 1.0)
    scaled = cepstral(1e-20 * periodogram, 9, 0.5)
    assert scaled.value.mean == pytest.approx(1e-20 * plain.value.mean, rel=1e-9)
    assert scaled.value.half_width == pytest.approx(1e-20 * plain.value.half_width, rel=1e-9)
    assert plain.cutoff is not None
    assert scaled.cutoff == pytest.approx(plain.cutoff / 2, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "rows", "trials", "bias", "rmse"),
    [("A", 200_000, 8, 0.03, 0.105), ("B", 50_000, 20, 0.015, 0.058)],
)
def test_a_known_process(name: str, rows: int, trials: int, bias: float, rmse: float) -> None:
    """No cut-off by hand: where the usual choice gives 39 % too little, 2 or 3 %."""
    generator = np.random.default_rng(4)
    truth = kappa(name)
    error, narrower, held = np.empty(trials), 0, 0
    for trial in range(trials):
        each = np.abs(transforms(series(name, generator, 15, rows), TIMESTEP)) ** 2
        found = cepstral(each, 15, 1 / (rows * TIMESTEP))
        error[trial] = found.value.mean / truth - 1
        held += found.value.low < truth < found.value.high
        narrower += found.student.half_width < found.value.half_width
    assert abs(error.mean()) < bias + 3 * error.std(ddof=1) / math.sqrt(trials)
    assert math.sqrt(np.mean(error**2)) < 1.4 * rmse
    least = 0.95 * trials - 4 * math.sqrt(0.05 * 0.95 * trials)
    assert held >= least
    assert narrower > trials / 2  # it knows nothing of the choice of the model


def test_a_series_too_short_is_flagged() -> None:
    """Of 120 ps where correlations last 15 ps: κ is 28 % too small."""
    generator = np.random.default_rng(5)
    flagged = 0
    for _ in range(20):
        each = np.abs(transforms(series("A", generator, 15, 12_000), TIMESTEP)) ** 2
        flagged += not cepstral(each, 15, 1 / 120).converged
    assert flagged >= 17


def test_reduced_periodograms_by_hand() -> None:
    """1 / [P⁻¹]_00 times M / (M − p), for each frequency alone."""
    generator = np.random.default_rng(6)
    values = generator.standard_normal((7, 3, 4, 2)) @ np.array([1, 1j])
    found, dof = reduced_periodograms(values)
    assert dof == 5
    for frequency in range(4):
        column = values[:, :, frequency]
        matrix = column.T @ column.conj() / 7
        wanted = 7 / 5 / np.linalg.inv(matrix)[0, 0].real
        assert found[:, frequency].mean() == pytest.approx(wanted, rel=1e-10)


def test_reduced_periodograms_is_without_bias() -> None:
    """Whatever part of it follows the other current."""
    generator = np.random.default_rng(7)
    noise, mass = generator.standard_normal((2, 4, 20_000, 2)) @ np.array([1, 1j]) / math.sqrt(2)
    plain, dof = reduced_periodograms(np.stack([noise + 30 * mass, mass], axis=1))
    assert dof == 3
    assert plain.mean() == pytest.approx(1, abs=4 / math.sqrt(3 * 20_000))
    assert plain.mean(axis=0).var() == pytest.approx(1 / 3, abs=0.02)


def test_coupled_currents() -> None:
    generator = np.random.default_rng(8)
    trials, truth = 8, kappa("C")
    assert isinstance(PROCESSES["C"], Coupled)
    error, narrower, held = np.empty(trials), 0, 0
    for trial in range(trials):
        both = transforms(series("C", generator, 15, 100_000), TIMESTEP)[..., :20_000]
        found = cepstral(*reduced_periodograms(both), 1 / 1000)
        error[trial] = found.value.mean / truth - 1
        held += found.value.low < truth < found.value.high
        narrower += found.student.half_width < found.value.half_width
    assert abs(error.mean()) < 0.015 + 3 * error.std(ddof=1) / math.sqrt(trials)
    assert math.sqrt(np.mean(error**2)) < 0.08
    assert held >= 5
    assert narrower > trials / 2


@pytest.mark.parametrize(
    ("periodogram", "dof", "cutoff", "message"),
    [
        (np.ones(16), 3, None, "more than 16 frequencies"),
        (np.ones((2, 2, 50)), 3, None, "more than 16 frequencies"),
        (np.zeros(50), 3, None, "not positive"),
        (np.full(50, np.nan), 3, None, "not finite"),
        (np.ones(50), 0, None, "0 degrees of freedom"),
        (np.ones(50), 3, 60.0, "cutoff 60: must be from 16 to 49"),
        (np.ones(50), 3, 3.0, "cutoff 3: must be from 16 to 49"),
    ],
)
def test_refusals(periodogram: Floats, dof: float, cutoff: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cepstral(periodogram, dof, 1.0, cutoff=cutoff)


def test_too_few_samples_or_dependent_currents() -> None:
    currents = np.random.default_rng(9).standard_normal((3, 2, 20))
    with pytest.raises(ValueError, match="2 samples of 2 currents"):
        reduced_periodograms(currents[:2])
    currents[:, 1] = 0
    with pytest.raises(ValueError, match="depend on one another"):
        reduced_periodograms(currents)
