"""Stores to report on: one with planted samples of everything, one of real runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from launches import DIRECT, FIXED, GK, HEAD
from numpy.typing import NDArray
from planted_stores import Planted, Rows, plant_store

from ensemble.plan.recipe import Run
from ensemble.store import ledger
from ensemble.store.layout import record_name

SOURCE = 'A. Author & B. <Author>, "J." 1, 1 (2001)'

EXPERIMENTS = f"""
[[experiment]]
material = "salt"
temperature = 590
kappa = 0.31
error = 0.02
source = '{SOURCE}'

[[experiment]]
material = "salt"
temperature = 900
kappa = 0.2
"""

LENGTHS = "[[2, 2, 10], [2, 2, 14], [2, 2, 20]]"

SHORT = GK.replace("time = 24", "time = 12"), DIRECT.replace("time = 16", "time = 8")

REAL = "".join((HEAD, *SHORT, FIXED))
"""Every method under reduced units, one species."""


def plant_everything(folder: Path) -> Planted:
    """All figures that there are have something to show."""
    store = plant_store(folder, direct_seeds=3, direct_cells=LENGTHS, more=EXPERIMENTS)
    for study in ("gk", "fixed"):
        store.each(study, lambda run, of=study: equilibrium(run, store.rows(of), of))
    store.each("direct", lambda run: driven(run, store.rows("direct")))
    plant_site_energies(store)
    append_launches(store)
    return store


def equilibrium(run: Run, rows: int, study: str = "gk") -> Rows:
    """Heat and atoms flow together; model b has half the conductive flux of a."""
    seed = [run.seed, int(run.temperature), ord(run.model[0]), len(study)]
    noise = np.random.default_rng(seed).standard_normal((6, rows))
    share = 1.0 if run.model == "a" else 0.5
    columns: dict[str, NDArray[np.float64] | float] = {"temperature": run.temperature + 1.5}
    for k, axis in enumerate("xyz"):
        columns |= {
            f"momentum_Na_{axis}": 10 * noise[k],
            f"momentum_Cl_{axis}": -10 * noise[k],
            f"heat_flux_convective_{axis}": noise[k],
            f"heat_flux_conductive_{axis}": share * noise[3 + k],
            f"heat_flux_{axis}": noise[k] + share * noise[3 + k],
        }
    drift = 1e-3 * run.seed * np.linspace(-1, 1, rows)
    columns |= {"volume": 1e4, "energy": -500.0 + drift}
    if study == "gk":
        lag = np.arange(rows) % 500 + 1
        columns["square_displacement_Na"] = 6e-3 * lag * (1 + 0.02 * run.seed)
    return columns


def driven(run: Run, rows: int) -> Rows:
    """κ grows with length."""
    cells, layers = run.supercell[2], np.arange(12)
    height = np.minimum(layers, 12 - layers)
    noise = np.random.default_rng(run.seed).standard_normal((2, 12, rows))
    flux = np.where(layers < 6, -1, 1)
    return {
        **{
            f"temperature_{k}": 600 + (1 + cells / 10) * height[k] + 0.05 * noise[0, k]
            for k in layers
        },
        **{f"heat_flux_{k}": 100 * cells / 12 * flux[k] + noise[1, k] for k in layers},
        "length": 12.0 * cells,
        "area": 100.0,
        "exchanged_energy": 200 / 12,
        "energy": -500.0,
        "temperature": 600.0,
    }


def plant_site_energies(store: Planted) -> None:
    """In the record of the last segment of each run: a peak for each species."""
    for name in ("gk", "fixed"):
        study = store.study(name)
        last = sum(study.parts) + study.sample_segments - 1
        for _, run in store.info.runs(name):
            shift = 100 if run.model == "a" else -50
            counts = {
                symbol: {str(center + k): 100 - 3 * abs(k) for k in range(-30, 31)}
                for symbol, center in (("Na", -300 + shift), ("Cl", -400 - shift))
            }
            table = {"site_energies": {"width": 0.01, "frames": 4, "counts": counts}}
            folder = store.paths.run(run)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / record_name(last)).write_text(json.dumps(table))


def append_launches(store: Planted) -> None:
    """Two launches of an hour and of a minute; in the first a run fails, and is done again."""
    first, *_, last = [run for _, run in store.info.runs("gk")]

    def at(minute: int) -> str:
        return f"2026-01-02T03:{minute:02d}:00.000+00:00"

    for line in (
        ledger.Launch(runs=2, workers=2, estimate=3600, host="node1", time=at(0)),
        ledger.event_of(
            first, "failed", cause="killed", message="SIGKILL", wall=60.0, host="node1", time=at(5)
        ),
        ledger.event_of(first, "done", segment=4, wall=600.0, host="node1", time=at(20)),
        ledger.event_of(last, "done", segment=4, wall=1200.0, host="node2", time=at(30)),
        ledger.Launch(runs=1, workers=2, estimate=60, host="node2", time=at(40)),
    ):
        ledger.append(store.paths, line)
