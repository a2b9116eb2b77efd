"""Which number to trust: every fact that a sentence tells is one of the numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ensemble.reduction.intervals import Interval
from ensemble.results.advice import advice
from ensemble.results.findings import Finding
from ensemble.results.groups import Group
from ensemble.results.table import Row
from ensemble.units import unit_system

NOTHING = Interval(mean=math.nan, half_width=math.inf, samples=0)


def interval(mean: float, half_width: float) -> Interval:
    return Interval(mean=mean, half_width=half_width, samples=15)


def row(model: str, estimate: Any, kappa: Interval, *, study: str = "gk", **more: object) -> Row:
    group = Group(
        study=study,
        method="nemd" if estimate == "direct" else "emd",
        material="beta",
        model=model,
        temperature=600,
        supercell=(5, 5, 5),
        atoms=1475,
        place=(0, 0, 0),
        done=(),
        asked=5,
    )
    found = Finding(estimate=estimate, kappa=kappa, estimator="spectrum", **more)
    return Row(group, found, unit_system("metal"))


def both(model: str, raw: float, corrected: float, **more: object) -> list[Row]:
    """A model's raw and corrected κ, and the γ² that they make."""
    gamma_squared = interval(1 - corrected / raw, 0.02)
    return [
        row(model, "raw", interval(raw, 0.05 * raw), gamma_squared=gamma_squared, **more),
        row(model, "corrected", interval(corrected, 0.02), gamma_squared=gamma_squared, **more),
    ]


def direct(model: str, kappa: float, length: float = 115.4, **more: object) -> Row:
    found = interval(kappa, 0.02)
    return row(model, "direct", found, study="mp", length=length, **more)


def test_models_whose_raw_values_differ_and_corrected_ones_agree() -> None:
    """As in β-Cu1.95Se."""
    rows = [*both("mtp1", 7.18, 0.48), *both("mtp4", 0.54, 0.47), *both("mtp3", 2.1, 0.49)]
    (sentence,) = advice([*rows, direct("mtp1", 0.47), direct("mtp4", 0.48)])
    assert sentence.startswith(
        "beta at 600 K, gk 5x5x5: trust the Onsager-corrected Green–Kubo κ, 0.48"
    )
    assert "W/m/K over 3 models" in sentence
    assert "heat and atoms flow together, γ² is up to 0.933 ± 0.020" in sentence
    assert "raw values of the models differ beyond their errors (p = " in sentence
    assert "but corrected ones agree within their errors (p = " in sentence
    assert "the direct method agrees, 0.47" in sentence
    assert sentence.endswith("over 2 models with 115.4 angstrom of crystal.")


def test_a_crystal_without_diffusion() -> None:
    (sentence,) = advice([*both("a", 7.1, 7.08), *both("b", 7.0, 7.02)])
    assert "no coupling of heat and atoms is seen, γ² is below 0.023" in sentence
    assert "raw κ is the same" in sentence
    assert "direct" not in sentence


def test_models_that_differ_in_all_they_say() -> None:
    (sentence,) = advice([*both("a", 7.1, 7.08), *both("b", 3.0, 2.98)])
    assert "trust the Onsager-corrected Green–Kubo κ of each model for itself" in sentence
    assert "the models differ beyond their errors (p = " in sentence


def test_a_single_species_has_no_correction() -> None:
    (sentence,) = advice([row("lj", "raw", interval(3.34, 0.25)), direct("lj", 2.5)])
    assert "trust the Green–Kubo κ, 3.34 ± 0.25 W/m/K (lj)" in sentence
    assert "the direct method does not agree, 2.500 ± 0.020 W/m/K (lj)" in sentence


def test_what_has_not_converged_is_not_to_be_trusted() -> None:
    short = {"problems": ("too short: 7 correlation times",)}
    rows = [*both("a", 0.5, 0.4, **short), *both("b", 0.5, 0.4, **short)]
    (sentence,) = advice(rows)
    assert sentence == (
        "beta at 600 K, gk 5x5x5: no Green–Kubo κ to trust: too short: 7 correlation times (a, b)."
    )
    (sentence,) = advice([*rows, direct("a", 0.47)])
    assert sentence.endswith(
        "; trust the direct method instead, 0.470 ± 0.020 W/m/K (a) with 115.4 angstrom of crystal."
    )


def test_models_of_which_some_have_not_converged() -> None:
    short = {"problems": ("too short",)}
    (sentence,) = advice([*both("a", 0.5, 0.4), *both("b", 0.5, 0.1, **short)])
    assert "κ, 0.400 ± 0.020 W/m/K (a)" in sentence
    assert "not to be trusted: too short (b)" in sentence


def test_the_longest_cell_is_what_the_direct_method_says() -> None:
    rows = [*both("a", 0.5, 0.47)]
    rows += [direct("a", 0.40, length=50), direct("a", 0.47, length=100)]
    (sentence,) = advice([*rows, direct("a", 0.9, length=150, problems=("not steady",))])
    assert "the direct method agrees, 0.470 ± 0.020 W/m/K (a) with 100 angstrom" in sentence


def test_the_direct_method_for_infinite_length() -> None:
    rows = [*both("a", 0.5, 0.47)]
    rows += [direct("a", 0.49 / (1 + 20 / length), length=length) for length in (50, 80, 120)]
    (sentence,) = advice(rows)
    assert "the direct method agrees, 0.49" in sentence
    assert sentence.endswith("W/m/K (a) for infinite length.")


def test_a_direct_method_that_failed_is_no_help() -> None:
    rows = [*both("a", 0.5, 0.47), row("a", "direct", NOTHING, problems=("no run is done",))]
    (sentence,) = advice(rows)
    assert "the direct method does not help: no run is done (a)" in sentence


def test_the_direct_method_alone() -> None:
    (sentence,) = advice([direct("a", 0.47), direct("b", 0.46)])
    assert sentence.startswith("beta at 600 K: trust κ of the direct method, 0.46")
    assert "with 115.4 angstrom of crystal; the models agree within their errors" in sentence
    (sentence,) = advice([row("a", "direct", NOTHING, problems=("no run is done",))])
    assert sentence == "beta at 600 K: no κ to trust: no run is done (a)."


@pytest.mark.parametrize("rows", [[], both("a", 0.5, 0.4)[:0]])
def test_nothing_to_say(rows: list[Row]) -> None:
    assert advice(rows) == []
