"""Control variates on planted noise: the mean stays, scatter goes, intervals still cover."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.reduction.controls import FEWEST_BLOCKS_A_CONTROL, controlled
from ensemble.reduction.intervals import of_independent, of_series

Floats = NDArray[np.float64]

MEAN = 0.7
CARRIED = np.array([40.0, -15.0])
"""What the controls add to the values."""


def planted(seed: int, runs: int, blocks: int) -> tuple[Floats, Floats]:
    """Values (runs, blocks) about `MEAN` and two controls (runs, blocks, 2), which slosh: what
    flows to one side in a block comes back in the next.
    """
    generator = np.random.default_rng(seed)
    displaced = generator.standard_normal((runs, blocks + 1, 2))
    controls = np.diff(displaced, axis=1)
    own = generator.standard_normal((runs, blocks))
    return MEAN + own + controls @ CARRIED, controls


@pytest.mark.parametrize(("runs", "blocks"), [(1, 30), (1, 12), (4, 10), (10, 3)])
def test_mean_scatter_and_interval(runs: int, blocks: int) -> None:
    """The mean is right, as certain as if the controls were not there, and its interval says so."""
    means, covered = [], 0
    for seed in range(1000):
        found = controlled(*planted(seed, runs, blocks))
        interval = of_series(found[0]) if runs == 1 else of_independent(found.mean(axis=1))
        means.append(interval.mean)
        covered += interval.low < MEAN < interval.high
    error = 1 / np.sqrt(runs * blocks)
    assert np.mean(means) == pytest.approx(MEAN, abs=4 * error / np.sqrt(1000))
    assert np.std(means) < 1.2 * error
    assert 930 <= covered <= 985


@pytest.mark.parametrize("runs", [1, 3])
def test_what_controls_add_is_taken_away(runs: int) -> None:
    values, controls = planted(1, runs, 40)
    more = values + controls @ np.array([3e3, 1e3])
    np.testing.assert_allclose(
        controlled(more, controls), controlled(values, controls), rtol=0, atol=1e-10
    )


def test_nothing_but_controls_leaves_nothing() -> None:
    _, controls = planted(2, 2, 20)
    found = controlled(MEAN + controls @ CARRIED, controls)
    np.testing.assert_allclose(found, MEAN, rtol=1e-12)


def test_the_runs_keep_their_own_means() -> None:
    """What differs between the runs is no matter of the controls."""
    values, controls = planted(3, 2, 200)
    apart = controlled(values + np.array([[0.0], [100.0]]), controls) - controlled(values, controls)
    np.testing.assert_allclose(apart, [[0.0] * 200, [100.0] * 200], atol=1e-10)


def test_controls_that_depend_on_one_another() -> None:
    """Those of all species add up to zero, and one may be no atom's."""
    values, controls = planted(4, 1, 40)
    three = np.stack([controls[..., 0], -controls[..., 0], np.zeros((1, 40))], axis=-1)
    one = controlled(values, controls[..., :1])
    np.testing.assert_allclose(controlled(values, three).mean(), one.mean(), rtol=1e-10)
    np.testing.assert_allclose(
        controlled(values + three @ [5.0, 2.0, 9.0], three), controlled(values, three), atol=1e-10
    )


def test_too_few_blocks_for_a_fit_change_nothing() -> None:
    values, controls = planted(5, 1, 2 * FEWEST_BLOCKS_A_CONTROL)
    np.testing.assert_array_equal(controlled(values, controls), values)
    values, controls = planted(5, 1, 2 * FEWEST_BLOCKS_A_CONTROL + 1)
    assert controlled(values, controls).std() < 0.1 * values.std()


@pytest.mark.parametrize("shape", [(2, 9, 1), (2, 10), (1, 10, 1)])
def test_shapes_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"values \(2, 10\), controls"):
        controlled(np.ones((2, 10)), np.ones(shape))
