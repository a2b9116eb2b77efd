r"""What another teacher makes of the same frames: how fast do its atoms diffuse?

    python tests/benchmarks/other_teacher.py campaigns/models/cu2se mtp8 \
        --teacher 'sevenn.calculator:SevenNetCalculator device=cpu model=7net-0' --output other

D of a teacher itself would take days (`teacher.py --picoseconds`). Here it labels the frames of a
set of models anew, one model of the set is fitted to them, and its card is written: errors, the
crystal at 0 K beside the teacher's, and lattice constant, D and what else 200 ps at 600 K tell.
The same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ase import Atoms
from rich.progress import Progress
from teacher import SEVENNET, teacher_of

from ensemble.training.frames import read_frames, write_frames
from ensemble.training.labels import name_of
from ensemble.training.report import Quiet
from ensemble.training.settings import Training
from ensemble.training.tasks import Workers
from ensemble.training.teacher import Teacher, label_frames
from ensemble.training.train import train

if TYPE_CHECKING:
    from distributed import Client

SETS = ("training.xyz.gz", "test.xyz.gz")

CHECKS = {"long": {"temperatures": [600], "time": 200}, "hot": None}


def training_of(file: Path, model: str, teacher: Teacher, output: Path) -> Training:
    """That of one model of the file, with another teacher, as if it stood in the output folder."""
    tables = tomllib.loads(file.read_text())
    tables["teacher"] = _table(teacher)
    if teacher.plus:
        tables["teacher"]["plus"] = [_table(other) for other in teacher.plus]
    tables["model"] = [one for one in tables["model"] if one["name"] == model]
    tables["checks"] = tables.get("checks", {}) | CHECKS
    return Training.of(tables, output / file.name)


def _table(teacher: Teacher) -> dict[str, object]:
    return {"calculator": teacher.calculator, "arguments": dict(teacher.arguments)}


def label(teacher: Teacher, frames: Sequence[Atoms], file: Path, client: Client) -> None:
    """Write the frames with the labels of the teacher; those that it cannot label are left out."""
    with Progress() as progress:
        task = progress.add_task(file.name, total=len(frames))
        done = label_frames(
            teacher, frames, client=client, on_done=lambda _: progress.advance(task)
        )
    for bad in done.rejected:
        print(bad)
    write_frames(file, done.frames)


def show(card: Path) -> None:
    """What the molecular dynamics told."""
    for table in json.loads(card.read_text()):
        for one in table.get("dynamics", {}).get("found", []):
            print(f"{table['name']} at {one['temperature']:g} K: {one['failure'] or 'survived'}")
            print(f"  lattice constant {one['volume'] ** (1 / 3):.3f} Å" if one["volume"] else "")
            for species, found in one["diffusion"].items():
                below = f"below {found['upper_limit']:.2g}"
                value = f"{found['value']:.2g}" if found["value"] else below
                print(f"  D({species}) {value} cm²/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of the set of models")
    parser.add_argument("model", help="how it is fitted")
    parser.add_argument("--teacher", default=f"{SEVENNET}7net-0", metavar="'MODULE:CLASS ...'")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    teacher = teacher_of(options.teacher)
    options.output.mkdir(parents=True, exist_ok=True)
    training = training_of(options.folder / "train.toml", options.model, teacher, options.output)
    with Workers(len(os.sched_getaffinity(0))) as workers:
        for name in SETS:
            if not (options.output / name).exists():
                frames = sorted(read_frames(options.folder / name), key=name_of)
                label(teacher, frames, options.output / name, workers.client)
    train(training, work=options.output / "work", check=True, report=Quiet())
    show(options.output / "card.json")


if __name__ == "__main__":
    main()
