"""Labels of a round: which frames are given up, and which are those that it begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon_frames import argon
from ase import Atoms
from distributed import Client
from test_settings import FILE, written

from ensemble.training.frames import write_frames
from ensemble.training.labelling import given_frames, label, teacher_of, why_none
from ensemble.training.labels import FrameError
from ensemble.training.report import Quiet
from ensemble.training.settings import Training, load_training
from ensemble.training.tasks import Workers
from ensemble.training.teacher import TeacherError, label_frames

GOOD = [argon(number) for number in range(3)]
"""The teacher labels argon, and never answers for krypton."""

BAD = argon(3, krypton=1)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Workers(1) as workers:
        yield workers.client


@pytest.fixture
def training(tmp_path: Path) -> Training:
    text = FILE.replace("ase.calculators.lj:LennardJones", "odd_calculators:Odd")
    text = text.replace("{ sigma", '{ fault = "raises", sigma')
    text = text.replace("[committee]", 'labelled = "given.xyz"\n\n[committee]')
    return load_training(written(tmp_path, text))


def labels(
    training: Training, client: Client, folder: Path, frames: list[Atoms], known: list[Atoms]
) -> list[str]:
    """Names of the frames that have labels then."""
    done = label(training, frames, folder, client, Quiet(), "labels", known=known)
    return [frame.info["frame"] for frame in done]


def test_a_frame_without_an_answer_is_given_up(
    training: Training, client: Client, tmp_path: Path
) -> None:
    """Also where it is the only one that is left, by a kill or by choice."""
    names = [frame.info["frame"] for frame in GOOD]
    folder = tmp_path / "killed"
    assert labels(training, client, folder, GOOD, []) == names
    assert labels(training, client, folder, [*GOOD, BAD], []) == names
    assert "round1-600K-0003, for: the teacher failed: ArithmeticError" in why_none(folder)
    known = list(label_frames(teacher_of(training), GOOD).frames)
    assert labels(training, client, tmp_path / "alone", [BAD], known) == []


def test_a_teacher_that_never_answers_decides_nothing(
    training: Training, client: Client, tmp_path: Path
) -> None:
    """Not even where it did before: the same command goes on when it is well again."""
    known = list(label_frames(teacher_of(training), GOOD).frames)
    for frame in known:
        frame.symbols[0] = "Kr"
    for number, others in ((4, []), (5, known)):
        frames = [argon(number, krypton=1)]
        with pytest.raises(TeacherError, match=r"no frame of 1 could be labelled: .*: the teacher"):
            labels(training, client, tmp_path / "ill", frames, others)
    assert not (tmp_path / "ill" / "rejected.json").exists()
    assert why_none(tmp_path / "ill").endswith("ill: there was nothing to label")


def test_frames_of_an_earlier_training_get_other_names(training: Training, tmp_path: Path) -> None:
    frames = list(label_frames(teacher_of(training), GOOD).frames)
    frames[2].info |= {"frame": "mine-1", "trajectory": "mine"}
    write_frames(tmp_path / "given.xyz", frames)
    given = given_frames(training)
    assert [frame.info["frame"] for frame in given] == [
        *("given-round1-600K-0000", "given-round1-600K-0001", "mine-1")
    ]
    assert [frame.info["trajectory"] for frame in given] == [*["given-round1-600K"] * 2, "mine"]
    frames[2].info["frame"] = given[0].info["frame"]
    write_frames(tmp_path / "given.xyz", frames)
    with pytest.raises(FrameError, match=r"given\.xyz: frame given-round1-600K-0000: 2 frames"):
        given_frames(training)


def test_no_frame_is_given(training: Training, tmp_path: Path) -> None:
    (tmp_path / "given.xyz").touch()
    with pytest.raises(
        FrameError, match=r"given\.xyz: no frame; explore\.labelled may be left out"
    ):
        given_frames(training)


def test_what_is_added_to_the_teacher_is_named_by_its_key(tmp_path: Path) -> None:
    added = 'plus = [{ calculator = "no_such_package.x:Y" }]'
    text = FILE.replace("[explore]", f"{added}\n\n[explore]", 1)
    teacher = teacher_of(load_training(written(tmp_path, text)))
    message = r"teacher\.plus #1\.calculator: there is no package no_such_package here"
    with pytest.raises(TeacherError, match=message):
        assert teacher.identity
