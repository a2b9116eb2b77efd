"""Colours that the colour-blind can tell apart, and what is written at axes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ensemble.palette import COLOURS
from ensemble.report.style import (
    LONGEST_NAME,
    axis_label,
    figure,
    log_y,
    looks,
    short,
    unit,
)
from ensemble.units import UNIT_SYSTEMS

Floats = NDArray[np.float64]

SEEN = {
    "all": np.eye(3),
    "no red": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "no green": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "no blue": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}
"""What is seen of linear RGB (G. M. Machado et al., IEEE Trans. Vis. Comput. Graph. 15, 1291
(2009))."""

TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
WHITE = TO_XYZ.sum(axis=1)

APART = 15.0
"""In CIELAB; 2.3 can just be told apart side by side."""


def linear(colour: object) -> Floats:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb: Floats) -> Floats:
    x, y, z = np.cbrt(TO_XYZ @ np.clip(rgb, 0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", SEEN)
def test_colours_can_be_told_apart(eyes: str) -> None:
    seen = [cielab(SEEN[eyes] @ linear(colour)) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > APART


def test_edges_stand_out_from_the_page() -> None:
    """3 to 1, what WCAG 2 asks of figures."""
    for look in looks(map(str, range(len(COLOURS)))).values():
        luminance = float(TO_XYZ[1] @ linear(look.edge))
        assert 1.05 / (luminance + 0.05) > 3


@pytest.mark.parametrize("style", UNIT_SYSTEMS)
def test_units_are_written_for_readers(style: str) -> None:
    system = UNIT_SYSTEMS[style]
    symbols = [value for name, value in vars(system).items() if name.endswith("_symbol")]
    for symbol in (*symbols, system.heat_flux_symbol, system.momentum_symbol):
        written = unit(symbol)
        assert not {"^", "angstrom", "sigma", "tau", "epsilon"} & {written, *written.split("/")}
        assert "^" not in written
    assert axis_label("κ", UNIT_SYSTEMS["metal"].conductivity_symbol) == "κ (W m⁻¹ K⁻¹)"


def test_powers_of_ten() -> None:
    drawn: Figure = figure()
    axes = drawn.subplots()
    axes.plot([0, 1], [2e-7, 3e-7])
    log_y(axes)
    drawn.draw_without_rendering()
    low, high = axes.get_ylim()
    assert high == pytest.approx(10 * low)
    label = axes.yaxis.get_major_formatter()
    assert [label(value) for value in (1e-7, 2e-5, 0.01, 300, 1e5)] == [
        *("10⁻⁷", "2·10⁻⁵", "0.01", "300", "10⁵")
    ]


def test_names_below_an_axis() -> None:
    assert short("mtp1") == "mtp1"
    assert short("a\nb\x00") == "a?b?"
    assert len(short("n" * 80)) == LONGEST_NAME
    assert short("n" * 80).endswith("…")
