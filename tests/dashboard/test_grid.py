"""Where the squares are."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ensemble.dashboard.grid import Shape
from ensemble.dashboard.news import StudyLayout

LENGTHS = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 50))


@given(LENGTHS)
def test_every_run_has_a_place_of_its_own(lengths: tuple[int, int, int, int]) -> None:
    """Inside the frame, a whole square from the others, groups farther than runs."""
    models, temperatures, supercells, seeds = lengths
    places = np.array(list(product(*map(range, lengths))), np.int32)
    shape = Shape(
        StudyLayout(
            name="gk",
            method="emd",
            material="beta",
            models=tuple(map(str, range(models))),
            temperatures=tuple(map(float, range(temperatures))),
            supercells=tuple(map(str, range(supercells))),
            seeds=seeds,
            first=0,
            places=places,
            window=None,
        )
    )
    x, y = shape.centres(places)
    assert x.min() >= 0.5
    assert x.max() <= shape.width - 0.5 + 1e-9
    assert y.max() <= -0.5
    assert y.min() >= -shape.height + 0.5 - 1e-9
    for line in np.unique(y):
        along = np.sort(x[y == line])
        assert (np.diff(along) >= 1 - 1e-9).all()
    for column in np.unique(x):
        assert (np.diff(np.sort(y[x == column])) >= 1 - 1e-9).all()
    assert len(set(zip(x.round(6), y.round(6), strict=True))) == len(places)
    assert len(shape.columns()) == temperatures * supercells
    assert len(shape.rows()) == models
