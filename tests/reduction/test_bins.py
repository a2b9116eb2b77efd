"""How κ moves with the layers left out: planted profiles, straight and bent at the exchange."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.reduction.bins import leave_out_scan
from ensemble.reduction.direct import direct_method
from ensemble.reduction.weighted import Estimates

Floats = NDArray[np.float64]

KAPPA, LENGTH, AREA, BLOCK, BINS = 0.01, 100.0, 50.0, 2.0, 40
GRADIENT = 0.5
ENERGY = 2 * AREA * BLOCK * KAPPA * GRADIENT
CELL = {"block_time": BLOCK, "length": LENGTH, "area": AREA}


def profiles(seed: int, runs: int, blocks: int, *, bend: float = 0) -> tuple[Floats, Floats]:
    """Temperatures that bend within some layers of the exchange, with noise; exchanged energies."""
    layer = np.arange(BINS)
    nearest = np.minimum(layer, BINS - layer)
    straight = GRADIENT * LENGTH / BINS * (nearest - BINS / 4)
    bent = 8 * (np.exp(-(BINS / 2 - nearest) / bend) - np.exp(-nearest / bend)) if bend else 0
    noise = np.random.default_rng(seed).standard_normal((runs, blocks, BINS))
    return 600 + straight + bent + noise, np.full((runs, blocks), ENERGY)


@pytest.mark.parametrize(("runs", "blocks"), [(1, 60), (4, 30)])
def test_the_default_is_what_the_direct_method_gives(runs: int, blocks: int) -> None:
    temperature, exchanged = profiles(1, runs, blocks)
    scan = leave_out_scan(temperature, exchanged, prefactor=7.0, **CELL)
    found = direct_method(temperature, exchanged, prefactor=7.0, **CELL)
    assert scan.default == 4
    assert list(scan.kappa) == list(range(9))
    assert scan.kappa[4] == found.kappa
    assert scan.change[4].mean == scan.change[4].half_width == 0
    assert scan.change[6].mean == pytest.approx(scan.kappa[6].mean - scan.kappa[4].mean)
    own = direct_method(temperature, exchanged, prefactor=7.0, leave_out=6, **CELL)
    if own.first_block == found.first_block:
        assert scan.kappa[6] == own.kappa


def test_changes_are_better_known_than_the_values() -> None:
    scan = leave_out_scan(*profiles(2, 5, 50), **CELL)
    first, second, change = Estimates.of([scan.kappa[4], scan.kappa[5], scan.change[5]]).errors
    assert change < np.hypot(first, second)


def test_a_bend_at_the_exchange_shows_until_it_is_left_out() -> None:
    short = leave_out_scan(*profiles(3, 5, 100, bend=0.7), **CELL)
    assert not short.change[0].holds(0.0)
    assert short.kappa[0].high < KAPPA
    assert short.kappa[4].low < KAPPA < short.kappa[4].high
    assert short.settled
    long = leave_out_scan(*profiles(3, 5, 100, bend=4), **CELL)
    assert not long.settled


@pytest.mark.parametrize(("runs", "blocks"), [(1, 100), (5, 20)])
def test_a_straight_profile_is_settled(runs: int, blocks: int) -> None:
    """Chance alone says otherwise in one of a hundred."""
    scans = (leave_out_scan(*profiles(seed, runs, blocks), **CELL) for seed in range(200))
    assert sum(scan.settled for scan in scans) >= 194


@pytest.mark.parametrize("shape", [(2, 10), (0, 10, 20), (2, 0, 20)])
def test_refusals(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="temperature"):
        leave_out_scan(np.ones(shape), np.ones(shape[:2]), **CELL)
