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
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from ensemble.mtp.potential import read_potential, write_potential
from ensemble.store.files import make_folder, write_atomically
from ensemble.training.cards import write_card
from ensemble.training.crystals import of_composition
from ensemble.training.errors import errors_of
from ensemble.training.fits import Task, fit_all
from ensemble.training.labels import name_of, one_teacher
from ensemble.training.models import Fitting, share_of
from ensemble.training.records import read_record
from ensemble.training.report import Reporter
from ensemble.training.sets import Sets, gather
from ensemble.training.settings import Model, Training
from ensemble.training.tasks import Workers
from ensemble.training.workplace import workplace

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["OtherModel", "fit_models", "train"]

CARD = "README.md"

YOUNGER_KEYS = {"chebyshev": None, "steps": None}
"""Keys of a `[[model]]` that older records do not have, as they were before there were any."""


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
    if left:
        _fit(training, left, asked, sets, output, work, workers.client, report)
    return [output / f"{model.name}.mtp" for model in chosen]


def _fit(
    training: Training,
    models: Sequence[Model],
    asked: Mapping[str, dict[str, Any]],
    sets: Sets,
    output: Path,
    work: Path,
    client: Client,
    report: Reporter,
) -> None:
    # The largest first: what is begun last should not take longest.
    ordered = sorted(models, key=lambda model: -model.level)
    tasks = [_task(training, model, sets, work) for model in ordered]
    by_name = {model.name: model for model in models}
    for count, (task, found) in enumerate(fit_all(client, tasks, sets.training, report), 1):
        model = by_name[task.name]
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
        report.done("models", count, len(tasks))
        report.say(f"{model.name}: {errors}")


def _task(training: Training, model: Model, sets: Sets, work: Path) -> Task:
    frames = of_composition(training, model.material, sets.training)
    mine = {name_of(frame) for frame in share_of(frames, model.share, model.seed)}
    part = tuple(k for k, frame in enumerate(sets.training) if name_of(frame) in mine)
    return Task(name=model.name, job=_fitting(training, model, work), part=part)


def _fitting(training: Training, model: Model, work: Path) -> Fitting:
    return Fitting(
        level=model.level,
        species=training.header.species,
        seed=model.seed,
        settings=training.fit,
        steps=model.steps or training.fit.steps,
        shifts=tuple(model.species_energies.get(s, 0.0) for s in training.header.species),
        cutoff=model.cutoff,
        chebyshev=model.chebyshev,
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
    before = read_record(file)
    if before.get("potential") != read_potential(model).content_hash:
        raise OtherModel(f"{model}: not the potential that {file.name} tells of; --refit")
    before["model"] = YOUNGER_KEYS | before.get("model", {})
    if changed := [key for key in made if before.get(key) != made[key]]:
        raise OtherModel(
            f"{file}: the model was made with another {' and '.join(changed)}; "
            "--refit makes it anew, --output puts the new one elsewhere"
        )
