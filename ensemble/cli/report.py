"""``ensemble report``: a store as a page to read and figures to publish."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.cli.output import print_json
from ensemble.cli.parser import add_json
from ensemble.cli.process import prepare_to_reduce
from ensemble.cli.stores import add_filters, add_store, selection_of, store_of

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands


def add_report(commands: Commands) -> None:
    parser = commands.add_parser(
        "report",
        help="a page with the verdict, all figures and where they come from",
        description="""\
Write a report of a store: one HTML page that needs no network, which κ to trust first, and its
figures as SVG and PNG for a paper. It can be made while the campaign is running, and says how far
that is. Values of experiments are drawn where the campaign file has them ([[experiment]]).""",
        examples="""\
ensemble report runs/quickstart                      # to runs/quickstart/report/index.html
ensemble report runs/cu195se --output ~/cu195se.html
ensemble report runs/cu195se --temperature 600 --model mtp2 mtp4 --output paper
ensemble report runs/quickstart --json | jq .page""",
    )
    add_store(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="a folder, or a page by its name with .html (default STORE/report)",
    )
    add_filters(parser)
    add_json(parser)
    parser.set_defaults(run=run_report)


def run_report(arguments: argparse.Namespace) -> int:
    prepare_to_reduce()
    from ensemble.report import write_report
    from ensemble.results import open_results

    results = open_results(store_of(arguments))
    selection = selection_of(results.info, arguments)
    written = write_report(results, arguments.output, selection)
    if arguments.json:
        print_json(vars(written))
    else:
        print(f"{written.page}; {written.count} figures as SVG and PNG: {written.figures}")
    return 0
