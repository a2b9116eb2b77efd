"""A segment's record, restart file and rows, put in place.

The order matters: record, restart file, chunk. **The chunk is the commit** of a segment that
samples, the restart file that of one that does not. Who is killed between two of them has computed
in vain, and the next attempt computes the same again: a segment is decided by the restart file
before it, its random seeds by its number.

A crash of the whole machine may undo what was written last, but not the order: a chunk is on the
disk before it is in place, for nobody could tell that it is damaged; and nothing older is removed
before the state, which its record can tell, and the name of the chunk are on the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Recipe, Run, Segment
from ensemble.store.errors import NotReproducible, StoreError, explained
from ensemble.store.files import flush, write_durably
from ensemble.store.layout import StorePaths, record_name, restart_name

if TYPE_CHECKING:
    import numpy as np
    from numcodecs.zstd import Zstd
    from numpy.typing import NDArray

ZSTD_LEVEL = 1
"""Of the samples. Heat flux is noise in most of its digits: higher levels gain under 1 %."""

RESTART_HASH = "restart_sha256"
"""In a record: what the restart file has to be."""

BLOCK = 65536
"""Bytes that are hashed at a time: most restart files are small."""

ATTEMPT = "attempt-"
OF_SEGMENT = re.compile(r"segment-(\d+)\.(restart|json|in|log)")
STATE = {"restart", "json"}


def encode_chunk(rows: NDArray[np.float64]) -> bytes:
    """The file of a chunk: what Zarr writes for the codecs that `ensemble.store.arrays` declares.

    Parameters
    ----------
    rows
        Shape (rows_per_segment, channels).
    """
    return bytes(_compressor().encode(rows.astype("<f8", order="C")))


def read_chunk(path: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Back from `encode_chunk`.

    Raises
    ------
    FileNotFoundError
        That segment is not committed.
    StoreError
        The file is damaged.
    """
    import numpy as np

    try:
        rows = np.frombuffer(_compressor().decode(path.read_bytes()), dtype="<f8").reshape(shape)
    except (ValueError, RuntimeError) as error:
        message = "not the chunk that was written; remove it, and the segment is computed again"
        raise StoreError(path, message) from error
    return rows.astype(np.float64, copy=False)


def new_attempt(paths: StorePaths, run: Run, token: str) -> Path:
    """An empty folder for an attempt at a run; what is left of earlier ones goes.

    Only for who holds the run's lease.

    Raises
    ------
    DiskFull, ReadOnly
        It cannot be made.
    """
    folder = paths.run(run)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        clear_attempts(paths, run)
        attempt = folder / f"{ATTEMPT}{token}"
        attempt.mkdir()
    return attempt


@contextmanager
def attempt_folder(paths: StorePaths, run: Run, token: str) -> Iterator[Path]:
    """As `new_attempt`, and the folder goes in the end.

    Raises
    ------
    DiskFull, ReadOnly
        As there.
    """
    attempt = new_attempt(paths, run, token)
    try:
        yield attempt
    finally:
        shutil.rmtree(attempt, ignore_errors=True)


def empty(attempt: Path) -> None:
    """Remove what is in the folder of an attempt, as far as the disk allows."""
    with suppress(OSError):
        for entry in os.scandir(attempt):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry, ignore_errors=True)
            else:
                os.unlink(entry)


def clear_attempts(paths: StorePaths, run: Run) -> None:
    """Remove what attempts at a run have left. Only for who holds the run's lease."""
    folder = os.fspath(paths.run(run))
    for name in os.listdir(folder):
        if name.startswith(ATTEMPT):
            shutil.rmtree(f"{folder}/{name}", ignore_errors=True)


def commit_segment(
    paths: StorePaths,
    recipe: Recipe,
    run: Run,
    index: Index,
    segment: Segment,
    *,
    attempt: Path,
    rows: NDArray[np.float64] | None,
    restart: Path | None,
    record: dict[str, Any],
    confirm: Callable[[], None],
) -> None:
    """Put in place what a segment gave, and remove what was needed for it.

    Parameters
    ----------
    index
        The run's place on the axes of its study.
    attempt
        Where files are written first, inside the run's folder.
    rows
        Shape (rows_per_segment, channels); None in equilibration.
    restart
        The state at the end, a file in `attempt`; None where there is none (``rerun``).
    record
        What else is to be known, in JSON's types.
    confirm
        Raises `LeaseLost` where someone else is at work by now; asked before anything is put in
        place.

    Raises
    ------
    LeaseLost
        As `confirm` says.
    NotReproducible
        The segment's chunk is there with other rows.
    DiskFull, ReadOnly
        What they say. Like all else that is raised here, they leave the run as it was.
    StoreError
        The rows are not those of such a segment.
    """
    folder, files = paths.run(run), [attempt / record_name(segment.number)]
    chunk = paths.chunk(run.study, index, segment.part) if segment.samples else None
    with explained(folder):
        if chunk is not None:
            data = encode_chunk(_checked(chunk, recipe, segment, rows))
            if chunk.exists():
                _compare(chunk, recipe, run, segment, data)
                chunk = None
            else:
                write_durably(attempt / chunk.name, data)
        hashed = {}
        if restart is not None:
            hashed = {RESTART_HASH: restart_hash(restart)}
            files.append(restart)
        files[0].write_text(json.dumps(record | hashed, indent=1))
        for file, name in zip(files, (record_name, restart_name), strict=False):
            confirm()
            os.replace(file, folder / name(segment.number))
        if chunk is not None:
            confirm()
            os.replace(attempt / chunk.name, chunk)
        forget(paths, recipe, run, segment.number)


def forget(paths: StorePaths, recipe: Recipe, run: Run, segment: int) -> None:
    """Remove the files of segments before the last committed one, whose own are on the disk then.

    The state that it began with stays: its input script can be run again by hand, and a damaged
    restart file costs one segment. Where another study goes through this trajectory again, the
    states at the beginnings of its sampling segments stay as well.
    """
    folder = os.fspath(paths.run(run))
    needed = segment - 1
    if recipe.keeps_restarts:
        needed = min(needed, recipe.equilibration_segments - 1)
    own, older, texts = [], [], []
    for name in os.listdir(folder):
        parts = OF_SEGMENT.fullmatch(name)
        if parts is None:
            continue
        number, path = int(parts[1]), f"{folder}/{name}"
        if parts[2] in STATE:
            if number == segment:
                own.append(path)
            elif number < needed:
                older.append(path)
        elif number < segment:
            texts.append(path)
    if older:  # nobody needs the input scripts and logs to go on
        for path in (*own, folder):
            flush(path)
        if segment >= recipe.equilibration_segments:
            flush(paths.samples(run.study))
    for path in (*older, *texts):
        os.unlink(path)


def restart_hash(path: Path) -> str:
    """What a record says of its restart file."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _checked(
    chunk: Path, recipe: Recipe, segment: Segment, rows: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    wanted = recipe.rows_per_segment, len(recipe.channels)
    if rows is None or rows.shape != wanted:
        found = None if rows is None else rows.shape
        message = f"segment {segment.number} gave rows of shape {found}, not {wanted}"
        raise StoreError(chunk, message)
    return rows


def _compare(chunk: Path, recipe: Recipe, run: Run, segment: Segment, data: bytes) -> None:
    """A later version of the compressor may write the same rows in other bytes."""
    if chunk.read_bytes() == data:
        return
    rows = read_chunk(chunk, (recipe.rows_per_segment, len(recipe.channels)))
    if rows.astype("<f8").tobytes() != _compressor().decode(data):
        raise NotReproducible(chunk, run.key, segment.number)


@cache
def _compressor() -> Zstd:
    # Here, since `status` does without it.
    from numcodecs.zstd import Zstd

    return Zstd(level=ZSTD_LEVEL)
