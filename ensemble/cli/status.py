"""``ensemble status``: how far the runs of a store are."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.cli.output import console, print_json
from ensemble.cli.parser import add_json, duration
from ensemble.cli.stores import add_store, store_of

if TYPE_CHECKING:
    from rich.text import Text

    from ensemble.cli.parser import Commands
    from ensemble.store.status import Status

STYLES = {
    r"^study .*sampled$": "bold",
    r"^failed: .*|^the launcher in the background died: .*": "red",
    r"\bdone$": "green",
    r"\brunning$": "cyan",
    r"\bfailed$": "red",
}
"""Of what is said, on a terminal."""


def add_status(commands: Commands) -> None:
    parser = commands.add_parser(
        "status",
        help="how far the runs of a store are",
        description="""\
Print how many runs are done, running, waiting and failed, and why; and what [convergence] has
decided of each group of runs. With --watch again and again, until all are done or Ctrl-C: on a
terminal in place, elsewhere whenever something has changed; as JSON one document a line.""",
        exit_status={0: "told, whatever it is; with --watch: all runs are done"},
        examples="""\
ensemble status                            # of the one store that is here
ensemble status runs/quickstart --runs     # each run, with the id that other commands take
ensemble status runs/quickstart --watch
ensemble status runs/cu195se --json | jq .failed""",
    )
    add_store(parser)
    parser.add_argument("--runs", action="store_true", help="also each run by its id")
    parser.add_argument("--watch", action="store_true", help="go on until all runs are done")
    parser.add_argument(
        "--every",
        type=duration,
        default=2.0,
        metavar="TIME",
        help="with --watch: time between two looks, such as 10s or 1min (default 2s)",
    )
    add_json(parser)
    parser.set_defaults(run=run_status)


def run_status(arguments: argparse.Namespace) -> int:
    from ensemble.store.status import read_status

    store = store_of(arguments)
    if arguments.watch:
        return _watch(store, arguments)
    status = read_status(store)
    if arguments.json:
        print_json(_as_json(status, arguments.runs))
    else:
        console().print(_styled(status, arguments.runs))
    return 0


def _watch(store: Path, arguments: argparse.Namespace) -> int:
    out = console()
    if out.is_terminal and not arguments.json:
        from rich.live import Live

        with Live(console=out, auto_refresh=False) as live:
            for status in _looks(store, arguments.every):
                live.update(_styled(status, arguments.runs), refresh=True)
        return 0
    last = None
    for status in _looks(store, arguments.every):
        if status == last:
            continue
        if arguments.json:
            print_json(_as_json(status, arguments.runs), indent=None)
        else:
            out.print(*["\n"] * (last is not None), _styled(status, arguments.runs), sep="")
        last = status
    return 0


def _looks(store: Path, every: float) -> Iterator[Status]:
    """The status now, and again and again until all runs are done."""
    from ensemble.store.status import read_status

    while True:
        status = read_status(store)
        yield status
        if status.complete:
            return
        time.sleep(every)


def _styled(status: Status, runs: bool) -> Text:
    from rich.text import Text

    words = str(status)
    if runs:
        words += "\n\n" + status.listed()
    text = Text(words)
    for pattern, style in STYLES.items():
        text.highlight_regex(rf"(?m){pattern}", style)
    return text


def _as_json(status: Status, runs: bool) -> dict[str, object]:
    from ensemble.store.status import as_json

    table = as_json(status)
    return table | {"runs": [vars(run) for run in status.runs]} if runs else table
