"""Fits of a smooth spectrum, and its value at zero."""

import numpy as np
import pytest
from numpy.typing import NDArray
from processes import TIMESTEP, kappa, series
from scipy.optimize import minimize

from ensemble.reduction.intervals import of_positive
from ensemble.reduction.rational import fit_rational
from ensemble.reduction.spectrum import Bands, bands, transforms
from ensemble.reduction.zero_frequency import ZeroFrequency, zero_frequency

Floats = NDArray[np.float64]


def grid_of(frequencies: int, resolution: float) -> Bands:
    return Bands(np.arange(frequencies + 1), resolution)


def lorentzian(square: Floats, height: float, time: float, background: float) -> Floats:
    found: Floats = height / (1 + square * time**2) + background
    return found


def analysed(values: Floats, timestep: float = TIMESTEP) -> ZeroFrequency:
    grid = bands(values.shape[-1], timestep)
    return zero_frequency(grid.mean(np.abs(transforms(values, timestep)) ** 2), grid)


def test_a_lorentzian_upon_a_background_is_found_to_all_digits() -> None:
    square = (2 * np.pi * np.arange(200) * 0.01) ** 2
    spectrum = lorentzian(square, 3.0, 2.0, 0.5)
    # So many samples that the prior does not matter.
    weights = np.full((1, 200), 1e12)
    fits = fit_rational(spectrum, weights, square, 1)
    assert fits.log_zero[0] == pytest.approx(np.log(3.5), abs=1e-10)
    assert fits.slowest[0] == pytest.approx(2.0, rel=1e-8)
    np.testing.assert_allclose(fits.residuals, 0, atol=1e-9)


def test_two_lorentzians_need_degree_two() -> None:
    square = (2 * np.pi * np.arange(400) * 0.005) ** 2
    spectrum = lorentzian(square, 3.0, 10.0, 0.0) + lorentzian(square, 1.0, 0.5, 0.1)
    weights = np.full((1, 400), 1e12)
    one, two = (fit_rational(spectrum, weights, square, degree) for degree in (1, 2))
    assert abs(one.log_zero[0] - np.log(4.1)) > 0.01
    assert two.log_zero[0] == pytest.approx(np.log(4.1), abs=1e-8)


def test_each_cutoff_is_a_fit_of_its_own() -> None:
    rng = np.random.default_rng(3)
    square = (2 * np.pi * np.arange(300) * 0.01) ** 2
    noisy = lorentzian(square, 2.0, 1.0, 0.3) * rng.gamma(15, 1 / 15, 300)
    weights = 15.0 * (np.arange(300) < np.array([[100], [300]]))
    both = fit_rational(noisy, weights, square, 1)
    for row, weight in enumerate(weights):
        alone = fit_rational(noisy, weight[None], square, 1)
        assert both.log_zero[row] == pytest.approx(alone.log_zero[0], abs=1e-10)
        assert both.error[row] == pytest.approx(alone.error[0], rel=1e-8)


def test_the_fit_is_the_most_likely_one() -> None:
    rng = np.random.default_rng(4)
    square = (2 * np.pi * np.arange(300) * 0.01) ** 2
    noisy = lorentzian(square, 2.0, 1.0, 0.3) * rng.gamma(15, 1 / 15, 300)
    weights = np.full((1, 300), 15.0)
    fits = fit_rational(noisy, weights, square, 1)
    score = np.einsum("cb,cbp->cp", weights * fits.residuals, fits.gradient)
    # What the wide prior pulls is of the order of one; a step of one error would give about 30.
    assert np.abs(score).max() < 2


def test_the_error_of_a_fit_is_its_scatter() -> None:
    rng = np.random.default_rng(5)
    square = (2 * np.pi * np.arange(300) * 0.01) ** 2
    spectrum = lorentzian(square, 2.0, 1.0, 0.3)
    weights = np.full((1, 300), 15.0)
    logs, errors = [], []
    for _ in range(300):
        fits = fit_rational(spectrum * rng.gamma(15, 1 / 15, 300), weights, square, 1)
        logs.append(fits.log_zero[0])
        errors.append(fits.error[0])
    # 300 trials know a standard deviation to 4 %; three of that.
    assert np.std(logs) == pytest.approx(np.mean(errors), rel=0.12)
    assert np.mean(logs) == pytest.approx(np.log(2.3), abs=4 * np.std(logs) / np.sqrt(300))


def test_the_bias_of_a_fit_is_known() -> None:
    rng = np.random.default_rng(13)
    square = (2 * np.pi * np.arange(60) * 0.01) ** 2
    spectrum = lorentzian(square, 2.0, 1.0, 0.3)
    weights = np.full((1, 60), 15.0)
    values, bias = [], []
    for _ in range(3000):
        fits = fit_rational(spectrum * rng.gamma(15, 1 / 15, 60), weights, square, 1)
        values.append(np.exp(fits.log_zero[0]) / 2.3)
        bias.append(fits.bias[0])
    off, error = np.mean(values) - 1, np.std(values) / np.sqrt(3000)
    assert off > 5 * error
    assert np.mean(values * np.exp(-np.array(bias))) - 1 == pytest.approx(0, abs=3 * error)


def test_the_response_is_the_derivative() -> None:
    rng = np.random.default_rng(6)
    square = (2 * np.pi * np.arange(300) * 0.01) ** 2
    noisy = lorentzian(square, 2.0, 1.0, 0.3) * rng.gamma(150, 1 / 150, 300)
    weights = np.full((1, 300), 150.0)
    response = fit_rational(noisy, weights, square, 1).response()[0]
    direction = noisy * rng.standard_normal(300)
    up, down = (
        fit_rational(noisy + sign * 1e-4 * direction, weights, square, 1).log_zero[0]
        for sign in (1, -1)
    )
    # Fisher's information stands for the second derivative, which differs by the noise.
    assert response @ direction == pytest.approx((up - down) / 2e-4, rel=0.1)


def test_a_missing_step_is_noticed_and_a_right_fit_is_left_alone() -> None:
    rng = np.random.default_rng(7)
    square = (2 * np.pi * np.arange(1, 400) * 0.005) ** 2
    spectrum = lorentzian(square, 3.0, 10.0, 1.0)
    weights = np.full((1, 399), 15.0)
    widths = np.geomspace(4 * square[0], square[-1], 8)[None]
    z = []
    for _ in range(100):
        noisy = spectrum * rng.gamma(15, 1 / 15, 399)
        fits = [fit_rational(noisy, weights, square, degree) for degree in (0, 1)]
        z.append([np.abs(fit.another_step(widths, square).score).max() for fit in fits])
    missing, right = np.array(z).T
    assert missing.min() > 8
    assert np.median(right) < 1.6
    assert np.mean(right > 3) < 0.05


def test_what_another_step_would_add() -> None:
    """Against the most likely height of a step and its curvature, found by a general minimiser."""
    square = (2 * np.pi * np.arange(1, 400) * 0.005) ** 2
    weights = np.full((1, 399), 1500.0)
    noisy = lorentzian(square, 0.05, 1.0, 1.0) * np.random.default_rng(9).gamma(1500, 1 / 1500, 399)
    width = np.array([[1.0]])
    step = 1 / (1 + square)

    def cost(parameters: Floats) -> float:
        log_spectrum = parameters[0] + parameters[1] * step
        return float(1500 * np.sum(log_spectrum + noisy * np.exp(-log_spectrum)))

    flat = fit_rational(noisy, weights, square, 0)
    best = minimize(cost, [flat.log_zero[0], 0.0], method="Nelder-Mead", tol=1e-8).x
    score, error, gain = (float(values[0, 0]) for values in flat.another_step(width, square))
    assert score > 3
    assert score * error == pytest.approx(best[1], rel=0.05)
    assert gain * best[1] == pytest.approx(best.sum() - flat.log_zero[0], rel=0.05)


def test_a_hint_of_a_slower_part_raises_the_upper_end() -> None:
    """A third of the integral is slow, and may hide; in a liquid there is nothing to hide."""

    def hidden(process: str, trial: int) -> float:
        values = series(process, np.random.default_rng([10, trial]), 15, 20_000, 0.05)
        return analysed(values, 0.05).hidden[0]

    hinted, plain = (np.mean([hidden(p, trial) for trial in range(10)]) for p in ("gap", "B"))
    assert hinted > 3 * plain


def test_the_mean_of_the_samples_is_the_value() -> None:
    values = series("B", np.random.default_rng(8), 9, 20_000)
    found = analysed(values)
    assert found.samples.mean() == pytest.approx(found.value, rel=1e-12)
    assert found.samples.shape == (9,)


def test_units_of_time_and_flux_do_not_matter() -> None:
    values = series("B", np.random.default_rng(9), 9, 20_000)
    one, other = analysed(values), analysed(1e3 * values, 1e-3 * TIMESTEP)
    assert other.value == pytest.approx(1e3 * one.value, rel=1e-9)
    assert other.cutoff == pytest.approx(1e3 * one.cutoff, rel=1e-9)
    assert other.correlation_time == pytest.approx(1e-3 * one.correlation_time, rel=1e-9)


def test_a_relaxation_time_is_found() -> None:
    time, rows = 2.0, 100_000
    decay = np.exp(-TIMESTEP * 5 / time)
    from scipy.signal import lfilter

    noise = np.random.default_rng(10).standard_normal((15, rows))
    found = analysed(lfilter([1], [1, -decay], noise)[:, 2000:], 5 * TIMESTEP)
    exact = 5 * TIMESTEP / 2 / (1 - decay) ** 2
    assert found.correlation_time == pytest.approx(time, rel=0.1)
    assert found.value == pytest.approx(exact, rel=0.06)


def test_a_constant_and_a_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="zero, or constant"):
        analysed(np.zeros((3, 1000)))
    with pytest.raises(ValueError, match="too few"):
        analysed(np.random.default_rng(11).standard_normal((3, 20)))


@pytest.mark.parametrize("process", ["A", "B", "lobe"])
def test_intervals_hold_the_truth_as_often_as_they_say(process: str) -> None:
    """A quick look; tests/benchmarks/estimators.py does it with a thousand trials."""
    trials, rows, timestep = 60, 40_000, 5 * TIMESTEP
    rng = np.random.default_rng([12, *process.encode()])
    truth = kappa(process, timestep)
    found = [analysed(series(process, rng, 15, rows, timestep), timestep) for _ in range(trials)]
    intervals = [of_positive(one.samples, hidden=one.hidden) for one in found]
    values = np.array([interval.mean for interval in intervals])
    covered = np.mean([interval.low < truth < interval.high for interval in intervals])
    assert abs(values.mean() / truth - 1) < 0.01 + 4 * values.std() / truth / np.sqrt(trials)
    # 95 ± 2.8 % of 60 trials; three of that.
    assert covered > 0.86
