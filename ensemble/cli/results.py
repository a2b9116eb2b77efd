"""``ensemble results``: thermal conductivities from a store."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ensemble.cli.output import print_json, show
from ensemble.cli.parser import add_json, complete_by
from ensemble.cli.stores import add_store, labels_of, of_store, store_of

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands

FILTERS = {
    "study": "of this study",
    "method": "by this method: emd, nemd, rerun",
    "model": "of this model",
    "temperature": "at this temperature, as the campaign has it",
    "supercell": "of this size, such as 5x5x5",
}


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
ensemble results runs/quickstart --study gk-600K --estimator spectrum
ensemble results runs/cu195se --method emd --model mtp1 mtp2 --temperature 600 --supercell 5x5x5
ensemble results runs/quickstart --csv > kappa.csv
ensemble results runs/quickstart --json | jq '.kappa[] | [.model, .kappa]'""",
    )
    add_store(parser)
    for label, words in FILTERS.items():
        number = label == "temperature"
        action = parser.add_argument(
            f"--{label}",
            nargs="+",
            type=float if number else str,
            metavar="T" if number else "NAME",
            help=f"only {words}",
        )
        complete_by(action, of_store(labels_of(label)))
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
    from ensemble.results import Selection, Settings, as_csv, as_json, laid_out, open_results

    results = open_results(store_of(arguments))
    asked = {label: getattr(arguments, label) for label in FILTERS}
    selection = Selection.of(results.info, **asked)
    settings = Settings(estimator=arguments.estimator, components=arguments.components)
    tables = results.tables(selection, settings)
    if not tables.kappa:
        words = [f"--{label} {' '.join(map(str, of))}" for label, of in asked.items() if of]
        raise ValueError(f"{results.info.root}: no runs are of all of these: {', '.join(words)}")
    if arguments.json:
        print_json(as_json(tables))
    elif arguments.csv:
        sys.stdout.write(as_csv(tables.kappa))
    else:
        show(laid_out(tables))
    return 0
