"""The kinds of values that a campaign file holds, each with the words that say what is allowed.

The words are used twice: in the message about a value that is not allowed (`errors`) and in the
page about the campaign file (`reference`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from ensemble.campaign.known import CHEMICAL_SYMBOLS, PAIR_COMMANDS

MAX_SEED = 2**31 - 1
"""LAMMPS reads its random seeds as 32-bit integers."""

MAX_SEED_COUNT = 10_000


WALLTIME = re.compile(r"\d{1,4}:[0-5]\d:[0-5]\d", re.ASCII)
BYTES = re.compile(r"[1-9]\d{0,5}(\.\d{1,6})? ?[kMGT]i?B", re.ASCII)
ADDRESS = re.compile(r"(tcp|tls)://\S+:\d+", re.ASCII)


@dataclass(frozen=True)
class Says:
    """What is allowed, in words."""

    text: str


@dataclass(frozen=True)
class Unit:
    """In what a number is given under ``units = "metal"`` or ``"real"``."""

    symbol: str


Item = TypeVar("Item")


def refuse(reason: str, **context: Any) -> PydanticCustomError:
    """The error of a validator: ``found`` and ``choices`` in the context go into the message."""
    return PydanticCustomError("refused", "{reason}", {"reason": reason, **context})


def _filled(values: Collection[Item]) -> Collection[Item]:
    if not values:
        raise refuse("empty")
    return values


def _distinct(values: tuple[Item, ...]) -> tuple[Item, ...]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise refuse("twice", found=value)
    return values


def _two_at_most(values: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(values) > 2:
        raise refuse("too many", found=values)
    return values


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise refuse("not a line of text")
    return text


def _symbol(text: str) -> str:
    if text not in CHEMICAL_SYMBOLS:
        raise refuse("no chemical symbol", choices=CHEMICAL_SYMBOLS)
    return text


def _pair_command(line: str) -> str:
    word = line.split()[0]
    if word not in PAIR_COMMANDS or line.rstrip().endswith("&"):
        raise refuse("no command of a potential", found=line, word=word, choices=PAIR_COMMANDS)
    return line


def _command_line(text: str) -> str:
    try:
        words = shlex.split(text.replace("{ranks}", "1"))
    except ValueError as error:
        raise refuse("not a command line") from error
    if not words or set("{}") & set("".join(words)):
        raise refuse("not a command line")
    return text


def _word(text: str) -> str:
    if not text.isprintable() or not text or " " in text:
        raise refuse("not a word")
    return text


def _no_macros(line: str) -> str:
    if "$(" in line:
        raise refuse("a macro of condor_submit's")
    return line


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise refuse("not an address")
    return text


def _bytes(text: str) -> str:
    if not BYTES.fullmatch(text):
        raise refuse("not a number of bytes")
    return text


def _walltime(text: str) -> str:
    if not WALLTIME.fullmatch(text) or walltime_seconds(text) == 0:
        raise refuse("not a walltime")
    return text


def walltime_seconds(text: str) -> int:
    """Seconds of ``hours:minutes:seconds``."""
    hours, minutes, seconds = map(int, text.split(":"))
    return 3600 * hours + 60 * minutes + seconds


def _seed_list(value: object) -> object:
    """A count n means the seeds 1, 2, ..., n: a larger count keeps the runs of a smaller one."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SEED_COUNT:
        return tuple(range(1, value + 1))
    return value


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _one_number(value: object) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (value,) if number else value


def _automatic(value: object) -> object:
    return None if value == "auto" else value


Filled = Annotated[tuple[Item, ...], Strict(False), AfterValidator(_filled)]
"""A TOML list with something in it."""

Listed = Annotated[Filled[Item], AfterValidator(_distinct)]
"""A TOML list with something in it and nothing twice."""

Finite = Annotated[float, Field(allow_inf_nan=False), Says("a number")]
NonNegative = Annotated[Finite, Field(ge=0), Says("a number, not negative")]
Positive = Annotated[Finite, Field(gt=0), Says("a positive number")]
Positives = Annotated[Listed[Positive], Says("a list of positive numbers, none twice")]
Fraction = Annotated[Finite, Field(gt=0, lt=1), Says("a number between 0 and 1")]

Lattice = Annotated[
    Filled[Positive],
    AfterValidator(_two_at_most),
    BeforeValidator(_one_number),
    Says("a positive number, or [a, c]"),
    Unit("Å"),
]

Femtoseconds = Annotated[Positive, Unit("fs")]
Picoseconds = Annotated[Positive, Unit("ps")]

Count = Annotated[int, Field(ge=1, le=10_000), Says("a whole number from 1 to 10000")]
Bins = Annotated[int, Field(ge=8, le=10_000, multiple_of=2), Says("an even number from 8 to 10000")]
Seed = Annotated[int, Field(ge=1, le=MAX_SEED), Says(f"a whole number from 1 to {MAX_SEED}")]
Seeds = Annotated[
    Listed[Seed],
    BeforeValidator(_seed_list),
    Says(
        f"how many (1 to {MAX_SEED_COUNT}), or a list of whole numbers from 1 to {MAX_SEED}, "
        "none twice"
    ),
]
Cells = Annotated[
    tuple[Count, Count, Count],
    Strict(False),
    Says("[nx, ny, nz], whole numbers from 1 to 10000"),
]
Supercells = Annotated[
    Listed[Cells], Says("a list of [nx, ny, nz], whole numbers from 1 to 10000, none twice")
]

Text = Annotated[str, AfterValidator(_printable), Says("a line of text")]
Texts = Annotated[
    Listed[Text], BeforeValidator(_one_or_more), Says("a line of text, or a list of them")
]
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$", max_length=80),
    Says("a name of letters, digits, - + and _, 80 at most"),
]
Variable = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Says("the name of an environment variable: letters, digits and _"),
]
Environment = Annotated[dict[Variable, Text], Says("a table of names and texts")]
Named = Annotated[dict[Name, Item], AfterValidator(_filled)]
"""TOML tables by name, at least one."""

Symbol = Annotated[str, AfterValidator(_symbol), Says("a chemical symbol")]
Species = Annotated[Listed[Symbol], Says("a list of chemical symbols, none twice")]
Framework = Annotated[
    tuple[Symbol, ...],
    Strict(False),
    AfterValidator(_distinct),
    Says("a list of chemical symbols, none twice; [] for none"),
]
Masses = Annotated[dict[Symbol, Positive], Says("a table of chemical symbols and positive numbers")]
Command = Annotated[
    Text,
    AfterValidator(_command_line),
    Says("a command line; {ranks} in it stands for the number of ranks"),
]
PairCommand = Annotated[
    Text,
    AfterValidator(_pair_command),
    Says(f"one of the LAMMPS commands {', '.join(PAIR_COMMANDS)}, all on one line"),
]
PairCommands = Annotated[Filled[PairCommand], Says("a list of LAMMPS commands, pair_style first")]
Window = Annotated[
    Annotated[tuple[NonNegative, NonNegative], Strict(False)] | None,
    BeforeValidator(_automatic),
    Says('"auto", or [from, to] with 0 <= from < to'),
    Unit("ps"),
]

NoCount = Annotated[int, Field(ge=0, le=10_000), Says("a whole number from 0 to 10000")]
Seconds = Annotated[Positive, Unit("s")]
Word = Annotated[str, AfterValidator(_word), Says("text without blanks")]
Lines = Annotated[tuple[Text, ...], Strict(False), Says("a list of lines of text")]
LineWithoutMacros = Annotated[
    Text,
    AfterValidator(_no_macros),
    Says('a line of text without "$(", which condor_submit would replace'),
]
LinesWithoutMacros = Annotated[
    tuple[LineWithoutMacros, ...], Strict(False), Says("a list of lines of text")
]
Address = Annotated[str, AfterValidator(_address), Says('such as "tcp://10.0.0.1:8786"')]
Bytes = Annotated[str, AfterValidator(_bytes), Says('a number and kB, MB, GB or TB: "8 GB"')]
Walltime = Annotated[
    str,
    AfterValidator(_walltime),
    Says('hours, minutes and seconds in quotes, such as "04:00:00"'),
]
Switch = Annotated[bool, Says("true or false")]
Submission = Annotated[dict[Word, Text | int], Says("a table of names and texts")]

Units = Literal["metal", "real", "lj"]
Axis = Literal["x", "y", "z"]
