"""The labels of a study's runs, and how they grow."""

import json
from dataclasses import replace

import pytest
from small_campaigns import Folder

from ensemble.plan.axes import Axes

AXES = Axes(
    models=("b", "a"),
    temperatures=(600.0, 300.0),
    supercells=((2, 2, 2), (10, 1, 1)),
    seeds=(1, 7, 3),
)


def test_every_run_has_a_place_of_its_own() -> None:
    places = list(AXES.runs("gk", "emd"))
    assert len(places) == AXES.run_count == 24
    assert AXES.shape == (2, 2, 2, 3)
    assert [index for index, _ in places] == sorted({index for index, _ in places})
    for index, run in places:
        assert AXES.index(run) == AXES.places()(run) == index
    assert places[-1][1].key == "emd-gk/a-T300-10x1x1-s3"
    with pytest.raises(ValueError, match="b-T600-2x2x2-s2: no such run"):
        AXES.index(replace(places[0][1], seed=2))


def test_growth_moves_nothing() -> None:
    other = Axes(models=("c", "a"), temperatures=(300.0,), supercells=((3, 3, 3),), seeds=(7,))
    grown = AXES.merged(other)
    assert grown.models == ("b", "a", "c")
    assert grown.supercells == ((2, 2, 2), (10, 1, 1), (3, 3, 3))
    assert (grown.temperatures, grown.seeds) == (AXES.temperatures, AXES.seeds)
    for index, run in AXES.runs("gk", "emd"):
        assert grown.index(run) == index
    assert grown.merged(AXES) == grown


def test_json(folder: Folder) -> None:
    for axes in (AXES, *folder.plan().axes.values()):
        assert Axes.from_json(json.loads(json.dumps(axes.as_json()))) == axes
