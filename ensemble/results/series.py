"""What a whole run sampled, by quantity."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Run
from ensemble.results.quantities import quantities
from ensemble.store.commit import read_chunk
from ensemble.store.info import StoreInfo

__all__ = ["Series", "read_series"]

Series = dict[str, NDArray[np.float64]]
"""By quantity: shape (rows, ...)."""


def read_series(
    info: StoreInfo,
    index: Index,
    run: Run,
    wanted: Collection[str],
    *,
    segments: int | None = None,
) -> Series:
    """Read some quantities of a run; those that its study has not are left out.

    Parameters
    ----------
    segments
        How many of sampling, from the first; all that the run is to have where not given.

    Raises
    ------
    StoreError
        A chunk is damaged.
    OSError
        One cannot be read.
    ValueError
        A number is not finite.
    """
    study = info.studies[run.study]
    if segments is None:
        segments = study.segments_of(run)
    found = {q.name: q for q in quantities(study.channels).values() if q.name in wanted}
    columns = [place for quantity in found.values() for place in quantity.columns.ravel().tolist()]
    length = study.rows_per_segment
    # A channel's rows lie next to each other: everything that follows goes along them.
    rows = np.empty((len(columns), segments * length))
    for part in range(segments):
        chunk = read_chunk(info.paths.chunk(run.study, index, part), study.chunks[-2:])
        rows[:, part * length : (part + 1) * length] = chunk.T[columns]
    _check(info, run, columns, rows)
    series, start = {}, 0
    for name, quantity in found.items():
        behind = start + quantity.columns.size
        mine = rows[start:behind].reshape(*quantity.columns.shape, -1)
        series[name] = np.moveaxis(mine, -1, 0)
        start = behind
    return series


def _check(info: StoreInfo, run: Run, columns: list[int], rows: NDArray[np.float64]) -> None:
    """Name the first number that is none."""
    finite = np.isfinite(rows)
    if not finite.all():
        column, row = np.argwhere(~finite)[0].tolist()
        channel = info.studies[run.study].channels[columns[column]].name
        value = rows[column, row]
        raise ValueError(f"{run.name}: {channel} is {value} in row {row}, not a finite number")
