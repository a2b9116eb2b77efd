"""What is wrong with a campaign file: the key, what was found, what is allowed, the nearest key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

LONGEST = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    key: str
    """Dotted, as in TOML; a study goes by its name."""

    finding: str
    """What was found there."""

    allowed: str
    """What would do."""

    nearest: str = ""
    """The key or choice that may have been meant."""

    def __str__(self) -> str:
        meant = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.key}: {self.finding}; allowed: {self.allowed}{meant}"


class CampaignError(ValueError):
    """A campaign file that cannot be used.

    Attributes
    ----------
    path : Path
        The file.
    problems : tuple of Problem
        All that is wrong with it; empty where it is not TOML at all.
    """

    def __init__(self, path: Path, problems: Iterable[Problem] = (), reason: str = "") -> None:
        self.path = path
        self.problems = tuple(problems)
        lines = [reason] if reason else [str(problem) for problem in self.problems]
        if len(lines) == 1:
            super().__init__(f"{path}: {lines[0]}")
        else:
            listed = "".join(f"\n  {n}. {line}" for n, line in enumerate(lines, 1))
            super().__init__(f"{path}: {len(lines)} errors:{listed}")
        self._made_of = path, self.problems, reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._made_of


def nearest(word: object, choices: Iterable[str]) -> str:
    """The choice that looks most like a word, in quotes, or nothing."""
    if not isinstance(word, str):
        return ""
    by_small_letters = {choice.casefold(): choice for choice in reversed(list(choices))}
    matches = get_close_matches(word.casefold()[:200], by_small_letters, n=1, cutoff=0.6)
    return quote(by_small_letters[matches[0]]) if matches else ""


def one_of(choices: Iterable[str]) -> str:
    """Names in words."""
    quoted = [quote(choice) for choice in choices]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))


def quote(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def bare(key: str) -> str:
    """A TOML key, in quotes where it needs them."""
    plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if plain else _shorten(quote(key))


def show(value: Any, longest: int = LONGEST) -> str:
    """A value about as TOML writes it, in so many characters at most."""
    return _shorten(_show(value), longest)


def _shorten(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _show(value: Any) -> str:
    if isinstance(value, str):
        return quote(value[: LONGEST + 1])
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, date | datetime | time):
        return f"the date or time {value.isoformat()}"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{bare(str(k))} = {_show(v)}" for k, v in list(value.items())[:LONGEST])
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_show(item) for item in value[:LONGEST])}]"
    return str(value)
