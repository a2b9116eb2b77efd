"""The script of a segment of a ``rerun``: the trajectory of one model in the eyes of another.

One process makes a segment of the trajectory once more, from the restart file that its run has
kept, and writes positions and velocities with all their digits; then it reads them again with the
other model. Nothing but heat flux and energies is kept. The frames are text: ``rerun`` of this
LAMMPS reads only the first frame of a binary file.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ensemble.campaign.studies import Emd, Rerun
from ensemble.md import emd
from ensemble.md.assignment import Assignment, Record
from ensemble.md.passage import passage
from ensemble.md.script import (
    ENERGIES,
    PER_ATOM,
    SYMMETRIC_VIRIAL,
    facts,
    head,
    log_lines,
    system,
    text,
)
from ensemble.md.site_energies import frames
from ensemble.plan.channels import channels_of
from ensemble.plan.recipe import StagePlan, segment_name
from ensemble.plan.segments import step_count

FRAMES = "frames"
SOURCE = "source"


def sampling_script(work: Assignment) -> str:
    """The script of a segment."""
    source, study = source_of(work), study_of(work)
    return text(
        [
            *head(work, f"{study.source.study} of {study.source.model} seen by {work.run.model}"),
            *_trajectory(work, source),
            *_again(work),
            *facts(),
        ]
    )


def study_of(work: Assignment) -> Rerun:
    """The study, which is one of this method."""
    study = work.recipe.study
    assert isinstance(study, Rerun)
    return study


def source_of(work: Assignment) -> Assignment:
    """The segment whose trajectory is used, as it was assigned."""
    recipe, study, trajectory = work.recipe, study_of(work), work.recipe.trajectory
    assert isinstance(trajectory, Emd)
    steps_per_row = step_count(trajectory.sample.every, trajectory)
    # Of the stages before the sampling, only the kind of the last one is of interest here.
    stages = tuple(StagePlan(stage=stage, steps=1, parts=1) for stage in trajectory.equilibrate)
    return Assignment(
        recipe=replace(
            recipe,
            study=trajectory,
            channels=channels_of(trajectory, recipe.material.species, recipe.units),
            stages=stages,
            steps_per_row=steps_per_row,
        ),
        run=replace(work.run, study=study.source.study, method="emd", model=study.source.model),
        segment=replace(
            work.segment,
            number=recipe.source_equilibration_segments + work.segment.number,
            stage=len(stages),
            rows=work.segment.steps // steps_per_row,
        ),
        files=work.files,
        previous=_record_before(work),
    )


def start_of(work: Assignment) -> Path:
    """The restart file that the trajectory's segment began with; its record is beside it."""
    assert work.files.source_folder is not None
    before = work.recipe.source_equilibration_segments + work.segment.number - 1
    return work.files.source_folder / f"{segment_name(before)}.restart"


def _record_before(work: Assignment) -> Record | None:
    """The record of the segment before the trajectory's first; later ones need none."""
    if work.segment.part > 0:
        return None
    found: Record = json.loads(start_of(work).with_suffix(".json").read_text())
    return found


def _trajectory(work: Assignment, source: Assignment) -> list[str]:
    """The trajectory once more, in the very words of its own script."""
    every = work.recipe.steps_per_row
    return [
        "",
        f"# The trajectory, of {source.run.model}.",
        *system(work, start_of(work), source.model),
        *(["reset_timestep 0"] if source.starts_stage else []),
        *passage(source),
        *emd.sampling(source, file=SOURCE),
        f"dump frames all custom {every} ${{folder}}/{FRAMES} id type x y z vx vy vz",
        "dump_modify frames sort id format float %.17g",
        *log_lines(work.segment.steps),
        f"run {work.segment.steps}",
    ]


def _again(work: Assignment) -> list[str]:
    first = work.first_step + work.recipe.steps_per_row
    return [
        "",
        f"# The same positions and velocities, the potential of {work.run.model}.",
        "clear",
        *system(work, start_of(work), work.model),
        f"reset_timestep {first}",
        "",
        *_per_atom(study_of(work)),
        *emd.quantities(work.species, displacements=False),
        emd.rows(work),
        *frames(work),
        *log_lines(work.segment.steps),
        f"rerun ${{folder}}/{FRAMES} first {first} dump x y z vx vy vz box yes",
    ]


def _per_atom(study: Rerun) -> list[str]:
    if study.virial == "centroid":
        return PER_ATOM
    wrong = "# Energies, and on purpose the symmetric virials, whose heat flux is wrong."
    return [wrong, *ENERGIES, SYMMETRIC_VIRIAL]
