"""How fast the models of a campaign are on this machine, measured once and remembered.

For each model a perfect crystal of its material runs for a fraction of a second in a folder of its
own, at constant energy and with nothing sampled. The time for one atom and one step is the same
within 10 % from some hundred atoms on, so one size will do: large supercells are cut down.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from math import ceil, prod
from pathlib import Path

from ensemble.campaign import CampaignFiles
from ensemble.campaign.table import Engine
from ensemble.md.engine import lammps_command, lammps_environment, lammps_version
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.process import run_lammps
from ensemble.plan.crystals import build_structure
from ensemble.plan.plan import Plan
from ensemble.plan.recipe import Cells, Model, Recipe, number_text
from ensemble.units import unit_system

__all__ = ["cut_down", "measured_speeds"]

MOST_ATOMS = 1500
"""Supercells are cut down to about so many."""

SECONDS = 0.4
"""How long a measurement should take."""

LOOP_TIME = re.compile(r"^Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", re.M)
CPU_USE = re.compile(r"^(\S+)% CPU use", re.M)


def measured_speeds(plan: Plan, files: CampaignFiles) -> dict[str, float]:
    """Seconds of one core for one atom and one time step, by model.

    What was measured before with the same program on the same kind of processor is taken from
    ``calibration.json`` in the user's cache folder.

    Parameters
    ----------
    plan
        Of the campaign.
    files
        What `ensemble.campaign.find_files` found for it.

    Raises
    ------
    SegmentFailure
        LAMMPS cannot be started, or refuses a model.
    """
    known, found = _read_cache(), {}
    for recipe in plan.recipes.values():
        for model in recipe.models.values():
            if model.name not in found:
                key = _key(plan, recipe, model)
                if key not in known:
                    known[key] = _measure(plan, recipe, model, files)
                    _write_cache(known)
                found[model.name] = known[key]
    return found


def _measure(plan: Plan, recipe: Recipe, model: Model, files: CampaignFiles) -> float:
    cells = _cells(plan, recipe)
    crystal = recipe.material.model_copy(update={"vacancies": None})
    structure = files.structures.get(recipe.material_name)
    data = build_structure(replace(recipe, material=crystal), cells, structure)
    atoms = _atoms_per_cell(plan, recipe) * prod(cells)
    expected = plan.seconds_per_atom_step[model.name] * atoms
    steps = min(max(round(SECONDS / expected), 20), 1000)
    with tempfile.TemporaryDirectory(prefix="ensemble-") as name:
        folder = Path(name)
        for file in files.models[model.name]:
            shutil.copy(file, folder)
        (folder / "crystal.data").write_text(data)
        (folder / "in.speed").write_text(_script(recipe, model, steps))
        try:
            return _seconds_per_atom_step(recipe.engine, folder)
        except SegmentFailure as failure:
            message = f"the speed of model {model.name} cannot be measured: {failure.message}"
            raise SegmentFailure(failure.cause, message, failure.log_tail) from failure


def _cells(plan: Plan, recipe: Recipe) -> Cells:
    """The largest supercell of a study, or a part of it."""
    largest = max(recipe.trajectory.supercells, key=prod)
    return cut_down(largest, _atoms_per_cell(plan, recipe))


def _atoms_per_cell(plan: Plan, recipe: Recipe) -> float:
    cells = recipe.trajectory.supercells[0]
    return plan.atoms[recipe.material_name, cells] / prod(cells)


def cut_down(cells: Cells, atoms_per_cell: float) -> Cells:
    """A part of a supercell with `MOST_ATOMS` at most: its longest edge halved, again and again."""
    edges = list(cells)
    while prod(edges) * atoms_per_cell > MOST_ATOMS and max(edges) > 1:
        longest = edges.index(max(edges))
        edges[longest] = ceil(edges[longest] / 2)
    return edges[0], edges[1], edges[2]


def _script(recipe: Recipe, model: Model, steps: int) -> str:
    units, study = unit_system(recipe.units), recipe.trajectory
    temperature = number_text(max(study.temperatures))
    return "\n".join(
        [
            f"units {recipe.units}",
            "atom_style atomic",
            "read_data crystal.data",
            *model.commands,
            f"neighbor {0.3 if units.reduced else 1.0} bin",
            "neigh_modify delay 0 every 1 check yes",
            f"timestep {number_text(study.timestep * units.femtosecond)}",
            f"velocity all create {temperature} 1 loop geom",
            "fix nve all nve",
            "run 5",
            f"run {steps}",
            "",
        ]
    )


def _seconds_per_atom_step(engine: Engine, folder: Path) -> float:
    engine = _on_one_rank(engine)
    finished = run_lammps(
        lammps_command(engine, ["-in", "in.speed", "-log", "none"]),
        folder,
        lammps_environment(engine),
    )
    if not finished.ok:
        raise finished.failure("")
    loops, uses = LOOP_TIME.findall(finished.screen), CPU_USE.findall(finished.screen)
    if not loops or not uses:
        raise SegmentFailure(Cause.LAMMPS_ERROR, "LAMMPS did not say how long its steps took")
    seconds, steps, atoms = loops[-1]
    # What it had of its core counts: others may be busy here now.
    core_seconds = float(seconds) * min(float(uses[-1]) / 100, 1.0) * engine.ranks
    return core_seconds / int(steps) / int(atoms)


def _on_one_rank(engine: Engine) -> Engine:
    """Where the command lets one choose: here may be fewer cores than where the runs will be."""
    chosen = engine.command is None or "{ranks}" in engine.command
    return engine.model_copy(update={"ranks": 1}) if chosen else engine


# What is remembered


def _key(plan: Plan, recipe: Recipe, model: Model) -> str:
    """Everything that a speed depends on."""
    engine = _on_one_rank(recipe.engine)
    parts = [
        plan.fingerprints.models[model.name],
        *model.commands,
        recipe.material.model_dump_json(),
        plan.fingerprints.structures.get(recipe.material_name, ""),
        str(_cells(plan, recipe)),
        engine.model_dump_json(),
        lammps_version(engine),
        metadata.version("ensemble"),
        _processor(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _cache_file() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "ensemble" / "calibration.json"


def _read_cache() -> dict[str, float]:
    """What was measured; nothing if the file is missing or no good."""
    try:
        speeds = json.loads(_cache_file().read_text())
        return {str(key): float(speed) for key, speed in speeds.items() if speed > 0}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_cache(speeds: dict[str, float]) -> None:
    """For the next time. A home that cannot be written to is no reason to fail."""
    file = _cache_file()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.{os.getpid()}")
        aside.write_text(json.dumps(speeds, indent=1) + "\n")
        os.replace(aside, file)
