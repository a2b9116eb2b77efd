"""What LAMMPS computed in a segment: read, judged, and made rows and a record of."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.campaign.studies import Nemd, Npt, Rerun
from ensemble.md import emd, equilibrate, health, nemd, rerun, site_energies
from ensemble.md.assignment import Assignment, Record, has_thermostat
from ensemble.md.failures import Cause, SegmentFailure, incomplete
from ensemble.md.record import second_half
from ensemble.md.rows import read_profile, read_series
from ensemble.plan.channels import of_species
from ensemble.plan.channels import profile as profile_names

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]

SAME = 1e-6
"""How far a temperature of a trajectory that is made again may be off, in units of the mean. On the
same kind of processor none is; on another they go apart until nothing is alike."""


def of(work: Assignment) -> tuple[Floats | None, dict[str, Any]]:
    """The rows for the store, None of a stage before the sampling, and the record.

    Raises
    ------
    SegmentFailure
        Something is missing, or cannot be right.
    """
    record = _facts(work)
    if not work.segment.samples:
        _judge_stage(work, record)
        return None, record
    if isinstance(work.recipe.study, Rerun):
        rows = _frames(work)
        record[site_energies.FRAMES] = site_energies.counted(work)
    elif isinstance(work.recipe.study, Nemd):
        rows = _blocks(work, record)
    else:
        rows = _moments(work, record)
        record[site_energies.FRAMES] = site_energies.counted(work)
    return rows, record


def _facts(work: Assignment) -> dict[str, Any]:
    """What LAMMPS said of itself, and which segment this is."""
    path = work.files.attempt / "facts"
    try:
        said = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise incomplete(path, f"LAMMPS wrote no file {path.name}") from error
    except ValueError as error:
        raise incomplete(path, f"LAMMPS wrote file {path.name} not to its end") from error
    return {"segment": work.segment.number, "steps": work.segment.steps, **said}


# Stages before the sampling


def _judge_stage(work: Assignment, record: dict[str, Any]) -> None:
    stage = work.recipe.stages[work.segment.stage]
    first, behind = stage.bounds(work.segment.part)
    interval = equilibrate.watch_interval(stage)
    steps = np.arange(first // interval + 1, behind // interval + 1) * interval
    columns = tuple(equilibrate.WATCHED)
    rows = read_series(work.files.attempt / equilibrate.WATCH, len(columns), steps)
    health.check_numbers(columns, rows)
    if isinstance(stage.stage, Npt):
        volumes = rows[:, [columns.index(edge) for edge in ("lx", "ly", "lz")]].prod(axis=1)
        begins = work.starts_stage
        record["volume"] = float(volumes[0]) if begins else _previous(work)["volume"]
        health.check_volume(volumes, record["volume"], work.units)
    if has_thermostat(stage.stage):
        before = None if work.starts_stage else _previous(work)["second_half"]
        record["second_half"] = second_half(columns, steps, rows, stage.steps, before)
    else:
        _judge_energy(work, record, rows[:, columns.index("energy")])


def _previous(work: Assignment) -> Record:
    assert work.previous is not None
    return work.previous


def _judge_energy(work: Assignment, record: dict[str, Any], energies: Floats) -> None:
    """At constant energy, since a thermostat was taken away or the run began."""
    begins = work.starts_stage and has_thermostat(work.stage_before)
    if begins or work.previous is None:
        record["energy"] = health.mean_of_first_quarter(energies)
    else:
        record["energy"] = work.previous["energy"]
    health.check_drift(
        energies,
        record["energy"],
        atoms=record["atoms"],
        temperature=work.run.temperature,
        units=work.units,
    )


# Sampling


def _row_steps(work: Assignment) -> Steps:
    """The time steps of the rows: the first one is a row's time behind the segment's beginning."""
    return work.first_step + work.recipe.steps_per_row * np.arange(1, work.segment.rows + 1)


def _moments(work: Assignment, record: dict[str, Any]) -> Floats:
    """Rows of ``emd``."""
    names = _channel_names(work)
    rows = read_series(work.files.attempt / emd.ROWS, len(names), _row_steps(work))
    health.check_numbers(names, rows)
    _judge_energy(work, record, rows[:, names.index("energy")])
    for symbol in work.recipe.material.framework:
        _judge_framework(work, record, rows[:, names.index(of_species("msd", symbol))])
    return rows


def _blocks(work: Assignment, record: dict[str, Any]) -> Floats:
    """Rows of ``nemd``, from three files of LAMMPS's."""
    attempt, steps, bins = work.files.attempt, _row_steps(work), nemd.study_of(work).bins
    framework = bool(nemd.framework_types(work))
    summed = nemd.layer_values(work)
    profile = read_profile(attempt / nemd.PROFILE, bins, 1 + len(summed), steps)
    blocks = read_series(attempt / nemd.BLOCKS, len(nemd.BLOCK_VALUES), steps)
    exchanged = read_series(attempt / nemd.EXCHANGED, 1 + framework, steps)
    columns = {name: blocks[:, k] for k, name in enumerate(nemd.BLOCK_VALUES)}
    columns["exchanged_energy"] = np.diff(exchanged[:, 0], prepend=0.0)
    atoms, temperatures, *of_an_atom = np.moveaxis(profile, -1, 0)
    # The total momentum is zero, so that N atoms have 3 N − 3 modes, as compute temp counts; fix
    # ave/chunk counts three for each.
    total = record["atoms"]
    layers = {"atoms": atoms, "temperature": temperatures * total / (total - 1)}
    layers |= {name: atoms * mean for name, mean in zip(summed, of_an_atom, strict=True)}
    for quantity, values in layers.items():
        columns |= dict(zip(profile_names(quantity, bins), values.T, strict=True))
    names = _channel_names(work)
    rows = np.stack([columns[name] for name in names], axis=1)
    health.check_numbers(names, rows)
    _judge_energy(work, record, columns["energy"])
    if framework:
        _judge_framework(work, record, exchanged[:, 1])
    return rows


def _frames(work: Assignment) -> Floats:
    """Rows of a ``rerun``."""
    names = _channel_names(work)
    rows = read_series(work.files.attempt / emd.ROWS, len(names), _row_steps(work))
    health.check_numbers(names, rows)
    if work.files.source_rows is not None:
        _compare_with_source(work, work.files.source_rows)
    return rows


def _channel_names(work: Assignment) -> list[str]:
    return [channel.name for channel in work.recipe.channels]


def _judge_framework(work: Assignment, record: dict[str, Any], displacements: Floats) -> None:
    """The framework, whose shortest distance is looked up once in a run."""
    framework, previous = work.recipe.material.framework, work.previous or {}
    if "distance" not in record:
        types = nemd.framework_types(work)
        record["distance"] = previous.get("distance") or health.shortest_distance(
            work.files.structure, types
        )
    health.check_framework(displacements, record["distance"], framework, work.units)


def _compare_with_source(work: Assignment, expected: Floats) -> None:
    """The trajectory that was made again is that of the source."""
    source = rerun.source_of(work)
    names = _channel_names(source)
    found = read_series(work.files.attempt / rerun.SOURCE, len(names), _row_steps(source))
    column = names.index("temperature")
    apart = np.abs(found[:, column] - expected[:, column]) > SAME * expected[:, column].mean()
    if apart.any():
        row = int(np.argmax(apart))
        message = (
            f"the trajectory of {source.run.key} came out differently from row {row + 1} of "
            f"{len(found)} on: temperature {found[row, column]:.10g}, "
            f"{expected[row, column]:.10g} in the store; a rerun needs the kind of processor, the "
            "LAMMPS and the number of ranks that its source had"
        )
        raise SegmentFailure(Cause.LAMMPS_ERROR, message)
