"""``ensemble launch``: do what a campaign asks for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.cli.output import print_json, show
from ensemble.cli.parser import add_campaign, add_cluster, add_json, complete_by
from ensemble.cli.stores import stores

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands
    from ensemble.cluster.launch import Summary


def add_launch(commands: Commands) -> None:
    parser = commands.add_parser(
        "launch",
        help="do what a campaign asks for; the same command goes on where it stopped",
        description="""\
Run a campaign: plan it, compare with the store, and do what is left with LAMMPS on Dask workers.
Ctrl-C stops within seconds. Whatever stopped it, the same command goes on, nothing is lost and
nothing is done twice. More models, temperatures, supercells, seeds or time in the campaign file
extend the store; any other change of the physics is refused. With [convergence] in the campaign
those groups of runs that do not know their thermal conductivity well enough get more seeds, or
more time.""",
        exit_status={
            0: "all runs, or those of --study, are done",
            1: "something is left: runs that failed, or an error that stderr tells",
            130: "interrupted; the same command goes on",
        },
        examples="""\
ensemble launch campaigns/quickstart.toml
ensemble launch campaigns/cu195se.toml --store /scratch/cu195se --workers 64
ensemble launch campaigns/cu195se.toml --cluster deploy/slurm.toml
ensemble launch campaigns/cu195se.toml --cluster deploy/slurm.toml --detach
ensemble launch campaigns/cu195se.toml --study gk-600K direct-600K
ensemble launch campaigns/cu195se.toml --retry-failed
ensemble launch campaigns/quickstart.toml --json | jq .failed""",
    )
    add_campaign(parser)
    store = parser.add_argument(
        "--store", type=Path, help="folder of the store (default runs/NAME)"
    )
    complete_by(store, stores)
    add_cluster(parser)
    study = parser.add_argument(
        "--study",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="do only these studies, and the trajectories that they read again",
    )
    complete_by(study, _studies)
    parser.add_argument(
        "--retry-failed", action="store_true", help="try runs again that were given up before"
    )
    parser.add_argument(
        "--detach", action="store_true", help="in the background; the next launch takes over"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but what went wrong")
    parser.add_argument(
        "--in-background",
        action="store_true",
        help="be what --detach starts: for a launcher that is a job of its own",
    )
    add_json(parser)
    parser.set_defaults(run=run_launch)


def _studies(parsed_args: argparse.Namespace, **_: Any) -> Iterable[str]:
    """Completes names of the studies of the campaign that is typed."""
    from ensemble.campaign import load_campaign

    with suppress(ValueError, OSError):
        return [study.name for study in load_campaign(parsed_args.campaign).studies]
    return []


def run_launch(arguments: argparse.Namespace) -> int:
    from ensemble.cluster.launch import launch
    from ensemble.cluster.progress import reporter_for

    if arguments.detach:
        return _detached(arguments)
    summary = launch(
        arguments.campaign,
        arguments.store,
        cluster=arguments.cluster,
        workers=arguments.workers,
        studies=arguments.study,
        retry_failed=arguments.retry_failed,
        reporter=reporter_for(arguments.quiet, sys.stderr if arguments.json else sys.stdout),
        background=arguments.in_background,
    )
    if summary.blocked:
        print(
            f"not begun, since their trajectories failed: {', '.join(summary.blocked)}",
            file=sys.stderr,
        )
    if arguments.json:
        print_json(_as_json(summary))
    elif summary.complete and not (summary.interrupted or arguments.quiet):
        # Who interrupts a launch at its end does not wait for results.
        from ensemble.results import open_results
        from ensemble.results import show as table

        show(table(open_results(summary.store)))
    if summary.complete:
        return 0
    return 130 if summary.interrupted else 1


def _as_json(summary: Summary) -> dict[str, Any]:
    return {
        "store": summary.store,
        "complete": summary.complete,
        "interrupted": summary.interrupted,
        "runs": summary.asked,
        "done": summary.done,
        "failed": [
            {"run": key, "cause": receipt.cause, "message": receipt.message}
            for key, receipt in summary.failed.items()
        ],
        "blocked": summary.blocked,
    }


def _detached(arguments: argparse.Namespace) -> int:
    from ensemble.campaign import load_campaign, on_cluster
    from ensemble.cluster.background import start
    from ensemble.store.status import launcher_as_json

    campaign = load_campaign(arguments.campaign)  # what is wrong with it is told here
    if arguments.cluster is not None:
        on_cluster(campaign, arguments.cluster)
    store = arguments.store or Path("runs") / campaign.name
    words = [str(arguments.campaign), "--store", str(store), "--in-background"]
    for option in ("cluster", "workers"):
        if (value := getattr(arguments, option)) is not None:
            words += [f"--{option}", str(value)]
    if arguments.study:
        words += ["--study", *arguments.study]
    for switch in ("retry_failed", "quiet"):
        if getattr(arguments, switch):
            words.append(f"--{switch.replace('_', '-')}")
    status, said = start(store, words)
    if arguments.json and not status:
        print_json({"store": store, "launcher": launcher_as_json(store)})
    else:
        print(said, file=sys.stderr if status else sys.stdout)
    return status
