"""What ``[convergence]`` makes of a group, from what is known of its κ."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.cluster.convergence import Size, Step, next_step
from ensemble.reduction.equilibrium import GreenKuboMethod, green_kubo
from ensemble.reduction.intervals import Interval
from ensemble.results.findings import Finding


def found(error: float, *problems: str) -> Finding:
    """κ with a relative error."""
    return of_mean(2.0, 2.0 * error, *problems)


def of_mean(mean: float, half_width: float, *problems: str) -> Finding:
    kappa = Interval(mean=mean, half_width=half_width, samples=6)
    return Finding(estimate="raw", kappa=kappa, estimator="spectrum", problems=problems)


def nothing(problem: str) -> Finding:
    """No κ, as `Reduced.failed` has it."""
    return of_mean(math.nan, math.inf, problem)


SHORT_RUNS = "too short: 9 correlation times, 120 are needed"
SLABS = "the heat flux in the slabs differs from the swap power by more than the errors"


@pytest.mark.parametrize(
    ("kappa", "runs", "has", "expected"),
    [
        (found(0.09), 5, (5, 4), (Step.MET, (5, 4))),
        (found(0.1), 5, (5, 4), (Step.MET, (5, 4))),
        (found(0.101), 5, (5, 4), (Step.SEEDS, (6, 4))),
        (found(0.12), 5, (5, 4), (Step.SEEDS, (8, 4))),  # 5 · 1.44 = 7.2
        (found(0.9), 5, (5, 4), (Step.SEEDS, (10, 4))),  # at most twice as many
        (found(math.inf), 1, (1, 4), (Step.SEEDS, (2, 4))),
        (found(0.9), 7, (7, 4), (Step.SEEDS, (12, 4))),  # and no more than may be
        (found(0.12), 3, (5, 4), (Step.SEEDS, (7, 4))),  # two have failed: 3 · 1.44 = 4.3
        (found(0.05, "the seeds differ"), 5, (5, 4), (Step.SEEDS, (10, 4))),
        (found(0.05, "one run alone"), 1, (1, 4), (Step.SEEDS, (2, 4))),
        (found(0.12), 12, (12, 4), (Step.TIME, (12, 6))),  # 4 · 1.44 = 5.8
        (found(0.101), 12, (12, 4), (Step.TIME, (12, 5))),
        (found(0.9), 12, (12, 6), (Step.TIME, (12, 9))),
        (found(0.05, "too short: 9 correlation times"), 5, (5, 4), (Step.TIME, (5, 8))),
        (found(0.9, "too short: 9 correlation times"), 5, (5, 9), (Step.LIMITS, (5, 9))),
        (found(0.9), 12, (12, 9), (Step.LIMITS, (12, 9))),
        (found(0.9), 15, (15, 12), (Step.LIMITS, (15, 12))),  # the limits were higher before
        (nothing("no run is done"), 0, (5, 4), (Step.FAILED, (5, 4))),
        # No κ, and no data that would help: the error is to be seen to.
        (nothing("lj-T4-1x1x1-s2: energy is nan in row 7"), 5, (5, 4), (Step.ERROR, (5, 4))),
        (nothing("the momenta of the species do not add"), 5, (5, 4), (Step.ERROR, (5, 4))),
        (nothing("store/c.0.0: input/output error"), 5, (5, 4), (Step.ERROR, (5, 4))),
        (nothing("the series is zero, or constant"), 5, (5, 4), (Step.ERROR, (5, 4))),
        # No κ yet.
        (nothing("9 frequencies are too few for a spectrum"), 5, (5, 4), (Step.TIME, (5, 8))),
        (nothing("window up to 200 ps: the longest lag"), 5, (5, 4), (Step.TIME, (5, 8))),
        (nothing("25001 lags of a series of 20000 rows"), 5, (5, 4), (Step.TIME, (5, 8))),
        (nothing("2 samples are too few for 2 coupled"), 5, (5, 4), (Step.SEEDS, (10, 4))),
        (nothing("no temperature gradient beyond the noise"), 5, (5, 4), (Step.SEEDS, (10, 4))),
        (found(0.05, "the window ends behind a quarter"), 5, (5, 4), (Step.TIME, (5, 8))),
        # Where the method is at fault no amount of data will do.
        (found(0.05, SLABS), 5, (5, 4), (Step.SYSTEMATIC, (5, 4))),
        (found(0.9, SLABS), 5, (5, 4), (Step.SYSTEMATIC, (5, 4))),
        (found(0.9, "κ still changes where more layers"), 5, (5, 4), (Step.SYSTEMATIC, (5, 4))),
        (found(0.9, "x, y and z differ by more"), 5, (5, 4), (Step.SYSTEMATIC, (5, 4))),
        (found(0.9, SLABS, SHORT_RUNS), 5, (5, 4), (Step.TIME, (5, 8))),  # that may be why
        (found(0.9, SLABS, SHORT_RUNS), 5, (5, 9), (Step.LIMITS, (5, 9))),
        # A κ that is not positive is not known.
        (of_mean(-2.0, 0.1), 5, (5, 4), (Step.SEEDS, (10, 4))),
        (of_mean(0.0, 0.0), 5, (5, 4), (Step.SEEDS, (10, 4))),
    ],
)
def test_decisions(
    kappa: Finding, runs: int, has: tuple[int, int], expected: tuple[Step, tuple[int, int]]
) -> None:
    most = Size(seeds=12, segments=9)
    had = Size(seeds=has[0], segments=has[1])
    step, gets = next_step(kappa, runs, had, most, target=0.1)
    assert (step, (gets.seeds, gets.segments)) == expected


def as_green_kubo_says(flux: NDArray[np.float64], window: tuple[float, float] | None) -> Finding:
    """κ, or why there is none, of a heat flux (runs, rows, components)."""
    method: GreenKuboMethod = "spectrum" if window is None else "window"
    try:
        kappa = green_kubo(
            flux, volume=1, temperature=1, timestep=1, units="lj", method=method, window=window
        ).kappa
    except ValueError as error:
        return nothing(str(error))
    return Finding(
        estimate="raw", kappa=kappa.value, estimator=kappa.method, problems=kappa.problems
    )


@pytest.mark.parametrize(
    ("rows", "scale", "window", "expected"),
    [
        (4000, (1, 1, 1), None, Step.MET),
        (4000, (1, 1, math.nan), None, Step.ERROR),
        (4000, (1, 1, 3), None, Step.SYSTEMATIC),
        (8, (1, 1, 1), None, Step.TIME),
        (4000, (1, 1, 1), (3000, 6000), Step.TIME),
        (4000, (1, 1, 1), (10, 1500), Step.TIME),
    ],
)
def test_decisions_on_what_the_reduction_says(
    rows: int, scale: tuple[float, ...], window: tuple[float, float] | None, expected: Step
) -> None:
    # Of one white flux in 25 the spectrum seems to rise towards zero, and time is asked for first.
    flux = np.random.default_rng(2).normal(size=(5, rows, 3)) * scale
    has, most = Size(seeds=5, segments=4), Size(seeds=12, segments=9)
    step, _ = next_step(as_green_kubo_says(flux, window), 5, has, most, target=0.2)
    assert step is expected


def test_every_group_meets_its_target_or_comes_to_the_limits() -> None:
    """Whatever its error is, and however long it takes."""
    most = Size(seeds=20, segments=40)
    for error in (0.0, 0.06, 0.3, 5.0, math.inf):
        for problems in ((), ("too short",), ("the seeds differ",)):
            has, step, rounds = Size(seeds=2, segments=3), Step.SEEDS, 0
            while step in (Step.SEEDS, Step.TIME):
                now = error * math.sqrt(6 / (has.seeds * has.segments))
                step, gets = next_step(found(now, *problems), has.seeds, has, most, target=0.05)
                grows = (gets.seeds - has.seeds, gets.segments - has.segments)
                assert (sum(grows) > 0) == (step in (Step.SEEDS, Step.TIME))
                has, rounds = gets, rounds + 1
            assert rounds < 20
            assert (step is Step.MET) == (now <= 0.05 and not problems)
