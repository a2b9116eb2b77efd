"""``ensemble plan``: what a campaign comes to."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.cli.output import print_json, show
from ensemble.cli.parser import add_campaign, add_cluster, add_json, duration, rate

if TYPE_CHECKING:
    from ensemble.campaign import Campaign, CampaignFiles
    from ensemble.cli.parser import Commands
    from ensemble.cluster.simulate import Forecast
    from ensemble.plan.cost import Estimate
    from ensemble.plan.plan import Plan


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
        examples="""\
ensemble plan campaigns/quickstart.toml
ensemble plan campaigns/cu195se.toml --cluster deploy/slurm.toml
ensemble plan campaigns/cu195se.toml --cluster deploy/slurm.toml --job-script
ensemble plan campaigns/cu195se.toml --simulate --workers 500 --walltime 4h --failure-rate 0.01
ensemble plan campaigns/cu195se.toml --json | jq .core_hours""",
    )
    add_campaign(parser)
    add_cluster(parser)
    parser.add_argument(
        "--no-measurement", action="store_true", help="estimate speeds from the potentials' sizes"
    )
    add_json(parser)
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
        script = _job_script(campaign)
        if arguments.json:
            print_json({"job_script": script})
        else:
            print(script, end="")
        return 0
    plan, speed = _planned(campaign, arguments)
    estimated = plan, *_estimated(plan, speed, arguments)
    forecast = _simulated(plan, speed, arguments) if arguments.simulate else None
    if arguments.json:
        table = as_json(*estimated)
        print_json(table | {"simulated": forecast.as_json()} if forecast else table)
        return 0
    show(describe(*estimated))
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
