"""The distribution of the site energies in a store, by model and species.

The counts are in the records of the runs (`ensemble.md.site_energies`): that of a run's last
segment has them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray

from ensemble.plan.axes import Index
from ensemble.plan.recipe import cells_text
from ensemble.reduction.site_energies import Distribution, distribution
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.store.layout import record_name
from ensemble.store.progress import committed
from ensemble.units import unit_system

__all__ = ["site_energies"]

Record = dict[str, Any]
Group = tuple[int, ...]
"""Place of a model, a temperature and a supercell on their axes."""

GROUP = ("model", "temperature", "supercell")
MOMENTS = {
    "mean": "mean site energy",
    "standard_deviation": "standard deviation of the site energies",
    "skewness": "skewness of the site energies",
}


def site_energies(info: StoreInfo, name: str) -> xarray.Dataset:
    """How often each site energy occurred in a study, over the seeds.

    Dimensions model, temperature, supercell, species and energy, the middle of a bin. ``counts``
    holds what was counted, ``mean``, ``standard_deviation`` and ``skewness`` its moments (nan where
    nothing was), ``frames`` how many times all atoms of the cell were. Runs count that have done
    some of their sampling; the frames tell how much.

    Raises
    ------
    ValueError
        There are none: the method is the direct one, nothing is sampled yet, or the store was
        filled by a version that did not count them.
    """
    study = info.studies[name]
    found: dict[Group, list[Record]] = {}
    for index, record in _records(info, name):
        found.setdefault(index[:3], []).append(record)
    if not found:
        raise ValueError(f"study {name}: no run has counted site energies")
    (width,) = {record["width"] for records in found.values() for record in records}
    species = list(next(iter(found.values()))[0]["counts"])
    pooled = {
        (*group, k): distribution(
            ({int(b): n for b, n in r["counts"][symbol].items()} for r in records), width
        )
        for group, records in found.items()
        for k, symbol in enumerate(species)
    }
    frames = {group: sum(record["frames"] for record in some) for group, some in found.items()}
    return _dataset(info, study, species, pooled, frames)


def _records(info: StoreInfo, name: str) -> Iterator[tuple[Index, Record]]:
    """The counts of each run that has some."""
    before, done = sum(info.studies[name].parts), committed(info.paths, name)
    for index, run in info.runs(name):
        if index not in done:
            continue
        path = info.paths.run(run) / record_name(before + done[index] - 1)
        try:
            record = json.loads(path.read_bytes()).get("site_energies")
        except (FileNotFoundError, ValueError):
            continue  # damaged: the next launch that needs it makes it again
        if record is not None:
            yield index, record


def _dataset(
    info: StoreInfo,
    study: StudyInfo,
    species: list[str],
    pooled: dict[Group, Distribution],
    frames: dict[Group, int],
) -> xarray.Dataset:
    system, axes = unit_system(info.units), study.axes
    width = next(iter(pooled.values())).width
    first = min(round(one.centers[0] / width - 0.5) for one in pooled.values())
    last = max(round(one.centers[-1] / width - 0.5) for one in pooled.values())
    groups = axes.shape[:3]
    counts = np.zeros((*groups, len(species), last - first + 1), np.int64)
    moments = {name: np.full((*groups, len(species)), np.nan) for name in MOMENTS}
    times = np.zeros(groups, np.int64)
    for place, one in pooled.items():
        start = round(one.centers[0] / width - 0.5) - first
        counts[place][start : start + len(one.counts)] = one.counts
        for name, values in moments.items():
            values[place] = getattr(one, name)
    for place, number in frames.items():
        times[place] = number
    units = {"units": system.energy_symbol}
    variables = {
        "counts": ((*GROUP, "species", "energy"), counts, {"long_name": "site energies counted"}),
        "frames": (GROUP, times, {"long_name": "times that all atoms were counted"}),
    } | {
        name: (
            (*GROUP, "species"),
            values,
            {"long_name": MOMENTS[name]} | ({} if name == "skewness" else units),
        )
        for name, values in moments.items()
    }
    coordinates = {
        "model": ("model", np.array(axes.models, dtype=object)),
        "temperature": ("temperature", np.array(axes.temperatures)),
        "supercell": ("supercell", np.array([cells_text(c) for c in axes.supercells], object)),
        "species": ("species", np.array(species, dtype=object)),
        "energy": ("energy", (np.arange(first, last + 1) + 0.5) * width, units),
    }
    return xarray.Dataset(variables, coordinates)
