"""A segment's record, restart file and rows, put in place.

The order matters: record, restart file, chunk. **The chunk is the commit** of a segment that
samples, the restart file that of one that does not. Who is killed between two of them has computed
in vain, and the next attempt computes the same again: a segment is decided by the restart file
before it, its random seeds by its number.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Recipe, Run, Segment
from ensemble.store.errors import NotReproducible, StoreError, explained
from ensemble.store.files import flush, make_folder, put_in_place, write_durably
from ensemble.store.layout import StorePaths, record_name, restart_name

if TYPE_CHECKING:
    import numpy as np
    from numcodecs.zstd import Zstd
    from numpy.typing import NDArray

ZSTD_LEVEL = 1
"""Of the samples. Heat flux is noise in most of its digits: higher levels gain under 1 %."""

RESTART_HASH = "restart_sha256"
"""In a record: what the restart file has to be."""

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
    return rows.astype(np.float64)


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
        make_folder(folder)
        clear_attempts(paths, run)
        attempt = folder / f"{ATTEMPT}{token}"
        attempt.mkdir()
    return attempt


def clear_attempts(paths: StorePaths, run: Run) -> None:
    """Remove what attempts at a run have left. Only for who holds the run's lease."""
    for entry in paths.run(run).glob(f"{ATTEMPT}*"):
        shutil.rmtree(entry, ignore_errors=True)


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
            write_durably(attempt / chunk.name, data)
            if chunk.exists():
                _compare(chunk, recipe, run, segment, data)
                chunk = None
        hashed = {}
        if restart is not None:
            flush(restart)
            hashed = {RESTART_HASH: restart_hash(restart)}
            files.append(restart)
        write_durably(files[0], json.dumps(record | hashed, indent=1).encode())
        for file, name in zip(files, (record_name, restart_name), strict=False):
            confirm()
            os.replace(file, folder / name(segment.number))
        flush(folder)
        if chunk is not None:
            confirm()
            put_in_place(attempt / chunk.name, chunk)
        forget(paths, recipe, run, segment.number)


def forget(paths: StorePaths, recipe: Recipe, run: Run, segment: int) -> None:
    """Remove the files of segments before the last committed one.

    Where another study goes through this trajectory again, the states at the beginnings of its
    sampling segments stay.
    """
    needed = recipe.equilibration_segments - 1 if recipe.keeps_restarts else segment
    with os.scandir(paths.run(run)) as entries:
        files = [(entry.path, OF_SEGMENT.fullmatch(entry.name)) for entry in entries]
    for path, name in files:
        if name is None or int(name[1]) >= segment:
            continue
        if name[2] not in STATE or int(name[1]) < needed:
            os.unlink(path)


def restart_hash(path: Path) -> str:
    """What a record says of its restart file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
