"""κ of every group of runs that differ in their seeds alone.

Whole runs count, and no others: a run counts once all rows that the last launch asked for are in.
What was cut off early, by a failure above all, would else weigh as much as the rest.

Equilibrium runs are averaged over the window of their study. Where it has none, one is looked for
by `ensemble.reduction.green_kubo.plateau`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.campaign import parse_campaign
from ensemble.campaign.studies import Nemd
from ensemble.plan.axes import Index
from ensemble.plan.recipe import Cells, Method, Run, cells_text
from ensemble.reduction.correlation import autocorrelation
from ensemble.reduction.direct import DirectMethod, direct_method
from ensemble.reduction.green_kubo import (
    LONGEST_LAG,
    lags_of,
    plateau,
    running_integral,
    window_average,
)
from ensemble.reduction.intervals import Interval, of_independent
from ensemble.results.quantities import KINETIC_TEMPERATURE, quantities
from ensemble.store.commit import read_chunk
from ensemble.store.errors import StoreError
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.store.ledger import History
from ensemble.store.ledger import read as read_ledger
from ensemble.store.progress import committed
from ensemble.units import UnitSystem, unit_system

__all__ = ["COLUMNS", "Row", "rows_of"]

Series = dict[str, NDArray[np.float64]]
"""What one run sampled, by quantity: shape (rows, ...)."""

Window = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """κ of a group of runs, and what it was made from."""

    study: str
    method: Method
    model: str
    temperature: float
    """Asked for."""
    supercell: Cells
    atoms: int
    runs: int
    """That are done, and in `kappa`."""
    runs_asked: int
    kappa: Interval
    """nan where there is none; the half-width is infinite where nothing is known of it."""
    units: str
    """Of `kappa`."""
    window: Window | None
    """Where the running integral was averaged, in ps, under ``lj`` τ; None in the direct method."""
    swap_flux: Interval | None
    """Exchanged energy over twice the area and the time; of the direct method alone."""
    slab_flux: Interval | None
    """The heat flux in the legs; it has to agree with `swap_flux`."""
    flux_units: str
    """Of both."""
    note: str
    """What is to be known before `kappa` is used; empty where there is nothing."""

    def as_dict(self) -> dict[str, Any]:
        """By column: an interval is two, its mean by its own name and its half-width."""
        found: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _INTERVALS:
                found[field.name] = math.nan if value is None else value.mean
                found[f"{field.name}_half_width"] = math.nan if value is None else value.half_width
            elif field.name == "window":
                found["window_start"], found["window_end"] = value or (math.nan, math.nan)
            else:
                found[field.name] = cells_text(value) if field.name == "supercell" else value
        return found


_INTERVALS = ("kappa", "swap_flux", "slab_flux")

COLUMNS = (
    "study",
    "method",
    "model",
    "temperature",
    "supercell",
    "atoms",
    "runs",
    "runs_asked",
    "kappa",
    "kappa_half_width",
    "units",
    "window_start",
    "window_end",
    "swap_flux",
    "swap_flux_half_width",
    "slab_flux",
    "slab_flux_half_width",
    "flux_units",
    "note",
)
"""Of `Row.as_dict`."""


@dataclass(frozen=True, kw_only=True)
class _Kappa:
    """What the reduction of a group gives."""

    kappa: Interval
    window: Window | None = None
    swap_flux: Interval | None = None
    slab_flux: Interval | None = None
    note: str = ""


def rows_of(info: StoreInfo) -> Iterator[Row]:
    """κ of every group, in the order of the store."""
    windows = _windows(info)
    histories = read_ledger(info.paths)
    for name, study in info.studies.items():
        segments = committed(info.paths, name)
        groups = groupby(info.runs(name), key=lambda run: run[0][:3])
        for (_, _, supercell), members in groups:
            group = list(members)
            done = [i for i, _ in group if segments.get(i, 0) >= study.sample_segments]
            found = _reduced(info, name, done, windows.get(name))
            run = group[0][1]
            yield Row(
                study=name,
                method=study.method,
                model=run.model,
                temperature=run.temperature,
                supercell=run.supercell,
                atoms=study.atoms[supercell],
                runs=len(done),
                runs_asked=len(group),
                kappa=found.kappa,
                units=unit_system(info.units).conductivity_symbol,
                window=found.window,
                swap_flux=found.swap_flux,
                slab_flux=found.slab_flux,
                flux_units=_flux_units(unit_system(info.units)),
                note="; ".join(filter(None, (found.note, _failures(group, done, histories)))),
            )


def _windows(info: StoreInfo) -> dict[str, Window | None]:
    """The window of each study of the last campaign; None where it is to be looked for."""
    campaign = parse_campaign(info.campaign, info.paths.campaign)
    return {s.name: None if isinstance(s, Nemd) else s.window for s in campaign.studies}


def _flux_units(system: UnitSystem) -> str:
    return f"{system.energy_symbol}/{system.length_symbol}^2/{system.time_symbol}"


def _failures(
    group: Sequence[tuple[Index, Run]],
    done: Sequence[Index],
    histories: Mapping[tuple[str, str], History],
) -> str:
    """What went wrong with those runs of a group that are not done."""
    whole = frozenset(done)
    unlucky = [
        history.failure
        for index, run in group
        if index not in whole
        and (history := histories.get((run.study, run.name))) is not None
        and history.failed
        and history.failure is not None
    ]
    if not unlucky:
        return ""
    runs = f"{len(unlucky)} run{'s' if len(unlucky) > 1 else ''} failed"
    return f"{runs}: {unlucky[0].message or unlucky[0].cause}"


def _reduced(info: StoreInfo, name: str, done: Sequence[Index], window: Window | None) -> _Kappa:
    if not done:
        return _Kappa(kappa=of_independent([]), note="no run is done")
    study = info.studies[name]
    runs = (_series(info, name, index) for index in done)
    try:
        if study.method == "nemd":
            return _direct(runs, study, unit_system(info.units))
        return _green_kubo(runs, study, unit_system(info.units), window)
    except (StoreError, ValueError) as error:
        return _Kappa(kappa=of_independent([]), note=str(error))


def _series(info: StoreInfo, name: str, index: Index) -> Series:
    """What a whole run sampled, read once."""
    study = info.studies[name]
    chunks = [
        read_chunk(info.paths.chunk(name, index, part), study.chunks[-2:])
        for part in range(study.sample_segments)
    ]
    rows = np.concatenate(chunks)
    return {q.name: rows[:, q.columns] for q in quantities(study.channels).values()}


def _green_kubo(
    runs: Iterator[Series], study: StudyInfo, system: UnitSystem, window: Window | None
) -> _Kappa:
    rows = study.sample_segments * study.rows_per_segment
    lags = lags_of(window[1], study.row_time) if window else math.ceil(rows * LONGEST_LAG)
    if window and lags > rows:
        unit = "tau" if system.reduced else "ps"
        longest = f"{(rows - 1) * study.row_time:g} {unit}"
        note = f"window up to {window[1]:g} {unit}: the longest lag of the series is {longest}"
        return _Kappa(kappa=of_independent([]), window=window, note=note)
    # Seeds and components are samples alike: shape (runs * 3, lags).
    integral = np.concatenate([_kappa_of_time(run, study, system, lags) for run in runs])
    if window is None:
        lag = plateau(integral)
        if lag is None:
            note = "the running integral has no plateau: the series are too short, or too few"
            return _Kappa(kappa=of_independent([]), note=note)
        window = lag * study.row_time, 2 * lag * study.row_time
    return _Kappa(
        kappa=of_independent(window_average(integral, study.row_time, *window)), window=window
    )


def _kappa_of_time(
    run: Series, study: StudyInfo, system: UnitSystem, lags: int
) -> NDArray[np.float64]:
    """κ by the end of the integral, of each component of one run: shape (3, lags)."""
    # The temperature and the volume that the run has, not those that it was to have.
    temperature, volume = run[KINETIC_TEMPERATURE].mean(), run["volume"].mean()
    timestep = study.row_time * system.picosecond
    integral = running_integral(autocorrelation(run["heat_flux"].T, lags), timestep)
    kappa: NDArray[np.float64] = system.green_kubo / (volume * temperature**2) * integral
    return kappa


def _direct(runs: Iterator[Series], study: StudyInfo, system: UnitSystem) -> _Kappa:
    everything = list(runs)

    def stacked(quantity: str) -> NDArray[np.float64]:
        return np.stack([run[quantity] for run in everything])

    found = direct_method(
        stacked("temperature_profile"),
        stacked("exchanged_energy"),
        block_time=study.row_time * system.picosecond,
        length=stacked("length").mean(axis=1),
        area=stacked("area").mean(axis=1),
        prefactor=system.mueller_plathe,
        heat_flux=stacked("heat_flux_profile"),
        momentum=stacked("momentum_profile"),
        energy=stacked("energy"),
    )
    return _Kappa(
        kappa=found.kappa,
        swap_flux=found.swap_flux,
        slab_flux=found.slab_flux,
        note=found.problem or _cross_check(found),
    )


def _cross_check(found: DirectMethod) -> str:
    if found.slab_flux is None or found.swap_flux.agrees_with(found.slab_flux):
        return ""
    return "the heat flux in the slabs differs from the swap power by more than the errors"
