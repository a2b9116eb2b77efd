"""What all commands share: the parser, the form of its help and of an error, types of arguments."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from textwrap import indent
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]  # what add_subparsers() returns

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

EXIT_STATUS: Mapping[int, str] = MappingProxyType(
    {
        0: "done",
        1: "an error, which one message on stderr tells",
        2: "a wrong command line",
        130: "interrupted, by Ctrl-C",
    }
)
"""Of every command, where it says nothing else."""

Completer = Callable[..., Iterable[str]]
"""What gives the words that an argument may be; called as argcomplete does."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose help teaches, keeps its line breaks, and whose errors are one line.

    Parameters
    ----------
    examples
        Command lines, with which the help ends.
    exit_status
        What the statuses mean, where that is not as in `EXIT_STATUS`.
    """

    def __init__(
        self, *, examples: str = "", exit_status: Mapping[int, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )
        self.examples = examples
        self.exit_status = dict(sorted({**EXIT_STATUS, **(exit_status or {})}.items()))
        if self.epilog is None:
            statuses = "\n".join(f"{code:<4} {said}" for code, said in self.exit_status.items())
            self.epilog = f"exit status:\n{indent(statuses, '  ')}\n\nexamples:\n" + indent(
                examples, "  "
            )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As the base class, but what is not known is an error here, where the command is known,
        and not of the program above.
        """
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            meant = get_close_matches(unknown[0], self._option_string_actions, n=1)
            hint = f"; did you mean {meant[0]}?" if meant else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def add_json(parser: argparse._ActionsContainer) -> None:
    """The switch ``--json``, which means the same everywhere."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON on stdout, and nothing else there"
    )


def complete_by(action: argparse.Action, completer: Completer) -> None:
    """Have the shell complete an argument."""
    looked_at: Any = action  # by argcomplete, for an attribute that argparse does not know
    looked_at.completer = completer


def add_campaign(parser: Parser) -> None:
    """The argument that names a campaign file."""
    complete_by(parser.add_argument("campaign", type=Path, help="a campaign file"), toml_files)


def add_cluster(parser: Parser) -> None:
    """The options that name a cluster, and how much of it."""
    cluster = parser.add_argument(
        "--cluster",
        type=Path,
        metavar="FILE",
        help="a file with [cluster], for the campaign's own",
    )
    complete_by(cluster, toml_files)
    parser.add_argument("--workers", type=positive, help="workers at a time")


def toml_files(prefix: str, **_: Any) -> Iterable[str]:
    """Completes names of TOML files."""
    from argcomplete.completers import FilesCompleter

    found: Iterable[str] = FilesCompleter(("toml",))(prefix)
    return found


def positive(text: str) -> int:
    """The type of an argument that is a positive whole number."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a positive whole number")
    return int(text)


def rate(text: str) -> float:
    """The type of an argument that is a number from 0 on."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: must be a number, 0 or more")
    return value


def duration(text: str) -> float:
    """The type of an argument that is a time, in seconds: 90s, 30min, 4h, 1.5d, 04:00:00."""
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)(s|min|h|d)", text):
        seconds = float(found[1]) * SECONDS[found[2]]
    elif found := re.fullmatch(r"(\d+):(\d\d):(\d\d)", text):
        hours, minutes, rest = map(int, found.groups())
        seconds = 3600.0 * hours + 60 * minutes + rest
    else:
        seconds = 0.0
    if not seconds:
        raise argparse.ArgumentTypeError(
            f"{text}: must be a time such as 30min, 4h, 2d or 04:00:00"
        )
    return seconds
