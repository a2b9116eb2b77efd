"""``ensemble inspect``: all that a store knows of a run."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ensemble.cli.output import console, print_json
from ensemble.cli.parser import add_json
from ensemble.cli.stores import add_run, store_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from ensemble.cli.parser import Commands
    from ensemble.results.inspection import Curve, Inspection, SegmentFacts
    from ensemble.store.ledger import Event

WIDEST = 72
HEIGHT = 8
MARGIN = 14
"""Columns at the right of a figure, for the numbers of its axis."""

MOST_SEGMENTS = 16
"""That are shown; the middle ones are left out."""

STYLES = {"done": "green", "running": "cyan", "failed": "red", "partial": "yellow"}


def add_inspect(commands: Commands) -> None:
    parser = commands.add_parser(
        "inspect",
        help="all that is known of a run: inputs, segments, attempts, figures",
        description="""\
Print what a run was made with and where its files are, how far its segments are, how the attempts
at it ended, and figures of what it has sampled so far: temperature, energy, and the autocorrelation
of the heat flux with its running integral, or the exchanged power and the temperature profile.""",
        examples="""\
ensemble inspect gk-600K/mtp2-T600-3x3x3-s1
ensemble inspect mtp2-T600-2x2x12-s1 --store runs/quickstart
ensemble inspect gk-600K/mtp2-T600-3x3x3-s1 --json | jq .inputs.script""",
    )
    add_run(parser)
    add_json(parser)
    parser.set_defaults(run=run_inspect)


def run_inspect(arguments: argparse.Namespace) -> int:
    from ensemble.results.inspection import inspect_run
    from ensemble.store.find import find_run
    from ensemble.store.info import read_store

    info = read_store(store_of(arguments))
    found = inspect_run(info, *find_run(info, arguments.name))
    if arguments.json:
        print_json(found.as_json())
        return 0
    out = console()
    width = min(out.width - MARGIN, WIDEST)
    for part in _parts(found, width):
        out.print(part, end="\n\n")
    return 0


def _parts(found: Inspection, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    state = str(found.state)
    yield Text.assemble((found.run.id, "bold"), "  ", (state, STYLES.get(state, "")))
    yield _inputs(found.inputs, found.units)
    yield _segments(found.segments)
    yield _attempts(found.attempts)
    if found.problem:
        yield Text(f"no figures: {found.problem}", style="red")
    for curve in found.curves:
        yield _figure(curve, width)


def _inputs(inputs: dict[str, Any], units: dict[str, str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in inputs.items():
        for line in _lines(value):
            table.add_row(name.replace("_", " "), Text(f"{line} {units.get(name, '')}"))
            name = ""
    return table


def _lines(value: Any) -> list[str]:
    """A value in words: a list over several lines."""
    if isinstance(value, list):
        return [line for part in value for line in _lines(part)] or ["–"]
    if isinstance(value, dict):
        return [", ".join(f"{name} {part}" for name, part in value.items() if part is not None)]
    if isinstance(value, float):
        return [f"{value:.12g}"]
    return ["–" if value is None else str(value)]


def _segments(segments: Sequence[SegmentFacts]) -> Table:
    table = _table("segment", "part", "state", "steps", "⟨T⟩", "LAMMPS took")
    left_out = max(0, len(segments) - MOST_SEGMENTS)
    head = MOST_SEGMENTS // 2
    for place, segment in enumerate(segments):
        if left_out and place == head:
            table.add_row("…", *[""] * 5)
        if left_out and head <= place < head + left_out:
            continue
        table.add_row(
            str(segment.number),
            segment.part,
            _state(segment.state),
            "–" if segment.steps is None else f"{segment.steps:,}",
            "–" if segment.temperature is None else f"{segment.temperature:.4g}",
            _took(segment.seconds),
        )
    return table


def _attempts(attempts: Sequence[Event]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    if not attempts:
        return Text("no attempt has ended yet")
    table = _table("ended (UTC)", "attempt", "segment", "took", "host", "cause")
    for event in attempts:
        table.add_row(
            event.time[:19].replace("T", " "),
            _state(event.kind),
            "–" if event.segment is None else str(event.segment),
            _took(event.wall),
            Text(event.host),
            event.cause or "–",
        )
    messages = dict.fromkeys(event.message for event in attempts if event.message)
    return Group(table, *(Text(message) for message in messages))


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = ("segment", "steps", "⟨T⟩", "LAMMPS took", "took")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left")
    return table


def _state(state: str) -> Text:
    from rich.text import Text

    return Text(str(state), style=STYLES.get(str(state), ""))


def _took(seconds: float | None) -> str:
    from ensemble.plan.show import duration_text

    return duration_text(seconds) if seconds else "–"


def _exponent(values: NDArray[np.float64]) -> int:
    """A multiple of three: of a power of ten that brings values near one; 0 where they are."""
    largest = max(map(abs, values))
    if largest == 0 or 0.1 <= largest < 10_000:
        return 0
    return 3 * math.floor(math.log10(largest) / 3)


def _figure(curve: Curve, width: int) -> Text:
    """A curve in braille."""
    from rich.text import Text
    from uniplot import plot_to_string

    exponent = _exponent(curve.y)
    unit = " ".join([f"1e{exponent}"] * (exponent != 0) + [curve.y_unit] * (curve.y_unit != "1"))
    drawn = plot_to_string(
        xs=curve.x,
        ys=curve.y / 10**exponent,
        lines=True,
        title=f"{curve.title} ({unit})" if unit else curve.title,
        x_unit=f" {curve.x_unit}",
        width=width,
        height=HEIGHT,
        character_set="braille",
        rounded_corners=True,
        color=False,
    )
    return Text(drawn, no_wrap=True)
