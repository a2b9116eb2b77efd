"""What is printed, and what ``ensemble results`` makes of it."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from ensemble.cli import main
from ensemble.plan.recipe import Run
from ensemble.reduction.intervals import Interval
from ensemble.results import open_results, show
from ensemble.results.table import COLUMNS
from ensemble.results.words import interval_text

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (0.4382, 0.0213, "0.438 ± 0.021"),
        (0.4382, 0.099, "0.438 ± 0.099"),
        (7.18, 1.234, "7.2 ± 1.2"),
        (123.4, 25.1, "123 ± 25"),
        (1234.5, 251.0, "1234 ± 251"),
        (-0.05, 0.4, "-0.05 ± 0.40"),
        (0.0, 0.4, "0.00 ± 0.40"),
        (1.234e-5, 2.1e-7, "(1.234 ± 0.021)e-5"),
        (1.234e-5, 0.9, "0.00 ± 0.90"),
        (5.0, 0.0, "5"),
        (5.0, math.inf, "5 ± ?"),
        (math.nan, math.inf, "–"),
        (math.inf, 1.0, "–"),
        (-math.inf, math.inf, "–"),
    ],
)
def test_intervals_to_two_digits_of_their_half_width(
    mean: float, half_width: float, text: str
) -> None:
    assert interval_text(Interval(mean=mean, half_width=half_width, samples=3)) == text


@pytest.mark.parametrize(
    ("scale", "text"),
    [(1.0, "0.40 −0.10 +0.20"), (1e-6, "(4.0 −1.0 +2.0)e-7"), (10.0, "4.0 −1.0 +2.0")],
)
def test_an_interval_that_reaches_farther_up_than_down(scale: float, text: str) -> None:
    lopsided = Interval(mean=0.4, half_width=0.15, samples=9, offset=0.05)
    assert interval_text(lopsided.scaled(scale)) == text
    nearly_even = Interval(mean=0.4, half_width=0.15, samples=9, offset=0.01)
    assert interval_text(nearly_even) == "0.40 ± 0.15"


def equilibrium(run: Run, rows: int) -> dict[str, np.ndarray | float]:
    noise = np.random.default_rng([run.seed, int(run.temperature)]).standard_normal((9, rows))
    current = {f"momentum_Na_{axis}": 10 * noise[k] for k, axis in enumerate("xyz")}
    return {
        **current,
        **{name.replace("Na", "Cl"): -values for name, values in current.items()},
        **{f"heat_flux_{axis}": noise[k] + noise[3 + k] for k, axis in enumerate("xyz")},
        **{f"heat_flux_conductive_{axis}": noise[3 + k] for k, axis in enumerate("xyz")},
        **{f"heat_flux_convective_{axis}": noise[k] for k, axis in enumerate("xyz")},
        "temperature": run.temperature + 1.5,
        "volume": 1e4,
    }


@pytest.fixture
def store(planted: MakeStore) -> Planted:
    """With equilibrium samples in place, and none of the direct method."""
    found = planted(window='"auto"')
    found.each("gk", lambda run: equilibrium(run, found.rows("gk")))
    return found


def printed(store: Planted, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(show(open_results(store.paths.root)))
    text = console.file.getvalue()
    return str(text)


def test_an_empty_store_says_so(planted: MakeStore) -> None:
    text = printed(planted())
    assert "κ in W/m/K" in text
    assert text.count("0 of 5") == 8
    assert text.count("0 of 2") == 2
    assert text.count("[1] no run is done") == 1
    # Two studies in equilibrium at two temperatures
    assert text.count("no Green–Kubo κ to trust: no run is done") == 2
    assert text.count("how arbitrary the raw κ is cannot be told: no run is done") == 2
    assert "nan" not in text
    assert "inf" not in text


def test_estimates_of_a_group_are_side_by_side(store: Planted) -> None:
    text = printed(store)
    rows = open_results(store.paths.root).kappa(study="gk", model="b", temperature=600)
    line, _, _ = (  # the others are of diffusion
        line for line in text.splitlines() if line.startswith("│ gk    │ b     │   600")
    )
    assert "601.5" in line
    assert line.count(" ± ") + line.count(" +") == 3
    assert rows.kappa[1] == pytest.approx(rows.kappa[0] / 2, rel=0.1)
    assert "salt at 600 K, gk 3x3x3: trust the Onsager-corrected Green–Kubo κ" in text
    said = re.search(r"heat and atoms flow together, γ² is up to (0\.\d+)", text)
    assert said is not None
    assert float(said[1]) == pytest.approx(0.5, abs=0.02)
    assert "the direct method does not help: no run is done (a, b)" in text


def test_the_fluxes_of_the_direct_method(planted: MakeStore) -> None:
    store = planted("lj")
    store.each("direct", lambda _: {"length": 10.0, "area": 4.0, "exchanged_energy": 2.0})
    text = printed(store)
    assert "κ in kB/sigma/tau, fluxes in epsilon/sigma^2/tau" in text
    assert "T (epsilon/kB)" in text
    assert "no temperature gradient beyond the noise" in text


def driven(run: Run, rows: int) -> dict[str, np.ndarray | float]:
    """κ grows with length; in the longest cell too little of the heat flows through the slabs.

    A flux of 1/12 comes in, and layers have the volume 100 ``cells``.
    """
    cells, layers = run.supercell[2], np.arange(12)
    height = np.minimum(layers, 12 - layers)
    flux = np.where(layers < 6, -1, 1) * (1.0 if cells < 20 else 0.7)
    noise = np.random.default_rng(run.seed).standard_normal((2, 12, rows))
    profile = {
        f"temperature_{k}": 600 + (1 + cells / 10) * height[k] + 0.05 * noise[0, k] for k in layers
    }
    heat = {f"heat_flux_{k}": 100 * cells / 12 * flux[k] + noise[1, k] for k in layers}
    cell = {"length": 12.0 * cells, "area": 100.0, "exchanged_energy": 200 / 12}
    return {**profile, **heat, **cell, "energy": -500.0, "temperature": 600.0}


def test_the_direct_method_beside_the_others(planted: MakeStore) -> None:
    """The longest cell to be trusted; and none beside energies that have not made the forces."""
    store = planted(direct_seeds=3, direct_cells="[[2, 2, 10], [2, 2, 14], [2, 2, 20]]")
    for study in ("gk", "fixed"):
        store.each(study, lambda run, name=study: equilibrium(run, store.rows(name)))
    store.each("direct", lambda run: driven(run, store.rows("direct")))
    rows = open_results(store.paths.root).tables().kappa
    told = [row for row in rows if row.found.estimate == "direct" and row.group.model == "a"]
    assert [row.trusted for row in told] == [True, True, False]
    lines = [[cell.strip() for cell in line.split("│")] for line in printed(store).splitlines()]
    gk, fixed = (
        next(line for line in lines if line[1:4] == [study, "a", "600"])
        for study in ("gk", "fixed")
    )
    assert interval_text(told[1].found.kappa) in gk
    assert interval_text(told[1].found.kappa) not in fixed
    assert fixed[10] == "–"


def results(store: Planted, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["results", str(store.paths.root), *options]) == 0
    return capsys.readouterr().out


def test_command_csv(store: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    text = results(store, capsys, "--csv")
    table = list(csv.DictReader(io.StringIO(text)))
    assert tuple(table[0]) == tuple(COLUMNS)
    assert len(table) == 8 + 2 + 4
    assert float(table[0]["kappa"]) > 0
    assert (table[-1]["kappa"], table[-1]["verdict"]) == ("", "no run is done")


def test_command_json(store: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--study", "gk", "--model", "b", "--temperature", "300", "--supercell", "3x3x3"]
    found = json.loads(results(store, capsys, "--json", *options))["kappa"]
    assert [(one["model"], one["temperature"], one["estimate"]) for one in found] == [
        ("b", 300, "raw"),
        ("b", 300, "corrected"),
    ]
    assert found[0]["cutoff"] > 0
    assert (found[0]["window_end"], found[0]["swap_flux"]) == (None, None)
    json.dumps(found, allow_nan=False)
    other = json.loads(results(store, capsys, "--json", "--estimator", "window", *options))["kappa"]
    assert (other[0]["estimator"], other[0]["cutoff"]) == ("window", None)
    assert other[0]["window_end"] > 0


def test_command_components(store: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    text = results(store, capsys, "--components", "--study", "gk")
    assert "component" in text
    assert "trust" not in text
    for axis in "xyz":
        assert text.count(f"5 of 5 │         {axis} │") == 4


def test_command_table_is_not_wrapped_in_a_pipe(
    store: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    text = results(store, capsys)
    sentences = [line for line in text.splitlines() if line.startswith("salt at")]
    assert len(sentences) == 4
    assert all(sentence.endswith(".") for sentence in sentences)


def test_command_refuses_what_is_not_there(
    store: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["results", str(store.paths.root), "--model", "c"]) == 1
    error = capsys.readouterr().err
    assert error == "ensemble: error: model 'c': the store has a, b\n"
