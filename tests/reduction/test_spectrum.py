"""Transforms, bands, and long series made short."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.reduction.spectrum import Decimated, bands, decimated, transforms

Floats = NDArray[np.float64]


def noise(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def test_the_value_at_zero_is_the_integral_of_the_circular_correlation_function() -> None:
    series, timestep = noise(64), 0.5
    circular = [np.mean(series * np.roll(series, -lag)) for lag in range(64)]
    integral = timestep * (sum(circular) / 2)
    assert abs(transforms(series, timestep)[0]) ** 2 == pytest.approx(integral, rel=1e-12)


def test_of_white_noise_it_is_half_of_variance_times_timestep() -> None:
    power = np.abs(transforms(3 * noise(200, 1000), 0.1)) ** 2
    assert power[:, 1:-1].mean() == pytest.approx(9 * 0.1 / 2, rel=0.01)


def test_the_mean_is_not_taken_out() -> None:
    assert abs(transforms(np.ones(100), 1.0)[0]) ** 2 == pytest.approx(50)


def test_bands_hold_every_frequency_below_nyquist_once() -> None:
    for rows in (1, 2, 3, 48, 49, 1000, 12345):
        grid = bands(rows, 0.1)
        assert grid.edges[0] == 0
        assert grid.edges[-1] == max((rows + 1) // 2, 1)
        assert (np.diff(grid.edges) > 0).all()
    assert (np.diff(bands(10_000, 1.0).edges)[:25] == 1).all()


def test_a_band_averages_its_frequencies_and_lies_in_their_middle() -> None:
    grid = bands(2000, 0.5)
    values = np.arange(1001.0)
    frequency = values / (2000 * 0.5)
    assert grid.mean(values) / (2000 * 0.5) == pytest.approx(grid.frequency)
    assert grid.count.sum() == 1000 - 0.5
    assert grid.frequency[5] == frequency[5]


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 799, 12_345])
def test_an_average_of_rows_does_not_depend_on_the_pieces(rows: int) -> None:
    series = noise(2, 3, rows)
    whole, factor = decimated(series, 100)
    rng = np.random.default_rng(rows)
    pieces = Decimated(100)
    start = 0
    while start < rows:
        length = int(rng.integers(1, 200))
        pieces.add(series[..., start : start + length])
        start += length
    np.testing.assert_array_equal(pieces.result(), whole)
    assert pieces.factor == factor
    assert whole.shape[-1] == rows // factor <= 100
    expected = series[..., : rows // factor * factor].reshape(2, 3, -1, factor).mean(axis=-1)
    np.testing.assert_allclose(whole, expected, rtol=0, atol=1e-14)


def test_averages_keep_the_spectrum_at_zero() -> None:
    series = noise(4096)
    short, factor = decimated(series, 512)
    assert factor == 8
    assert abs(transforms(short, 8 * 0.1)[0]) == pytest.approx(abs(transforms(series, 0.1)[0]))


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        Decimated().add([1.0, np.nan])
