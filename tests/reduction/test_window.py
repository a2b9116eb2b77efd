"""Windows of running integrals: by hand, found by itself, and of coupled currents."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from processes import PROCESSES, Coupled, Oscillator, Process, Relaxation, kappa, series

from ensemble.reduction.correlation import autocorrelation
from ensemble.reduction.intervals import of_independent
from ensemble.reduction.running import running_integral
from ensemble.reduction.window import (
    FIRST_LAGS,
    NOISE,
    SMOOTHING,
    by_window,
    coupled_samples,
    decay_lag,
    longest_lags,
    of_series,
)

Floats = NDArray[np.float64]

TIMESTEP = 0.01


def exact(process: Process, lags: int) -> Floats:
    """The running integral without noise, of four samples alike: shape (4, lags)."""
    integral = running_integral(process.correlation(lags, TIMESTEP), TIMESTEP)
    return np.repeat(integral[None], 4, axis=0)


def test_a_given_window_is_a_plain_mean() -> None:
    integral = np.array([[0.0, 1, 2, 3, 4, 5], [0, 3, 3, 3, 3, 3]])
    found = by_window(integral, 0.5, rows=100, window=(1.0, 2.0))
    assert found.samples == pytest.approx([3, 3])
    assert found.value.mean == pytest.approx(3)
    assert found.window == (1.0, 2.0)
    assert found.method == "window"
    assert found.converged


def test_a_window_far_out_is_flagged() -> None:
    integral = np.tile(np.linspace(0, 1, 60), (3, 1))
    assert by_window(integral, 0.5, rows=100, window=(10, 12.5)).converged
    late = by_window(integral, 0.5, rows=100, window=(10, 13))
    assert late.problems == ("the window ends behind a quarter of the series, 12.5",)


def test_the_window_begins_where_noise_hides_the_rest() -> None:
    """Without noise in the data t* is where the correlations fall below what theory says of it."""
    lag = decay_lag(exact(Process((Relaxation(5, 1.0),)), 50_000)[:, None, None], 200_000)
    assert lag is not None
    assert lag * TIMESTEP == pytest.approx(expected_decay(4 * 2000, 5.0), rel=0.03)


def expected_decay(length: float, time: float) -> float:
    """Where (Δ / κ)² · length / (4 w), Δ the piece of the integral of exp(−t / time) / time over
    the smoothing, w wide, is NOISE² in the mean from t* to 2 t*: by bisection.
    """

    def excess(start: float) -> float:
        t = np.geomspace(start, 2 * start, 400)
        width = t * SMOOTHING - t / SMOOTHING
        piece = np.exp(-t / SMOOTHING / time) - np.exp(-t * SMOOTHING / time)
        level = 1 - piece * time / width
        return float(np.mean((piece / level) ** 2 * length / (4 * width))) - NOISE**2

    low, high = 0.1 * time, 100 * time
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return low


def test_more_data_take_the_window_further_out() -> None:
    integral = exact(Process((Relaxation(5, 1.0),)), 50_000)[:, None, None]
    lags = [decay_lag(np.repeat(integral, n, axis=0), 200_000) for n in (1, 10)]
    assert None not in lags
    assert lags[0] < lags[1]


def test_an_oscillation_that_crosses_zero_is_not_the_end() -> None:
    """Correlations that first cross zero at 1.25 ps, and are far from over."""
    process = Process((Relaxation(0.5, 0.2), Oscillator(0.2, 2, 1.0)))
    lag = decay_lag(exact(process, 50_000)[:, None, None], 200_000)
    assert lag is not None
    assert lag * TIMESTEP > 5


@pytest.mark.parametrize(
    ("name", "rows", "trials", "rmse"), [("A", 200_000, 8, 0.115), ("B", 50_000, 20, 0.064)]
)
def test_a_known_process(name: str, rows: int, trials: int, rmse: float) -> None:
    """No bias beyond chance, no more scatter than is known, and intervals that hold the truth."""
    generator = np.random.default_rng(8)
    truth = kappa(name)
    found = [of_series(series(name, generator, 15, rows), TIMESTEP) for _ in range(trials)]
    error = np.array([estimate.value.mean / truth - 1 for estimate in found])
    held = [estimate.value.low < truth < estimate.value.high for estimate in found]
    assert sum(estimate.converged for estimate in found) >= 0.9 * trials
    assert abs(error.mean()) < 0.01 + 3 * error.std(ddof=1) / math.sqrt(trials)
    assert math.sqrt(np.mean(error**2)) < 1.4 * rmse
    assert sum(held) >= 0.95 * trials - 4 * math.sqrt(0.05 * 0.95 * trials)


def test_series_are_correlated_no_further_than_needed() -> None:
    """What is found does not depend on how far they were."""
    generator = np.random.default_rng(9)
    currents = series("A", generator, 6, 120_000)
    found = of_series(currents, TIMESTEP)
    assert found.window is not None
    assert found.window[1] > FIRST_LAGS * TIMESTEP
    lags = longest_lags(120_000)
    integral = running_integral(autocorrelation(currents, lags), TIMESTEP)
    whole = by_window(integral, TIMESTEP, rows=120_000)
    assert whole.window == found.window
    assert whole.samples == pytest.approx(found.samples, rel=1e-9)


@pytest.mark.parametrize("rows", [3000, 6000, 12_000])
def test_a_series_too_short_is_flagged(rows: int) -> None:
    """Of 30 to 120 ps where correlations last 15 ps: κ is 17 to 45 % too small."""
    generator = np.random.default_rng(10)
    found = [of_series(series("A", generator, 15, rows), TIMESTEP) for _ in range(20)]
    assert sum(not estimate.converged for estimate in found) >= 19
    assert all("too short" in estimate.problems[0] for estimate in found if estimate.problems)


def test_nothing_at_all() -> None:
    found = of_series(np.zeros((3, 1000)), 1.0)
    assert found.value.mean == 0
    assert found.value.half_width == 0


def test_one_sample_has_no_error() -> None:
    currents = series("B", np.random.default_rng(11), 1, 200_000)
    found = of_series(currents, TIMESTEP)
    assert found.value.half_width == math.inf
    assert found.problems == ("1 sample: nothing is known of the error",)
    assert found.value.mean == pytest.approx(kappa("B"), rel=0.4)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 9, 40])
def test_hardly_a_row(rows: int) -> None:
    found = of_series(np.random.default_rng(12).standard_normal((3, rows)), 1.0)
    assert math.isfinite(found.value.mean)
    assert rows == 40 or not found.converged


@pytest.mark.parametrize(
    ("integral", "window", "message"),
    [
        (np.zeros(5), None, "samples and lags"),
        (np.zeros((0, 5)), None, "samples and lags"),
        (np.full((2, 5), np.nan), None, "finite"),
        (np.zeros((2, 5)), (1.0, 7.0), "window up to 7: the running integral ends at 4"),
        (np.zeros((2, 5)), (1.2, 1.4), "no lag in it"),
    ],
)
def test_refusals(integral: Floats, window: tuple[float, float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        by_window(integral, 1.0, rows=100, window=window)


def test_series_that_are_no_samples() -> None:
    with pytest.raises(ValueError, match=r"\(5,\)"):
        of_series(np.zeros(5), 1.0)
    with pytest.raises(ValueError, match="8 lags of a series of 5 rows"):
        of_series(np.zeros((2, 5)), 1.0, window=(1, 7))


def test_a_single_current_is_its_own_mean() -> None:
    values = np.random.default_rng(13).standard_normal(7)
    assert np.array_equal(coupled_samples(values[:, None, None]), values)


def test_coupled_samples_are_the_jackknife() -> None:
    generator = np.random.default_rng(14)
    noise = generator.standard_normal((6, 3, 3)) * 0.1
    values = np.diag([3.0, 2, 1]) + 0.5 + noise
    symmetric = (values + values.swapaxes(1, 2)) / 2

    def alone(matrix: Floats) -> float:
        return float(1 / np.linalg.inv(matrix)[0, 0])

    found = coupled_samples(values)
    assert found.mean() == pytest.approx(alone(symmetric.mean(axis=0)), rel=1e-13)
    without = np.array([alone(np.delete(symmetric, k, axis=0).mean(axis=0)) for k in range(6)])
    variance = 5 / 6 * np.sum((without - without.mean()) ** 2)
    assert found.var(ddof=1) / 6 == pytest.approx(variance, rel=1e-10)


@pytest.mark.parametrize("shift", [1e-3, 1.0, 1e3])
def test_site_energies_change_nothing(shift: float) -> None:
    """Neither the window nor the value nor the interval."""
    currents = series("C", np.random.default_rng(15), 9, 50_000)
    currents[:, 0] -= 2.588 * currents[:, 1]
    plain = of_series(currents, TIMESTEP)
    currents[:, 0] += shift * currents[:, 1]
    shifted = of_series(currents, TIMESTEP)
    assert shifted.window == plain.window
    # Rounding alone: what cancels is shift² as large as what is left.
    tolerance = 1e-12 + 1e-14 * shift**2
    assert shifted.value.mean == pytest.approx(plain.value.mean, rel=tolerance)
    assert shifted.value.half_width == pytest.approx(plain.value.half_width, rel=10 * tolerance)


def test_coupled_currents() -> None:
    """Raw κ is fourteen times too large; the corrected one is as good as without coupling."""
    generator = np.random.default_rng(16)
    trials, truth = 8, kappa("C")
    process = PROCESSES["C"]
    assert isinstance(process, Coupled)
    error, width, ideal = np.empty((3, trials))
    covered = 0
    for trial in range(trials):
        currents = series("C", generator, 15, 100_000)
        found = of_series(currents, TIMESTEP)
        assert found.converged
        alone = currents[:, 0] - process.coupling * currents[:, 1]
        uncoupled = of_series(alone, TIMESTEP, window=found.window)
        error[trial] = found.value.mean / truth - 1
        width[trial], ideal[trial] = found.student.half_width, uncoupled.student.half_width
        covered += found.value.low < truth < found.value.high
    assert abs(error.mean()) < 0.01 + 3 * error.std(ddof=1) / math.sqrt(trials)
    assert width.mean() < 1.2 * ideal.mean()
    assert covered >= 5  # 95 % less four standard deviations
    raw = of_independent(of_series(currents[:, 0], TIMESTEP).samples).mean
    assert raw > 10 * truth


def test_currents_that_depend_on_one_another() -> None:
    heat, mass = np.random.default_rng(17).standard_normal((2, 4, 1000))
    currents = np.stack([heat, mass, np.zeros_like(mass)], axis=1)
    with pytest.raises(ValueError, match="depend on one another"):
        of_series(currents, 1.0)
