"""The record of a segment: what the next ones have to know, as JSON beside the restart file.

``segment``, ``lammps``, ``atoms``, ``steps``, ``seconds``
    Number of the segment; version of LAMMPS; atoms, time steps, wall time.
``second_half``
    Of a stage with a thermostat: sums of the rows of its second half, and their number.
``energy``
    Mean total energy with which the present stretch at constant energy began.
``volume``
    Volume that the present stage at constant pressure began with.
``site_energies``
    Of the sampling at equilibrium and of a ``rerun``: how often a site energy occurred by now, as
    `ensemble.md.site_energies.counted` has it.
``distance``
    Shortest distance of two sites of the framework.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.md.assignment import Record
from ensemble.units import UnitSystem


def second_half(
    columns: Iterable[str],
    steps: NDArray[np.int64],
    rows: NDArray[np.float64],
    stage_steps: int,
    before: Record | None,
) -> dict[str, Any]:
    """The sums over what has passed of the second half of a stage.

    Parameters
    ----------
    columns
        What is in the rows.
    steps
        Time step of each row from the beginning of the stage, shape ``(rows,)``.
    rows
        Shape ``(rows, columns)``.
    stage_steps
        Time steps of the whole stage.
    before
        The sums up to this segment; None in the first of the stage.
    """
    late = rows[2 * steps > stage_steps]
    sums = dict(zip(columns, (float(total) for total in late.sum(axis=0)), strict=True))
    count = len(late)
    if before is not None:
        count += before["count"]
        sums = {name: before["sums"][name] + total for name, total in sums.items()}
    return {"count": count, "sums": sums}


def mean_of(record: Record) -> dict[str, float]:
    """Means over the second half of a stage, from the record of its last segment."""
    half = record["second_half"]
    return {name: total / half["count"] for name, total in half["sums"].items()}


def energy_at(record: Record, temperature: float, units: UnitSystem) -> float:
    """The total energy of a crystal at a temperature, from a stage that was near it.

    Mean energy and mean temperature of the stage's second half, and what its 3 (N − 1) modes hold
    at the difference, in the unit of energy: E + 3 (N − 1) k_B (T − <T>).
    """
    mean = mean_of(record)
    capacity = 3 * (record["atoms"] - 1) * units.lammps_boltzmann
    return float(mean["energy"] + capacity * (temperature - mean["temperature"]))
