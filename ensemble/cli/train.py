"""``ensemble train``: potentials from a teacher."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.cli.output import print_json
from ensemble.cli.parser import add_json, complete_by, positive, toml_files

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands


def add_train(commands: Commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a set of moment tensor potentials from a teacher",
        description="""\
Train the models of a training file: search for configurations with a committee of models, have the
teacher label them, fit the models, measure them on trajectories that no model has seen. What is
there is not made again; whatever stopped it, the same command goes on. With the training set beside
the file, nothing but the fits is left, and no teacher is needed.

files beside FILE (models also with --output):
  training.xyz.gz, test.xyz.gz   labelled frames
  rounds.json                    what each round of the search came to
  NAME.mtp, NAME.json            a model, how it was made, its errors""",
        exit_status={0: "all is done", 130: "interrupted; the same command goes on"},
        examples="""\
ensemble train campaigns/models/cu2se/train.toml
ensemble train campaigns/models/cu2se/train.toml --model mtp3 --output refit
ensemble train campaigns/models/cu2se/train.toml --check     # and the model card
ensemble train campaigns/models/cu2se/train.toml --json | jq '.models[].errors'""",
    )
    complete_by(parser.add_argument("file", type=Path, help="a training file"), toml_files)
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="only this; may be repeated"
    )
    parser.add_argument("--output", type=Path, help="folder of the models (default FILE's)")
    parser.add_argument(
        "--work", type=Path, help="folder of what is half done (default train-NAME)"
    )
    parser.add_argument("--refit", action="store_true", help="also fit models that are there")
    parser.add_argument("--check", action="store_true", help="make the model card, README.md")
    parser.add_argument(
        "--workers", type=positive, help="worker processes (default one for each core)"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but what went wrong")
    add_json(parser)
    parser.set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    from ensemble.training.report import Quiet, Screen
    from ensemble.training.settings import load_training
    from ensemble.training.train import train

    training = load_training(arguments.file)
    screen = None if arguments.quiet else Screen()
    try:
        with nullcontext() if screen is None else screen.running():
            files = train(
                training,
                output=arguments.output,
                work=arguments.work,
                only=arguments.model,
                refit=arguments.refit,
                check=arguments.check,
                workers=arguments.workers,
                report=Quiet() if screen is None else screen,
            )
    except KeyboardInterrupt:
        message = "interrupted; what is done is kept, and the same command goes on"
        print(f"ensemble: {message}", file=sys.stderr)
        return 130
    if arguments.json:
        print_json({"models": [_made(file) for file in files]})
    return 0


def _made(file: Path) -> dict[str, Any]:
    """A model, and how it was made."""
    from ensemble.training.records import read_record

    return {"name": file.stem, "file": file, **read_record(file.with_suffix(".json"))}
