"""The simulator against launches whose course can be told by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from launches import LENNARD_JONES, LIQUID, ensemble, write_campaign

from ensemble.cluster.agenda import Item
from ensemble.cluster.simulate import Conditions, Forecast, Work, lower_bound, simulate
from ensemble.cluster.walltime import CLOSING_SECONDS, RESERVE, START_SECONDS
from ensemble.plan.cost import makespan

HOUR = 3600.0


def works(*seconds: float, segments: int = 1) -> list[Work]:
    """Runs of such lengths, which the launcher knows exactly."""
    return [Work(Item(str(k), each, segments), each) for k, each in enumerate(seconds)]


def played(works: list[Work], workers: int, **conditions: float) -> Forecast:
    forecast = simulate(works, Conditions(workers=workers, **conditions))
    assert forecast.makespan >= forecast.lower_bound
    assert forecast.useful + forecast.lost <= forecast.held
    return forecast


def test_equal_runs() -> None:
    forecast = played(works(*[100.0] * 12), 4)
    assert forecast.makespan == START_SECONDS + 3 * 100
    assert (forecast.done, forecast.jobs, forecast.deaths) == (12, 4, 0)
    assert forecast.useful == 1200
    assert forecast.utilisation == pytest.approx(300 / (300 + START_SECONDS))


def test_one_worker_does_one_after_the_other() -> None:
    assert played(works(3.0, 5.0, 7.0), 1).makespan == START_SECONDS + 15


def test_longest_first_is_not_the_best_but_what_is_done() -> None:
    """Graham's example: 9 would do."""
    assert played(works(5, 5, 4, 4, 3, 3, 3), 3).makespan == START_SECONDS + 11


def test_what_the_launcher_thinks_is_longest_goes_first() -> None:
    wrong = [Work(Item("short", cost=2.0), 1.0), Work(Item("long", cost=1.0), 10.0)]
    assert played(wrong, 1).makespan == START_SECONDS + 11
    assert played([*wrong, Work(Item("other", cost=3.0), 1.0)], 2).makespan == START_SECONDS + 11


@given(st.lists(st.floats(20, 1000), min_size=1, max_size=40), st.integers(1, 10))
@settings(max_examples=50, deadline=None)
def test_as_the_plan_says_where_nothing_happens(seconds: list[float], workers: int) -> None:
    """Runs that take longer than what is submitted ahead, so that the longest left always goes to
    the first worker that is free.
    """
    forecast = played(works(*seconds), workers)
    assert forecast.makespan == pytest.approx(START_SECONDS + makespan(seconds, workers))


def test_jobs_that_are_too_short_for_a_run() -> None:
    """Ten segments of 100 s. In a job of 500 s four fit: the fifth would begin at 410 s."""
    assert START_SECONDS + 4 * 100 + RESERVE * 100 + CLOSING_SECONDS > 500
    forecast = played(works(1000.0, segments=10), 1, walltime=500)
    assert forecast.jobs == 3
    assert forecast.makespan == 3 * START_SECONDS + 1000
    assert (forecast.useful, forecast.lost) == (1000, 0)


def test_a_segment_that_no_job_has_the_time_for() -> None:
    forecast = simulate(works(1000.0, 1000.0, segments=10), Conditions(workers=1, walltime=100))
    assert (forecast.done, forecast.useful, forecast.makespan) == (0, 0, START_SECONDS)


def test_workers_that_die() -> None:
    """As many as were to be expected; each takes a segment with it at most, half of one on average,
    and nothing else.
    """
    runs, hours, segments = 400, 20.0, 40
    rate, segment = 0.05, hours * HOUR / segments
    forecast = played(works(*[hours * HOUR] * runs, segments=segments), 50, failure_rate=rate)
    assert forecast.done == runs
    assert forecast.useful == pytest.approx(runs * hours * HOUR)
    expected = rate * (forecast.useful + forecast.lost) / HOUR
    assert abs(forecast.deaths - expected) < 4 * math.sqrt(expected)
    lost = forecast.lost / forecast.deaths / segment
    assert abs(lost - 0.5) < 4 * math.sqrt(1 / 12 / forecast.deaths)
    assert forecast.jobs == pytest.approx(50 + forecast.deaths, abs=50)


def test_a_worker_that_dies_again_and_again_ends_no_run_that_gets_on() -> None:
    forecast = played(works(*[HOUR] * 10, segments=60), 10, failure_rate=10.0)
    assert forecast.done == 10
    assert forecast.deaths > 20


def test_runs_that_follow_others() -> None:
    """A trajectory of 100 s, and two other models' view of it."""
    followers = [Work(Item(f"view {k}", 50.0, needs="source"), 50.0) for k in range(2)]
    forecast = played([Work(Item("source", 100.0), 100.0), *followers], 3)
    assert forecast.lower_bound == 150
    assert forecast.makespan == START_SECONDS + 150


def test_lower_bound() -> None:
    assert lower_bound(works(10, 20, 30), 2) == 30
    assert lower_bound(works(30, 30, 30), 2) == 45


def test_the_same_chance_gives_the_same_course() -> None:
    def course(seed: int) -> tuple[float, int]:
        conditions = Conditions(workers=7, walltime=4 * HOUR, failure_rate=0.1, seed=seed)
        forecast = simulate(works(*[9 * HOUR] * 30, segments=50), conditions)
        return forecast.makespan, forecast.deaths

    assert course(1) == course(1)
    assert course(1) != course(2)


def test_speeds_are_learned() -> None:
    """Runs of one kind take ten times as long as they were thought to, after a few are done."""
    quick = [Work(Item(f"q{k}", 100.0, group="quick"), 100.0) for k in range(20)]
    slow = [Work(Item(f"s{k}", 99.0, group="slow"), 990.0) for k in range(3)]
    first = Work(Item("s", 101.0, group="slow"), 20.0, estimate=2.0)
    forecast = played([first, *quick, *slow], 2)
    # When the first one tells, one of the quick ones is at work.
    assert forecast.makespan < START_SECONDS + 1.1 * forecast.lower_bound
    believed = played([*quick, *[replace(work, estimate=990.0) for work in slow]], 2)
    assert believed.makespan > START_SECONDS + 1.15 * believed.lower_bound


def test_many_runs() -> None:
    """Of all lengths from an hour to a day: near the lower bound, although workers die."""
    lengths = [HOUR * (1 + 23 * (k * 0.618 % 1)) for k in range(10_000)]
    many = [Work(Item(str(k), each, round(each / 600)), each) for k, each in enumerate(lengths)]
    forecast = played(many, 400, walltime=4 * HOUR, failure_rate=0.01)
    assert forecast.done == len(many)
    assert forecast.deaths > 500
    assert forecast.excess < 0.05


STUDY = """
[[study]]
name = "gk"
method = "emd"
material = "fluid"
temperatures = [1.0, 1.1, 1.2, 1.3]
supercells = [[20, 20, 20]]
seeds = 100
timestep = 0.004
equilibrate = [{ ensemble = "nve", time = 400 }]
sample = { time = 8000, every = 0.04 }
"""


def test_command(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, LIQUID + LENNARD_JONES + STUDY)
    words = ("plan", campaign, "--no-measurement", "--simulate", "--workers", "50")
    told = ensemble(tmp_path, *words, "--walltime", "4h", "--failure-rate", "0.01")
    assert told.returncode == 0, told.stderr
    assert "Simulated on 50 workers: 400 of 400 runs done in " in told.stdout
    assert "The launcher's decisions took " in told.stdout
    table = json.loads(ensemble(tmp_path, *words, "--json").stdout)
    simulated = table["simulated"]
    assert (simulated["runs"], simulated["jobs"], simulated["deaths"]) == (400, 50, 0)
    start = START_SECONDS / HOUR
    assert simulated["makespan_hours"] == pytest.approx(table["makespan_hours"] + start)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--walltime", "4 hours"), "4 hours: must be a time such as 30min, 4h, 2d or 04:00:00"),
        (("--walltime", "0h"), "0h: must be a time"),
        (("--failure-rate", "-1"), "must be a number, 0 or more"),
        (("--failure-rate", "nan"), "must be a number, 0 or more"),
    ],
)
def test_options_that_are_refused(tmp_path: Path, option: tuple[str, str], words: str) -> None:
    told = ensemble(tmp_path, "plan", "campaign.toml", "--simulate", "=".join(option))
    assert told.returncode == 2
    assert words in told.stderr
