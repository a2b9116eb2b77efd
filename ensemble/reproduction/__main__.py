"""``python -m ensemble.reproduction``: collect the tables, write the document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ensemble.cli.parser import Parser
from ensemble.reproduction import collect, price, write
from ensemble.store.errors import StoreMissing

CAMPAIGNS = ("cu195se-small", "mg2sn-small", "mg3sb2-small")
"""Whose stores are looked for."""

IN_FULL = ("cu195se", "mg2sn", "mg3sb2")
"""Whose price is found out."""


def build_parser() -> Parser:
    """The parser of the command line."""
    parser = Parser(
        prog="python -m ensemble.reproduction",
        description="""\
Collect small tables from the stores of the reproduction's campaigns, and write the document about
them from these tables. A store that is not there leaves its tables as they are, and so does one
that has fewer runs than they; otherwise one whose campaign is not done yet gives what it has. The
document can be written again without any store.""",
        examples="""\
python -m ensemble.reproduction
python -m ensemble.reproduction --stores /scratch/runs
python -m ensemble.reproduction --write-only""",
    )
    parser.add_argument(
        "--stores", type=Path, default=Path("runs"), help="folder of the stores (default: runs)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("docs/reproduction"),
        help="folder of the tables; the document is beside it, with .md behind its name "
        "(default: docs/reproduction)",
    )
    parser.add_argument(
        "--campaigns",
        type=Path,
        default=Path("campaigns"),
        help="folder of the campaigns in full (default: campaigns)",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure the speeds of the models for the price of the campaigns in full; by default "
        "they follow from the sizes of the models",
    )
    parser.add_argument(
        "--write-only",
        action="store_true",
        help="write the document from the tables that are there",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do both; returns the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        if not arguments.write_only:
            _collect(arguments)
        print(write(arguments.output))
    except (ValueError, OSError, RuntimeError) as error:
        print(f"ensemble.reproduction: error: {_message(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ensemble.reproduction: interrupted", file=sys.stderr)
        return 130
    return 0


def _collect(arguments: argparse.Namespace) -> None:
    for name in CAMPAIGNS:
        store = arguments.stores / name
        try:
            collect(store, arguments.output / name, say=_say)
        except StoreMissing:
            _say(f"{store}: no store; its tables stay as they are")
    files = [arguments.campaigns / f"{name}.toml" for name in IN_FULL]
    price(files, arguments.stores, arguments.output, measure=arguments.measure)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
