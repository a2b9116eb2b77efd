"""``ensemble report``: a store as a page to read and figures to publish."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

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
        epilog="""examples:
  ensemble report runs/quickstart                      to runs/quickstart/report/index.html
  ensemble report runs/cu195se --output ~/cu195se.html
  ensemble report runs/cu195se --temperature 600 --model mtp1 mtp4 --output paper""",
    )
    parser.add_argument("store", type=Path, help="folder of a store")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="a folder, or a page by its name with .html (default STORE/report)",
    )
    for label in ("study", "model", "supercell"):
        parser.add_argument(f"--{label}", nargs="+", metavar="NAME", help=f"only of this {label}")
    parser.add_argument(
        "--temperature", nargs="+", type=float, metavar="T", help="only at this temperature"
    )
    parser.set_defaults(run=run_report)


def run_report(arguments: argparse.Namespace) -> int:
    from ensemble.report import write_report
    from ensemble.results import Selection, open_results

    results = open_results(arguments.store)
    selection = Selection.of(
        results.info,
        study=arguments.study,
        model=arguments.model,
        temperature=arguments.temperature,
        supercell=arguments.supercell,
    )
    written = write_report(results, arguments.output, selection)
    print(f"{written.page}; {written.count} figures as SVG and PNG: {written.figures}")
    return 0
