"""The folder of what is half done: of one training file, and of one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ensemble.plan.fingerprint import hash_of_structure
from ensemble.store.files import make_folder, write_atomically
from ensemble.training.records import read_record
from ensemble.training.settings import Training
from ensemble.training.teacher import telling_arguments

__all__ = ["CHOSEN", "TEST", "WorkplaceError", "workplace"]

ASKED = "asked.json"

TEST, CHOSEN = "test", "chosen.xyz"
"""Folder of the test trajectories, and the file of what came of them: once it is there, what the
table of the same name asks for is done."""

FILES = "files"
"""Table of what the files say that the others name; there only where they name any."""

MAY_CHANGE = {"explore": {"rounds", "frames", "known"}, "fit": {"steps"}}
"""Keys by tables: what they say decides how far a search goes, not what it does."""


class WorkplaceError(ValueError):
    """A folder that cannot be worked in."""


@contextmanager
def workplace(training: Training, folder: Path) -> Iterator[Path]:
    """Work in a folder, alone, on what was begun there with the same settings and files.

    The test may be another one until its trajectories are done.

    Raises
    ------
    WorkplaceError
        Another process works there, or something was begun with other settings or files.
    OSError
        The folder cannot be made or written to, or a file that is named cannot be read.
    """
    make_folder(folder)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkplaceError(f"{folder}: another training works there; --work") from error
        _check(training, folder / ASKED)
        yield folder
    finally:
        os.close(descriptor)


def _check(training: Training, file: Path) -> None:
    asked, said = _asked(training), _said(training)
    if file.exists():
        before = read_record(file)
        said_before = before.get(FILES, {})
        changed = _changed(before, asked)
        other_test = [key for key in changed if key.startswith(f"{TEST}.")]
        if not (file.parent / TEST / CHOSEN).exists():
            changed = [key for key in changed if key not in other_test]
        edited = [key for key, found in said.items() if said_before.get(key, found) != found]
        said = said_before | said
        differs = [f"another {' and '.join(changed)} than {training.path} has now"] * bool(changed)
        differs += [f"other contents of the file that {key} names" for key in edited]
        if differs:
            raise WorkplaceError(
                f"{file.parent}: begun with {', and '.join(differs)}; take it back, or work "
                "elsewhere: --work"
            )
        if other_test:  # a model and trajectories that nobody wants any more
            shutil.rmtree(file.parent / TEST, ignore_errors=True)
    written = asked | ({FILES: said} if said else {})
    write_atomically(file, (json.dumps(written, indent=1) + "\n").encode())


def _changed(before: dict[str, Any], asked: dict[str, dict[str, Any]]) -> list[str]:
    """Keys that say something else now, are new, or are there no more; such as ``fit.cutoff``."""
    found = []
    for table, keys in asked.items():
        old = before.get(table, {})
        missing = old.keys() - keys.keys() - MAY_CHANGE.get(table, set())
        differing = [key for key in keys if old.get(key) != keys[key]]
        found += [f"{table}.{key}" for key in [*differing, *sorted(missing)]]
    return found


def _asked(training: Training) -> dict[str, dict[str, Any]]:
    """What decides the search, by tables, in JSON's types."""
    tables = training.model_dump(mode="json", by_alias=True)
    asked = {"training": {"species": tables["training"]["species"]}}
    for name in ("material", "teacher", "explore", "committee", "fit", "test"):
        free = MAY_CHANGE.get(name, set())
        asked[name] = {key: value for key, value in tables[name].items() if key not in free}
    teacher = asked["teacher"]
    teacher["arguments"] = telling_arguments(training.teacher.arguments)
    # Folders that are older than the key do not have it.
    if others := teacher.pop("plus"):
        told = [one | {"arguments": telling_arguments(one["arguments"])} for one in others]
        teacher["plus"] = told
    return asked


def _said(training: Training) -> dict[str, str]:
    """Fingerprints of the files that decide the search, by the keys that name them. One that is
    missing has none: whoever needs it says so.
    """
    named = {f"material.{name}.structure": m.structure for name, m in training.materials.items()}
    named["explore.labelled"] = training.explore.labelled
    folder = training.path.parent
    paths = {key: folder / name for key, name in named.items() if name is not None}
    return {key: hash_of_structure(path) for key, path in paths.items() if path.exists()}
