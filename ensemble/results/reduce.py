"""The reduction of one group of runs: its samples in, `Reduced` out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ensemble.plan.channels import SQUARE_DISPLACEMENT
from ensemble.plan.segments import rows_per_origin
from ensemble.reduction.bins import LeaveOutScan, leave_out_scan
from ensemble.reduction.currents import pieces_of
from ensemble.reduction.diffusion import diffusion_coefficient
from ensemble.reduction.direct import DirectMethod, direct_method
from ensemble.reduction.equilibrium import GreenKubo, GreenKuboMethod, green_kubo
from ensemble.reduction.estimate import Estimate
from ensemble.reduction.intervals import Interval
from ensemble.reduction.running import lags_of
from ensemble.reduction.verdict import value_problems
from ensemble.results.findings import Diffusivity, Estimated, Finding, Reduced
from ensemble.results.groups import Group
from ensemble.results.quantities import KINETIC_TEMPERATURE, quantities
from ensemble.results.series import Series, read_series
from ensemble.results.settings import Way
from ensemble.store.errors import StoreError
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.units import UnitSystem, unit_system

__all__ = ["EQUILIBRIUM", "reduce_runs"]

Floats = NDArray[np.float64]

EQUILIBRIUM = (
    "heat_flux",
    "heat_flux_convective",
    "momentum",
    KINETIC_TEMPERATURE,
    "volume",
    SQUARE_DISPLACEMENT,
)
"""What κ of equilibrium runs and the diffusion coefficients are made from."""

DIRECT = (
    "temperature_profile",
    "exchanged_energy",
    "heat_flux_profile",
    "momentum_profile",
    "energy",
    "length",
    "area",
    KINETIC_TEMPERATURE,
)


def reduce_runs(info: StoreInfo, group: Group, way: Way) -> Reduced:
    """κ of a group of runs, and what else follows from them.

    What is wrong with the data is said in the problems of what is found.
    """
    estimate: Estimated = "direct" if group.method == "nemd" else "raw"
    if not group.done:
        return Reduced.failed(estimate, way.estimator, "no run is done")
    study, system = info.studies[group.study], unit_system(info.units)
    wanted = DIRECT if group.method == "nemd" else EQUILIBRIUM
    try:
        runs = [read_series(info, index, run, wanted) for index, run in group.done]
        if group.method == "nemd":
            return Reduced(findings=(_direct(runs, study, system),))
        return Reduced(
            findings=tuple(_green_kubo(runs, study, system, way, isotropic=group.cubic)),
            diffusion=tuple(_diffusion(runs, study, system)),
        )
    except ValueError as error:
        return Reduced.failed(estimate, way.estimator, str(error))
    except StoreError as error:
        return Reduced.failed(estimate, way.estimator, str(error), passing=True)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        return Reduced.failed(estimate, way.estimator, problem, passing=True)


def _green_kubo(
    runs: Sequence[Series], study: StudyInfo, system: UnitSystem, way: Way, *, isotropic: bool
) -> Iterator[Finding]:
    if way.window is not None:
        _check_window(way.window[1], runs, 1 if way.components else 3, study, system)
    parts: list[tuple[str | None, slice]] = [(None, slice(None))]
    if way.components:
        parts = [(name, slice(k, k + 1)) for k, name in enumerate("xyz")]
    # The temperature that the runs have, not the one that they were to have.
    temperatures = np.array([run[KINETIC_TEMPERATURE].mean() for run in runs])
    window = None
    if way.window is not None:
        window = cast(tuple[float, float], tuple(t * system.picosecond for t in way.window))
    for component, some in parts:
        found = green_kubo(
            [run["heat_flux"][:, some] for run in runs],
            volume=np.array([run["volume"].mean() for run in runs]),
            temperature=temperatures,
            timestep=study.row_time * system.picosecond,
            # The momentum of a single species is always zero.
            momenta=[run["momentum"][..., some] for run in runs]
            if runs[0]["momentum"].shape[1] > 1
            else None,
            convective=[run["heat_flux_convective"][:, some] for run in runs],
            units=system.style,
            method=cast(GreenKuboMethod, way.estimator),
            window=window,
            isotropic=isotropic,
        )
        yield from _both(found, system, component, float(temperatures.mean()))


def _check_window(
    end: float, runs: Sequence[Series], components: int, study: StudyInfo, system: UnitSystem
) -> None:
    """The same is refused by the estimator, but in its own words."""
    pieces = pieces_of(len(runs), components)
    rows = len(runs[0]["heat_flux"]) // pieces
    if lags_of(end, study.row_time) > rows:
        unit = system.time_symbol if system.reduced else "ps"
        longest = f"{(rows - 1) * study.row_time:g} {unit}"
        few = f"; the runs are few, so each is cut into {pieces} series" if pieces > 1 else ""
        raise ValueError(
            f"window up to {end:g} {unit}: the longest lag of the series is {longest}{few}"
        )


def _both(
    found: GreenKubo, system: UnitSystem, component: str | None, temperature: float
) -> Iterator[Finding]:
    """The raw κ, and the corrected one where there is one."""
    raw = _finding("raw", found.raw, system)
    raw = replace(
        raw,
        component=component,
        temperature=temperature,
        gamma_squared=found.gamma_squared,
        convective=found.convective,
        conductive=found.conductive,
        cross=found.cross,
    )
    yield raw
    if found.corrected is not None:
        corrected = _finding("corrected", found.corrected, system)
        yield replace(
            corrected,
            component=component,
            temperature=temperature,
            gamma_squared=found.gamma_squared,
        )


def _finding(estimate: Estimated, found: Estimate, system: UnitSystem) -> Finding:
    window, time = found.window, found.correlation_time
    return Finding(
        estimate=estimate,
        kappa=found.value,
        student=found.student,
        estimator=found.method,
        window=None
        if window is None
        else (_picoseconds(window[0], system), _picoseconds(window[1], system)),
        cutoff=None if found.cutoff is None else found.cutoff * system.picosecond,
        correlation_time=None if time is None else _picoseconds(time, system),
        problems=found.problems,
    )


def _picoseconds(time: float, system: UnitSystem) -> float:
    return time / system.picosecond


def _direct(runs: Sequence[Series], study: StudyInfo, system: UnitSystem) -> Finding:
    def stacked(quantity: str) -> Floats:
        return np.stack([run[quantity] for run in runs])

    profiles, exchanged = stacked("temperature_profile"), stacked("exchanged_energy")
    lengths, areas = (stacked(quantity).mean(axis=1) for quantity in ("length", "area"))
    block_time = study.row_time * system.picosecond
    found = direct_method(
        profiles,
        exchanged,
        block_time=block_time,
        length=lengths,
        area=areas,
        prefactor=system.mueller_plathe,
        heat_flux=stacked("heat_flux_profile"),
        # A store from before the momenta were sampled has none.
        momentum=stacked("momentum_profile") if "momentum_profile" in runs[0] else None,
        energy=stacked("energy"),
    )
    scan = None
    if math.isfinite(found.kappa.mean):
        scan = leave_out_scan(
            profiles, exchanged, block_time=block_time, length=lengths, area=areas
        )
    return Finding(
        estimate="direct",
        kappa=found.kappa,
        estimator="direct",
        temperature=float(stacked(KINETIC_TEMPERATURE).mean()),
        # Heat goes both ways around the periodic cell.
        length=float(lengths.mean()) / 2,
        swap_flux=found.swap_flux,
        slab_flux=found.slab_flux,
        problems=tuple(_direct_problems(found, scan)),
    )


def _direct_problems(found: DirectMethod, scan: LeaveOutScan | None) -> Iterator[str]:
    if found.problem:
        yield found.problem
    if math.isfinite(found.kappa.mean):
        yield from value_problems(found.kappa)
    if found.flux_difference is not None and not found.flux_difference.holds(0.0):
        yield "the heat flux in the slabs differs from the swap power by more than the errors"
    if scan is not None and not scan.settled:
        yield "κ still changes where more layers beside the exchange layers are left out"


def _diffusion(
    runs: Sequence[Series], study: StudyInfo, system: UnitSystem
) -> Iterator[Diffusivity]:
    """Of each species, from the displacements since several time origins."""
    if SQUARE_DISPLACEMENT not in runs[0]:
        return
    lags = rows_per_origin(study.rows_per_segment)
    times = np.arange(1, lags + 1) * study.row_time
    (species,) = quantities(study.channels)[SQUARE_DISPLACEMENT].labels.values()
    for k, symbol in enumerate(species):
        squares = [run[SQUARE_DISPLACEMENT][:, k].reshape(-1, lags) for run in runs]
        # Runs are independent; the origins of one are only nearly so.
        every = [run.mean(axis=0, keepdims=True) for run in squares] if len(runs) > 2 else squares
        try:
            found = diffusion_coefficient(np.concatenate(every), times)
        except ValueError as error:
            nothing = Interval(mean=math.nan, half_width=math.inf, samples=0)
            yield Diffusivity(
                species=str(symbol),
                coefficient=nothing,
                upper_limit=math.nan,
                exponent=nothing,
                window=(math.nan, math.nan),
                problem=str(error),
            )
            continue
        factor = system.diffusivity / system.picosecond
        yield Diffusivity(
            species=str(symbol),
            coefficient=found.coefficient.scaled(factor),
            upper_limit=float(found.upper_limit) * factor,
            exponent=found.exponent,
            window=found.window,
            problem=found.problem,
        )
