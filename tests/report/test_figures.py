"""The figures of a report: where their numbers are from, and what stands at their axes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from planted_stores import Planted
from report_parts import FIGURES, Page
from report_stores import SOURCE

from ensemble.palette import COLOURS
from ensemble.plan.recipe import Cells
from ensemble.reduction.intervals import Interval
from ensemble.report import Written
from ensemble.report.conductivity import conductivities
from ensemble.report.content import Source
from ensemble.report.picture import Picture
from ensemble.report.style import MARKERS, looks
from ensemble.results import Results, Selection, open_results
from ensemble.results.findings import Estimated, Finding
from ensemble.results.groups import Group
from ensemble.results.table import Row, Tables
from ensemble.results.words import interval_text
from ensemble.units import unit_system


def test_every_figure_is_there_as_svg_and_png(
    drawn: dict[str, Picture], written: Written, page: Page
) -> None:
    assert drawn.keys() == FIGURES
    files = {path.name for path in written.figures.iterdir()}
    endings = ("svg", "png")
    assert files == {f"{name}.{end}" for name in FIGURES for end in endings} | {"figures.json"}
    assert written.count == len(FIGURES) == len(page.all("img"))
    listed = json.loads((written.figures / "figures.json").read_text())
    assert {name: one["alt"] for name, one in listed.items()} == {
        name: picture.alt for name, picture in drawn.items()
    }


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_axes_have_units(drawn: dict[str, Picture], name: str) -> None:
    """In brackets behind what is shown; models have none. Panels share what is below them."""
    for axes in drawn[name].figure.axes:
        label = axes.get_xlabel()
        shared = axes.get_shared_x_axes().get_siblings(axes)
        labels = [one.get_xlabel() for one in shared]
        assert any(re.search(r"\(.+\)$|^model$", one) for one in labels), label
        assert re.search(r"\(.+\)$", axes.get_ylabel()), axes.get_ylabel()


def test_numbers_are_those_of_the_results(everything: Results, drawn: dict[str, Picture]) -> None:
    """Points and both ends of their error bars, and in words."""
    table = everything.kappa(study="gk", temperature=600)
    picture = drawn["onsager-gk-T600-3x3x3"]
    points = bars_of(picture.figure.axes[0])
    for estimate in ("raw", "corrected"):
        for _, row in table[table.estimate == estimate].iterrows():
            assert any(
                np.allclose(bar, (row.kappa, row.kappa_low, row.kappa_high)) for bar in points
            ), (estimate, row.model)
    for row in everything.tables(Selection(studies=frozenset(["gk"]))).kappa:
        if row.group.temperature == 600:
            told = f"{row.found.estimate} {interval_text(row.found.kappa)}"
            assert told in picture.alt


def bars_of(axes: Axes) -> list[tuple[float, float, float]]:
    """Mean and ends of every point with an error bar."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, bars = container
        ends = bars[0].get_segments()[0][:, 1] if bars else (math.nan, math.nan)
        found.append((float(line.get_ydata()[0]), *map(float, ends)))
    return found


def test_parts_add_up(everything: Results, drawn: dict[str, Picture]) -> None:
    bars = bars_of(drawn["kappa-gk-T300-3x3x3"].figure.axes[0])
    row = everything.kappa(study="gk", temperature=300, model="a").iloc[0]
    assert [bar[0] for bar in bars[:4]] == pytest.approx(
        [row.kappa, row.conductive, row.convective, row.cross]
    )
    assert bars[0][0] == pytest.approx(sum(bar[0] for bar in bars[1:4]))


def test_length_and_infinite_length(everything: Results, drawn: dict[str, Picture]) -> None:
    above, below = drawn["length-direct-T600"].figure.axes
    table = everything.kappa(study="direct", model="a")
    lines = everything.length_dependence(model="a")
    means = [bar[0] for bar in bars_of(above)]
    assert means[:3] == pytest.approx(table.kappa.tolist())
    inverse = bars_of(below)
    assert [bar[0] for bar in inverse[:3]] == pytest.approx((1 / table.kappa).tolist())
    infinite = lines.iloc[0]
    ends = [1 / infinite.kappa, 1 / infinite.kappa_high, 1 / infinite.kappa_low]
    assert any(bar == pytest.approx(ends) for bar in inverse[6:])
    assert "for infinite length" in drawn["length-direct-T600"].alt


def test_a_model_has_one_colour_and_one_marker(drawn: dict[str, Picture]) -> None:
    seen = set()
    for name, picture in drawn.items():
        lines = [line for axes in picture.figure.axes for line in axes.lines]
        for model, look in looks(["a", "b"]).items():
            markers = {line.get_marker() for line in lines if line.get_color() == look.colour}
            # "_" are the ends of error bars.
            assert markers <= {look.marker, "_", "None"}, name
            seen |= {model} if look.marker in markers else set()
    assert seen == {"a", "b"}


def test_looks_differ() -> None:
    """Also without colour, and when there are more models than colours."""
    found = looks(f"m{k}" for k in range(30))
    assert len({(look.colour, look.marker) for look in found.values()}) == 30
    first = list(found.values())[: len(COLOURS)]
    assert len({look.marker for look in first}) == len({look.colour for look in first}) == 9
    assert len(set(MARKERS)) == len(MARKERS)


def test_experiments_are_drawn_near_their_temperature(drawn: dict[str, Picture]) -> None:
    near = drawn["kappa-gk-T600-3x3x3"]
    assert 0.31 in [line.get_ydata()[0] for line in near.figure.axes[0].lines]
    assert f"0.31 ± 0.02 W/m/K at 590 K ({SOURCE})" in near.caption
    assert "Experiment" not in drawn["kappa-gk-T300-3x3x3"].caption
    of_all = drawn["temperature-salt"]
    assert "0.2 W/m/K at 900 K" in of_all.caption
    assert 0.2 in [bar[0] for bar in bars_of(of_all.figure.axes[0])]


def one(
    temperature: float,
    kappa: float,
    estimate: Estimated,
    cells: Cells,
    problems: tuple[str, ...] = (),
) -> Row:
    """κ of the model a."""
    direct = estimate == "direct"
    group = Group(
        study="direct" if direct else "gk",
        method="nemd" if direct else "emd",
        material="salt",
        model="a",
        temperature=temperature,
        supercell=cells,
        atoms=8 * math.prod(cells),
        place=(0, 0, 0),
        done=(),
        asked=1,
    )
    found = Finding(
        estimate=estimate,
        kappa=Interval(mean=kappa, half_width=0.1, samples=5),
        estimator="direct" if direct else "spectrum",
        length=50.0 if direct else None,
        problems=problems,
    )
    return Row(group, found, unit_system("metal"))


def against_temperature(planted: Callable[..., Planted], *rows: Row) -> Picture:
    """The figure of some κ, whatever the store has."""
    source = Source(open_results(planted().paths.root))
    source.__dict__["tables"] = Tables(kappa=rows, diffusion=())
    (found,) = (p for p in conductivities(source).pictures if p.name == "temperature-salt")
    return found


def test_against_temperature_the_best_is_drawn(planted: Callable[..., Planted]) -> None:
    """What is to be trusted; of that what is corrected; of that in the largest cell."""
    found = against_temperature(
        planted,
        one(300, 1.0, "corrected", (3, 3, 3), problems=("too short",)),
        one(300, 2.0, "direct", (2, 2, 20)),
        one(600, 3.0, "corrected", (3, 3, 3)),
        one(600, 4.0, "raw", (4, 4, 4)),
        one(600, 5.0, "corrected", (2, 2, 2)),
    )
    assert [bar[0] for bar in bars_of(found.figure.axes[0])] == [2, 3]
    assert "cells: 2x2x20, 3x3x3." in found.caption
    assert "2.00 ± 0.10 (a at 300 K, 2x2x20)" in found.alt
    assert "trusted by their verdicts" not in found.caption


def test_against_temperature_in_one_cell(planted: Callable[..., Planted]) -> None:
    rows = (one(t, t / 100, "corrected", (3, 3, 3), ("too short",)) for t in (300, 600))
    found = against_temperature(planted, *rows)
    assert "3x3x3" not in found.caption + found.alt
    assert "Not to be trusted by their verdicts: a." in found.caption
