"""``ensemble launch``, ``plan``, ``status``, ``results``: a campaign from file to numbers."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.cli.parser import duration, positive, rate

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ensemble.campaign import Campaign, CampaignFiles
    from ensemble.cli.parser import Commands
    from ensemble.cluster.simulate import Forecast
    from ensemble.plan.cost import Estimate
    from ensemble.plan.plan import Plan


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
        epilog="""exit status:
  0    all runs are done
  1    something is left: runs that failed, or an error that is told
  130  interrupted
examples:
  ensemble launch campaigns/quickstart.toml
  ensemble launch campaigns/cu195se.toml --store /scratch/cu195se --workers 64
  ensemble launch campaigns/cu195se.toml --cluster deploy/slurm.toml
  ensemble launch campaigns/cu195se.toml --cluster deploy/slurm.toml --detach
  ensemble launch campaigns/cu195se.toml --retry-failed""",
    )
    parser.add_argument("campaign", type=Path, help="a campaign file")
    parser.add_argument("--store", type=Path, help="folder of the store (default runs/NAME)")
    parser.add_argument(
        "--cluster", type=Path, metavar="FILE", help="a file with [cluster], for the campaign's own"
    )
    parser.add_argument("--workers", type=positive, help="workers at a time")
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
    parser.set_defaults(run=run_launch)


def run_launch(arguments: argparse.Namespace) -> int:
    from ensemble.cluster.launcher import launch
    from ensemble.cluster.progress import reporter_for

    if arguments.detach:
        return _detached(arguments)
    summary = launch(
        arguments.campaign,
        arguments.store,
        cluster=arguments.cluster,
        workers=arguments.workers,
        retry_failed=arguments.retry_failed,
        reporter=reporter_for(arguments.quiet),
        background=arguments.in_background,
    )
    if summary.blocked:
        print(
            f"not begun, since their trajectories failed: {', '.join(summary.blocked)}",
            file=sys.stderr,
        )
    if summary.interrupted and not summary.complete:
        return 130
    # Who interrupts a launch at its end does not wait for results.
    if summary.complete and not (summary.interrupted or arguments.quiet):
        from ensemble.results import open_results, show

        _print(show(open_results(summary.store)))
    return 0 if summary.complete else 1


def _detached(arguments: argparse.Namespace) -> int:
    from ensemble.campaign import load_campaign, on_cluster
    from ensemble.cluster.background import start

    campaign = load_campaign(arguments.campaign)  # what is wrong with it is told here
    if arguments.cluster is not None:
        on_cluster(campaign, arguments.cluster)
    store = arguments.store or Path("runs") / campaign.name
    words = [str(arguments.campaign), "--store", str(store), "--in-background"]
    for option in ("cluster", "workers"):
        if (value := getattr(arguments, option)) is not None:
            words += [f"--{option}", str(value)]
    for switch in ("retry_failed", "quiet"):
        if getattr(arguments, switch):
            words.append(f"--{switch.replace('_', '-')}")
    status, said = start(store, words)
    print(said, file=sys.stderr if status else sys.stdout)
    return status


def add_plan(commands: Commands) -> None:
    parser = commands.add_parser(
        "plan",
        help="what a campaign comes to: runs, atoms, steps, core-hours",
        description="""\
Print what a campaign comes to, without doing any of it: runs, atoms, time steps, samples, the size
of the store, and from the speed of each model on this machine core-hours and the time that it takes
on the cluster asked for. The speed is measured once, with a few dozen steps, and remembered. With
[convergence] in the campaign also how much it may become.

With --simulate also play the whole launch on a cluster that need not be there, with the launcher's
own decisions and made-up events: how long it takes and how far that is from the least possible, how
many jobs it needs, what is lost when workers die.""",
        epilog="""examples:
  ensemble plan campaigns/quickstart.toml
  ensemble plan campaigns/cu195se.toml --cluster deploy/slurm.toml
  ensemble plan campaigns/cu195se.toml --cluster deploy/slurm.toml --job-script
  ensemble plan campaigns/cu195se.toml --simulate --workers 500 --walltime 4h --failure-rate 0.01
  ensemble plan campaigns/cu195se.toml --json | jq .core_hours""",
    )
    parser.add_argument("campaign", type=Path, help="a campaign file")
    parser.add_argument(
        "--cluster", type=Path, metavar="FILE", help="a file with [cluster], for the campaign's own"
    )
    parser.add_argument("--workers", type=positive, help="workers at a time")
    parser.add_argument(
        "--no-measurement", action="store_true", help="estimate speeds from the potentials' sizes"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--job-script", action="store_true", help="print the script of a job in the queue, and that"
    )
    parser.add_argument("--simulate", action="store_true", help="play the launch")
    parser.add_argument(
        "--walltime",
        type=duration,
        metavar="TIME",
        help="with --simulate: of a job, such as 30min, 4h, 04:00:00 (default: of [cluster])",
    )
    parser.add_argument(
        "--failure-rate",
        type=rate,
        default=0.0,
        metavar="RATE",
        help="with --simulate: deaths of a worker per hour, such as 0.01 (default 0)",
    )
    parser.set_defaults(run=run_plan)


def run_plan(arguments: argparse.Namespace) -> int:
    from ensemble.campaign import load_campaign, on_cluster
    from ensemble.plan.show import as_json, describe

    campaign = load_campaign(arguments.campaign)
    if arguments.cluster is not None:
        campaign = on_cluster(campaign, arguments.cluster)
    if arguments.job_script:
        print(_job_script(campaign), end="")
        return 0
    plan, speed = _planned(campaign, arguments)
    estimated = plan, *_estimated(plan, speed, arguments)
    forecast = _simulated(plan, speed, arguments) if arguments.simulate else None
    if arguments.json:
        table = as_json(*estimated)
        print(
            json.dumps(table | {"simulated": forecast.as_json()} if forecast else table, indent=2)
        )
        return 0
    _print(describe(*estimated))
    if forecast:
        print(forecast)
    return 0


def _job_script(campaign: Campaign) -> str:
    """The script of a job, for the store that `launch` takes where none is given.

    Raises
    ------
    ValueError
        The campaign's cluster has no jobs.
    """
    from ensemble.campaign.clusters import QUEUES, Queue
    from ensemble.cluster.backends.interface import Setting
    from ensemble.cluster.backends.kinds import job_script

    section = campaign.cluster
    if not isinstance(section, Queue):
        queues = ", ".join(QUEUES)
        raise ValueError(
            f"cluster.kind: found {section.kind}, which has no job script; with one: {queues}"
        )
    store = Path("runs") / campaign.name
    return job_script(section, Setting(name=campaign.name, store=store, ranks=campaign.most_ranks))


def _planned(
    campaign: Campaign, arguments: argparse.Namespace
) -> tuple[Plan, dict[str, float] | None]:
    """The plan, and the speeds of its models where they are measured."""
    from ensemble.campaign import find_files
    from ensemble.plan.plan import make_plan

    files = find_files(campaign)
    plan = make_plan(campaign, files)
    return plan, None if arguments.no_measurement else _measured(plan, files)


def _estimated(
    plan: Plan, speed: dict[str, float] | None, arguments: argparse.Namespace
) -> tuple[Estimate, Estimate | None]:
    """What a plan costs, and what it costs at most where it may grow by itself."""
    from ensemble.plan.cost import estimate

    workers = _workers(plan.campaign, arguments)
    cost = estimate(plan, speed, workers=workers)
    if plan.campaign.convergence is None:
        return cost, None
    return cost, estimate(plan.at_most(), speed, workers=workers)


def _simulated(
    plan: Plan, speed: dict[str, float] | None, arguments: argparse.Namespace
) -> Forecast:
    from ensemble.campaign.clusters import TimedQueue
    from ensemble.campaign.types import walltime_seconds
    from ensemble.cluster.simulate import Conditions, simulate, work_of

    cluster = plan.campaign.cluster
    of_jobs = walltime_seconds(cluster.walltime) if isinstance(cluster, TimedQueue) else math.inf
    conditions = Conditions(
        workers=_workers(plan.campaign, arguments),
        walltime=arguments.walltime or of_jobs,
        failure_rate=arguments.failure_rate,
    )
    return simulate(work_of(plan, speed), conditions)


def _workers(campaign: Campaign, arguments: argparse.Namespace) -> int:
    from ensemble.cluster.backends import most_workers

    return most_workers(campaign.cluster, campaign.most_ranks, arguments.workers)


def _measured(plan: Plan, files: CampaignFiles) -> dict[str, float]:
    from rich.console import Console

    from ensemble.md.calibration import measured_speeds

    console = Console(stderr=True)
    with console.status("measuring the speed of the models …"):
        return measured_speeds(plan, files)


def add_status(commands: Commands) -> None:
    parser = commands.add_parser(
        "status",
        help="how far the runs of a store are",
        description="Print how many runs are done, running, waiting and failed, and why; and what\n"
        "[convergence] has decided of each group of runs.",
        epilog="""examples:
  ensemble status runs/quickstart
  ensemble status runs/cu195se --json | jq .failed""",
    )
    parser.add_argument("store", type=Path, help="folder of a store")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_status)


def run_status(arguments: argparse.Namespace) -> int:
    from ensemble.store.status import as_json, read_status

    status = read_status(arguments.store)
    if arguments.json:
        print(json.dumps(as_json(status), indent=2))
    else:
        print(status)
    return 0


def add_results(commands: Commands) -> None:
    parser = commands.add_parser(
        "results",
        help="thermal conductivities from a store",
        description="""\
Print the thermal conductivity of each study and model: by Green–Kubo as it is and with Onsager's
correction for heat that diffusing atoms carry, by the direct method from the swapped energy and the
gradient; with 95 % intervals, a verdict on each, and which number to trust. Results are kept in the
store and computed again where samples have changed.""",
        epilog="""examples:
  ensemble results runs/quickstart
  ensemble results runs/quickstart --study gk-600K --estimator spectrum
  ensemble results runs/quickstart --format csv > kappa.csv
  ensemble results runs/quickstart --format json | jq '.[].kappa'""",
    )
    parser.add_argument("store", type=Path, help="folder of a store")
    for label in ("study", "model", "supercell"):
        parser.add_argument(f"--{label}", nargs="+", metavar="NAME", help=f"only of this {label}")
    parser.add_argument(
        "--temperature", nargs="+", type=float, metavar="T", help="only at this temperature"
    )
    parser.add_argument(
        "--estimator",
        choices=("spectrum", "window", "cepstral"),
        help="of Green–Kubo (default: window where the campaign names one, else spectrum)",
    )
    parser.add_argument(
        "--components", action="store_true", help="κ along x, y and z instead of their mean"
    )
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.set_defaults(run=run_results)


def run_results(arguments: argparse.Namespace) -> int:
    from ensemble.results import Selection, Settings, as_csv, as_json, open_results, show

    results = open_results(arguments.store)
    selection = Selection.of(
        results.info,
        study=arguments.study,
        model=arguments.model,
        temperature=arguments.temperature,
        supercell=arguments.supercell,
    )
    settings = Settings(estimator=arguments.estimator, components=arguments.components)
    if arguments.format == "table":
        _print(show(results, selection, settings))
    elif arguments.format == "csv":
        sys.stdout.write(as_csv(results.tables(selection, settings).kappa))
    else:
        print(json.dumps(as_json(results.tables(selection, settings).kappa), indent=2))
    return 0


def _print(renderable: RenderableType) -> None:
    """To a terminal in its width; elsewhere as wide as it wants to be."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console().print(renderable)
    else:
        Console(width=200).print(renderable, soft_wrap=True)
