"""From one stage of a run into the next.

Behind a stage at constant pressure the box is set to its mean over the second half of that stage.
Where the thermostat is taken away, the velocities are scaled once, so that the total energy is its
mean over the second half of the last stage that had a thermostat, referred to the target
temperature (`ensemble.md.record.energy_at`): then the run at constant energy has that temperature.
"""

from __future__ import annotations

from ensemble.campaign.studies import Npt
from ensemble.md.assignment import Assignment, has_thermostat
from ensemble.md.record import energy_at, mean_of
from ensemble.md.script import TILTS, create_velocities, number


def passage(work: Assignment) -> list[str]:
    """From the stage before into this one, or from the structure into the first."""
    if not work.starts_stage:
        return []
    if work.segment.number == 0:
        # A crystal at rest turns half of its kinetic energy into potential energy at once.
        warm = 1 if has_thermostat(work.stage) else 2
        return create_velocities(work, warm * work.run.temperature)
    assert work.previous is not None
    lines = mean_box(work) if isinstance(work.stage_before, Npt) else []
    if has_thermostat(work.stage_before) and not has_thermostat(work.stage):
        lines += mean_energy(work)
    return lines


def mean_box(work: Assignment) -> list[str]:
    """The box at its mean over the second half of the stage before."""
    assert work.previous is not None
    mean = mean_of(work.previous)
    edges = [f"{x} final 0 {number(mean[f'l{x}'])}" for x in "xyz"]
    tilts = [f"{tilt} final {number(mean[tilt])}" for tilt in TILTS if mean[tilt]]
    return [
        "",
        "# The box at its mean over the second half of the stage at constant pressure.",
        f"change_box all {' '.join(edges + tilts)} remap units box",
    ]


def mean_energy(work: Assignment) -> list[str]:
    """The velocities scaled for the energy that belongs to the target temperature."""
    assert work.previous is not None
    energy = energy_at(work.previous, work.run.temperature, work.units)
    return [
        "",
        "# The total energy at its mean over the second half of the stage with a thermostat,",
        f"# referred to {number(work.run.temperature)}: the velocities make up the difference.",
        "velocity all zero linear",
        "thermo_modify norm no",
        "run 0 post no",
        f"variable factor equal ({number(energy)}-pe)/ke",
        'if "$(v_factor) <= 0" then &',
        "  \"print 'ERROR: the potential energy alone is above the mean total energy: "
        "the stage before has not settled; make it longer'\" &",
        '  "quit 1"',
        "velocity all scale $(v_factor*temp:%.17g)",
    ]
