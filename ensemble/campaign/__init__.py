"""The campaign file: what is to be computed, in TOML, read and checked.

``load_campaign``
    The door: a file in, a `Campaign` or one `CampaignError` with all that is wrong out.
``load_cluster``
    The same for a file with a table ``[cluster]`` alone.
``schema``, ``studies``, ``clusters``, ``table``, ``types``, ``known``
    Tables, keys and kinds of values.
``checks``
    What two keys have to do with each other.
``errors``, ``translate``
    Problems in words.
``files``
    The potentials and structures that a campaign names, found on disk.
``physics``
    What decides the numbers, and how two campaigns differ in it.
``reference``
    The page docs/campaign-file.md.
"""

from __future__ import annotations

import tomllib
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ensemble.campaign.checks import check, check_cluster, check_room
from ensemble.campaign.clusters import Cluster, ClusterFile
from ensemble.campaign.errors import CampaignError, Problem
from ensemble.campaign.files import CampaignFiles, find_files
from ensemble.campaign.physics import Difference, diff_physics
from ensemble.campaign.schema import Campaign
from ensemble.campaign.translate import problems_of

__all__ = [
    "Campaign",
    "CampaignError",
    "CampaignFiles",
    "Difference",
    "Problem",
    "diff_physics",
    "find_files",
    "load_campaign",
    "load_cluster",
    "on_cluster",
    "parse_campaign",
    "read_tables",
]


DEPTH = 16
"""Tables and lists inside one another; a campaign needs five."""

TOO_DEEP = f"nobody wrote that: more than {DEPTH} tables or lists inside one another"


def load_campaign(path: str | PathLike[str]) -> Campaign:
    """Read and check a campaign file. The files that it names are not looked for: `find_files`.

    Raises
    ------
    CampaignError
        With all that is wrong with the file.
    OSError
        It cannot be read.
    """
    file = Path(path)
    return parse_campaign(file.read_bytes(), file)


def parse_campaign(content: bytes | str, path: Path) -> Campaign:
    """The campaign that a text describes; `path` is for messages and for the paths in it.

    Raises
    ------
    CampaignError
        With all that is wrong with the text.
    """
    tables, text = read_tables(content, path)
    try:
        campaign = Campaign.of(tables, path, text)
    except ValidationError as error:
        raise CampaignError(path, problems_of(error, tables)) from error
    problems = tuple(check(campaign))
    if problems:
        raise CampaignError(path, problems)
    return campaign


def load_cluster(path: str | PathLike[str]) -> Cluster:
    """Read and check a file with a table ``[cluster]`` and nothing else.

    Raises
    ------
    CampaignError
        With all that is wrong with the file.
    OSError
        It cannot be read.
    """
    file = Path(path)
    tables, _ = read_tables(file.read_bytes(), file)
    try:
        cluster = ClusterFile.model_validate(tables).cluster
    except ValidationError as error:
        raise CampaignError(file, problems_of(error, tables, ClusterFile)) from error
    if problems := tuple(check_cluster(cluster)):
        raise CampaignError(file, problems)
    return cluster


def on_cluster(campaign: Campaign, path: str | PathLike[str]) -> Campaign:
    """A campaign with the ``[cluster]`` of another file in place of its own.

    Raises
    ------
    CampaignError
        Something is wrong with that file, or it has no room for the campaign's runs.
    OSError
        It cannot be read.
    """
    campaign = campaign.on(load_cluster(path))
    if problems := tuple(check_room(campaign)):
        raise CampaignError(Path(path), problems)
    return campaign


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
