"""The campaign file: what is to be computed, in TOML, read and checked.

``load_campaign``
    The door: a file in, a `Campaign` or one `CampaignError` with all that is wrong out.
``load_cluster``
    The same for a file with a table ``[cluster]`` alone.
``schema``, ``studies``, ``clusters``, ``table``, ``types``, ``known``
    Tables, keys and kinds of values.
``checks``
    What two keys have to do with each other.
``reading``
    TOML, and files of other kinds.
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

from os import PathLike
from pathlib import Path

from ensemble.campaign.checks import check, check_cluster, check_room
from ensemble.campaign.clusters import Cluster, ClusterFile
from ensemble.campaign.errors import CampaignError, Problem
from ensemble.campaign.files import CampaignFiles, find_files
from ensemble.campaign.physics import Difference, diff_physics
from ensemble.campaign.reading import content_of, read_tables, refuse_other_kinds
from ensemble.campaign.schema import Campaign
from ensemble.campaign.translate import checked

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
]


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
    return parse_campaign(content_of(file), file)


def parse_campaign(content: bytes | str, path: Path) -> Campaign:
    """The campaign that a text describes; `path` is for messages and for the paths in it.

    Raises
    ------
    CampaignError
        With all that is wrong with the text.
    """
    tables, text = read_tables(content, path)
    refuse_other_kinds(tables, path, "campaign")
    return checked(lambda: Campaign.of(tables, path, text), check, tables, Campaign, path)


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
    tables, _ = read_tables(content_of(file), file)
    refuse_other_kinds(tables, file, "cluster")
    return checked(
        lambda: ClusterFile.model_validate(tables).cluster, check_cluster, tables, ClusterFile, file
    )


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
