"""TOML files, read; and told what they are where they are something else than was asked for."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from ensemble.campaign.errors import CampaignError

__all__ = ["content_of", "read_tables", "refuse_other_kinds"]

DEPTH = 16
"""Tables and lists inside one another; a campaign needs five."""

TOO_DEEP = f"nobody wrote that: more than {DEPTH} tables or lists inside one another"

Kind = Literal["campaign", "training", "cluster"]
"""Of a file, by the table that no other kind has; of a cluster's it is the only one."""

WHAT: dict[Kind, str] = {
    "campaign": "a campaign, which `ensemble launch` and `ensemble plan` take",
    "training": "a training file, which `ensemble train` takes",
    "cluster": "a table [cluster] and nothing else, which `--cluster` takes behind a campaign",
}


def content_of(path: Path) -> bytes:
    """What is in a file.

    Raises
    ------
    CampaignError
        It is a folder.
    OSError
        It cannot be read; where it is not there, the message names one that may be meant.
    """
    if (path / "data.zarr").is_dir():
        raise CampaignError(
            path, reason="a store, which `ensemble status` and `ensemble results` take; not a file"
        )
    if path.is_dir():
        raise CampaignError(path, reason="a folder, not a file")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        beside = [entry.name for entry in path.parent.glob("*.toml")]
        if near := get_close_matches(path.name, beside, n=1):
            error.strerror = f"{error.strerror}; did you mean {path.with_name(near[0])}?"
        raise


def read_tables(content: bytes | str, path: Path) -> tuple[dict[str, Any], str]:
    """The tables of a TOML text, and the text; `path` is for messages.

    Raises
    ------
    CampaignError
        It is not TOML, or nothing that anybody would write by hand.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise CampaignError(path, reason=f"not UTF-8 text: byte {error.start}") from error
    except ValueError as error:
        raise CampaignError(path, reason=f"not TOML: {error}") from error
    except RecursionError as error:
        raise CampaignError(path, reason=TOO_DEEP) from error
    if reason := _beyond_limits(tables):
        raise CampaignError(path, reason=reason)
    return tables, text


def refuse_other_kinds(tables: dict[str, Any], path: Path, wanted: Kind) -> None:
    """Say what a file is that was meant for another command: to list all its keys would not help.

    Raises
    ------
    CampaignError
        It is of another kind.
    """
    if wanted in tables and wanted != "cluster":
        return
    if "campaign" in tables:
        raise CampaignError(path, reason=WHAT["campaign"])
    if "training" in tables:
        raise CampaignError(path, reason=WHAT["training"])
    if set(tables) == {"cluster"} and wanted != "cluster":
        raise CampaignError(path, reason=WHAT["cluster"])


def _beyond_limits(tables: dict[str, Any]) -> str:
    """Why such tables are not looked at, or nothing. Whole numbers have 64 bits in TOML, but not
    in Python.
    """
    stack: list[tuple[object, int]] = [(tables, 0)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return f"not TOML: a whole number of {value.bit_length()} bits, 64 are allowed"
        if isinstance(value, dict | list):
            if depth == DEPTH:
                return TOO_DEEP
            inside = value.values() if isinstance(value, dict) else value
            stack += [(item, depth + 1) for item in inside]
    return ""
