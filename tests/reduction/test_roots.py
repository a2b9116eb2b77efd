"""Zeros of functions with known ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from ensemble.reduction.roots import bisect


@pytest.mark.parametrize(
    ("function", "low", "high", "zero"),
    [
        (lambda x: x**3 - 2, 0.0, 2.0, 2 ** (1 / 3)),
        (lambda x: 1 - math.exp(x), -3.0, 5.0, 0.0),
        (lambda x: math.cos(x), 0.0, 3.0, math.pi / 2),
        (lambda x: x - 4, 4.0, 9.0, 4.0),
        (lambda x: x - 9, 4.0, 9.0, 9.0),
    ],
)
def test_a_zero_is_found(
    function: Callable[[float], float], low: float, high: float, zero: float
) -> None:
    assert bisect(function, low, high, xtol=1e-12) == pytest.approx(zero, rel=1e-12, abs=1e-12)


def test_it_ends_where_numbers_are_no_closer() -> None:
    assert bisect(lambda x: x - 1e9, 0.0, 1e10, xtol=1e-300) == pytest.approx(1e9, rel=1e-15)


def test_a_function_without_a_change_of_sign_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no change of sign between 1 \(1\) and 2 \(4\)"):
        bisect(lambda x: x * x, 1.0, 2.0, xtol=1e-9)
