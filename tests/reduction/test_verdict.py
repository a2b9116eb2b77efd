"""What is not converged is called so."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from processes import TIMESTEP, series

from ensemble.reduction.currents import currents_of
from ensemble.reduction.direct import direct_method
from ensemble.reduction.equilibrium import green_kubo
from ensemble.reduction.estimate import Estimate
from ensemble.reduction.verdict import asks_for_time, problems

Floats = NDArray[np.float64]


def estimate_of(values: Floats, seeds: int = 5, timestep: float = TIMESTEP) -> Estimate:
    """Of values (seeds × components, rows)."""
    flux = np.moveaxis(values.reshape(seeds, -1, values.shape[-1]), 1, 2)
    return green_kubo(flux, volume=1, temperature=1, timestep=timestep, units="lj").kappa


def rng_of(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def test_long_series_are_trusted() -> None:
    flagged = [
        bool(estimate_of(series("B", rng_of(1, trial), 15, 20_000, 0.05), timestep=0.05).problems)
        for trial in range(40)
    ]
    # In a thousand trials 4 % were flagged.
    assert sum(flagged) <= 6


@pytest.mark.parametrize(
    ("process", "rows"),
    [("A", 5_000), ("A", 10_000), ("B", 600), ("B", 1_200), ("crystal", 10_000)],
)
def test_short_series_are_flagged(process: str, rows: int) -> None:
    flagged = [
        bool(estimate_of(series(process, rng_of(2, rows, trial), 15, rows)).problems)
        for trial in range(40)
    ]
    assert np.mean(flagged) >= 0.95


def test_one_run_is_not_trusted_however_long() -> None:
    """There is a value, but nobody else to say so; more runs help, more time does not."""
    found = estimate_of(series("B", rng_of(5), 3, 80_000, 0.05), seeds=1, timestep=0.05)
    alone = [problem for problem in found.problems if problem.startswith("one run alone")]
    assert len(alone) == 1
    assert not asks_for_time(alone[0])


def test_seeds_that_differ_are_noticed() -> None:
    values = series("B", rng_of(3), 15, 20_000, 0.05)
    values[6:9] *= 2
    problems = estimate_of(values, timestep=0.05).problems
    assert "the seeds differ by more than their scatter" in problems


def test_a_drift_is_noticed() -> None:
    values = series("B", rng_of(4), 15, 20_000, 0.05)
    values[:, 10_000:] *= 1.5
    problems = " ".join(estimate_of(values, timestep=0.05).problems)
    assert "not stationary" in problems


def test_what_longer_runs_would_help_against() -> None:
    short = estimate_of(series("A", rng_of(2, 5_000, 0), 15, 5_000)).problems
    assert any(map(asks_for_time, short))
    drifting = series("B", rng_of(4), 15, 20_000, 0.05)
    drifting[:, 10_000:] *= 1.5
    assert any(map(asks_for_time, estimate_of(drifting, timestep=0.05).problems))
    differing = series("B", rng_of(3), 15, 20_000, 0.05)
    differing[6:9] *= 2
    assert not any(map(asks_for_time, estimate_of(differing, timestep=0.05).problems))


@pytest.mark.parametrize("rise", [0.0, 0.3])
def test_what_longer_runs_by_the_direct_method_would_help_against(rise: float) -> None:
    """Few blocks; a gradient that rises."""
    blocks = 200 if rise else 4
    profile = 1 + 0.1 * np.minimum(np.arange(20), 20 - np.arange(20))
    noise = 0.001 * rng_of(6).normal(size=(1, blocks, 20))
    growth = np.linspace(1, 1 + rise, blocks)[:, None]
    found = direct_method(
        profile * growth + noise, np.ones((1, blocks)), block_time=1, length=20, area=1
    )
    assert asks_for_time(found.problem)


@pytest.mark.parametrize("time", [0.0, 5e-324, 1e-300, 1e-3, 1e300])
def test_any_correlation_time_will_do(time: float) -> None:
    flux = np.moveaxis(series("B", rng_of(10), 9, 2_000).reshape(3, 3, -1), 1, 2)
    currents = currents_of(list(flux), scale=np.ones(3), timestep=TIMESTEP)
    found = replace(estimate_of(currents.heat, 3), correlation_time=time, cutoff=None, problems=())
    said = problems(found, currents.heat, currents)
    assert any("too short" in problem for problem in said) == (time > 1)


def test_a_scatter_as_large_as_the_value_is_noticed() -> None:
    values = series("B", rng_of(5), 15, 2_000)
    problems = " ".join(estimate_of(values).problems)
    assert "too few independent samples" in problems or "too short" in problems


@pytest.mark.parametrize("method", ["window", "cepstral"])
def test_each_problem_is_said_once(method: str) -> None:
    flux = np.moveaxis(series("B", rng_of(6), 15, 300).reshape(5, 3, -1), 1, 2)
    found = green_kubo(
        flux, volume=1, temperature=1, timestep=TIMESTEP, units="lj", method=method
    ).kappa.problems
    assert found
    assert len(set(found)) == len(found)


def test_a_window_before_the_correlations_have_died_away_is_noticed() -> None:
    for trial in range(10):
        values = series("A", rng_of(7, trial), 15, 40_000, 0.05)
        flux = np.moveaxis(values.reshape(5, 3, -1), 1, 2)
        early, late = (
            green_kubo(
                flux,
                volume=1,
                temperature=1,
                timestep=0.05,
                units="lj",
                method="window",
                window=window,
            ).kappa.problems
            for window in ((3, 6), (50, 100))
        )
        assert any("another value" in problem for problem in early)
        assert not any("another value" in problem for problem in late)


def test_a_value_below_zero_is_no_conductivity() -> None:
    t = np.arange(40_000) * 0.05
    rng = rng_of(8)
    phases = 2 * np.pi * (rng.random((15, 1)) + 0.5 * t)
    flux = np.moveaxis(np.cos(phases).reshape(5, 3, -1), 1, 2) + 1e-3 * rng.random((5, 40_000, 3))
    found = green_kubo(
        flux,
        volume=1,
        temperature=1,
        timestep=0.05,
        units="lj",
        method="window",
        window=(1.3, 1.7),
    ).kappa
    assert found.value.mean < 0
    assert "the value is not positive" in found.problems


def test_components_that_differ_are_noticed() -> None:
    values = series("B", rng_of(9), 15, 20_000, 0.05)
    values[2::3] *= 2
    problems = " ".join(estimate_of(values, timestep=0.05).problems)
    assert "x, y and z differ" in problems
