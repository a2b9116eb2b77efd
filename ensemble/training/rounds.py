"""Rounds of learning: what to label next is what a committee of models does not agree about.

A round labels the frames that were chosen, fits a committee to all there are, lets it run molecular
dynamics, and chooses from that what the next round labels. It ends when the committee agrees about
nearly all that it meets on new trajectories. After H. Yang et al., Phys. Rev. B 104, 094310 (2021),
whose dual adaptive sampling looks at where models disagree and where structures are new.

Each round has a folder, and each step of it a file that is there when the step is done::

    round-03/chosen.xyz      what is to be labelled
             labelled.xyz    what has been, frame by frame
             rejected.json   what could not be, and why
             member-1.mtp    the committee
             record.json     what the round came to: the last to be written

Whoever finds a round half done goes on with the first step that is not. The same file gives the
same rounds, whatever came between.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp.potential import read_potential, write_potential
from ensemble.store.files import write_atomically
from ensemble.training.committee import disagreement
from ensemble.training.crystals import supercells_of
from ensemble.training.errors import errors_of
from ensemble.training.explore import explore, seeds_of
from ensemble.training.frames import read_frames, write_frames
from ensemble.training.labelling import check_given, label
from ensemble.training.labels import one_teacher
from ensemble.training.models import Fitting, fitted
from ensemble.training.report import Reporter
from ensemble.training.select import choose
from ensemble.training.settings import Training
from ensemble.training.tasks import completed

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["collect", "labelled_record"]


@dataclass(frozen=True)
class _Trajectory:
    """What a worker is to run."""

    name: str
    start: Atoms
    driver: Path
    members: tuple[Path, ...]
    temperature: float
    strain: float
    seed: int
    folder: Path


@dataclass(frozen=True)
class _Seen:
    """What it brings back."""

    frames: list[Atoms]
    force: NDArray[np.float64]
    """Disagreement about each frame, eV/Å."""
    stopped: str


def collect(training: Training, work: Path, client: Client, report: Reporter) -> list[Atoms]:
    """Go through the rounds, from where they are, to their end.

    Returns
    -------
    All frames with labels: the training set.

    Raises
    ------
    TeacherError, FrameError, SegmentFailure
        As they say. What is done is kept.
    """
    frames: list[Atoms] = []
    if training.explore.labelled is not None:
        file = training.path.parent / training.explore.labelled
        frames = read_frames(file, species=training.header.species)
        check_given(frames, training)
    for number in range(training.explore.rounds + 1):
        folder = work / f"round-{number:02d}"
        chosen = _chosen(training, work, number)
        if not chosen:
            break
        what = f"round {number}: labels"
        new = label(training, chosen, folder, client, report, what, known=frames)
        frames += new
        one_teacher(frames)
        record_file = folder / "record.json"
        if not record_file.exists():
            members = _committee(training, number, frames, work, client, report)
            record = {
                **labelled_record(training, work, number, new, len(chosen) - len(new)),
                **_explored(training, number, frames, members, work, client, report),
            }
            write_atomically(record_file, (json.dumps(record, indent=1) + "\n").encode())
        record = json.loads(record_file.read_text())
        report.say(
            f"round {number}: {len(frames)} frames, {100 * record['known']:.1f} % of "
            f"{record['candidates']} on new trajectories are known"
        )
        if record["known"] >= training.explore.known:
            break
    return frames


def labelled_record(
    training: Training, work: Path, number: int, new: Sequence[Atoms], rejected: int
) -> dict[str, Any]:
    """What a round learned from its labels: errors are those of the committee of the round before,
    which has seen nothing of the trajectories that the frames are from.
    """
    before = sorted((work / f"round-{number - 1:02d}").glob("member-*.mtp")) if new else []
    species = training.header.species
    errors = [
        errors_of(read_potential(member), new, species, by="temperature").as_dict()
        for member in before
    ]
    temperatures = Counter(f"{frame.info['temperature']:g}" for frame in new)
    return {
        "labelled": len(new),
        "rejected": rejected,
        "temperatures": dict(sorted(temperatures.items(), key=lambda item: float(item[0]))),
        "errors_before": errors,
    }


def _chosen(training: Training, work: Path, number: int) -> list[Atoms]:
    """What a round is to label."""
    file = work / f"round-{number:02d}" / "chosen.xyz"
    if number == 0 and not file.exists():
        crystals = list(supercells_of(training))
        frames = []
        for k, (name, atoms) in enumerate(crystals):
            count = len(range(k, training.explore.start, len(crystals)))
            seed = training.explore.seed + k
            frames += seeds_of(atoms, count=count, seed=seed, name=f"seed-{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        write_frames(file, frames)
    return read_frames(file, labelled=False) if file.exists() else []


def _committee(
    training: Training,
    number: int,
    frames: Sequence[Atoms],
    work: Path,
    client: Client,
    report: Reporter,
) -> list[Path]:
    """Fit the members to the frames that there are; each goes on from the round before."""
    folder, settings = work / f"round-{number:02d}", training.committee
    files = [folder / f"member-{k + 1}.mtp" for k in range(len(settings.levels))]
    waiting = {}
    for k, (level, file) in enumerate(zip(settings.levels, files, strict=True)):
        if file.exists():
            continue
        before = work / f"round-{number - 1:02d}" / file.name
        rng = np.random.default_rng([training.explore.seed, number, k])
        kept = np.sort(rng.permutation(len(frames))[: round(settings.share * len(frames))])
        job = Fitting(
            level=level,
            species=training.header.species,
            seed=training.explore.seed * 1000 + k,
            # That a member does not start from the best point is what makes a committee.
            settings=training.fit.model_copy(update={"starts": 1}),
            steps=settings.steps,
            start=read_potential(before) if before.exists() else None,
            checkpoint=file.with_suffix(".partial"),
        )
        mine = [frames[i] for i in kept]
        waiting[client.submit(fitted, job, mine, pure=False)] = file
    done = len(files) - len(waiting)
    for file, found in completed(waiting):
        write_potential(file, found.potential)
        done += 1
        report.done(f"round {number}: committee", done, len(files))
    return files


def _explored(
    training: Training,
    number: int,
    frames: Sequence[Atoms],
    members: Sequence[Path],
    work: Path,
    client: Client,
    report: Reporter,
) -> dict[str, Any]:
    """Let the committee run, choose the next round's frames, and say what was seen."""
    folder, settings = work / f"round-{number:02d}", training.explore
    trajectories = list(_trajectories(training, number, members, folder / "trajectories"))
    waiting = {
        client.submit(
            _run, one, settings.model_dump(mode="python"), training.header.species, pure=False
        ): one
        for one in trajectories
    }
    seen: dict[str, _Seen] = {}
    for one, what in completed(waiting):
        seen[one.name] = what
        report.done(f"round {number}: trajectories", len(seen), len(trajectories))
    # In their own order, not in that of the workers.
    found = [seen[one.name] for one in trajectories]
    candidates = [frame for one in found for frame in one.frames]
    force = np.concatenate([one.force for one in found])
    low, high = settings.disagreement
    choice = choose(
        candidates,
        force,
        low=low,
        high=high,
        count=settings.frames,
        known=frames,
        potential=read_potential(members[0]),
        species=training.header.species,
    )
    if choice.frames and number < settings.rounds:
        behind = work / f"round-{number + 1:02d}"
        behind.mkdir(exist_ok=True)
        write_frames(behind / "chosen.xyz", choice.frames)
    rmtree(folder / "trajectories")
    # Of all that there should have been: where a trajectory came to a bad end, nothing is known.
    expected = len(trajectories) * round(1000 * settings.time / settings.every)
    return {
        "frames": len(frames),
        "candidates": len(candidates),
        "known": choice.good / max(expected, len(candidates)),
        "chosen": len(choice.frames),
        "wild": choice.wild,
        "trajectories": [
            {
                "name": one.name,
                "temperature": one.temperature,
                "strain": one.strain,
                "frames": len(seen[one.name].frames),
                "disagreement": float(np.median(seen[one.name].force))
                if len(seen[one.name].force)
                else None,
                "stopped": seen[one.name].stopped,
            }
            for one in trajectories
        ],
    }


def _trajectories(
    training: Training, number: int, members: Sequence[Path], folder: Path
) -> list[_Trajectory]:
    """Every crystal at every strain and temperature, the members driving in turn."""
    settings = training.explore
    points = product(supercells_of(training), settings.strains, settings.temperatures)
    found = []
    for k, ((crystal, atoms), strain, temperature) in enumerate(points):
        name = f"round{number}-{crystal}-{temperature:g}K{strain:+g}"
        found.append(
            _Trajectory(
                name=name,
                start=atoms,
                driver=members[(k + number) % len(members)],
                members=tuple(members),
                temperature=temperature,
                strain=strain,
                seed=int(np.random.SeedSequence([settings.seed, number, k]).generate_state(1)[0]),
                folder=folder / name,
            )
        )
    return found


def _run(one: _Trajectory, settings: dict[str, Any], species: Sequence[str]) -> _Seen:
    """On a worker."""
    found = explore(
        one.start,
        one.driver,
        temperature=one.temperature,
        time=settings["time"],
        timestep=settings["timestep"],
        every=settings["every"],
        seed=one.seed,
        folder=one.folder,
        strain=one.strain,
        species=species,
    )
    potentials = [read_potential(path) for path in one.members]
    spread = disagreement(potentials, found.frames, species)
    return _Seen(found.frames, spread.force, found.stopped)
