"""What is printed."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ensemble.reduction.intervals import Interval
from ensemble.results import open_results, show
from ensemble.results.display import interval_text

if TYPE_CHECKING:
    from conftest import Planted


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (0.4382, 0.0213, "0.438 ± 0.021"),
        (0.4382, 0.099, "0.438 ± 0.099"),
        (7.18, 1.234, "7.2 ± 1.2"),
        (123.4, 25.1, "123 ± 25"),
        (1234.5, 251.0, "1234 ± 251"),
        (-0.05, 0.4, "-0.05 ± 0.40"),
        (0.0, 0.4, "0.00 ± 0.40"),
        (1.234e-5, 2.1e-7, "(1.234 ± 0.021)e-5"),
        (1.234e-5, 0.9, "0.00 ± 0.90"),
        (5.0, 0.0, "5"),
        (5.0, math.inf, "5 ± ?"),
        (math.nan, math.inf, "–"),
    ],
)
def test_intervals_to_two_digits_of_their_half_width(
    mean: float, half_width: float, text: str
) -> None:
    assert interval_text(Interval(mean=mean, half_width=half_width, samples=3)) == text


def printed(store: Planted, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(show(open_results(store.paths.root)))
    text = console.file.getvalue()
    return str(text)


def test_an_empty_store_says_so_once(planted: Callable[..., Planted]) -> None:
    text = printed(planted())
    assert "κ (W/m/K)" in text
    assert text.count("0 of 5") == 8
    assert text.count("[1]") == 11
    assert text.count("no run is done") == 1
    assert "swap power" not in text


def test_the_fluxes_of_the_direct_method(planted: Callable[..., Planted]) -> None:
    store = planted("lj")
    store.each("direct", lambda _: {"length": 10.0, "area": 4.0, "exchanged_energy": 2.0})
    text = printed(store)
    assert "κ (kB/sigma/tau)" in text
    assert "T (epsilon/kB)" in text
    assert "swap power / 2A" in text
    assert "no temperature gradient beyond the noise" in text
