"""When to stop: what groups of runs are given whose κ is not known well enough yet.

``[convergence]`` asks for a relative error of κ. When nothing is left to do of what a store asks
for, each group of an ``emd`` or ``nemd`` study is judged by the κ that `ensemble results` would
show: Onsager's corrected one where there is one. One with an interval narrow enough, and nothing
against it, has met the target and gets nothing. One that no amount of data can cure gets nothing
either: an error is not answered with more runs. Another one gets seeds or, where it has as many as
may be or its runs are too short for a verdict, sampling time: as much as an error that falls with
the root of the data needs, at most twice what it has. Then the launch goes on.

Nothing of that is kept in a launcher. A decision follows from the samples of runs that are all
done, or given up, and from what the group was to have until then; it takes effect by what the
store's metadata ask for (`ensemble.plan.extension`), and only if they still ask for the same as
when it was judged. So who is killed before that decides the same again, and of two launchers the
second finds that it has been done. The ledger tells of each decision, once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ensemble.cluster.prepare import PATIENCE, Prepared, versions_of
from ensemble.plan.extension import NOTHING, Extension, Extensions, GroupKey, group_of, next_seeds
from ensemble.plan.recipe import number_text
from ensemble.store import ledger
from ensemble.store.arrays import create_or_grow
from ensemble.store.info import StoreInfo, read_store
from ensemble.store.lease import Lease

if TYPE_CHECKING:
    from ensemble.results.findings import Finding
    from ensemble.results.table import Row

MOST_GROWTH = 2.0
"""Of the seeds, or of the time, in one round: an error is not known well itself."""

SYSTEMATIC = (
    "the heat flux in the slabs differs",
    "κ still changes where more layers",
    "x, y and z differ",
    "the spectrum at low frequencies says",
)
"""How problems begin that are of the method, the cell or the material: what more data do is to make
them plainer. They are those of `ensemble.results.reduce` and `ensemble.reduction.verdict`."""

DATA_HELP = re.compile(
    r"no temperature gradient beyond the noise|\d+ samples (are too few|of \d+ currents: more)"
)
"""The beginning of what is said where there is no κ, but would be with more data. Anything else is
an error in them or in the reading."""


class Step(StrEnum):
    """What is decided of a group."""

    MET = "met"
    """κ is known as well as is asked for."""
    SEEDS = "seeds"
    """More of them."""
    TIME = "time"
    """More of it."""
    LIMITS = "limits"
    """It is not, and there is to be no more."""
    SYSTEMATIC = "systematic"
    """It is not to be trusted, however much there is."""
    ERROR = "error"
    """There are runs, but no κ can be made from them."""
    FAILED = "failed"
    """No run is done, and more would go the same way."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of a group there is."""

    seeds: int
    segments: int
    """Of sampling, of each run."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was decided of a group, and what it had then."""

    group: GroupKey
    decision: ledger.Decision
    had: Extension
    gets: Extension

    @property
    def step(self) -> Step:
        """In short."""
        return Step(self.decision.decision)

    @property
    def name(self) -> str:
        """Unique in the campaign."""
        return f"{self.decision.study} {self.decision.group}"

    def __str__(self) -> str:
        return f"{self.name}: {self.decision.message}"


def relative_error(found: Finding) -> float:
    """Half-width of the interval of κ, over κ; infinite where nothing is known, or κ ≤ 0."""
    mean, half_width = found.kappa.mean, found.kappa.half_width
    error = half_width / mean if mean > 0 else math.inf
    return math.inf if math.isnan(error) else error


def next_step(found: Finding, runs: int, has: Size, most: Size, target: float) -> tuple[Step, Size]:
    """What becomes of a group.

    Parameters
    ----------
    found
        The κ to trust.
    runs
        That it was made from.
    has
        What the group was to have: with runs that failed.
    most
        What it may be given.
    target
        Relative error that is asked for.

    Returns
    -------
    And what the group is to have from now on.
    """
    from ensemble.reduction.verdict import asks_for_time  # here, since most launches do without

    error = relative_error(found)
    if not runs:
        return Step.FAILED, has
    if error <= target and not found.problems:
        return Step.MET, has
    too_short = any(map(asks_for_time, found.problems))
    # Of runs that are too short the rest may come from just that.
    if not too_short and (in_vain := _in_vain(found)):
        return in_vain, has
    # Where the error would do, the verdict does not, and nothing tells how much it needs.
    growth = min(MOST_GROWTH, (error / target) ** 2) if error > target else MOST_GROWTH
    if not too_short and has.seeds < most.seeds:
        seeds = has.seeds + max(1, math.ceil(runs * growth) - runs)
        return Step.SEEDS, Size(seeds=min(seeds, most.seeds), segments=has.segments)
    if has.segments < most.segments:
        segments = max(has.segments + 1, math.ceil(has.segments * growth))
        return Step.TIME, Size(seeds=has.seeds, segments=min(segments, most.segments))
    return Step.LIMITS, has


def _in_vain(found: Finding) -> Step | None:
    """What is the matter with a κ that more data would not cure; nothing with one that they do."""
    if any(problem.startswith(SYSTEMATIC) for problem in found.problems):
        return Step.SYSTEMATIC
    if math.isnan(found.kappa.mean) and not any(map(DATA_HELP.match, found.problems)):
        return Step.ERROR
    return None


def judge(prepared: Prepared) -> list[Judgement]:
    """What is to become of the groups of which nothing is left to do, in the plan's order.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    from ensemble.results import Selection, open_results

    results = open_results(prepared.paths.root)
    settled = set(_settled(prepared, results.info))
    chosen = Selection(studies=frozenset(study for study, _ in settled))
    # The last row of a group is the one to trust.
    rows = {(row.group.study, group_of(row.group)): row for row in results.tables(chosen).kappa}
    return [_judged(prepared, results.info, rows[place]) for place in rows if place in settled]


def _settled(prepared: Prepared, info: StoreInfo) -> Iterator[tuple[str, GroupKey]]:
    """The groups whose runs are all done, or given up, by their studies. What another launcher has
    given more since this one has looked is not: its new runs are not among these.
    """
    over = prepared.done | prepared.failed.keys()
    left = {(run.study, group_of(run)) for key, run in prepared.runs.items() if key not in over}
    for run in prepared.runs.values():
        place = study, group = run.study, group_of(run)
        planned = prepared.plan.extensions.get(study, {}).get(group, NOTHING)
        same = planned == info.studies[study].extension(run)
        if run.method != "rerun" and place not in left and same:
            yield place


def _judged(prepared: Prepared, info: StoreInfo, row: Row) -> Judgement:
    plan, group, study = prepared.plan, row.group, info.studies[row.group.study]
    limits = plan.campaign.convergence
    assert limits is not None
    had, known = study.extension(group), study.seeds_of(group)
    has = Size(seeds=len(known), segments=study.segments_of(group))
    most = Size(seeds=limits.max_seeds, segments=plan.most_segments(group.study))
    step, gets = next_step(row.found, len(group.done), has, most, limits.relative_error)
    added = next_seeds(known, gets.seeds - has.seeds)
    error = relative_error(row.found)
    return Judgement(
        group=group_of(group),
        had=had,
        gets=Extension(
            seeds=had.seeds + added,
            segments=gets.segments if step is Step.TIME else had.segments,
        ),
        decision=ledger.Decision(
            study=group.study,
            group=group.name,
            decision=step,
            runs=len(group.done),
            kappa=row.found.kappa.mean if math.isfinite(row.found.kappa.mean) else None,
            relative_error=error if math.isfinite(error) else None,
            seeds=gets.seeds,
            segments=gets.segments,
            message=_message(
                row, step, added, gets.segments * study.rows_per_segment * study.row_time
            ),
        ),
    )


def _message(row: Row, step: Step, added: Sequence[int], time: float) -> str:
    """κ, and what follows from it, in a line."""
    from ensemble.results.words import interval_text

    words = [row.group.failure] if row.group.failure else []
    if step is not Step.FAILED:
        error, system = relative_error(row.found), row.system
        percent = f" (± {100 * error:.2g} %)" if math.isfinite(error) else ""
        kappa = f"κ = {interval_text(row.found.kappa)} {system.conductivity_symbol}{percent}"
        words = [*([] if step is Step.ERROR else [kappa]), *row.found.problems, *words]
    return "; ".join([*words, _consequence(row, step, added, time)])


def _consequence(row: Row, step: Step, added: Sequence[int], time: float) -> str:
    if step is Step.SEEDS:
        return f"more seeds: {_list(added)}"
    if step is Step.TIME:
        unit = row.system.time_symbol if row.system.reduced else "ps"
        return f"longer sampling: {number_text(round(time, 9))} {unit}"
    if step is Step.MET:
        return "known well enough"
    if step is Step.LIMITS:
        return "not known well enough, but [convergence] allows no more"
    if step is Step.SYSTEMATIC:
        return "more data would not change that, so no more are tried"
    if step is Step.ERROR:
        return "there is no κ, so no more are tried"
    return "no run is done, so no more are tried"


def _list(seeds: Sequence[int]) -> str:
    """Seeds in words: ``6``, ``6 to 9``, ``6, 8``."""
    first, last = seeds[0], seeds[-1]
    if len(seeds) > 2 and last - first == len(seeds) - 1:
        return f"{first} to {last}"
    return ", ".join(map(str, seeds))


def extend(
    prepared: Prepared, judgements: Iterable[Judgement], note: Callable[[str], None]
) -> dict[str, Extensions]:
    """Have the store ask for what was decided, and write it into the ledger.

    Parameters
    ----------
    note
        Is told what the ledger did not have.

    Returns
    -------
    What the store asks for now, by this launcher or by another one; see `Plan.extensions`.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    paths, plan = prepared.paths, prepared.plan
    with Lease.acquire(paths.lock, patience=PATIENCE) as lease:
        info, said = read_store(paths.root), ledger.decisions(paths)
        extensions = {name: dict(study.extensions) for name, study in info.studies.items()}
        for judgement in judgements:
            decision, own = judgement.decision, extensions[judgement.decision.study]
            if own.get(judgement.group, NOTHING) != judgement.had:
                continue  # another launcher was here
            own[judgement.group] = judgement.gets
            if not decision.says_the_same_as(said.get((decision.study, decision.group))):
                # Before it takes effect: who is killed in between decides the same again.
                ledger.append(paths, decision)
                note(str(judgement))
        grown = plan.extended(extensions)
        if grown.extensions != plan.extensions:
            versions = versions_of(plan.campaign)
            create_or_grow(paths, grown, versions=versions, confirm=lease.confirm)
    return grown.extensions


def in_words(judgements: Sequence[Judgement]) -> str:
    """How many groups have met the target; nothing where none was judged."""
    if not judgements:
        return ""
    met = sum(judgement.step is Step.MET for judgement in judgements)
    return f"κ is known well enough in {met} of {len(judgements)} groups"
