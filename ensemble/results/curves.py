"""The curves behind the numbers: correlation functions, running integrals, displacements, profiles.

Of an equilibrium study the heat flux's autocorrelation function and κ as its running integral, raw,
and how far the atoms of each species go; of the direct method the temperature along the axis. A
group none of whose runs is done is nan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray

from ensemble.plan.channels import SQUARE_DISPLACEMENT
from ensemble.plan.recipe import cells_text
from ensemble.plan.segments import rows_per_origin
from ensemble.reduction.correlation import autocorrelation
from ensemble.reduction.direct import default_leave_out, direct_method
from ensemble.reduction.running import running_integral
from ensemble.reduction.window import longest_lags
from ensemble.results.groups import Group
from ensemble.results.quantities import KINETIC_TEMPERATURE, quantities
from ensemble.results.series import Series, read_series
from ensemble.results.table import Row
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.units import UnitSystem, unit_system

__all__ = ["displaced", "driven", "equilibrium", "running"]

Floats = NDArray[np.float64]

MOST_LAGS = 2000
"""That are given; where there are more, they are taken at equal ratios."""

DIMENSIONS = ("model", "temperature", "supercell")

Curves = dict[str, Floats]
"""By name: shape (lags,), (species, lags) or (bins,), or () for a number."""


def equilibrium(
    info: StoreInfo, groups: Sequence[Group], raw: Sequence[Row], longest: float | None = None
) -> xarray.Dataset:
    """The curves of a study in equilibrium.

    Parameters
    ----------
    groups
        Of one study.
    raw
        Their raw κ, for the window.
    longest
        Last lag, in ps, under ``lj`` τ; a quarter of the series where not given.

    Returns
    -------
    With the dimensions model, temperature, supercell and lag: ``correlation``, the mean over seeds
    and components of <J(0) J(t)>; ``kappa``, its running integral, and its standard error
    ``kappa_error``; and without lag ``window_start`` and ``window_end``, nan where there is none.

    Raises
    ------
    StoreError
        Samples are damaged.
    ValueError
        A number is not finite.
    """
    study, system = info.studies[groups[0].study], unit_system(info.units)
    lags = _lags(study, longest)
    windows = {row.group.place: row.found.window for row in raw}

    def curves(group: Group) -> Curves:
        wanted = ("heat_flux", KINETIC_TEMPERATURE, "volume")
        runs = [read_series(info, index, run, wanted) for index, run in group.done]
        start, end = windows.get(group.place) or (np.nan, np.nan)
        ends = {"window_start": np.float64(start), "window_end": np.float64(end)}
        return {**running(runs, study, system, lags), **_arrays(ends)}

    time = system.time_symbol if system.reduced else "ps"
    flux = f"({system.heat_flux_symbol})^2"
    units = {
        "correlation": (flux, "autocorrelation function of the heat flux"),
        "kappa": (system.conductivity_symbol, "running integral of Green and Kubo"),
        "kappa_error": (system.conductivity_symbol, "standard error of kappa"),
        "window_start": (time, "first lag of the window"),
        "window_end": (time, "last lag of the window"),
    }
    # Rounded, so that 3 × 0.05 is the label 0.15.
    label = xarray.Variable("lag", np.round(lags * study.row_time, 9), {"units": time})
    return _dataset(info, groups, curves, units, label)


def _arrays(numbers: dict[str, np.float64]) -> Curves:
    return {name: np.asarray(number) for name, number in numbers.items()}


def _lags(study: StudyInfo, longest: float | None) -> NDArray[np.intp]:
    """The lags that are given, in rows."""
    rows = study.sample_segments * study.rows_per_segment
    last = longest_lags(rows) - 1
    if longest is not None:
        last = min(int(longest / study.row_time * (1 + 1e-12)), rows - 1)
    if last < MOST_LAGS:
        return np.arange(last + 1)
    thinned = np.unique(np.geomspace(1, last, MOST_LAGS).round().astype(np.intp))
    return np.concatenate([[0], thinned])


def running(
    runs: Sequence[Series], study: StudyInfo, system: UnitSystem, lags: NDArray[np.intp]
) -> Curves:
    """The correlation function of the heat flux and its running integral, as `equilibrium` says.

    Parameters
    ----------
    runs
        Their ``heat_flux``, ``volume`` and ``kinetic_temperature``.
    lags
        In rows; they ascend.
    """
    timestep = study.row_time * system.picosecond
    correlations, kappas = [], []
    for run in runs:
        found = autocorrelation(run["heat_flux"].T, int(lags[-1]) + 1)
        scale = system.green_kubo / (run["volume"].mean() * run[KINETIC_TEMPERATURE].mean() ** 2)
        correlations.append(found[:, lags])
        kappas.append(scale * running_integral(found, timestep)[:, lags])
    kappa = np.concatenate(kappas)
    return {
        "correlation": np.concatenate(correlations).mean(axis=0),
        "kappa": kappa.mean(axis=0),
        "kappa_error": kappa.std(axis=0, ddof=1) / np.sqrt(len(kappa)),
    }


def displaced(info: StoreInfo, groups: Sequence[Group]) -> xarray.Dataset:
    """How far the atoms of a study in equilibrium go.

    Returns
    -------
    With the dimensions model, temperature, supercell, species and lag: ``displacement``, the mean
    square displacement since a time origin relative to the centre of mass of the species, over
    origins and seeds, and its standard error ``displacement_error``, nan where there is one seed.

    Raises
    ------
    StoreError
        Samples are damaged.
    ValueError
        A number is not finite, or the study samples no displacements.
    """
    name = groups[0].study
    study, system = info.studies[name], unit_system(info.units)
    found = quantities(study.channels)
    if SQUARE_DISPLACEMENT not in found:
        raise ValueError(f"study {name}: samples no displacements")
    species = found[SQUARE_DISPLACEMENT].labels["species"]
    lags = rows_per_origin(study.rows_per_segment)

    def curves(group: Group) -> Curves:
        wanted = (SQUARE_DISPLACEMENT,)
        series = [read_series(info, *run, wanted)[SQUARE_DISPLACEMENT] for run in group.done]
        runs = np.stack([one.reshape(-1, lags, len(species)).mean(axis=0).T for one in series])
        error = np.full(runs.shape[1:], np.nan)
        if len(runs) > 1:
            error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
        return {"displacement": runs.mean(axis=0), "displacement_error": error}

    area = f"{system.length_symbol}^2"
    units = {
        "displacement": (area, "mean square displacement"),
        "displacement_error": (area, "standard error of displacement"),
    }
    time = {"units": system.time_symbol if system.reduced else "ps"}
    # Rounded, so that 3 × 0.05 is the label 0.15.
    label = xarray.Variable("lag", np.round(np.arange(1, lags + 1) * study.row_time, 9), time)
    kinds = xarray.Variable("species", np.array(species, dtype=object))
    return _dataset(info, groups, curves, units, kinds, label)


def driven(info: StoreInfo, groups: Sequence[Group]) -> xarray.Dataset:
    """The curves of a study by the direct method.

    Returns
    -------
    With the dimensions model, temperature, supercell and bin: ``temperature_profile``, the mean
    over the steady blocks and the seeds, ``position`` of the layers along the axis, and ``fitted``,
    whether a layer is one of those that the gradient is taken from; and without bin
    ``first_block``, the first block that was used.

    Raises
    ------
    StoreError
        Samples are damaged.
    ValueError
        A number is not finite.
    """
    study, system = info.studies[groups[0].study], unit_system(info.units)

    def curves(group: Group) -> Curves:
        wanted = ("temperature_profile", "exchanged_energy", "length", "area")
        runs = [read_series(info, index, run, wanted) for index, run in group.done]
        profiles, exchanged, length, area = (np.stack([r[name] for r in runs]) for name in wanted)
        found = direct_method(
            profiles,
            exchanged,
            block_time=study.row_time * system.picosecond,
            length=length.mean(axis=1),
            area=area.mean(axis=1),
        )
        bins = profiles.shape[2]
        layer, left = np.arange(bins), default_leave_out(bins)
        from_exchange = np.minimum(layer % (bins // 2), -layer % (bins // 2))
        return {
            "temperature_profile": found.profile,
            "position": (layer + 0.5) * length.mean() / bins,
            "fitted": (from_exchange > left).astype(np.float64),
            "first_block": np.asarray(found.first_block, dtype=np.float64),
        }

    units = {
        "temperature_profile": (system.temperature_symbol, "temperature of a layer"),
        "position": (system.length_symbol, "middle of a layer along the axis"),
        "fitted": ("1", "whether the gradient is taken from a layer"),
        "first_block": ("1", "first block that was used"),
    }
    names = [channel.name for channel in study.channels]
    bins = sum(name.startswith("atoms_") for name in names)
    return _dataset(info, groups, curves, units, xarray.Variable("bin", np.arange(bins)))


def _dataset(
    info: StoreInfo,
    groups: Sequence[Group],
    curves: Callable[[Group], Curves],
    units: dict[str, tuple[str, str]],
    *labels: xarray.Variable,
) -> xarray.Dataset:
    """Of the curves of each group, over the labels that the groups have."""
    axes: list[list[Any]] = [
        list(dict.fromkeys(group.model for group in groups)),
        list(dict.fromkeys(group.temperature for group in groups)),
        list(dict.fromkeys(cells_text(group.supercell) for group in groups)),
    ]
    places = [{name: k for k, name in enumerate(axis)} for axis in axes]
    shape = tuple(map(len, axes))
    own = [str(label.dims[0]) for label in labels]
    found: dict[str, Floats] = {}
    for group in groups:
        names = group.model, group.temperature, cells_text(group.supercell)
        place = tuple(axis[name] for axis, name in zip(places, names, strict=True))
        for name, values in (curves(group) if group.done else {}).items():
            found.setdefault(name, np.full((*shape, *values.shape), np.nan))[place] = values
    variables = {
        name: xarray.Variable(
            (*DIMENSIONS, *own)[: values.ndim],
            values,
            {"units": units[name][0], "long_name": units[name][1]},
        )
        for name, values in found.items()
    }
    coordinates = {
        "model": ("model", np.array(axes[0], dtype=object)),
        "temperature": ("temperature", np.array(axes[1]), {"units": _kelvin(info)}),
        "supercell": ("supercell", np.array(axes[2], dtype=object)),
        **dict(zip(own, labels, strict=True)),
    }
    return xarray.Dataset(variables, coordinates, {"study": groups[0].study})


def _kelvin(info: StoreInfo) -> str:
    return unit_system(info.units).temperature_symbol
