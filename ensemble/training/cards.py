"""The card of a set of models: what they were trained on, and the checks of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ase import Atoms

from ensemble.mtp.calculator import MTPCalculator
from ensemble.store.files import write_atomically
from ensemble.training.checks import compare, markdown, run, run_teacher
from ensemble.training.crystals import of_composition
from ensemble.training.labelling import teacher_of
from ensemble.training.labels import one_teacher
from ensemble.training.records import read_record
from ensemble.training.report import Reporter, Trajectories
from ensemble.training.settings import Training
from ensemble.training.teacher import TeacherError

__all__ = ["write_card"]


def write_card(
    training: Training,
    models: Sequence[Path],
    test: Sequence[Atoms],
    file: Path,
    work: Path,
    report: Reporter,
) -> None:
    """Do the checks that are not done yet and write the card.

    Parameters
    ----------
    models
        Files of the models, each called after its ``[[model]]``.
    test
        Labelled frames that no model has seen.
    file
        The card, in Markdown; its numbers go into ``card.json`` beside it.
    work
        Folder of the trajectories.

    Raises
    ------
    ImportError
        phonopy is not installed.
    ValueError, OSError
        As `ensemble.training.checks.run`.
    """
    name = training.checks.material or next(iter(training.materials))
    material = training.materials[name]
    if material.structure is not None:
        there = training.path.resolve().parent / material.structure
        material = material.model_copy(update={"structure": str(there)})
    cards = []
    teacher = teacher_of(training)
    try:
        calculator = teacher.make()
    except TeacherError as error:
        report.say(f"card: without the teacher: {error}")
    else:
        folder = work / "teacher"
        cards.append(run_teacher(calculator, teacher.identity, material, training.checks, folder))
    species = training.header.species
    asked = {model.name: model for model in training.models}
    for count, model in enumerate(models):
        report.done("card", count, len(models))
        # A model of one composition says nothing about the energies of others.
        frames = of_composition(training, asked[model.stem].material, test)
        folder = work / model.stem
        seen = Trajectories(f"card: {model.stem}", report)
        found = run(
            model,
            material,
            training.checks,
            folder,
            species=species,
            frames=frames,
            reporter=seen,
        )
        cards.append({**found, "made": read_record(model.with_suffix(".json"))})
    report.done("card", len(models), len(models))
    members = {model.stem: MTPCalculator(model, species) for model in models}
    common = of_composition(training, name, test)
    differences = compare(members, common) if len(members) > 1 else ()
    header = f"# {training.header.name}: {training.header.description or 'potentials'}\n\n"
    many = "potential" if len(models) == 1 else "potentials"
    header += f"{len(models)} moment tensor {many} of {', '.join(species)}; the labels are "
    header += f"those of {one_teacher(test)}.\n\n"
    command = f"ensemble train {training.path.name} --refit --check"
    text = header + markdown(cards, differences=differences, command=command)
    write_atomically(file, text.encode())
    numbers = json.dumps(cards, indent=1, ensure_ascii=False) + "\n"
    write_atomically(file.with_name("card.json"), numbers.encode())
