"""``ensemble results``: thermal conductivities from a store."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ensemble.cli.output import print_json, show
from ensemble.cli.parser import add_json
from ensemble.cli.process import prepare_to_reduce
from ensemble.cli.stores import add_filters, add_store, selection_of, store_of

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands


def add_results(commands: Commands) -> None:
    parser = commands.add_parser(
        "results",
        help="thermal conductivities from a store",
        description="""\
Print the thermal conductivity of each study and model: by Green–Kubo as it is and with Onsager's
correction for heat that diffusing atoms carry, by the direct method from the swapped energy and the
gradient; with 95 % intervals, a verdict on each, and which number to trust. Results are kept in the
store and computed again where samples have changed.

Filters may be combined, and each takes several labels: what is shown has one of each.""",
        examples="""\
ensemble results
ensemble results runs/quickstart --study gk-600K --estimator window
ensemble results runs/cu195se --method emd --model mtp2 mtp4 --temperature 600 --supercell 5x5x5
ensemble results runs/quickstart --csv > kappa.csv
ensemble results runs/quickstart --json | jq '.kappa[] | [.model, .kappa]'""",
    )
    add_store(parser)
    add_filters(parser)
    parser.add_argument(
        "--estimator",
        choices=("spectrum", "window", "cepstral"),
        help="of Green–Kubo (default: window where the campaign names one, else spectrum)",
    )
    parser.add_argument(
        "--components", action="store_true", help="κ along x, y and z instead of their mean"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print κ as CSV")
    add_json(form)
    parser.set_defaults(run=run_results)


def run_results(arguments: argparse.Namespace) -> int:
    prepare_to_reduce()
    from ensemble.results import Settings, as_csv, as_json, laid_out, open_results

    results = open_results(store_of(arguments))
    settings = Settings(estimator=arguments.estimator, components=arguments.components)
    tables = results.tables(selection_of(results.info, arguments), settings)
    if arguments.json:
        print_json(as_json(tables))
    elif arguments.csv:
        sys.stdout.write(as_csv(tables.kappa))
    else:
        show(laid_out(tables))
    return 0
