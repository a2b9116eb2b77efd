"""A plan for the reader: tables for the terminal, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ensemble.plan.cost import Estimate
from ensemble.plan.plan import Plan
from ensemble.plan.recipe import cells_text, number_text

__all__ = ["as_json", "bytes_text", "describe", "duration_text"]

SECONDS_PER_HOUR = 3600.0

MOST_LABELS = 6


def describe(plan: Plan, estimate: Estimate, most: Estimate | None = None) -> RenderableType:
    """The studies of a plan, what they are swept over, what they cost.

    Parameters
    ----------
    most
        Of `Plan.at_most`, where the campaign has ``[convergence]``.
    """
    parts: list[RenderableType] = [_sweeps(plan), "", _work(plan, estimate), ""]
    parts.append(_conclusion(plan, estimate))
    if most is not None:
        parts.append(_limits(plan, most))
    return Group(*parts)


def _sweeps(plan: Plan) -> Table:
    degrees = "T" if plan.campaign.units == "lj" else "T (K)"
    table = _table("study", "method", "models", degrees, "supercell", "atoms", "seeds", "runs")
    for name, axes in plan.axes.items():
        table.add_row(
            Text(name),
            plan.recipes[name].study.method,
            str(len(axes.models)),
            _some(map(number_text, axes.temperatures)),
            _some(map(cells_text, axes.supercells)),
            _some(f"{plan.atom_count(name, cells):,}" for cells in axes.supercells),
            str(len(axes.seeds)),
            f"{axes.run_count:,}",
        )
    return table


def _work(plan: Plan, estimate: Estimate) -> Table:
    table = _table("study", "steps", "segments", "rows", "samples", "core-h", "longest run")
    for name, recipe in plan.recipes.items():
        cost = estimate.studies[name]
        table.add_row(
            Text(name),
            f"{recipe.steps:,}",
            f"{recipe.equilibration_segments} + {recipe.sample_segments}",
            f"{recipe.rows:,}",
            bytes_text(plan.sample_bytes(name)),
            f"{cost.core_seconds / SECONDS_PER_HOUR:,.3g}",
            duration_text(cost.longest_seconds),
        )
    return table


def _table(*headings: str) -> Table:
    """A table without lines that fits into 80 columns; numbers stand at the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        words = heading in ("study", "method")
        table.add_column(heading, justify="left" if words else "right", overflow="fold")
    return table


def _conclusion(plan: Plan, estimate: Estimate) -> Text:
    size = bytes_text(sum(map(plan.sample_bytes, plan.recipes)))
    workers = f"{estimate.workers} worker{'s' if estimate.workers > 1 else ''}"
    basis = "were measured here" if estimate.measured else "follow from the sizes of the models"
    runs = f"{plan.run_count:,} run{'s' if plan.run_count > 1 else ''}"
    return Text(
        f"{runs}, {estimate.core_seconds / SECONDS_PER_HOUR:,.3g} core-hours; "
        f"with {workers} about {duration_text(estimate.makespan_seconds)}.\n"
        f"Speeds {basis}. Samples are {size} before compression."
    )


def _limits(plan: Plan, most: Estimate) -> Text:
    """What may come on top, until κ is known well enough."""
    limits = plan.campaign.convergence
    assert limits is not None
    unit = "τ" if plan.campaign.units == "lj" else "ps"
    time = "" if limits.max_time is None else f" and {number_text(limits.max_time)} {unit}"
    return Text(
        f"Then more for those groups of runs whose κ is not known to ± "
        f"{100 * limits.relative_error:.3g} %: up to {limits.max_seeds} seeds{time} each.\n"
        f"At most {plan.at_most().run_count:,} runs, "
        f"{most.core_seconds / SECONDS_PER_HOUR:,.3g} core-hours, "
        f"about {duration_text(most.makespan_seconds)} in all."
    )


def _some(labels: Iterable[str]) -> str:
    """Labels below one another, the middle left out where there are many."""
    listed = list(labels)
    if len(listed) > MOST_LABELS:
        listed = [*listed[: MOST_LABELS - 2], "…", listed[-1]]
    return "\n".join(listed)


def bytes_text(count: float) -> str:
    """A number of bytes for the reader, ``1.5 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


def duration_text(seconds: float) -> str:
    """A time for the reader, in two units at most: ``40 s``, ``3 h 20 min``, ``4 d 2 h``."""
    if seconds < 59.5:
        return f"{seconds:.2g} s" if seconds < 9.5 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / SECONDS_PER_HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def as_json(plan: Plan, estimate: Estimate, most: Estimate | None = None) -> dict[str, Any]:
    """Everything of `describe`, and more, in JSON's types; units are in the names of the keys."""
    table: dict[str, Any] = {
        "campaign": plan.campaign.name,
        "file": str(plan.campaign.path),
        "units": plan.campaign.units,
        "runs": plan.run_count,
        "sample_bytes_uncompressed": sum(map(plan.sample_bytes, plan.recipes)),
        "core_hours": estimate.core_seconds / SECONDS_PER_HOUR,
        "longest_run_hours": estimate.longest_seconds / SECONDS_PER_HOUR,
        "workers": estimate.workers,
        "makespan_hours": estimate.makespan_seconds / SECONDS_PER_HOUR,
        "speeds": "measured" if estimate.measured else "modelled",
        "fingerprints": plan.fingerprints.as_json(),
        "studies": [_study_json(plan, estimate, name) for name in plan.recipes],
    }
    if most is not None:
        table["at_most"] = {
            "runs": plan.at_most().run_count,
            "core_hours": most.core_seconds / SECONDS_PER_HOUR,
            "makespan_hours": most.makespan_seconds / SECONDS_PER_HOUR,
        }
    return table


def _study_json(plan: Plan, estimate: Estimate, name: str) -> dict[str, Any]:
    recipe, axes, cost = plan.recipes[name], plan.axes[name], estimate.studies[name]
    step = recipe.trajectory.timestep
    return {
        "study": name,
        "method": recipe.study.method,
        "material": recipe.material_name,
        "models": list(axes.models),
        "temperatures_epsilon_kB" if recipe.units == "lj" else "temperatures_K": list(
            axes.temperatures
        ),
        "atoms": {cells_text(cells): plan.atom_count(name, cells) for cells in axes.supercells},
        "seeds": list(axes.seeds),
        "runs": axes.run_count,
        "timestep_tau" if recipe.units == "lj" else "timestep_fs": step,
        "steps_per_run": recipe.steps,
        "steps_per_row": recipe.steps_per_row,
        "rows_per_run": recipe.rows,
        "rows_per_segment": recipe.rows_per_segment,
        "equilibration_segments": recipe.equilibration_segments,
        "sampling_segments": recipe.sample_segments,
        "channels": [channel.name for channel in recipe.channels],
        "ranks": recipe.engine.ranks,
        "sample_bytes_uncompressed": plan.sample_bytes(name),
        "core_hours": cost.core_seconds / SECONDS_PER_HOUR,
        "longest_run_hours": cost.longest_seconds / SECONDS_PER_HOUR,
    }
