"""No two draws of a training have the same seed."""

from __future__ import annotations

from ensemble.training.seeds import named_seed

NAMES = (
    *("member", "share", "start", "trajectory", "test: model", "test: trajectory"),
    *(f"vacancies: {what}" for what in ("composition", "start", "test", "trajectory")),
)
"""All that there are."""


def test_seeds_differ_by_name_seed_and_number() -> None:
    """Also where the seed of a file is what others were once made from, as 1001 from 1."""
    seeds = [
        named_seed(name, seed, *numbers)
        for name in NAMES
        for seed in (0, 1, 1000, 1001, 2**31 - 1)
        for numbers in [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 0, 0)]
    ]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 2**64  # no model has such a seed


def test_seeds_are_the_same_on_any_day() -> None:
    assert named_seed("committee", 1, 2) == 33855091315460613497
