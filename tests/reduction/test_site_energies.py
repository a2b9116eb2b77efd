"""Distributions of site energies: the moments of what was counted, however it was cut."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ensemble.reduction.site_energies import count, distribution

WIDTH = 0.01


def test_bins_and_their_counts() -> None:
    found = count([[-0.001, 0.0], [0.0099, 0.0301]], WIDTH)
    assert found == {-1: 1, 0: 2, 3: 1}
    whole = distribution([found], WIDTH)
    assert whole.centers == pytest.approx([-0.005, 0.005, 0.015, 0.025, 0.035])
    assert whole.counts.tolist() == [1, 2, 0, 0, 1]
    assert whole.density.sum() * WIDTH == pytest.approx(1)


def test_moments_of_what_was_counted() -> None:
    """A Gamma distribution about −4 eV: skewness 1, whose moments do not depend on the grid."""
    energies = -4 + 0.1 * np.random.default_rng(1).gamma(4, size=200_000)
    counts = [count(piece, WIDTH) for piece in np.array_split(energies, 7)]
    found = distribution(counts, WIDTH)
    assert found.counts.sum() == energies.size
    assert found.mean == pytest.approx(energies.mean(), abs=1e-4)
    assert found.standard_deviation == pytest.approx(energies.std(), rel=1e-4)
    skewness = ((energies - energies.mean()) ** 3).mean() / energies.std() ** 3
    assert found.skewness == pytest.approx(skewness, abs=2e-3)
    assert distribution([count(energies, WIDTH)], WIDTH).counts.tolist() == found.counts.tolist()


def test_all_in_one_bin() -> None:
    found = distribution([{7: 5}], WIDTH)
    assert (found.mean, found.standard_deviation) == (pytest.approx(0.075), 0)
    assert math.isnan(found.skewness)


def test_energies_that_are_out_of_all_bounds() -> None:
    counts = count([-1e300, -4.0, 1e300], WIDTH)
    assert sum(counts.values()) == 3
    with pytest.raises(ValueError, match=r"site energies from -1e\+13 to 1e\+13: no histogram"):
        distribution([counts], WIDTH)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="not finite"):
        count([1.0, math.nan], WIDTH)
    for counts, width in (([], WIDTH), ([{}], WIDTH), ([{1: 1}], 0.0)):
        with pytest.raises(ValueError, match="no counts"):
            distribution(counts, width)
