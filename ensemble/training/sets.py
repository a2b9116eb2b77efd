"""The frames of a training: those that models are fitted to, and those that they are measured on.

Sets that are beside the training file are used as they are; others are made and put there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ase import Atoms

from ensemble.mtp.potential import write_potential
from ensemble.store.files import make_folder, write_atomically
from ensemble.training.crystals import of_composition, supercells_of
from ensemble.training.explore import explore
from ensemble.training.fits import Task, fit_all
from ensemble.training.frames import read_frames, write_frames
from ensemble.training.labelling import label, why_none
from ensemble.training.labels import BadLabel, FrameError, check_labels, name_of, one_teacher
from ensemble.training.models import Fitting
from ensemble.training.records import read_records
from ensemble.training.report import Reporter
from ensemble.training.rounds import collect, ended, recorded
from ensemble.training.seeds import named_seed
from ensemble.training.settings import Training
from ensemble.training.tasks import Workers
from ensemble.training.workplace import CHOSEN, TEST

__all__ = ["Sets", "gather"]

TRAINING_SET = "training.xyz.gz"
TEST_SET = "test.xyz.gz"
ROUNDS = "rounds.json"

SETTLING = 2.0
"""ps at the beginning of a test trajectory, which are not looked at."""


@dataclass(frozen=True)
class Sets:
    """Frames with labels."""

    training: list[Atoms]
    test: list[Atoms]


def gather(training: Training, work: Path, workers: Workers, report: Reporter) -> Sets:
    """Training set and test set: those beside the training file, or else new ones.

    Where the file asks for more rounds than the training set is of, the search goes on, if that is
    possible.

    Raises
    ------
    FrameError
        A set cannot be used, labels are of two teachers, or a test frame is one to be fitted to.
    TeacherError, SegmentFailure
        As they say.
    """
    folder = training.path.parent
    frames = _kept(folder / TRAINING_SET, training)
    test = _kept(folder / TEST_SET, training, "temperature")  # before a search takes hours
    if frames is None or _goes_on(training, work, frames, report):
        frames = _search(training, work, workers, report)
        _check_compositions(training, frames, folder / TRAINING_SET)
    if test is not None:
        _check_apart(frames, test, folder)
        return Sets(frames, test)
    test = _test_frames(training, frames, work / TEST, workers, report)
    if not test:
        raise FrameError(f"test: {why_none(work / TEST)}")
    _check_compositions(training, test, folder / TEST_SET)
    _check_apart(frames, test, folder)
    write_frames(folder / TEST_SET, test)
    return Sets(frames, test)


def _kept(file: Path, training: Training, *keys: str) -> list[Atoms] | None:
    """The frames of a file, if there is one, which need these entries of ``info``."""
    if not file.exists():
        return None
    frames = read_frames(file, species=training.header.species)
    for frame in frames:
        if missing := [key for key in keys if key not in frame.info]:
            raise FrameError(
                f"{file}: frame {name_of(frame)}: no {missing[0]}; write {missing[0]}=... into its "
                "comment line"
            )
        try:
            check_labels(frame)
        except BadLabel as error:
            raise FrameError(f"{file}: {error}; take this frame out") from error
    _check_compositions(training, frames, file)
    return frames


def _check_compositions(training: Training, frames: Sequence[Atoms], file: Path) -> None:
    """See that there are frames for every model."""
    if not frames:
        raise FrameError(f"{file}: no frame; move it away, and it is made anew")
    for model in training.models:
        if not of_composition(training, model.material, frames):
            raise FrameError(
                f"{file}: no frame has the composition of {model.material}, which "
                f"model.{model.name}.material asks for"
            )


def _check_apart(frames: Sequence[Atoms], test: Sequence[Atoms], folder: Path) -> None:
    """See that all labels are of one teacher, and that no model is fitted to a test frame, or to
    another one of its trajectory.
    """
    one_teacher([*frames, *test])
    trajectories = {frame.info["trajectory"] for frame in frames}
    configurations = {_configuration(frame) for frame in frames}
    for frame in test:
        if frame.info["trajectory"] in trajectories:
            what = f"of the trajectory {frame.info['trajectory']}, as frames"
        elif _configuration(frame) in configurations:
            what = "the same configuration as one"
        else:
            continue
        raise FrameError(
            f"{folder / TEST_SET}: frame {name_of(frame)}: {what} in {TRAINING_SET}; no model may "
            "be fitted to what it is measured on: take them out of one of the two"
        )


def _configuration(frame: Atoms) -> tuple[bytes, ...]:
    arrays = frame.numbers, frame.positions, frame.cell.array
    return tuple(array.tobytes() for array in arrays)


def _search(training: Training, work: Path, workers: Workers, report: Reporter) -> list[Atoms]:
    """The rounds that are left; what is written last says that all of them are done."""
    folder = training.path.parent
    found = collect(training, work, workers.client, report)
    records = (json.dumps(found.records, indent=1) + "\n").encode()
    if (folder / TRAINING_SET).exists():
        write_frames(folder / TRAINING_SET, found.frames)
        write_atomically(folder / ROUNDS, records)
    else:
        write_atomically(folder / ROUNDS, records)
        write_frames(folder / TRAINING_SET, found.frames)
    return found.frames


def _goes_on(training: Training, work: Path, frames: Sequence[Atoms], report: Reporter) -> bool:
    """Whether the search that a training set is from goes on; if it should and cannot, say why."""
    file = training.path.parent / ROUNDS
    records = read_records(file, ("round", "frames", "chosen")) if file.exists() else []
    if not records:  # the set is not of a search
        return False
    rounds, most = training.explore.rounds, training.explore.frames
    if ended(training, records):
        if most != records[-1].get("most", most):
            report.say(
                f"{training.path}: explore.frames is for rounds to come; the {len(records)} that "
                f"{TRAINING_SET} is of are done, a greater explore.rounds adds some"
            )
        return False
    what = (
        f"{training.path}: explore.rounds is {rounds}, {TRAINING_SET} is of {records[-1]['round']}"
    )
    anew = f"to begin anew, move {TRAINING_SET}, {ROUNDS} and {TEST_SET} away"
    done = recorded(work)
    if done[: len(records)] != records:
        report.say(
            f"{what}, and is used as it is: more rounds need the folder of the first ones, and "
            f"{work} is another (--work); {anew}"
        )
        return False
    # Whoever was killed between the two files left a set of rounds that the other does not tell of.
    if len(frames) not in [one["frames"] for one in done[len(records) - 1 :]]:
        report.say(
            f"{what}, and is used as it is: it has {len(frames)} frames, and its rounds made "
            f"{records[-1]['frames']}; {anew}"
        )
        return False
    report.say(f"{what}: the search goes on")
    return True


def _test_frames(
    training: Training, frames: Sequence[Atoms], work: Path, workers: Workers, report: Reporter
) -> list[Atoms]:
    """Label frames of trajectories that a model of their own drives."""
    make_folder(work)
    driver, chosen = work / "driver.mtp", work / CHOSEN
    if not driver.exists():
        job = Fitting(
            level=training.test.level,
            species=training.header.species,
            seed=named_seed("test: model", training.test.seed),
            settings=training.fit,
            steps=training.fit.steps,
            checkpoint=work / "driver.partial",
        )
        task = Task(name="test: model", job=job, part=tuple(range(len(frames))))
        for _, found in fit_all(workers.client, [task], frames, report):
            write_potential(driver, found.potential)
    if not chosen.exists():
        write_frames(chosen, [*_trajectories(training, driver, work)])
    unlabelled = read_frames(chosen, labelled=False)
    return label(training, unlabelled, work, workers.client, report, "test: labels", known=frames)


def _trajectories(training: Training, driver: Path, work: Path) -> Iterator[Atoms]:
    """Frames of the test trajectories, once these have settled."""
    settings = training.test
    length = settings.frames * settings.every
    for k, cell in enumerate(supercells_of(training)):
        for i, temperature in enumerate(settings.temperatures):
            seen = explore(
                cell.arranged("test", settings.seed, i),
                driver,
                temperature=temperature,
                time=SETTLING + length / 1000,
                timestep=training.explore.timestep,
                every=settings.every,
                ensemble=settings.ensemble,
                seed=named_seed("test: trajectory", settings.seed, k, i),
                folder=work / f"test-{cell.name}-{temperature:g}K",
                species=training.header.species,
            )
            if seen.stopped:
                driver.unlink()  # what is asked for otherwise needs another
                raise ValueError(
                    f"test: the model that drives the trajectories gave way, {cell.name} at "
                    f"{temperature:g} K: {seen.stopped}; more rounds, or another test.level"
                )
            yield from (frame for frame in seen.frames if frame.info["time"] > SETTLING)
