"""What a model is fitted to: whole trajectories, of one composition where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from ensemble.structures import crystal, supercell, with_vacancies
from ensemble.training.crystals import of_composition, supercells_of
from ensemble.training.models import share_of
from ensemble.training.settings import load_training

CU2SE = Path(__file__).parents[2] / "campaigns" / "models" / "cu2se" / "train.toml"


def frames_of(counts: dict[str, int]) -> list[Atoms]:
    frames = []
    for name, count in counts.items():
        for _ in range(count):
            frames.append(Atoms("Cu2Se", info={"trajectory": name}))
    return frames


def test_a_share_is_one_of_whole_trajectories() -> None:
    frames = frames_of({"a": 10, "b": 5, "c": 20, "d": 5, "e": 10})
    kept = share_of(frames, 0.5, seed=3)
    assert 25 <= len(kept) < 45
    for name in {frame.info["trajectory"] for frame in kept}:
        of_it = [frame for frame in frames if frame.info["trajectory"] == name]
        assert [frame for frame in kept if frame.info["trajectory"] == name] == of_it
    again = share_of(list(reversed(frames)), 0.5, seed=3)
    assert {id(frame) for frame in again} == {id(frame) for frame in kept}
    assert share_of(frames, 1.0, seed=3) == frames


def test_a_share_goes_by_the_seed() -> None:
    frames = frames_of({str(k): 2 for k in range(20)})
    drawn = [{f.info["trajectory"] for f in share_of(frames, 0.5, seed)} for seed in (1, 2)]
    assert drawn[0] != drawn[1]


def test_frames_of_a_composition_in_cells_of_any_size() -> None:
    training = load_training(CU2SE)
    unit = crystal("antifluorite", ["Cu", "Se"], 5.8)
    perfect = supercell(unit, [2, 2, 2])
    half = with_vacancies(supercell(unit, [2, 2, 1]), "Cu", count=1, seed=1)
    two = with_vacancies(perfect, "Cu", count=2, seed=5)
    three = with_vacancies(perfect, "Cu", count=3, seed=5)
    frames = [perfect, half, two, three]
    assert of_composition(training, "deficient", frames) == [half, two]
    assert of_composition(training, "beta", frames) == [perfect]
    assert of_composition(training, None, frames) == frames


@pytest.mark.parametrize("arrangement", [None, 7])
def test_vacancies_may_be_arranged_otherwise(arrangement: int | None) -> None:
    training = load_training(CU2SE)
    as_usual = dict(supercells_of(training))["deficient-2x2x2"]
    found = dict(supercells_of(training, arrangement=arrangement))["deficient-2x2x2"]
    same = np.array_equal(found.positions, as_usual.positions)
    assert len(found) == len(as_usual) == 94
    assert same == (arrangement is None)
