"""Reading what LAMMPS has written: rows of ``fix ave/time`` and ``fix ave/chunk``, frames of a
``dump``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.md.failures import incomplete

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
        A row is missing, perhaps because the disk is full.
    """
    table = _numbers(path, _lines(path), columns + 1)
    return _at_steps(path, table[:, 0], table[:, 1:], steps)


def read_profile(path: Path, layers: int, values: int, steps: Steps) -> Rows:
    """The profiles of a ``fix ave/chunk`` over layers.

    Parameters
    ----------
    path
        The file.
    layers, values
        How many layers there are, and values of each besides its number of atoms.
    steps
        As for `read_series`.

    Returns
    -------
    Rows
        Number of atoms and the values of every layer, shape ``(rows, layers, 1 + values)``.

    Raises
    ------
    SegmentFailure
        A row is missing, perhaps because the disk is full, or there are more or fewer layers.
    """
    # A block is a line with its step, the number of layers and that of atoms, and a line a layer:
    # its number, its place and what is wanted.
    lines = _lines(path)
    blocks = len(lines) // (layers + 1)
    heads = lines[: blocks * (layers + 1) : layers + 1]
    del lines[blocks * (layers + 1) :], lines[:: layers + 1]
    found = _numbers(path, heads, 3)
    if (found[:, 1] != layers).any():
        raise incomplete(path, f"{path.name} has other than {layers} layers")
    table = _numbers(path, lines, 3 + values).reshape(blocks, layers, 3 + values)
    return _at_steps(path, found[:, 0], table[:, :, 2:], steps)


def read_frames(path: Path, columns: int, steps: Steps) -> Rows:
    """The frames of a ``dump custom`` of all atoms.

    Parameters
    ----------
    path
        The file.
    columns
        Values of an atom.
    steps
        The time steps whose frames are wanted, shape ``(frames,)``.

    Returns
    -------
    Rows
        Shape ``(frames, atoms, columns)``.

    Raises
    ------
    SegmentFailure
        A frame is missing, perhaps because the disk is full.
    """
    lines = _lines(path)
    atoms = int(lines[3]) if len(lines) > 3 and lines[3].isdigit() else 0
    # Four items with 1, 1, 3 and `atoms` lines behind them.
    size = 9 + atoms
    whole = len(lines) // size * size
    found = _numbers(path, lines[1:whole:size], 1)
    text = " ".join(line for k in range(0, whole, size) for line in lines[k + 9 : k + size])
    try:
        values = np.array(text.split(), dtype=np.float64).reshape(-1, atoms, columns)
    except ValueError as error:
        raise incomplete(path, f"{path.name} has no {columns} numbers for each atom") from error
    return _at_steps(path, found[:, 0], values, steps)


def _lines(path: Path) -> list[str]:
    """The lines that were written to their end, without comments."""
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise incomplete(path, f"LAMMPS wrote no file {path.name}") from error
    whole, _, _ = text.rpartition("\n")
    return [line for line in whole.splitlines() if not line.startswith("#")]


def _numbers(path: Path, lines: list[str], columns: int) -> Rows:
    if not lines:
        return np.empty((0, columns))
    try:
        table = np.loadtxt(lines, ndmin=2)
    except ValueError as error:
        raise incomplete(path, f"{path.name} is no table of numbers") from error
    if table.shape[1] != columns:
        message = f"{path.name} has {table.shape[1]} columns where there should be {columns}"
        raise incomplete(path, message)
    return table


def _at_steps(path: Path, found: Rows, rows: Rows, steps: Steps) -> Rows:
    place = {int(step): k for k, step in enumerate(found)}
    missing = [int(step) for step in steps if int(step) not in place]
    if missing:
        message = f"{path.name} has no row for step {missing[0]}, and {len(missing)} are missing"
        raise incomplete(path, message)
    return rows[[place[int(step)] for step in steps]]
