"""Reading what LAMMPS has written: the rows of ``fix ave/time`` and ``fix ave/chunk``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.md.failures import Cause, SegmentFailure

Steps = NDArray[np.int64]
Rows = NDArray[np.float64]


def read_series(path: Path, columns: int, steps: Steps) -> Rows:
    """The rows of a ``fix ave/time``.

    Parameters
    ----------
    path
        The file.
    columns
        Values in a row, behind its time step.
    steps
        The time steps whose rows are wanted, shape ``(rows,)``. The file may have others: LAMMPS
        begins with one that belongs to the segment before.

    Returns
    -------
    Rows
        Shape ``(rows, columns)``.

    Raises
    ------
    SegmentFailure
        A row is missing.
    """
    table = _numbers(path, [line.split() for line in _lines(path)]).reshape(-1, columns + 1)
    return _at_steps(path, table[:, 0], table[:, 1:], steps)


def read_profile(path: Path, layers: int, steps: Steps) -> Rows:
    """The profiles of a ``fix ave/chunk`` over layers.

    Returns
    -------
    Rows
        Number of atoms and the fix's values in every layer, shape ``(rows, layers, 1 + values)``.

    Raises
    ------
    SegmentFailure
        A row is missing, or there are more or fewer layers.
    """
    lines = [line.split() for line in _lines(path)]
    # A block is a line with its step, the number of layers and of atoms, and a line a layer.
    blocks = len(lines) // (layers + 1)
    heads = lines[: blocks * (layers + 1) : layers + 1]
    if any(len(line) != 3 or line[1] != str(layers) for line in heads):
        raise SegmentFailure(
            Cause.INTERNAL, f"{path.name}: expected {layers} layers in every block"
        )
    values = [line[2:] for k, line in enumerate(lines[: blocks * (layers + 1)]) if k % (layers + 1)]
    table = _numbers(path, values).reshape(blocks, layers, -1)
    return _at_steps(path, np.array([float(line[0]) for line in heads]), table, steps)


def _lines(path: Path) -> list[str]:
    """The lines that were written to their end, without comments."""
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise SegmentFailure(Cause.INTERNAL, f"LAMMPS wrote no file {path.name}") from error
    whole, _, _ = text.rpartition("\n")
    return [line for line in whole.splitlines() if not line.startswith("#")]


def _numbers(path: Path, fields: Sequence[Sequence[str]]) -> Rows:
    try:
        return np.array(fields, dtype=np.float64)
    except ValueError as error:
        raise SegmentFailure(Cause.INTERNAL, f"{path.name} is no table of numbers") from error


def _at_steps(path: Path, found: Rows, rows: Rows, steps: Steps) -> Rows:
    place = {int(step): k for k, step in enumerate(found)}
    missing = [int(step) for step in steps if int(step) not in place]
    if missing:
        message = f"{path.name} has no row for step {missing[0]}, and {len(missing)} are missing"
        raise SegmentFailure(Cause.INTERNAL, message)
    return rows[[place[int(step)] for step in steps]]
