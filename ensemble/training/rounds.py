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
from ensemble.training.fits import Task, fit_all
from ensemble.training.frames import read_frames, write_frames
from ensemble.training.labelling import given_frames, label, why_none
from ensemble.training.labels import FrameError, one_teacher
from ensemble.training.models import Fitting
from ensemble.training.records import Record, read_record
from ensemble.training.report import Reporter
from ensemble.training.seeds import named_seed
from ensemble.training.select import choose, spread_evenly
from ensemble.training.settings import Training
from ensemble.training.tasks import completed

if TYPE_CHECKING:
    from distributed import Client

__all__ = [
    "Search",
    "Trajectory",
    "collect",
    "ended",
    "labelled_record",
    "recorded",
    "shortfall",
    "trajectories_of",
]

CHOSEN, RECORD = "chosen.xyz", "record.json"

COUNTS = ("frames", "candidates", "chosen", "known")
"""Keys of a round's record that the search goes by."""


@dataclass(frozen=True)
class Search:
    """What the rounds have come to."""

    frames: list[Atoms]
    """All with labels: the training set."""

    records: list[Record]
    """Of each round."""


@dataclass(frozen=True)
class Trajectory:
    """What a worker is to run."""

    name: str
    start: Atoms
    driver: Path
    members: tuple[Path, ...]
    temperature: float
    strain: float | None
    """None at zero pressure."""
    seed: int
    folder: Path


@dataclass(frozen=True)
class _Seen:
    """What it brings back."""

    frames: list[Atoms]
    force: NDArray[np.float64]
    """Disagreement about each frame, eV/Å."""
    stopped: str


def collect(training: Training, work: Path, client: Client, report: Reporter) -> Search:
    """Go through the rounds, from where they are, to their end.

    Raises
    ------
    TeacherError, FrameError, SegmentFailure
        As they say. What is done is kept.
    """
    frames = given_frames(training)
    records: list[Record] = []
    while not (records and ended(training, records)):
        number = len(records)
        folder = _folder(work, number)
        chosen = _chosen(training, work, number)
        what = f"round {number}: labels"
        new = label(training, chosen, folder, client, report, what, known=frames)
        frames += new
        if not frames:
            raise FrameError(f"round {number}: {why_none(folder)}")
        one_teacher(frames)
        if not (folder / RECORD).exists():
            members = _committee(training, number, frames, work, client, report)
            record = {
                **labelled_record(training, work, number, new, len(chosen) - len(new)),
                **_explored(training, number, frames, members, work, client, report),
            }
            write_atomically(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())
        records.append(_record(folder, number))
        report.say(
            f"round {number}: {len(frames)} frames, {100 * records[-1]['known']:.1f} % of "
            f"{records[-1]['candidates']} on new trajectories are known"
        )
    if short := shortfall(training, records):
        report.say(short)
    return Search(frames, records)


def ended(training: Training, records: Sequence[Record]) -> bool:
    """Whether no round follows those that there are records of."""
    last = records[-1]
    return (
        len(records) > training.explore.rounds
        or last["chosen"] == 0
        # Of a round that somebody ran in another way it may not be known.
        or last.get("known", 0.0) >= training.explore.known
    )


def shortfall(training: Training, records: Sequence[Record]) -> str:
    """In words, that a search ended for want of frames to choose; empty where it did not."""
    last, wanted = records[-1], training.explore.known
    if last["chosen"] or last["known"] >= wanted:
        return ""
    return (
        f"round {last['round']}: the search ends with {100 * last['known']:.1f} % known, and "
        f"explore.known is {100 * wanted:g} %: no frame is between the limits of "
        "explore.disagreement; a higher second one lets it learn from frames that are further off"
    )


def recorded(work: Path) -> list[Record]:
    """The records of the rounds that have been done in a folder."""
    count = len([*work.glob(f"round-*/{RECORD}")])
    return [_record(_folder(work, number), number) for number in range(count)]


def _record(folder: Path, number: int) -> Record:
    return {"round": number, **read_record(folder / RECORD, COUNTS)}


def _folder(work: Path, number: int) -> Path:
    return work / f"round-{number:02d}"


def labelled_record(
    training: Training, work: Path, number: int, new: Sequence[Atoms], rejected: int
) -> Record:
    """What a round learned from its labels: errors are those of the committee of the round before,
    which has seen nothing of the trajectories that the frames are from.
    """
    before = sorted(_folder(work, number - 1).glob("member-*.mtp")) if new else []
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
    file = _folder(work, number) / CHOSEN
    if number == 0 and not file.exists():
        settings = training.explore
        cells = list(supercells_of(training))
        frames = []
        for k, cell in enumerate(cells):
            numbers = range(k, settings.start, len(cells))
            crystals = [cell.arranged("start", settings.seed, number) for number in numbers]
            seed = named_seed("start", settings.seed, k)
            frames += seeds_of(crystals, seed=seed, name=f"seed-{cell.name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        write_frames(file, frames)
    return read_frames(file, labelled=False)


def _committee(
    training: Training,
    number: int,
    frames: Sequence[Atoms],
    work: Path,
    client: Client,
    report: Reporter,
) -> list[Path]:
    """Fit the members to the frames that there are; each goes on from the round before."""
    folder, settings = _folder(work, number), training.committee
    files = [folder / f"member-{k + 1}.mtp" for k in range(len(settings.levels))]
    tasks = {}
    for k, (level, file) in enumerate(zip(settings.levels, files, strict=True)):
        if file.exists():
            continue
        before = _folder(work, number - 1) / file.name
        job = Fitting(
            level=level,
            species=training.header.species,
            seed=named_seed("member", training.explore.seed, k),
            # That a member does not start from the best point is what makes a committee.
            settings=training.fit.model_copy(update={"starts": 1}),
            steps=settings.steps,
            start=read_potential(before) if before.exists() else None,
            checkpoint=file.with_suffix(".partial"),
        )
        rng = np.random.default_rng(named_seed("share", training.explore.seed, number, k))
        part = np.sort(rng.permutation(len(frames))[: round(settings.share * len(frames))])
        task = Task(name=f"round {number}: member {k + 1}", job=job, part=tuple(part.tolist()))
        tasks[task.name] = task, file
    done = len(files) - len(tasks)
    for task, found in fit_all(client, [task for task, _ in tasks.values()], frames, report):
        write_potential(tasks[task.name][1], found.potential)
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
) -> Record:
    """Let the committee run, choose the next round's frames, and say what was seen."""
    folder, settings = _folder(work, number), training.explore
    trajectories = list(trajectories_of(training, number, members, folder / "trajectories"))
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
    taken = set(choice.indices)
    rest = [frame for k, frame in enumerate(candidates) if k not in taken and force[k] < high]
    even = spread_evenly(rest, settings.even)
    if choice.frames or even:
        # Also behind what is the last round today: another day more may be asked for.
        write_frames(_folder(work, number + 1) / CHOSEN, [*choice.frames, *even])
    rmtree(folder / "trajectories")
    # Of all that there should have been: where a trajectory came to a bad end, nothing is known.
    expected = len(trajectories) * round(1000 * settings.time / settings.every)
    return {
        "frames": len(frames),
        "candidates": len(candidates),
        "known": choice.good / max(expected, len(candidates)),
        "chosen": len(choice.frames),
        "even": len(even),
        "most": settings.frames,
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


def trajectories_of(
    training: Training, number: int, members: Sequence[Path], folder: Path
) -> list[Trajectory]:
    """Every crystal, at every strain or at no pressure, and temperature; members drive in turn.

    Each has its own arrangement of the vacancies, as it has its own velocities.
    """
    settings = training.explore
    strains: list[float | None] = [*settings.strains]
    if settings.relaxed:
        strains.append(None)
    points = product(supercells_of(training), strains, settings.temperatures)
    found = []
    for k, (cell, strain, temperature) in enumerate(points):
        how = "-relaxed" if strain is None else f"{strain:+g}"
        name = f"round{number}-{cell.name}-{temperature:g}K{how}"
        found.append(
            Trajectory(
                name=name,
                start=cell.arranged("trajectory", settings.seed, number, k),
                driver=members[(k + number) % len(members)],
                members=tuple(members),
                temperature=temperature,
                strain=strain,
                seed=named_seed("trajectory", settings.seed, number, k),
                folder=folder / name,
            )
        )
    return found


def _run(one: Trajectory, settings: dict[str, Any], species: Sequence[str]) -> _Seen:
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
        strain=one.strain or 0.0,
        ensemble="npt" if one.strain is None else "nvt",
        species=species,
    )
    potentials = [read_potential(path) for path in one.members]
    return _Seen(found.frames, disagreement(potentials, found.frames, species), found.stopped)
