"""The processes that estimators are measured with have the correlations that they say."""

from __future__ import annotations

import numpy as np
import pytest
from processes import PROCESSES, Coupled, kappa, series

TIMESTEP = 0.01
CURRENTS = [name for name, process in PROCESSES.items() if not isinstance(process, Coupled)]


@pytest.mark.parametrize(("name", "value"), [("A", 1.6332), ("B", 0.9057), ("C", 0.5)])
def test_published_values(name: str, value: float) -> None:
    assert kappa(name) == pytest.approx(value, abs=5e-5)


def test_the_raw_coefficient_of_coupled_currents() -> None:
    process = PROCESSES["C"]
    assert isinstance(process, Coupled)
    assert process.mass.kappa(TIMESTEP) == pytest.approx(1, rel=1e-12)
    assert process.kappa(TIMESTEP) + process.coupling**2 == pytest.approx(7.2, abs=0.003)


@pytest.mark.parametrize("name", CURRENTS)
def test_kappa_is_the_trapezoidal_sum(name: str) -> None:
    process = PROCESSES[name]
    assert not isinstance(process, Coupled)
    correlation = process.correlation(100_000, TIMESTEP)
    integral = TIMESTEP * (correlation.sum() - correlation[0] / 2)
    assert integral == pytest.approx(kappa(name), rel=1e-10)


@pytest.mark.parametrize("name", CURRENTS)
def test_series_are_stationary_from_the_first_row(name: str) -> None:
    """Covariances of the first and of the last row with all others, over many series."""
    process = PROCESSES[name]
    assert not isinstance(process, Coupled)
    samples, rows = 20_000, 40
    found = series(name, np.random.default_rng(1), samples, rows)
    wanted = process.correlation(rows, TIMESTEP)
    error = wanted[0] * np.sqrt(2 / samples)
    assert np.abs((found[:, :1] * found).mean(axis=0) - wanted).max() < 4 * error
    assert np.abs((found[:, -1:] * found).mean(axis=0) - wanted[::-1]).max() < 4 * error


def test_the_mass_current_is_the_second() -> None:
    heat, mass = np.moveaxis(series("C", np.random.default_rng(2), 200, 2000), 1, 0)
    slope = np.vdot(heat, mass) / np.vdot(mass, mass)
    assert slope == pytest.approx(2.588, abs=0.1)
