"""One run under the glass: what it was made with, its segments, the attempts at it, its curves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Run, cells_text, segment_name
from ensemble.reduction.window import longest_lags
from ensemble.results.curves import running
from ensemble.results.dataset import row_dimension
from ensemble.results.quantities import KINETIC_TEMPERATURE
from ensemble.results.series import Series, read_series
from ensemble.store import ledger
from ensemble.store.info import StoreInfo
from ensemble.store.layout import record_name
from ensemble.store.ledger import Event
from ensemble.store.logs import logs_of
from ensemble.store.progress import State, states
from ensemble.units import UnitSystem, unit_system

__all__ = ["Curve", "Inspection", "SegmentFacts", "inspect_run"]

Floats = NDArray[np.float64]

POINTS = 400
"""Of a curve, at most."""

DECAYED = 0.05
"""Of its first value: the correlation function is shown for twice the time that it is above."""

QUIET = 10
"""Lags that it has to be below at least, before it counts as decayed."""

WANTED = (
    KINETIC_TEMPERATURE,
    "energy",
    "heat_flux",
    "volume",
    "exchanged_energy",
    "temperature_profile",
    "length",
)


@dataclass(frozen=True, kw_only=True)
class SegmentFacts:
    """What is known of a segment."""

    number: int
    part: str
    """``npt``, ``nvt``, ``nve``, ``settle`` or ``sampling``."""
    state: State
    steps: int | None = None
    """None where the record is gone: only those of the last segments are kept."""
    seconds: float | None = None
    """That LAMMPS took; None as above."""
    temperature: float | None = None
    """Mean over its rows; None where it has none."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line to be drawn; shapes (points,)."""

    title: str
    x: Floats
    y: Floats
    x_unit: str
    y_unit: str

    def as_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return vars(self) | {"x": self.x.tolist(), "y": self.y.tolist()}


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """All that a store knows of a run."""

    run: Run
    state: State
    inputs: dict[str, Any]
    """What it was made with and where its files are, by name."""
    units: dict[str, str]
    """Of those inputs that have one."""
    segments: tuple[SegmentFacts, ...]
    attempts: tuple[Event, ...]
    """How those that ended did, the oldest first."""
    curves: tuple[Curve, ...]
    problem: str = ""
    """Why there are no curves though there are samples."""

    def as_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "run": self.run.id,
            "state": self.state,
            "inputs": self.inputs,
            "units": self.units,
            "segments": [vars(segment) for segment in self.segments],
            "attempts": [vars(event) for event in self.attempts],
            "curves": [curve.as_json() for curve in self.curves],
            "problem": self.problem,
        }


def inspect_run(info: StoreInfo, index: Index, run: Run) -> Inspection:
    """Look at a run, whatever its state.

    Parameters
    ----------
    index
        Its place on the axes of its study.

    Raises
    ------
    OSError
        Something is there, but cannot be read.
    """
    study = info.studies[run.study]
    attempts = tuple(
        event
        for event in ledger.events(info.paths)
        if (event.study, event.run) == (run.study, run.name)
    )
    unlucky = [run.name] if attempts and attempts[-1].kind == "failed" else []
    ((_, _, state, done),) = states(
        info.paths, run.study, [(index, run)], study.segments_of, unlucky
    )
    series: Series = {}
    problem = ""
    if done:
        try:
            series = read_series(info, index, run, WANTED, segments=done)
        except (RuntimeError, ValueError) as error:
            problem = str(error)
    curves = tuple(_curves(info, run, series)) if series else ()
    return Inspection(
        run=run,
        state=state,
        inputs=_inputs(info, index, run),
        units=_units(unit_system(info.units)),
        segments=tuple(_segments(info, run, state, done, series)),
        attempts=attempts,
        curves=curves,
        problem=problem,
    )


def _inputs(info: StoreInfo, index: Index, run: Run) -> dict[str, Any]:
    study, paths = info.studies[run.study], info.paths
    physics = info.physics["study"].get(run.study, {})
    hashes = info.fingerprints.get("models", {})
    logs = logs_of(paths, run)
    scripts = sorted(paths.run(run).glob("segment-*.in"))
    return {
        "study": run.study,
        "method": run.method,
        "material": study.material,
        "model": run.model,
        "potential": sorted(map(str, paths.potential(run.model).glob("*"))),
        "fingerprint": hashes.get(run.model),
        "temperature": run.temperature,
        "supercell": cells_text(run.supercell),
        "atoms": study.atoms[index[2]],
        "structure": str(paths.structure(study.material, run.supercell)),
        "seed": run.seed,
        "units": info.units,
        **{
            name: physics[name]
            for name in ("timestep", "equilibrate", "source", "swap")
            if name in physics
        },
        "row_time": study.row_time,
        "rows_per_segment": study.rows_per_segment,
        "versions": list(info.versions),
        "folder": str(paths.run(run)),
        "script": str(scripts[-1]) if scripts else None,
        "log": str(logs[max(logs)]) if logs else None,
    }


def _units(system: UnitSystem) -> dict[str, str]:
    long = system.time_symbol if system.reduced else "ps"
    short = system.time_symbol if system.reduced else "fs"
    return {"temperature": system.temperature_symbol, "timestep": short, "row_time": long}


# Segments


def _segments(
    info: StoreInfo, run: Run, state: State, done: int, series: Series
) -> Iterator[SegmentFacts]:
    study, folder = info.studies[run.study], info.paths.run(run)
    before = sum(study.parts)
    records = _records(folder)
    reached = before + done if done else max(records, default=-1) + 1
    here = state if state in (State.RUNNING, State.FAILED) else State.WAITING
    means = _means(series, study.rows_per_segment)
    for number in range(before + max(study.segments_of(run), done)):
        sampling = number - before
        record = records.get(number, {})
        steps = record.get("steps")
        if sampling >= 0:
            steps = study.rows_per_segment * study.steps_per_row
        now = State.DONE if number < reached else here if number == reached else State.WAITING
        yield SegmentFacts(
            number=number,
            part="sampling" if sampling >= 0 else _stage(info, run, number),
            state=now,
            steps=steps,
            seconds=record.get("seconds"),
            temperature=means[sampling] if 0 <= sampling < len(means) else None,
        )


def _stage(info: StoreInfo, run: Run, number: int) -> str:
    """What a segment before the sampling is."""
    physics = info.physics["study"].get(run.study, {})
    names = [stage["ensemble"] for stage in physics.get("equilibrate", [])] + ["settle"]
    parts = info.studies[run.study].parts
    stages = [str(name) for name, count in zip(names, parts, strict=False) for _ in range(count)]
    return stages[number]


def _records(folder: Path) -> dict[int, dict[str, Any]]:
    """The records that are kept, by the numbers of their segments."""
    found = {}
    for path in folder.glob(f"{segment_name(0)[:-4]}*.json"):
        with suppress(ValueError, OSError, KeyError):
            record = json.loads(path.read_bytes())
            if path.name == record_name(record["segment"]):
                found[record["segment"]] = record
    return found


def _means(series: Series, rows: int) -> list[float]:
    """The temperature of each segment."""
    temperature = series.get(KINETIC_TEMPERATURE)
    if temperature is None:
        return []
    means: list[float] = temperature.reshape(-1, rows).mean(axis=1).tolist()
    return means


# Curves


def _curves(info: StoreInfo, run: Run, series: Series) -> Iterator[Curve]:
    study, system = info.studies[run.study], unit_system(info.units)
    unit = _units(system)["row_time"]
    rows = len(series[KINETIC_TEMPERATURE])
    time = study.times()[:rows]

    temperature = series[KINETIC_TEMPERATURE]
    yield _thinned("temperature", time, temperature, unit, system.temperature_symbol)
    atoms = study.atoms[study.axes.supercells.index(run.supercell)]
    drift = (series["energy"] - series["energy"][0]) / atoms
    yield _thinned("drift of the energy", time, drift, unit, f"{system.energy_symbol}/atom")
    if row_dimension(study) == "block":
        yield from _of_blocks(series, study.row_time, system, time, unit)
    elif rows > 1:
        lags = np.arange(longest_lags(rows))
        found = running([series], study, system, lags)
        lag = np.append(0.0, time)[: len(lags)]
        yield from _of_lags(found, lag, system, unit)


def _of_blocks(
    series: Series, block: float, system: UnitSystem, time: Floats, unit: str
) -> Iterator[Curve]:
    power = series["exchanged_energy"] / block
    yield _thinned("exchanged power", time, power, unit, f"{system.energy_symbol}/{unit}")
    profile = series["temperature_profile"].mean(axis=0)
    layers = (np.arange(len(profile)) + 0.5) * series["length"].mean() / len(profile)
    yield Curve(
        title="temperature along the axis",
        x=layers,
        y=profile,
        x_unit=system.length_symbol,
        y_unit=system.temperature_symbol,
    )


def _of_lags(
    found: dict[str, Floats], lag: Floats, system: UnitSystem, unit: str
) -> Iterator[Curve]:
    share = found["correlation"] / found["correlation"][0]
    above = np.flatnonzero(np.abs(share) > DECAYED)
    shown = min(len(share), 2 * int(_first_gap(above)) + 2)
    title = "autocorrelation of the heat flux, over its first value"
    yield _thinned(title, lag[:shown], share[:shown], unit, "1")
    title = "its running integral, raw Green–Kubo κ"
    yield _thinned(title, lag, found["kappa"], unit, system.conductivity_symbol)


def _first_gap(above: NDArray[np.intp]) -> int:
    """The last of these lags before none follows for as long as it took to get there."""
    gaps = np.diff(above, append=2 * above[-1:] + QUIET + 1)
    return int(above[np.argmax(gaps > above + QUIET)])


def _thinned(title: str, x: Floats, y: Floats, x_unit: str, y_unit: str) -> Curve:
    """With every n-th point, where there are too many."""
    every = -(-len(x) // POINTS)
    return Curve(title=title, x=x[::every], y=y[::every], x_unit=x_unit, y_unit=y_unit)
