"""``ensemble logs``: what LAMMPS said of a run."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import deque
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, TextIO

from ensemble.cli.output import print_json
from ensemble.cli.parser import add_json, positive
from ensemble.cli.stores import add_run, store_of

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands
    from ensemble.plan.recipe import Run
    from ensemble.store.layout import StorePaths

POLL_SECONDS = 0.5


def add_logs(commands: Commands) -> None:
    parser = commands.add_parser(
        "logs",
        help="what LAMMPS said of a run",
        description="""\
Print the log of the segment that a run is at, or that it failed in, or that it ended with. stderr
tells which that is, and what the run failed of.""",
        examples="""\
ensemble logs gk-600K/mtp2-T600-3x3x3-s1
ensemble logs mtp2-T600-3x3x3-s1 --store runs/quickstart --lines 20
ensemble logs gk-600K/mtp2-T600-3x3x3-s1 --follow
ensemble logs gk-600K/mtp2-T600-3x3x3-s1 --json | jq .failure""",
    )
    add_run(parser)
    parser.add_argument(
        "-n", "--lines", type=positive, metavar="N", help="only the last N lines (default: all)"
    )
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="and what comes, until nobody is at work on the run",
    )
    add_json(parser)
    parser.set_defaults(run=run_logs)


def run_logs(arguments: argparse.Namespace) -> int:
    from ensemble.store import ledger
    from ensemble.store.errors import StoreError
    from ensemble.store.find import find_run
    from ensemble.store.info import read_store
    from ensemble.store.ledger import History

    if arguments.json and arguments.follow:
        raise ValueError("--follow goes on and on, which is no JSON document; leave one out")
    info = read_store(store_of(arguments))
    _, run = find_run(info, arguments.name)
    failure = ledger.read(info.paths).get((run.study, run.name), History()).failure
    if failure is not None and not arguments.json:
        print(f"{run.id}: {failure.message} ({failure.cause})", file=sys.stderr)
    with _newest_log(info.paths, run) or nullcontext() as log:
        if log is None and failure is None:
            raise StoreError(info.paths.run(run), "no log; nobody has begun this run")
        lines = [] if log is None else list(deque(log, maxlen=arguments.lines))
        if arguments.json:
            print_json(
                {
                    "run": run.id,
                    "file": None if log is None else log.name,
                    "failure": None if failure is None else vars(failure),
                    "lines": [line.rstrip("\n") for line in lines],
                }
            )
        elif log is not None:
            print(f"{run.id}: {log.name}", file=sys.stderr)
            sys.stdout.writelines(lines)
            if arguments.follow:
                _follow(info.paths, run, log)
    return 0


def _newest_log(paths: StorePaths, run: Run) -> TextIO | None:
    """The log of the segment that a run was at last, opened."""
    from ensemble.store.logs import logs_of

    while logs := logs_of(paths, run):
        newest = logs[max(logs)]
        with suppress(FileNotFoundError):  # its segment has just ended, and it was moved
            return newest.open(errors="replace")
    return None


def _follow(paths: StorePaths, run: Run, log: TextIO) -> None:
    """Print what comes to a log, and the logs that follow it."""
    following = _print_to_the_end(paths, run, log)
    while following is not None:
        with following as log:
            following = _print_to_the_end(paths, run, log)


def _print_to_the_end(paths: StorePaths, run: Run, log: TextIO) -> TextIO | None:
    """Print what comes to a log; returns the next one, or None if nobody is at work any more."""
    from ensemble.store.lease import is_held

    while True:
        working = is_held(paths.lease(run))  # asked first: what is written after that is seen
        _write_rest(log)
        newest = _newest_log(paths, run)
        if newest is not None:
            if not os.path.sameopenfile(newest.fileno(), log.fileno()):
                _write_rest(log)
                return newest
            newest.close()
        if not working:
            return None
        time.sleep(POLL_SECONDS)


def _write_rest(log: TextIO) -> None:
    sys.stdout.write(log.read())
    sys.stdout.flush()
