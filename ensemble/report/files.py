"""The report's files put in place: each whole, the figures first, the page last."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.report.page import Rendered
from ensemble.store.files import write_if_new

__all__ = ["Written", "write_files"]

LIST = "figures.json"
"""Names, captions and alternative texts of the figures in a folder."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where a report is."""

    page: Path
    figures: Path
    """The folder."""
    count: int
    """Of the figures, each of which is there twice."""


def write_files(
    target: Path, pictures: Mapping[str, Rendered], page: Callable[[str], str]
) -> Written:
    """Put a report in place; figures of an earlier one that this one has not are removed.

    Parameters
    ----------
    target
        As `write_report` takes it.
    page
        The page, given the name of the folder of the figures.

    Raises
    ------
    DiskFull, ReadOnly, OSError
        It cannot be written.
    """
    alone = target.suffix == ".html" and not target.is_dir()
    path = target if alone else target / "index.html"
    folder = path.with_name(f"{path.stem}-figures") if alone else target / "figures"
    earlier = _listed(folder)
    for name, one in pictures.items():
        write_if_new(folder / f"{name}.svg", one.svg)
        write_if_new(folder / f"{name}.png", one.png)
    listed = {
        name: {"caption": one.picture.caption, "alt": one.picture.alt}
        for name, one in pictures.items()
    }
    text = json.dumps(listed, indent=1, ensure_ascii=False)
    write_if_new(folder / LIST, text.encode())
    write_if_new(path, page(folder.name).encode())
    for name in earlier.keys() - pictures.keys():
        for ending in (".svg", ".png"):
            with suppress(FileNotFoundError):
                (folder / f"{Path(name).name}{ending}").unlink()
    return Written(page=path, figures=folder, count=len(pictures))


def _listed(folder: Path) -> dict[str, Any]:
    """The figures that an earlier report has put into a folder."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / LIST).read_bytes())
        return found if isinstance(found, dict) else {}
    return {}
