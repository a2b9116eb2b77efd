"""A training, from its file to models: rounds, trajectories to test on, fits.

What is there is not made again. Beside the training file, or in another folder that is asked for::

    training.xyz.gz   labelled frames that models are fitted to
    test.xyz.gz       labelled frames of trajectories that no model has seen
    rounds.json       what each round of the search came to
    NAME.mtp          a model
    NAME.json         how it was made, and its errors
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from ase import Atoms

from ensemble.campaign.schema import Cluster
from ensemble.cluster.local import local_cluster
from ensemble.mtp.potential import read_potential, write_potential
from ensemble.store.files import make_folder, write_atomically
from ensemble.training.cards import write_card
from ensemble.training.crystals import of_composition, supercells_of
from ensemble.training.errors import errors_of
from ensemble.training.explore import explore
from ensemble.training.frames import read_frames, write_frames
from ensemble.training.labelling import label
from ensemble.training.labels import one_teacher
from ensemble.training.models import Fitting, fitted, share_of
from ensemble.training.report import Reporter
from ensemble.training.rounds import collect
from ensemble.training.settings import Model, Training
from ensemble.training.tasks import completed
from ensemble.training.workplace import workplace

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["OtherModel", "Sets", "fit_models", "gather", "train"]

TRAINING_SET = "training.xyz.gz"
TEST_SET = "test.xyz.gz"
ROUNDS = "rounds.json"
CARD = "README.md"

SETTLING = 2.0
"""ps at the beginning of a test trajectory, which are not looked at."""


class OtherModel(ValueError):
    """A model is there that was made otherwise."""


def train(
    training: Training,
    *,
    output: Path | None = None,
    work: Path | None = None,
    only: Collection[str] = (),
    refit: bool = False,
    workers: int | None = None,
    check: bool = False,
    report: Reporter,
) -> list[Path]:
    """Do what a training file asks for; see the module.

    Parameters
    ----------
    output
        Folder of the models; the training file's where not given.
    work
        Folder of what is half done; ``train-NAME`` here where not given.
    only
        Names of the models to be fitted; all where empty.
    refit
        Fit those too that are there.
    workers
        Processes; as many as there are cores where not given.
    check
        Also write the models' card.

    Returns
    -------
    The models' files.

    Raises
    ------
    ValueError
        A name that is none of a model; OtherModel, WorkplaceError, TeacherError, FrameError as they
        say.
    """
    names = [model.name for model in training.models]
    if unknown := [name for name in only if name not in names]:
        raise ValueError(f"{training.path}: no model {unknown[0]!r}; it has {', '.join(names)}")
    folder = work or Path(f"train-{training.header.name}")
    target = output or training.path.parent
    count = workers or len(os.sched_getaffinity(0))
    with workplace(training, folder):
        with Workers(count) as workshop:
            sets = gather(training, folder, workshop, report)
            files = fit_models(
                training, sets, target, folder, workshop, report, only=only, refit=refit
            )
        if check:
            there = [file for name in names if (file := target / f"{name}.mtp").exists()]
            write_card(training, there, sets.test, target / CARD, folder / "checks", report)
    return files


class Workers:
    """Worker processes of this machine, that are started when they are first needed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    @cached_property
    def client(self) -> Client:
        """Of Dask."""
        return self._stack.enter_context(local_cluster(Cluster(), self._count))


@dataclass(frozen=True)
class Sets:
    """Frames with labels."""

    training: list[Atoms]
    test: list[Atoms]


def gather(training: Training, work: Path, workers: Workers, report: Reporter) -> Sets:
    """Training set and test set: those beside the training file, or else new ones.

    Raises
    ------
    FrameError
        A set cannot be used, or labels are of two teachers.
    TeacherError, SegmentFailure
        As they say.
    """
    folder = training.path.parent
    frames = _kept(folder / TRAINING_SET, training)
    if frames is None:
        frames = collect(training, work, workers.client, report)
        records = [
            {"round": number, **json.loads(file.read_text())}
            for number, file in enumerate(sorted(work.glob("round-*/record.json")))
        ]
        write_atomically(folder / ROUNDS, (json.dumps(records, indent=1) + "\n").encode())
        write_frames(folder / TRAINING_SET, frames)
    test = _kept(folder / TEST_SET, training)
    if test is not None:
        one_teacher([*frames, *test])
    else:
        test = _test_frames(training, frames, work / "test", workers.client, report)
        one_teacher([*frames, *test])
        write_frames(folder / TEST_SET, test)
    if not test:
        raise ValueError(f"{folder / TEST_SET}: no frame to measure the models on")
    return Sets(frames, test)


def _kept(file: Path, training: Training) -> list[Atoms] | None:
    return read_frames(file, species=training.header.species) if file.exists() else None


def _test_frames(
    training: Training, frames: Sequence[Atoms], work: Path, client: Client, report: Reporter
) -> list[Atoms]:
    """Label frames of trajectories that a model of their own drives."""
    settings, explorer = training.test, training.explore
    make_folder(work)
    driver, chosen = work / "driver.mtp", work / "chosen.xyz"
    if not driver.exists():
        report.say("test: the model that drives the trajectories")
        job = Fitting(
            level=settings.level,
            species=training.header.species,
            seed=settings.seed,
            settings=training.fit,
            steps=training.fit.steps,
            checkpoint=work / "driver.partial",
        )
        write_potential(driver, client.submit(fitted, job, frames, pure=False).result().potential)
    if not chosen.exists():
        found: list[Atoms] = []
        # With vacancies that are arranged as in no frame that anybody has learned from.
        crystals = supercells_of(training, arrangement=settings.seed)
        for k, (name, atoms) in enumerate(crystals):
            for i, temperature in enumerate(settings.temperatures):
                length = settings.frames * settings.every
                seen = explore(
                    atoms,
                    driver,
                    temperature=temperature,
                    time=SETTLING + length / 1000,
                    timestep=explorer.timestep,
                    every=settings.every,
                    ensemble=settings.ensemble,
                    seed=int(np.random.SeedSequence([settings.seed, k, i]).generate_state(1)[0]),
                    folder=work / f"test-{name}-{temperature:g}K",
                    species=training.header.species,
                )
                if seen.stopped:
                    raise ValueError(
                        f"test: the model that drives the trajectories gave way, {name} at "
                        f"{temperature:g} K: {seen.stopped}; more rounds, or another test.level"
                    )
                found += [frame for frame in seen.frames if frame.info["time"] > SETTLING]
        write_frames(chosen, found)
    unlabelled = read_frames(chosen, labelled=False)
    return label(training, unlabelled, work, client, report, "test: labels", known=frames)


def fit_models(
    training: Training,
    sets: Sets,
    output: Path,
    work: Path,
    workers: Workers,
    report: Reporter,
    *,
    only: Collection[str] = (),
    refit: bool = False,
) -> list[Path]:
    """Fit the models that are not there yet.

    Parameters
    ----------
    only
        Names of the models; all where empty.
    refit
        Also those that are there.

    Returns
    -------
    Their files.

    Raises
    ------
    OtherModel
        A model is there that was made from other frames or with other settings.
    """
    make_folder(output)
    make_folder(work)
    chosen = [model for model in training.models if not only or model.name in only]
    asked = {model.name: _how(training, model, sets) for model in chosen}
    left = []
    for model in chosen:
        file = output / f"{model.name}.mtp"
        if file.exists() and not refit:
            _same(file, asked[model.name])
        else:
            left.append(model)
    waiting = {}
    # The largest first: what is begun last should not take longest.
    for model in sorted(left, key=lambda model: -model.level):
        frames = of_composition(training, model.material, sets.training)
        frames = share_of(frames, model.share, model.seed)
        job = _fitting(training, model, work)
        waiting[workers.client.submit(fitted, job, frames, pure=False)] = model
    for count, (model, found) in enumerate(completed(waiting), 1):
        test = of_composition(training, model.material, sets.test)
        errors = errors_of(found.potential, test, training.header.species, by="temperature")
        record = {
            **asked[model.name],
            "steps": found.history[-1].number,
            "potential": found.potential.content_hash,
            "training_errors": found.errors.as_dict(),
            "errors": errors.as_dict(),
        }
        # The potential last: without it a record says nothing.
        text = json.dumps(record, indent=1) + "\n"
        write_atomically(output / f"{model.name}.json", text.encode())
        write_potential(output / f"{model.name}.mtp", found.potential)
        _checkpoint(work, model).unlink(missing_ok=True)
        report.done("models", count, len(waiting))
        report.say(f"{model.name}: {errors}")
    return [output / f"{model.name}.mtp" for model in chosen]


def _fitting(training: Training, model: Model, work: Path) -> Fitting:
    return Fitting(
        level=model.level,
        species=training.header.species,
        seed=model.seed,
        settings=training.fit,
        steps=training.fit.steps,
        shifts=tuple(model.species_energies.get(s, 0.0) for s in training.header.species),
        cutoff=model.cutoff,
        checkpoint=_checkpoint(work, model),
    )


def _checkpoint(work: Path, model: Model) -> Path:
    return work / f"{model.name}.partial"


def _how(training: Training, model: Model, sets: Sets) -> dict[str, Any]:
    """What decides a model."""
    return {
        "species": list(training.header.species),
        "model": model.model_dump(mode="json"),
        "fit": training.fit.model_dump(mode="json"),
        "teacher": one_teacher(sets.training),
        "training_set": _hash_of(sets.training),
    }


def _hash_of(frames: Sequence[Atoms]) -> str:
    """Of what a fit sees of the frames."""
    digest = sha256()
    for frame in frames:
        results = frame.calc.results
        for array in (frame.numbers, frame.positions, frame.cell.array, results["forces"]):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(np.float64(results["energy"]).tobytes() + results["stress"].tobytes())
    return digest.hexdigest()


def _same(model: Path, made: dict[str, Any]) -> None:
    """See that a model that is there is the one that is asked for."""
    file = model.with_suffix(".json")
    if not file.exists():
        raise OtherModel(f"{file}: missing, so how {model.name} was made is not known; --refit")
    before = json.loads(file.read_text())
    if before.get("potential") != read_potential(model).content_hash:
        raise OtherModel(f"{model}: not the potential that {file.name} tells of; --refit")
    if changed := [key for key in made if before.get(key) != made[key]]:
        raise OtherModel(
            f"{file}: the model was made with another {' and '.join(changed)}; "
            "--refit makes it anew, --output puts the new one elsewhere"
        )
