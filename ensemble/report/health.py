"""Health of the runs: how far they are, what failed, how energies held, how long it all took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import pandas

from ensemble.md.health import DRIFT
from ensemble.plan.show import duration_text
from ensemble.report.content import Part, Section, Source, Table, attempt, section
from ensemble.report.marks import by_model
from ensemble.report.picture import Picture, in_words
from ensemble.report.style import INK, axis_label, log_y, styled, unit
from ensemble.store import ledger
from ensemble.store.ledger import Event, Launch
from ensemble.store.progress import State
from ensemble.store.status import Status

__all__ = ["durations", "health", "progress_words"]

FAILURES_SHOWN = 50

STATES = (State.DONE, State.RUNNING, State.PARTIAL, State.WAITING, State.FAILED)


def progress_words(status: Status) -> str:
    """How far a store is, in a sentence."""
    counts = sum((study.states for study in status.studies), Counter[State]())
    asked, done = sum(counts.values()), counts[State.DONE]
    if done == asked:
        return f"All {asked:,} runs are done."
    others = [f"{counts[state]:,} {state}" for state in STATES[1:] if counts[state]]
    return (
        f"{done:,} of {asked:,} runs are done ({', '.join(others)}); what is shown is of these, "
        "and will change."
    )


def health(source: Source, status: Status) -> Section:
    """Runs and their states, attempts that failed, drift of the energy."""
    paths = source.results.info.paths
    events = list(ledger.events(paths))
    parts: list[Part] = [_states(status)]
    if causes := _causes(events):
        parts.append(causes)
    if status.failures:
        parts.append(_failures(status))
    parts += attempt("The drift of the energy", _drift, source)
    return section("health", "Health of the runs", [progress_words(status)], parts)


def _states(status: Status) -> Table:
    return Table(
        caption="Runs by study",
        headings=("study", "runs", *STATES, "sampled"),
        rows=tuple(
            (
                study.name,
                f"{study.runs:,}",
                *(f"{study.states[state]:,}" for state in STATES),
                f"{study.segments / study.segments_asked:.1%}" if study.segments_asked else "–",
            )
            for study in status.studies
        ),
    )


def _causes(events: Sequence[Event]) -> Table | None:
    """How many attempts failed of what; None where none did."""
    failed = Counter((event.study, event.cause) for event in events if event.kind == "failed")
    if not failed:
        return None
    return Table(
        caption="Attempts that failed, those included that were made good by another",
        headings=("study", "cause", "attempts"),
        rows=tuple((study, cause, f"{count:,}") for (study, cause), count in failed.items()),
        texts=2,
    )


def _failures(status: Status) -> Table:
    more = len(status.failures) - FAILURES_SHOWN
    return Table(
        caption="Runs that failed"
        + (
            f", the first {FAILURES_SHOWN}; {more} more: ensemble status --json" if more > 0 else ""
        ),
        headings=("run", "study", "cause", "message"),
        rows=tuple(
            (failure.run, failure.study, failure.cause, failure.message)
            for failure in status.failures[:FAILURES_SHOWN]
        ),
        texts=4,
    )


def _drift(source: Source) -> Iterator[Part]:
    """How far the total energy moved in each equilibrium run."""
    chosen = source.selection
    lines = source.results.energy_drift(
        study=chosen.studies,
        model=chosen.models,
        temperature=chosen.temperatures,
        supercell=chosen.supercells,
    )
    if lines.empty:
        yield "The drift of the energy is left out: no run at constant energy is done."
    elif not lines.relative_drift.any():
        yield "The drift of the energy is left out: there is none in any run."
    else:
        yield _drifts(source, lines)


def _drifts(source: Source, lines: pandas.DataFrame) -> Picture:
    models = [model for model in source.looks if (lines.model == model).any()]
    size = lines.assign(size=lines.relative_drift.abs())
    with styled():
        found, axes = by_model(models, height=2.4)
        axes.axhline(DRIFT, color=INK, linestyle="--", linewidth=0.8)
        for x, model in enumerate(models):
            values = [value for value in size[size.model == model]["size"] if value > 0]
            places = [x + 0.5 * ((k + 0.5) / len(values) - 0.5) for k in range(len(values))]
            look = source.looks[model]
            axes.plot(places, values, look.marker, color=look.colour, markersize=3.5, mec=look.edge)
        log_y(axes)
        axes.set_ylabel(axis_label("|ΔE| / 3NkBT", "1"))
    worst = size.loc[size["size"].idxmax()]
    largest = size.groupby("model", sort=False)["size"].max()
    return Picture(
        name="drift",
        caption="Change of the total energy over the sampling of each equilibrium run, as a change "
        f"of its temperature over the temperature. Runs that pass {DRIFT:.0%} (dashed) are given "
        f"up. The largest is {worst.drift:+.2g} {unit(worst.units)} in {worst.time:.4g} "
        f"{'τ' if source.system.reduced else 'ps'} ({worst.study}, {worst.model}, seed "
        f"{worst.seed}).",
        alt="Largest drift of the energy over 3NkBT by model: "
        + in_words({str(model): f"{value:.1e}" for model, value in largest.items()})
        + ".",
        figure=found,
    )


def durations(source: Source) -> Section:
    """What launches were expected to take, and what happened."""
    paths = source.results.info.paths
    launches, events = list(ledger.launches(paths)), list(ledger.events(paths))
    if not launches:
        why = "no launch wrote its estimate into the ledger of this store."
        return section(
            "durations",
            "Estimate and what happened",
            [],
            [f"The comparison of the estimate with what happened is left out: {why}"],
        )
    rows = []
    ends = [launch.time for launch in launches[1:]]
    for launch, end in zip(launches, [*ends, None], strict=True):
        during = [e for e in events if launch.time <= e.time and (end is None or e.time < end)]
        rows.append(_duration(launch, during))
    table = Table(
        caption="Launches that had something to do, and rounds of [convergence]; the time is that "
        "until the last attempt ended",
        headings=("begun (UTC)", "host", "workers", "to do", "done", "estimated", "took", "ratio"),
        rows=tuple(rows),
        texts=2,
    )
    words = [
        "The estimate is made before anything has run, from the sizes of the models, with all "
        "workers at work. A launch that was stopped, or whose runs are going on, did less than it "
        "set out to."
    ]
    return section("durations", "Estimate and what happened", words, [table])


def _duration(launch: Launch, during: Iterable[Event]) -> tuple[str, ...]:
    ended = [event for event in during if event.kind != "retry"]
    done = sum(event.kind == "done" for event in ended)
    begun = datetime.fromisoformat(launch.time)
    head = (
        f"{begun:%Y-%m-%d %H:%M}",
        launch.host,
        f"{launch.workers:,}",
        f"{launch.runs:,}",
        f"{done:,}",
        duration_text(launch.estimate),
    )
    if not ended:
        return (*head, "–", "–")
    last = max(datetime.fromisoformat(event.time) for event in ended)
    took = (last - begun).total_seconds()
    whole = done == launch.runs and launch.estimate > 0
    return (*head, duration_text(took), f"{took / launch.estimate:.2g}" if whole else "–")
