"""How far the campaigns are, what they cost, and whether their numbers pass the checks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ensemble.plan.recipe import number_text
from ensemble.plan.show import duration_text
from ensemble.reproduction.evidence import Campaign, Evidence
from ensemble.reproduction.outcomes import Agreement, agreement
from ensemble.reproduction.texts import between, count, number, percent, table
from ensemble.reproduction.texts import value as value_text

__all__ = [
    "Checks",
    "Costs",
    "States",
    "Swaps",
    "checks",
    "costs",
    "doubts_table",
    "failures_table",
    "states",
    "swaps",
]

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class States:
    """How far a campaign is."""

    campaign: str
    title: str
    runs: int
    runs_asked: int
    launches: int
    attempts_failed: int
    failures: int
    versions: str

    @property
    def complete(self) -> bool:
        """Whether every run is done."""
        return self.runs == self.runs_asked


def states(evidence: Evidence) -> Iterator[States]:
    """Of every campaign."""
    for one in evidence.campaigns:
        store = one.tables["store"].iloc[0]
        yield States(
            campaign=one.name,
            title=one.title,
            runs=int(store.runs),
            runs_asked=int(store.runs_asked),
            launches=int(store.launches),
            attempts_failed=int(store.attempts_failed),
            failures=len(one.tables["failures"]),
            versions=f"ensemble {store.ensemble}, LAMMPS {store.lammps}",
        )


def failures_table(evidence: Evidence) -> str:
    """Runs that were given up, and why; empty where there are none."""
    rows = [
        (one.title, line["study"], line["run"], line["cause"], line["message"])
        for one in evidence.campaigns
        for line in one.tables["failures"].to_dict("records")
    ]
    return table(("material", "study", "run", "cause", "message"), rows, words=5) if rows else ""


def doubts_table(evidence: Evidence) -> str:
    """What is known against values of κ, and against how many; empty where nothing is."""
    rows = []
    for one in evidence.campaigns:
        for case in one.cases:
            reasons: Counter[tuple[str, str]] = Counter()
            for value in case.values:
                if not value.trusted:
                    for reason in value.verdict.split("; "):
                        reasons[value.estimate, reason] += 1
            for (estimate, reason), values in reasons.items():
                place = f"{case.title} ({case.study}, {case.supercell})"
                of = f"{values} of {sum(v.estimate == estimate for v in case.values)}"
                rows.append((place, estimate, reason, of))
    headings = ("values", "κ", "what is known against them", "models")
    return table(headings, rows, words=3) if rows else ""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What was paid, and what the campaigns in full cost by the plan."""

    table: str
    core_hours: float
    planned: float
    """By the plan, of the runs that are done."""
    unknown: list[str]
    """Studies of which neither is known, since their campaign has dropped them."""
    full: str
    """A table."""
    measured: bool
    full_hours: dict[str, float]
    """Core-hours by campaign."""
    simulated: str
    """A table."""
    segments: str
    """A table of the first segments; empty where there are none."""


def costs(evidence: Evidence) -> Costs:
    """From the ledgers, and from the plan."""
    lines = [
        (one, line) for one in evidence.campaigns for line in one.tables["cost"].to_dict("records")
    ]
    known = [line for _, line in lines if not math.isnan(line["core_hours"])]
    plan = evidence.plans["plan"]
    hours: dict[str, float] = plan.groupby("campaign", sort=False).core_hours.sum().to_dict()
    return Costs(
        table=_paid(lines),
        core_hours=math.fsum(line["core_hours"] for line in known),
        planned=math.fsum(line["core_hours_planned"] for line in known),
        unknown=[line["study"] for _, line in lines if math.isnan(line["core_hours"])],
        full=_full(plan.to_dict("records")),
        measured=bool(plan.measured.any()),
        full_hours=hours,
        simulated=_simulated(evidence.plans["simulated"].to_dict("records")),
        segments=_segments(evidence),
    )


def _paid(lines: list[tuple[Campaign, Any]]) -> str:
    rows = [
        (
            one.title,
            line["study"],
            line["method"],
            f"{number(line['runs'])} of {number(line['runs_asked'])}",
            between(line["atoms_least"], line["atoms_most"], 5),
            count(line["steps"]),
            f"{number(line['attempts'])} ({number(line['attempts_failed'])})",
            number(line["core_hours"]),
            number(line["core_hours"] / line["runs"] if line["runs"] else math.nan, 2),
            number(line["core_hours_planned"]),
        )
        for one, line in lines
    ]
    headings = ("material", "study", "method", "runs", "atoms", "steps of a run")
    more = ("attempts (failed)", "core-hours", "a run", "by the plan")
    return table((*headings, *more), rows, words=3)


def _full(lines: list[Any]) -> str:
    rows = [
        (
            line["campaign"],
            line["study"],
            line["method"],
            count(line["runs"]),
            between(line["atoms_least"], line["atoms_most"], 6),
            count(line["steps"]),
            count(line["core_hours"]),
            duration_text(SECONDS_PER_HOUR * line["longest_hours"]),
        )
        for line in lines
    ]
    headings = ("campaign", "study", "method", "runs", "atoms", "steps of a run", "core-hours")
    return table((*headings, "longest run"), rows, words=3)


def _simulated(lines: list[Any]) -> str:
    rows = [
        (
            line["campaign"],
            count(line["workers"]),
            f"{number_text(line['walltime_hours'])} h, {number_text(line['failure_rate'])} / h",
            f"{count(line['done'])} of {count(line['runs'])}",
            duration_text(SECONDS_PER_HOUR * line["makespan_hours"]),
            duration_text(SECONDS_PER_HOUR * line["lower_bound_hours"]),
            count(line["jobs"]),
            count(line["deaths"]),
            percent(line["utilisation"], 3),
        )
        for line in lines
    ]
    headings = ("campaign", "workers", "walltime, deaths of a worker", "runs done", "all done in")
    return table((*headings, "least possible", "jobs", "deaths", "of their time used"), rows)


def _segments(evidence: Evidence) -> str:
    """By study, method of the stage and model: how long, beside the plan."""
    frame = evidence.plans["first_segments"]
    rows = [
        (
            str(campaign),
            str(study),
            str(kind),
            str(len(lines)),
            between(lines.atoms.min(), lines.atoms.max(), 6),
            between(lines.steps.min(), lines.steps.max(), 6),
            between(lines.seconds.min(), lines.seconds.max()),
            between(lines.planned.min(), lines.planned.max()),
            number(lines.seconds.sum() / lines.planned.sum(), 2),
        )
        for (campaign, study, kind), lines in frame.groupby(
            ["campaign", "study", "kind"], sort=False
        )
    ]
    headings = ("campaign", "study", "segment", "segments", "atoms", "steps", "seconds")
    return table((*headings, "by the plan", "ratio"), rows, words=3) if rows else ""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Energy and momentum of the equilibrium runs of a campaign."""

    title: str
    runs: int
    drift: float
    """The largest, an atom, with its sign."""
    relative_drift: float
    """The largest, as a change of the temperature over the temperature."""
    worst: str
    """The run of it."""
    time: float
    momentum: float
    """The largest, over the thermal one."""


def checks(evidence: Evidence) -> Iterator[Checks]:
    """Of every campaign with equilibrium runs that are done."""
    for one in evidence.campaigns:
        drift, momentum = one.tables["drift"], one.tables["momentum"]
        if drift.empty or momentum.empty:
            continue
        worst = drift.loc[drift.relative_drift.abs().idxmax()]
        yield Checks(
            title=one.title,
            runs=len(drift),
            drift=float(worst.drift),
            relative_drift=float(abs(worst.relative_drift)),
            worst=f"{worst.study}, {worst.model}, seed {worst.seed:.0f}",
            time=float(worst.time),
            momentum=float(momentum.relative.max()),
        )


@dataclass(frozen=True, kw_only=True)
class Swaps:
    """Swap power against the heat flux in the slabs."""

    title: str
    found: Agreement
    farthest: float
    """Distance over the error of the distance, both at the level of the intervals."""
    table: str


def swaps(evidence: Evidence) -> Iterator[Swaps]:
    """Of every campaign with cells of the direct method."""
    for one in evidence.campaigns:
        pairs, rows, farthest = [], [], 0.0
        for case in one.by("nemd"):
            for value in case.of("direct").values():
                if not {"swap_flux", "slab_flux"} <= value.parts.keys():
                    continue
                swap, slab = value.parts["swap_flux"], value.parts["slab_flux"]
                pairs.append((swap, slab))
                apart = _distance(swap, slab)
                farthest = max(farthest, apart if math.isfinite(apart) else 0.0)
                rows.append((case, value, apart))
        if pairs:
            yield Swaps(
                title=one.title,
                found=agreement(pairs),
                farthest=farthest,
                table=_swap_table(rows),
            )


def _distance(one: Any, other: Any) -> float:
    """Of two means, over the half-width of their difference: 1 where they just do not agree."""
    error = math.hypot(one.half_width, other.half_width)
    return abs(one.mean - other.mean) / error if error and math.isfinite(error) else math.nan


def _swap_table(rows: list[Any]) -> str:
    lines = [
        (
            case.study,
            value.model,
            number_text(case.temperature),
            case.supercell,
            value_text(value.parts["swap_flux"].scaled(1e3)),
            value_text(value.parts["slab_flux"].scaled(1e3)),
            number(apart, 2),
        )
        for case, value, apart in rows
    ]
    headings = ("study", "model", "T (K)", "cells", "swap power / 2A", "in the slabs")
    return table((*headings, "distance / error"), lines, words=2)
