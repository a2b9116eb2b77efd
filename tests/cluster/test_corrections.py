"""How fast runs are, against what was expected."""

import pytest

from ensemble.cluster.corrections import LEAST_SECONDS, Corrections


def test_nothing_is_known_at_first() -> None:
    corrections = Corrections()
    assert corrections.news() is None
    corrections.note("a", expected=0.0, taken=0.0)
    assert corrections.news() is None


def test_what_is_as_expected_is_no_news() -> None:
    corrections = Corrections()
    corrections.note("a", expected=100.0, taken=104.0)
    assert corrections.news() is None


def test_factors_by_group_and_of_all() -> None:
    corrections = Corrections()
    corrections.note("a", expected=10.0, taken=20.0)
    corrections.note("a", expected=10.0, taken=40.0)
    corrections.note("b", expected=20.0, taken=10.0)
    assert corrections.news() == {"a": 3.0, "b": 0.5, "": pytest.approx(70 / 40)}
    assert corrections.news() is None
    corrections.note("a", expected=1000.0, taken=1000.0)
    news = corrections.news()
    assert news is not None
    assert news["a"] == pytest.approx(1060 / 1020)


def test_a_moment_says_nothing() -> None:
    corrections = Corrections()
    corrections.note("a", expected=0.01, taken=LEAST_SECONDS / 2)
    assert corrections.news() is None
    corrections.note("a", expected=0.01, taken=LEAST_SECONDS / 2)
    assert corrections.news() is not None
