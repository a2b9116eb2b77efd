"""Labels for the frames of a training: those that are there, and the others from the teacher."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ase import Atoms

from ensemble.store.files import write_atomically
from ensemble.training.frames import append_frame, drop_cut_frame, read_frames
from ensemble.training.labels import (
    BadLabel,
    FrameError,
    NoLabel,
    check_labels,
    check_names,
    energy_references,
    name_of,
    one_teacher,
)
from ensemble.training.records import read_record
from ensemble.training.report import Reporter
from ensemble.training.settings import Training
from ensemble.training.teacher import Teacher, TeacherError, label_frames

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["given_frames", "label", "teacher_of", "why_none"]

LABELLED, REJECTED = "labelled.xyz", "rejected.json"

OWN_NAMES = ("round", "seed-", "test-")
"""What the names of frames begin with that a training makes itself."""


def label(
    training: Training,
    frames: Sequence[Atoms],
    folder: Path,
    client: Client,
    report: Reporter,
    what: str,
    *,
    known: Sequence[Atoms] = (),
) -> list[Atoms]:
    """The frames with labels, less those that are rejected; those of an earlier try count.

    Parameters
    ----------
    folder
        For the labels and the reasons of those that are rejected.
    what
        What goes on, for the reader of the progress.
    known
        Labelled frames that tell which energies are plausible.

    Raises
    ------
    TeacherError, FrameError
        As they say. What is labelled is kept.
    """
    teacher = teacher_of(training)
    labelled, rejected = folder / LABELLED, folder / REJECTED
    if cut := drop_cut_frame(labelled):
        report.say(cut)
    bad: dict[str, str] = read_record(rejected) if rejected.exists() else {}
    there = read_frames(labelled) if labelled.exists() else []
    one_teacher(there, teacher.identity)
    decided = {name_of(frame) for frame in there} | bad.keys()
    left = [frame for frame in frames if name_of(frame) not in decided]
    count = len(frames) - len(left)
    unanswered: list[NoLabel] = []

    def reject(label: BadLabel) -> None:
        bad[label.frame] = label.reason
        write_atomically(rejected, (json.dumps(bad, indent=1) + "\n").encode())
        report.say(f"rejected: {label}")

    def on_done(outcome: Atoms | BadLabel) -> None:
        nonlocal count
        count += 1
        if isinstance(outcome, NoLabel):
            unanswered.append(outcome)
        elif isinstance(outcome, BadLabel):
            reject(outcome)
        else:
            append_frame(labelled, outcome)
        report.done(what, count, len(frames))

    if left:
        references = energy_references(known) if known else None
        label_frames(teacher, left, client=client, references=references, on_done=on_done)
        if len(unanswered) == len(left) and not _answers(teacher, [*there, *known], client):
            # Not the frames' fault: nothing is decided about them.
            first = min(unanswered, key=lambda one: one.frame)
            raise TeacherError(f"no frame of {len(left)} could be labelled: {first}")
        for one in unanswered:
            reject(one)
    if not labelled.exists():
        return []
    found = {name_of(frame): frame for frame in read_frames(labelled)}
    # In the order of the choice, not in that of the workers.
    return [found[name_of(frame)] for frame in frames if name_of(frame) in found]


def _answers(teacher: Teacher, known: Sequence[Atoms], client: Client) -> bool:
    """Whether the teacher still labels the first frame of those that it has labelled before."""
    if not known:
        return False
    again = label_frames(teacher, known[:1], client=client)
    return not any(isinstance(one, NoLabel) for one in again.rejected)


def why_none(folder: Path) -> str:
    """In words, for whoever misses the frames of a folder, why none has labels."""
    file = folder / REJECTED
    bad: dict[str, str] = read_record(file) if file.exists() else {}
    if not bad:
        return f"{folder}: there was nothing to label"
    name, reason = next(iter(bad.items()))
    return f"{file}: no frame is left, {len(bad)} were rejected, the first, {name}, for: {reason}"


def given_frames(training: Training) -> list[Atoms]:
    """The frames that a search begins with, if any; plausible, and labelled by its teacher.

    Those of an earlier training, which are called as this one will call its own, get other names.

    Raises
    ------
    FrameError
        With the file or the name of the frame.
    TeacherError
        There is no such teacher.
    """
    if training.explore.labelled is None:
        return []
    file = training.path.parent / training.explore.labelled
    frames = read_frames(file, species=training.header.species)
    if not frames:
        raise FrameError(f"{file}: no frame; explore.labelled may be left out")
    one_teacher(frames, teacher_of(training).identity)
    references = energy_references(frames)
    for frame in frames:
        check_labels(frame, references=references)
        for key in ("frame", "trajectory"):
            if frame.info[key].startswith(OWN_NAMES):
                frame.info[key] = f"given-{frame.info[key]}"
    check_names(frames, f"{file}: ")
    return frames


def teacher_of(training: Training) -> Teacher:
    """Who labels."""
    settings = training.teacher
    plus = [
        Teacher(calculator=one.calculator, arguments=one.arguments, key=f"teacher.plus #{number}")
        for number, one in enumerate(settings.plus, 1)
    ]
    return Teacher(calculator=settings.calculator, arguments=settings.arguments, plus=tuple(plus))
