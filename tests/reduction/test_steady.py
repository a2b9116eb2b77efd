"""Steady states: transients that are planted are found, noise is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from ensemble.reduction.steady import FEWEST_BLOCKS, first_steady_block, trend


def test_a_beginning_that_differs_is_cut_off() -> None:
    generator = np.random.default_rng(1)
    series = generator.standard_normal((50, 100))
    series[:, :20] += 8
    cuts = [first_steady_block(one) for one in series]
    assert min(cuts) >= 20
    assert np.median(cuts) <= 22


def test_a_slow_relaxation_is_cut_off_once_it_is_within_the_noise() -> None:
    noise = np.random.default_rng(2).standard_normal(400)
    found = first_steady_block(20 * np.exp(-np.arange(400) / 20) + noise)
    assert 40 <= found <= 120


def test_a_steady_series_is_kept() -> None:
    series = np.random.default_rng(3).standard_normal((200, 100))
    cuts = [first_steady_block(one) for one in series]
    assert np.median(cuts) <= 1
    assert max(cuts) <= 50


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_short_series(rows: int) -> None:
    assert 0 <= first_steady_block(np.arange(float(rows))) <= rows // 2


def test_a_planted_trend() -> None:
    position = np.linspace(-0.5, 0.5, 60)
    noise = np.random.default_rng(4).standard_normal(60)
    found = trend(5 * position + noise)
    assert found.low < 5 < found.high
    assert found.low > 0
    assert found.mean - trend(noise).mean == pytest.approx(5, rel=1e-12)


@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.06), (0.5, 0.12)])
def test_noise_is_seldom_a_trend(phi: float, most: float) -> None:
    noise = np.random.default_rng(5).standard_normal((500, 150))
    series = lfilter([1], [1, -phi], noise)[:, 100:]
    false = sum(abs(found.mean) > found.half_width for found in map(trend, series))
    assert false <= most * 500


def test_a_relaxation_that_goes_on_is_a_trend() -> None:
    """From 63 to 86 % of the final value, with noise of 5 %: bent, and not done."""
    time = np.linspace(1, 2, 30)
    noise = np.random.default_rng(6).standard_normal((100, 30)) * 0.05
    found = [trend(1 - np.exp(-time) + one) for one in noise]
    assert sum(one.low > 0 for one in found) >= 97


def test_the_fewest_blocks_have_a_trend() -> None:
    found = trend(np.arange(float(FEWEST_BLOCKS)) + np.tile([0.1, -0.1], FEWEST_BLOCKS // 2))
    assert found.mean == pytest.approx(FEWEST_BLOCKS - 1, rel=0.1)
    assert found.low > 0
