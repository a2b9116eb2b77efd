"""Results of groups of runs, kept in the store until their data, the settings or the code change.

A file for each group and each way to reduce it: ``STORE/work/results/<study>/<group>-….json``, with
a key that is made from all that decides its content. Samples are told by the names, sizes and times
of their files, for which nothing has to be read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from ensemble.results.findings import Reduced
from ensemble.results.groups import Group
from ensemble.results.settings import Way
from ensemble.store.info import StoreInfo
from ensemble.store.layout import chunk_name

__all__ = ["Cache"]

LOGGER = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]

CODE = (
    "plan/channels.py",
    "plan/segments.py",
    "reduction",
    "results",
    "store/commit.py",
    "units.py",
)
"""Where what decides a result is written, in the package."""


class Cache:
    """The results that a store keeps."""

    def __init__(self, info: StoreInfo) -> None:
        self._info = info
        self._writable = True
        self._writable_lock = threading.Lock()

    def result(self, group: Group, way: Way, make: Callable[[], Reduced]) -> Reduced:
        """What is known of a group, or else what is made now; the latter is kept if it can be."""
        try:
            key = self._key(group, way)
        except OSError:
            return make()
        path = self.path(group, way)
        known = _read(path, key)
        if known is not None:
            return known
        made = make()
        if not made.passing:
            self._keep(path, {"key": key, "reduced": made.as_json()})
        return made

    def kept(self, group: Group, way: Way) -> Reduced | None:
        """What is known of a group; None where nothing is, or its data have changed since."""
        with suppress(OSError):
            return _read(self.path(group, way), self._key(group, way))
        return None

    def path(self, group: Group, way: Way) -> Path:
        """The file that the result of a group is kept in."""
        words = [group.name, way.estimator, *["components"] * way.components]
        return self._info.paths.results(group.study) / f"{'-'.join(words)}.json"

    def _keep(self, path: Path, kept: dict[str, Any]) -> None:
        """Put a file in place whole. It need not outlive a power cut, so nothing is flushed."""
        if not self._writable:
            return
        aside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(kept))
            os.replace(aside, path)
        except OSError as error:
            # Said once, not for every group; groups are reduced by several threads.
            with self._writable_lock:
                first, self._writable = self._writable, False
            if first:
                LOGGER.warning("results are not kept: %s: %s", path.parent, error.strerror)
            with suppress(OSError):
                aside.unlink()

    def _key(self, group: Group, way: Way) -> str:
        study = self._info.studies[group.study]
        facts = [
            _code(),
            asdict(way),
            self._info.units,
            study.row_time,
            study.rows_per_segment,
            study.segments_of(group),
            [(channel.name, channel.units) for channel in study.channels],
            list(self._files(group)),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _files(self, group: Group) -> Iterator[tuple[str, int, int]]:
        """Name, size and time of every file of samples."""
        folder = os.fspath(self._info.paths.samples(group.study))
        segments = self._info.studies[group.study].segments_of(group)
        for index, _ in group.done:
            for part in range(segments):
                name = chunk_name((*index, part, 0))
                found = os.stat(f"{folder}/{name}")
                yield name, found.st_size, found.st_mtime_ns


def _read(path: Path, key: str) -> Reduced | None:
    """A result with this key; None where there is none, or the file is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_bytes())
        if kept["key"] == key:
            return Reduced.from_json(kept["reduced"])
    return None


@cache
def _code() -> str:
    """A hash of the code that makes results."""
    digest = hashlib.sha256()
    for name in CODE:
        path = PACKAGE / name
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()
