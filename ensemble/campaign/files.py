"""The potentials and structures that a campaign names, found on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from ensemble.campaign.checks import unknown
from ensemble.campaign.errors import CampaignError, Problem, show
from ensemble.campaign.schema import Campaign, LammpsModels, MtpModels
from ensemble.campaign.studies import Rerun

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
"""Of potentials: they stand in input scripts as they are, and in the names of folders with more
behind them, which may have 255 characters."""

FILE_NAMES = (
    "a file name of letters, digits and _ . + -, a letter or digit first, 100 characters at most"
)


@dataclass(frozen=True)
class CampaignFiles:
    """Absolute paths of what a campaign is made of besides its own file."""

    models: dict[str, tuple[Path, ...]]
    """Files of each model: one of style ``mtp``, those listed (or none) of style ``lammps``."""

    structures: dict[str, Path]
    """Structure file of each material that has one."""


def find_files(campaign: Campaign) -> CampaignFiles:
    """Find the files of models and structures. Their contents are not looked at.

    Raises
    ------
    CampaignError
        With all that is missing or ambiguous, and the models that a study asks for in vain.
    """
    models: dict[str, tuple[Path, ...]] = {}
    if isinstance(campaign.models, MtpModels):
        problems = [*_find_potentials(campaign, campaign.models, models)]
        if models:
            problems += _check_subsets(campaign, models)
    else:
        problems = [*_find_listed(campaign, campaign.models, models)]
    structures = {
        name: _path(campaign, material.structure)
        for name, material in campaign.materials.items()
        if material.structure is not None
    }
    for name, path in structures.items():
        problems += _check_file(f"material.{name}.structure", path)
    if problems:
        raise CampaignError(campaign.path, problems)
    return CampaignFiles(models, structures)


def _find_potentials(
    campaign: Campaign, models: MtpModels, found: dict[str, tuple[Path, ...]]
) -> Iterator[Problem]:
    folder, key = campaign.path.resolve().parent, "models.files"
    for pattern in models.files:
        paths = [folder / name for name in sorted(glob(pattern, root_dir=folder, recursive=True))]
        files = [path for path in paths if path.is_file()]
        if not files:
            finding = f"found {show(pattern)}, which matches no file in {folder}"
            yield Problem(key, finding, "paths or patterns of .mtp and .almtp files")
        for path in files:
            name = path.stem
            other = found.setdefault(name, (path,))[0]
            if other != path:
                yield Problem(key, f"found {other} and {path}", "a name of its own for each")
            elif not FILE_NAME.fullmatch(path.name):
                yield Problem(key, f"found {path}", FILE_NAMES)


def _find_listed(
    campaign: Campaign, models: LammpsModels, found: dict[str, tuple[Path, ...]]
) -> Iterator[Problem]:
    for model in models.model:
        key = f"models.model.{model.name}.files"
        paths = found[model.name] = tuple(_path(campaign, file) for file in model.files or ())
        for path in paths:
            yield from _check_file(key, path)
            if not FILE_NAME.fullmatch(path.name):
                yield Problem(key, f"found {show(path.name)}", FILE_NAMES)
        names = [path.name for path in paths]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem(key, f"found two files {show(name)}", "a name of its own for each")


def _check_subsets(campaign: Campaign, models: dict[str, tuple[Path, ...]]) -> Iterator[Problem]:
    for study in campaign.studies:
        for name in study.models or ():
            yield from unknown(f"study.{study.name}.models", name, models)
        if isinstance(study, Rerun):
            yield from unknown(f"study.{study.name}.source.model", study.source.model, models)


def _path(campaign: Campaign, name: str) -> Path:
    return campaign.path.resolve().parent / name


def _check_file(key: str, path: Path) -> Iterator[Problem]:
    if not path.is_file():
        yield Problem(key, f"found {path}, which is not there", "a file")
