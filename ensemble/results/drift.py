"""How well the total energy held in equilibrium runs, whose sampling is at constant energy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Run, cells_text
from ensemble.results.groups import Group
from ensemble.store.commit import read_chunk
from ensemble.store.info import StoreInfo
from ensemble.units import unit_system

__all__ = ["DRIFT_COLUMNS", "drifts"]

DRIFT_COLUMNS = (
    "study",
    "model",
    "temperature",
    "supercell",
    "seed",
    "time",
    "drift",
    "units",
    "relative_drift",
)
"""``drift`` is the change of the total energy an atom over ``time``, from the middle of the first
stretch that is looked at to that of the last (ps, under ``lj`` τ); ``relative_drift`` the change of
the temperature that it comes to, over the temperature: drift / (3 k_B T)."""


def drifts(info: StoreInfo, group: Group) -> Iterator[dict[str, Any]]:
    """A line for each run of a group that is done.

    The mean over the last quarter of the last segment is compared with that over the first quarter
    of the first one; no other segment is read.

    Raises
    ------
    StoreError
        A chunk is damaged.
    OSError
        One cannot be read.
    """
    system, study = unit_system(info.units), info.studies[group.study]
    segments = study.segments_of(group)
    for index, run in group.done:
        first, last = (_energies(info, index, run, part) for part in (0, segments - 1))
        quarter = -(-len(first) // 4)
        rows = segments * study.rows_per_segment - quarter
        drift = float(last[-quarter:].mean() - first[:quarter].mean()) / group.atoms
        yield {
            "study": group.study,
            "model": group.model,
            "temperature": group.temperature,
            "supercell": cells_text(group.supercell),
            "seed": run.seed,
            "time": rows * study.row_time,
            "drift": drift,
            "units": f"{system.energy_symbol}/atom",
            "relative_drift": drift / (3 * system.boltzmann * group.temperature),
        }


def _energies(info: StoreInfo, index: Index, run: Run, part: int) -> Any:
    study = info.studies[run.study]
    column = [channel.name for channel in study.channels].index("energy")
    return read_chunk(info.paths.chunk(run.study, index, part), study.chunks[-2:])[:, column]
