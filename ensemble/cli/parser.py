"""What all commands share: the parser and the form of an error."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]  # what add_subparsers() returns

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Parser(argparse.ArgumentParser):
    """An argument parser whose help keeps its line breaks and whose errors are one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs
        )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


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
