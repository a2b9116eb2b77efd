"""The command line: ``ensemble COMMAND ...``.

Every command is one function that adds its parser and names the function that runs it; what a
command needs is imported when it runs, so that ``ensemble --help`` answers at once.

A failure is one message on stderr: exit status 2 for a wrong command line, 130 when interrupted, 1
for everything else. With ``--json`` there is one JSON document on stdout, and nothing else there.
Colours are for terminals, and not for those where ``NO_COLOR`` is set.

``launch``, ``plan``, ``status``, ``results``, ``report``, ``inspect``, ``logs``, ``potential``,
``train``, ``completion``
    The commands.
``parser``, ``stores``, ``output``
    What they share: arguments; which store and which run is meant; what goes to stdout.
``reference``
    The page of the documentation about them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ensemble.cli.completion import add_completion
from ensemble.cli.inspect import add_inspect
from ensemble.cli.launch import add_launch
from ensemble.cli.logs import add_logs
from ensemble.cli.parser import Parser
from ensemble.cli.plan import add_plan
from ensemble.cli.potential import add_potential
from ensemble.cli.report import add_report
from ensemble.cli.results import add_results
from ensemble.cli.status import add_status
from ensemble.cli.train import add_train

__all__ = ["build_parser", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks for completions
        import argcomplete

        argcomplete.autocomplete(parser)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # as of `ensemble status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, RuntimeError) as error:
        print(f"ensemble: error: {_message(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ensemble: interrupted", file=sys.stderr)
        return 130
    return code


def _message(error: Exception) -> str:
    """In one line, except where a list of problems was laid out over several."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    listed = len(lines) > 1 and lines[0].endswith(":")
    return "\n  ".join(lines) if listed else " ".join(filter(None, lines))


def build_parser() -> Parser:
    """The parser of all commands."""
    parser = Parser(
        prog="ensemble",
        description="Thermal conductivity from ensembles of moment tensor potentials.",
        examples="""\
ensemble plan campaigns/quickstart.toml    # what there is to be done, and what it costs
ensemble launch campaigns/quickstart.toml  # do it; the same command goes on where it stopped
ensemble status runs/quickstart            # how far it is
ensemble results runs/quickstart           # thermal conductivities
ensemble report runs/quickstart            # the same as a page, with figures
ensemble COMMAND --help                    # more about one command""",
    )
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_launch(commands)
    add_plan(commands)
    add_status(commands)
    add_results(commands)
    add_report(commands)
    add_inspect(commands)
    add_logs(commands)
    add_potential(commands)
    add_train(commands)
    add_completion(commands)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"ensemble {version('ensemble')}")
        parser.exit()
