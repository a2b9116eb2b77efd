"""Scripts of the stages before the sampling."""

from __future__ import annotations

from ensemble.campaign.studies import Nemd, Npt, Nvt
from ensemble.md import nemd
from ensemble.md.assignment import Assignment
from ensemble.md.passage import passage
from ensemble.md.script import BOX, ENERGY, VIRIAL, average, begin, end, head, number, text
from ensemble.plan.recipe import StagePlan

WATCH = "watch"
"""The file of the rows of a stage."""

WATCHED = {
    "temperature": "c_thermo_temp",
    "pressure": "c_thermo_press",
    "energy": "v_energy",
    **{edge: f"v_{edge}" for edge in BOX},
}
"""What is written of a stage, and what LAMMPS calls it."""

TEMPERATURE_DAMPING = 100
"""Relaxation time of the Nosé–Hoover thermostat, in time steps, as LAMMPS advises."""

PRESSURE_DAMPING = 1000
"""Relaxation time of the barostat, in time steps, as LAMMPS advises."""


def watch_interval(stage: StagePlan) -> int:
    """Time steps between two rows of a stage; every part of it has some."""
    return max(1, min(10, stage.steps // stage.parts // 20))


def stage_script(work: Assignment) -> str:
    """The script of a segment of a stage."""
    plan = work.recipe.stages[work.segment.stage]
    kind = work.stage.ensemble if work.stage else "the heat current settles"
    what = f"{kind}, part {work.segment.part + 1} of {plan.parts}"
    return text(
        [
            *head(work, what),
            *begin(work),
            *passage(work),
            *_ensemble(work),
            *_watch(watch_interval(plan)),
            *_refusal(work),
            *end(work),
        ]
    )


def _ensemble(work: Assignment) -> list[str]:
    """What moves the atoms. The thermostat goes on where it was in the restart file, because its
    name is the same through a stage.
    """
    stage, name = work.stage, f"stage{work.segment.stage}"
    temperature = number(work.run.temperature)
    relax = number(TEMPERATURE_DAMPING * work.timestep)
    thermostat = f"temp {temperature} {temperature} {relax}"
    if isinstance(stage, Npt):
        barostat = _barostat(work, stage)
        return ["", *_triclinic(work, stage), f"fix {name} all npt {thermostat} {barostat}"]
    if isinstance(stage, Nvt):
        return ["", f"fix {name} all nvt {thermostat}"]
    swap = nemd.swap(work) if stage is None else []
    return ["", f"fix {name} all nve", *swap]


def _triclinic(work: Assignment, stage: Npt) -> list[str]:
    return ["change_box all triclinic"] if stage.coupling == "tri" and work.starts_stage else []


def _barostat(work: Assignment, stage: Npt) -> str:
    """The pressure in LAMMPS's unit; the file has bar, or that of ``lj``."""
    bar = 1.0 if work.units.reduced else 1e5 / work.units.pressure
    pressure = number(stage.pressure * bar)
    relax = number(PRESSURE_DAMPING * work.timestep)
    # A box that is flipped has no mean.
    flip = " flip no" if stage.coupling == "tri" else ""
    return f"{stage.coupling} {pressure} {pressure} {relax}{flip}"


def _refusal(work: Assignment) -> list[str]:
    """In the first segment of a run, what it will need later: LAMMPS then refuses a pair style that
    has no right heat flux, and a cell that has no layers, before any time is spent on them.
    """
    if work.segment.number > 0:
        return []
    layers = nemd.straight(work) if isinstance(work.recipe.study, Nemd) else []
    return ["", "# Not needed yet, but without it there is no use in going on.", VIRIAL, *layers]


def _watch(interval: int) -> list[str]:
    """Rows of temperature, pressure, energy and box."""
    return [
        "",
        "compute kinetic_energy all ke",
        ENERGY,
        *(f"variable {edge} equal {edge}" for edge in BOX),
        average(WATCH, tuple(WATCHED.values()), every=interval, titles=WATCHED),
    ]
