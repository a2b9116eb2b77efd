"""What goes to stdout: for people, with colours on a terminal alone; or as JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH = 200
"""Of what is no terminal, in columns: as wide as tables want to be."""


def console() -> Console:
    """Of stdout. Rich sees to it that there are no colours where ``NO_COLOR`` is set."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(width=WIDTH, soft_wrap=True, highlight=False, force_terminal=False)


def show(renderable: RenderableType) -> None:
    """To a terminal in its width; elsewhere as wide as it wants to be."""
    console().print(renderable, markup=False)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """A value as one JSON document; what is no finite number, JSON has no word for: null."""
    text = json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
    print(text, flush=True)


def _plain(value: Any) -> Any:
    """In JSON's types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
