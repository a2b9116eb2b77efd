"""Sets that are given: what is wrong with one is said before anything is made with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from argon_frames import labelled
from ase import Atoms
from test_settings import FILE, written

from ensemble.training.frames import write_frames
from ensemble.training.labels import FrameError
from ensemble.training.report import Quiet
from ensemble.training.sets import Sets, gather
from ensemble.training.settings import load_training
from ensemble.training.tasks import Workers

SALT = """
[material.salt]
prototype = "rocksalt"
species = ["Ar", "Kr"]
lattice = 7.0

[[model]]
name = "salty"
level = 6
seed = 1
material = "salt"
"""


def frames_of(trajectory: str, first: int) -> list[Atoms]:
    """Three labelled ones."""
    frames = [labelled(number) for number in range(first, first + 3)]
    for frame in frames:
        frame.info["trajectory"] = trajectory
    return frames


def gathered(folder: Path, *, text: str = FILE, **sets: list[Atoms]) -> Sets:
    """With these sets beside the file; with both there is nothing to do."""
    for name, frames in sets.items():
        write_frames(folder / f"{name}.xyz.gz", frames)
    with Workers(1) as workers:
        return gather(load_training(written(folder, text)), folder / "work", workers, Quiet())


def test_sets_that_are_good(tmp_path: Path) -> None:
    found = gathered(tmp_path, training=frames_of("one", 0), test=frames_of("other", 3))
    assert (len(found.training), len(found.test)) == (3, 3)


def test_no_model_is_measured_on_a_trajectory_that_it_is_fitted_to(tmp_path: Path) -> None:
    test = frames_of("other", 3)
    test[1].info["trajectory"] = "one"
    words = r"test\.xyz\.gz: frame round1-600K-0004: of the trajectory one, as frames in training"
    with pytest.raises(FrameError, match=words):
        gathered(tmp_path, training=frames_of("one", 0), test=test)


def test_no_model_is_measured_on_a_frame_that_it_is_fitted_to(tmp_path: Path) -> None:
    """Whatever it is called."""
    training = [*frames_of("one", 0), labelled(4)]
    training[-1].info |= {"frame": "planted", "trajectory": "planted"}
    words = r"frame round1-600K-0004: the same configuration as one in training\.xyz\.gz"
    with pytest.raises(FrameError, match=words):
        gathered(tmp_path, training=training, test=frames_of("other", 3))


def test_a_test_set_is_looked_at_before_the_search(tmp_path: Path) -> None:
    """Without a training set it would be used after hours."""
    where = r"test\.xyz\.gz: frame round1-600K-0001: "
    test = frames_of("other", 0)
    test[1].calc.results["forces"][3] = np.nan
    with pytest.raises(FrameError, match=f"{where}forces not a finite number; take this frame out"):
        gathered(tmp_path, test=test)
    test = frames_of("other", 0)
    del test[1].info["temperature"]
    with pytest.raises(FrameError, match=f"{where}no temperature; write temperature=... into"):
        gathered(tmp_path, test=test)
    with pytest.raises(FrameError, match=r"test\.xyz\.gz: no frame; move it away"):
        gathered(tmp_path, test=[])
    assert not (tmp_path / "work").exists()


def test_every_model_needs_frames_of_its_material(tmp_path: Path) -> None:
    text = FILE.replace('species = ["Ar"]', 'species = ["Ar", "Kr"]', 1) + SALT
    words = r"training\.xyz\.gz: no frame has the composition of salt, .* model\.salty\.material"
    with pytest.raises(FrameError, match=words):
        gathered(tmp_path, text=text, training=frames_of("one", 0), test=frames_of("other", 3))


def test_a_training_set_is_looked_at_too(tmp_path: Path) -> None:
    training = frames_of("one", 0)
    training[2].calc.results["forces"][3] = 500.0
    with pytest.raises(
        FrameError, match=r"training\.xyz\.gz: frame round1-600K-0002: force of 866"
    ):
        gathered(tmp_path, training=training, test=frames_of("other", 3))
