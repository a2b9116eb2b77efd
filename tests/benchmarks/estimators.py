"""How good the estimators of κ are: bias, error, coverage, verdicts and speed, measured.

    export PYTHONPATH=tests/reduction OMP_NUM_THREADS=1
    python -P tests/benchmarks/estimators.py coverage [--trials 1000] [--jobs 2] [--only A B]
    python -P tests/benchmarks/estimators.py compare [--trials 100]
    python -P tests/benchmarks/estimators.py short [--trials 200]
    python -P tests/benchmarks/estimators.py speed

``coverage`` analyses groups of runs of the processes in tests/reduction/processes.py, whose κ is
known, with nothing set by hand, and says how often the 95 % interval holds the truth. ``compare``
sets the root mean square error beside that of the papers' fixed windows and, where it is installed
(``pip install stacie``), of STACIE's Padé model, on the same series. ``short`` analyses series that
are too short and counts those that are flagged. ``speed`` takes processor time on one core.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from processes import PROCESSES, TIMESTEP, Coupled, kappa, series

from ensemble.reduction.correlation import Correlator
from ensemble.reduction.equilibrium import GreenKubo, green_kubo

Floats = NDArray[np.float64]

ROWS = 200_000
COMPONENTS = 3
PAPER_WINDOWS = ((3.0, 6.0), (50.0, 100.0), (150.0, 300.0))
"""In ps: what was used for Cu1.95Se, Mg3Sb2 and Mg2Sn."""


@dataclass(frozen=True)
class Case:
    process: str
    seeds: int = 5
    rows: int = ROWS
    timestep: float = TIMESTEP

    @property
    def name(self) -> str:
        length, every = self.rows * self.timestep, 1000 * self.timestep
        return f"{self.process}, {self.seeds} seeds, {length:g} ps by {every:g} fs"


COARSE = 5 * TIMESTEP
"""A row every 50 fs does for what is slow, and five times as many trials."""

CASES = (
    Case("A", rows=40_000, timestep=COARSE),
    Case("B", rows=40_000, timestep=COARSE),
    Case("C", rows=40_000, timestep=COARSE),
    # Nothing was chosen on these.
    Case("jade", rows=80_000, timestep=COARSE),
    Case("surge", 3, rows=40_000, timestep=COARSE),
    Case("estuary", rows=40_000, timestep=COARSE),
    Case("estuary", 20, rows=20_000, timestep=COARSE),
    # On other trials of some of these it was.
    Case("ripple", 3, rows=40_000, timestep=COARSE),
    Case("topaz", rows=40_000, timestep=COARSE),
    Case("swell", 3, rows=40_000, timestep=COARSE),
    Case("lagoon", rows=40_000, timestep=COARSE),
    Case("feldspar", rows=40_000, timestep=COARSE),
    Case("beryl", rows=40_000, timestep=COARSE),
    Case("tide", 3, rows=40_000, timestep=COARSE),
    Case("brine", rows=40_000, timestep=COARSE),
    Case("terrace", rows=40_000, timestep=COARSE),
    Case("echo", 3, rows=40_000, timestep=COARSE),
    Case("ferry", rows=40_000, timestep=COARSE),
    Case("terrace", 20, rows=40_000, timestep=COARSE),
    Case("cascade", rows=40_000, timestep=COARSE),
    Case("crown", rows=40_000, timestep=COARSE),
    Case("crown", 20, rows=40_000, timestep=COARSE),
    Case("molten", 3, rows=40_000, timestep=COARSE),
    Case("sluggish", rows=40_000, timestep=COARSE),
    Case("lobe", rows=40_000, timestep=COARSE),
    Case("lobe", 3, rows=40_000, timestep=COARSE),
    Case("strong", rows=40_000, timestep=COARSE),
    Case("phonons", rows=40_000, timestep=COARSE),
    Case("rattler", 3, rows=40_000, timestep=COARSE),
    Case("hopping", rows=40_000, timestep=COARSE),
    Case("swing", 3, rows=40_000, timestep=COARSE),
    Case("drag", rows=40_000, timestep=COARSE),
    Case("glass", rows=40_000, timestep=COARSE),
    # Hard: a slow part behind a gap, no gaps at all, a dip.
    Case("gap", rows=40_000, timestep=COARSE),
    Case("gap", rows=80_000, timestep=COARSE),
    Case("quartz", rows=40_000, timestep=COARSE),
    Case("quartz", rows=80_000, timestep=COARSE),
    Case("alloy", rows=40_000, timestep=COARSE),
    Case("crystal", rows=80_000, timestep=COARSE),
    Case("crystal", 20, rows=40_000, timestep=COARSE),
    Case("glass", rows=10_000, timestep=COARSE),
    # A row every 10 fs.
    Case("A"),
    Case("B"),
    Case("C"),
)

TOO_SHORT = (
    *(Case("A", rows=rows) for rows in (2_000, 5_000, 10_000, 20_000)),
    *(Case("B", rows=rows) for rows in (300, 600, 1_200)),
    *(Case("crystal", rows=rows) for rows in (5_000, 10_000, 20_000)),
    *(Case("C", rows=rows) for rows in (300, 600, 1_200)),
    *(Case("gap", rows=rows, timestep=COARSE) for rows in (2_000, 10_000, 20_000)),
    *(Case("alloy", rows=rows, timestep=COARSE) for rows in (500, 2_000)),
    *(Case("topaz", rows=rows, timestep=COARSE) for rows in (500, 2_000)),
    *(Case("swell", 3, rows=rows, timestep=COARSE) for rows in (100, 200)),
    *(Case("lagoon", rows=rows, timestep=COARSE) for rows in (200, 500)),
    *(Case("jade", rows=rows, timestep=COARSE) for rows in (1_000, 4_000)),
    *(Case("surge", 3, rows=rows, timestep=COARSE) for rows in (100, 200)),
    *(Case("estuary", rows=rows, timestep=COARSE) for rows in (200, 500)),
)


FIRST_TRIAL = 700_000
"""Estimators were compared on the trials from 0 on."""


def flux_of(case: Case, trial: int) -> tuple[Floats, Floats | None]:
    """Heat flux (seeds, rows, components) and momenta (seeds, rows, species, components)."""
    rng = np.random.default_rng([trial, case.seeds, case.rows, *case.process.encode()])
    values = series(case.process, rng, case.seeds * COMPONENTS, case.rows, case.timestep)
    shape = (case.seeds, COMPONENTS, case.rows)
    if not isinstance(PROCESSES[case.process], Coupled):
        return np.moveaxis(values.reshape(shape), 1, 2), None
    heat, mass = (np.moveaxis(values[:, k].reshape(shape), 1, 2) for k in range(2))
    return heat, np.stack([mass, -mass], axis=2)


def analysed(
    heat: Floats, momenta: Floats | None, timestep: float = TIMESTEP, **options: Any
) -> GreenKubo:
    return green_kubo(
        heat, volume=1, temperature=1, timestep=timestep, units="lj", momenta=momenta, **options
    )


def trial_of(case: Case, trial: int) -> tuple[float, bool, bool, bool]:
    """κ, whether it is in the intervals by the bootstrap and by Student, and whether it was
    flagged.
    """
    found = analysed(*flux_of(case, trial), case.timestep).kappa
    truth = kappa(case.process, case.timestep)
    by_bootstrap, by_student = (of.low <= truth <= of.high for of in (found.value, found.student))
    return found.value.mean, by_bootstrap, by_student, not found.converged


def half_width(case: Case, trial: int) -> float:
    return analysed(*flux_of(case, trial), case.timestep).kappa.value.half_width


def ideal_trial(case: Case, trial: int) -> float:
    """Half-width of what only J_perp, unknown to an analyst of the coupled currents, gives."""
    heat, momenta = flux_of(case, trial)
    process = PROCESSES[case.process]
    assert momenta is not None
    assert isinstance(process, Coupled)
    rest = heat - process.coupling * momenta[:, :, 0]
    return analysed(rest, None, case.timestep).raw.value.half_width


def mapped(
    function: Callable[[Case, int], Any], case: Case, trials: int, jobs: int
) -> Iterator[Any]:
    numbers = range(FIRST_TRIAL, FIRST_TRIAL + trials)
    if jobs == 1:
        yield from map(partial(function, case), numbers)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(function, case), numbers, chunksize=10)


def chosen(cases: Iterable[Case], only: list[str] | None) -> list[Case]:
    return [case for case in cases if not only or case.process in only]


def coverage(arguments: argparse.Namespace) -> None:
    print(f"{arguments.trials} trials of each; nominal 95 %; bias and error in % of κ")
    print(f"{'case':40s} {'bias':>12s} {'error':>6s} {'bootstrap':>10s} {'t':>6s} {'flagged':>8s}")
    for case in chosen(CASES, arguments.only):
        rows = np.array(list(mapped(trial_of, case, arguments.trials, arguments.jobs)))
        off = rows[:, 0] / kappa(case.process, case.timestep) - 1
        bias = f"{100 * off.mean():+.2f} ± {100 * off.std() / np.sqrt(len(off)):.2f}"
        print(
            f"{case.name:40s} {bias:>12s} {100 * np.sqrt(np.mean(off**2)):6.2f}"
            f" {100 * rows[:, 1].mean():9.1f}% {100 * rows[:, 2].mean():5.1f}%"
            f" {100 * rows[:, 3].mean():7.1f}%",
            flush=True,
        )
        if isinstance(PROCESSES[case.process], Coupled):
            few = min(arguments.trials, 100)
            own, ideal = (
                np.mean(list(mapped(function, case, few, arguments.jobs)))
                for function in (half_width, ideal_trial)
            )
            print(f"{'':40s} half-width over the ideal one: {own / ideal:.3f}")


def stacie_of(heat: Floats, timestep: float = TIMESTEP) -> float:
    from stacie import PadeModel, compute_spectrum, estimate_acint

    samples = np.moveaxis(heat, 2, 1).reshape(-1, heat.shape[1])
    spectrum = compute_spectrum(samples, timestep=timestep)
    return float(estimate_acint(spectrum, PadeModel([0, 2], [2])).acint)


def kappa_by(heat: Floats, timestep: float, **options: Any) -> float:
    return analysed(heat, None, timestep, **options).raw.value.mean


def compare(arguments: argparse.Namespace) -> None:
    """Of coupled currents J_perp is taken, for all methods alike."""
    methods: dict[str, Callable[[Floats, float], float]] = {
        "spectrum": kappa_by,
        "window, found": partial(kappa_by, method="window"),
        "cepstral": partial(kappa_by, method="cepstral"),
    }
    ours = len(methods)
    for start, end in PAPER_WINDOWS:
        given = partial(kappa_by, method="window", window=(start, end))
        methods[f"[{start:g}, {end:g}] ps"] = given
    if importlib.util.find_spec("stacie"):
        methods["STACIE Padé"] = stacie_of
    print(f"{arguments.trials} trials; bias / root mean square error in % of κ")
    heads = "".join(f"{name:>17s}" for name in methods)
    print(f"{'case':40s}{heads}   spectrum / best of the others")
    for case in chosen(CASES, arguments.only):
        found = [
            [method(perpendicular(case, trial), case.timestep) for method in methods.values()]
            for trial in range(FIRST_TRIAL, FIRST_TRIAL + arguments.trials)
        ]
        off = np.array(found) / kappa(case.process, case.timestep) - 1
        error = 100 * np.sqrt(np.mean(off**2, axis=0))
        bias = 100 * off.mean(axis=0)
        shown = "".join(f"{b:+8.2f} / {e:6.2f}" for b, e in zip(bias, error, strict=True))
        print(f"{case.name:40s}{shown}   {error[0] / error[ours:].min():.2f}", flush=True)


def perpendicular(case: Case, trial: int) -> Floats:
    heat, momenta = flux_of(case, trial)
    process = PROCESSES[case.process]
    if momenta is None:
        return heat
    assert isinstance(process, Coupled)
    return heat - process.coupling * momenta[:, :, 0]


def short(arguments: argparse.Namespace) -> None:
    print(f"{arguments.trials} trials of each")
    print(f"{'case':40s} {'bias':>8s} {'flagged':>9s}")
    for case in chosen(TOO_SHORT, arguments.only):
        rows = np.array(list(mapped(trial_of, case, arguments.trials, arguments.jobs)))
        off = 100 * (rows[:, 0].mean() / kappa(case.process, case.timestep) - 1)
        print(f"{case.name:40s} {off:+7.1f}% {100 * rows[:, 3].mean():8.1f}%", flush=True)


def speed(arguments: argparse.Namespace) -> None:
    heat, _ = flux_of(Case("B", seeds=1, rows=1_000_000), 0)
    heat = np.ascontiguousarray(heat)

    def correlations() -> None:
        correlator = Correlator(1000)
        correlator.add(np.moveaxis(heat[0], 0, 1))
        correlator.result()

    tasks: dict[str, Callable[[], object]] = {
        "κ with interval and verdict": lambda: analysed(heat, None),
        "correlation functions, 1000 lags": correlations,
    }
    if importlib.util.find_spec("stacie"):
        tasks["STACIE Padé"] = lambda: stacie_of(heat)
    print("10⁶ rows × 3 components, one core, best of 5")
    for name, task in tasks.items():
        task()
        print(f"{name:34s} {min(processor_time(task) for _ in range(5)):7.3f} s of processor time")
    tracemalloc.start()
    analysed(heat, None)
    peak = tracemalloc.get_traced_memory()[1]
    print(f"memory besides the input: {peak / heat.nbytes:.2f} times the input")


def processor_time(task: Callable[[], object]) -> float:
    start = time.process_time()
    task()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = {"coverage": (coverage, 1000), "compare": (compare, 100), "short": (short, 200)}
    subparsers = parser.add_subparsers(required=True)
    for name, (function, trials) in (*commands.items(), ("speed", (speed, 1))):
        command = subparsers.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--trials", type=int, default=trials)
        command.add_argument("--jobs", type=int, default=1)
        command.add_argument("--only", nargs="+", metavar="PROCESS")
    arguments = parser.parse_args()
    arguments.function(arguments)


if __name__ == "__main__":
    main()
