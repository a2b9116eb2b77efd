"""The end of a search: whether it found what it was to find."""

from __future__ import annotations

from pathlib import Path

from test_settings import FILE, written

from ensemble.training.rounds import shortfall
from ensemble.training.settings import load_training


def test_a_search_that_ends_with_too_little_known_says_so(tmp_path: Path) -> None:
    training = load_training(written(tmp_path, FILE))
    assert shortfall(training, [{"round": 0, "chosen": 3, "known": 0.4}]) == ""
    assert shortfall(training, [{"round": 0, "chosen": 0, "known": 0.99}]) == ""
    said = shortfall(training, [{"round": 2, "chosen": 0, "known": 0.4}])
    assert said.startswith(
        "round 2: the search ends with 40.0 % known, and explore.known is 99 %: no frame is between"
    )
