"""Records of a training in JSON files, which people may have edited or a disk may have spoiled."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

__all__ = ["Record", "RecordError", "read_record", "read_records"]

Record = dict[str, Any]
"""In JSON's types."""


class RecordError(ValueError):
    """A record that is not what was written."""


def read_record(file: Path, keys: Collection[str] = ()) -> Record:
    """A table in a file.

    Parameters
    ----------
    keys
        Those that it must have.

    Raises
    ------
    RecordError
        With the file, and what it lacks.
    OSError
        It cannot be read.
    """
    return _checked(_content(file), keys, f"{file}")


def read_records(file: Path, keys: Collection[str] = ()) -> list[Record]:
    """A list of tables in a file.

    Raises
    ------
    RecordError, OSError
        As `read_record`.
    """
    found = _content(file)
    if not isinstance(found, list):
        raise _damaged(f"{file}", "no list of tables")
    return [_checked(one, keys, f"{file}: #{number}") for number, one in enumerate(found, 1)]


def _content(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except ValueError as error:
        raise _damaged(f"{file}", f"no JSON: {error}") from error


def _checked(found: Any, keys: Collection[str], where: str) -> Record:
    if not isinstance(found, dict):
        raise _damaged(where, "no table")
    if missing := [key for key in keys if key not in found]:
        raise _damaged(where, f"no key {' and no '.join(missing)}")
    return found


def _damaged(where: str, what: str) -> RecordError:
    return RecordError(f"{where}: damaged, {what}; put the file that was written back")
