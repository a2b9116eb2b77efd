"""Which number to trust: every fact that a sentence tells is one of the numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from ensemble.reduction.intervals import Interval
from ensemble.results.advice import advice
from ensemble.results.findings import Finding
from ensemble.results.groups import Group
from ensemble.results.lengths import extrapolations
from ensemble.results.table import Row
from ensemble.units import unit_system

NOTHING = Interval(mean=math.nan, half_width=math.inf, samples=0)


def interval(mean: float, half_width: float) -> Interval:
    return Interval(mean=mean, half_width=half_width, samples=15)


def row(
    model: str,
    estimate: Any,
    kappa: Interval,
    *,
    study: str = "gk",
    method: Any = "emd",
    cubic: bool = True,
    axis: Any = "z",
    cells: int = 5,
    **more: object,
) -> Row:
    group = Group(
        study=study,
        method="nemd" if estimate == "direct" else method,
        material="beta",
        model=model,
        temperature=600,
        supercell=(5, 5, cells),
        atoms=1475,
        place=(0, 0, 0),
        axis=axis if estimate == "direct" else None,
        cubic=cubic,
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
    cells = round(length / 3)
    return row(model, "direct", found, study="mp", length=length, cells=cells, **more)


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
    assert "trust the Onsager-corrected Green–Kubo κ, each model by itself, their mean" in sentence
    assert "the models differ beyond their errors (p = " in sentence


def test_a_single_species_has_no_correction() -> None:
    (sentence,) = advice([row("lj", "raw", interval(3.34, 0.25)), direct("lj", 2.5)])
    assert "trust the Green–Kubo κ, 3.34 ± 0.25 W/m/K (lj)" in sentence
    assert sentence.endswith(
        "W/m/K (lj), but the direct method does not agree (2.500 ± 0.020 W/m/K (lj) with 115.4"
        " angstrom of crystal): one of the two is wrong, or the cell too short."
    )


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


def coupling(*gammas: Interval) -> str:
    """The sentence on models of these γ²."""
    rows = [
        row(name, estimate, interval(0.5, 0.02), gamma_squared=gamma)
        for name, gamma in zip("abc", gammas, strict=False)
        for estimate in ("raw", "corrected")
    ]
    (sentence,) = advice(rows)
    return sentence


def test_a_coupling_that_is_not_known() -> None:
    """γ² = 0.3 ± 0.5 is no sign that there is none."""
    for gammas, below in (
        ([interval(0.3, 0.5)], "0.8"),
        ([interval(0.01, 0.02), interval(0.05, 0.06)], "0.11"),
        ([interval(0.3, 3.0)], "1"),
        ([interval(0.3, math.inf)], "1"),
    ):
        sentence = coupling(*gammas)
        wanted = f"whether heat and atoms are coupled is not known, γ² is below {below}"
        assert f"{wanted};" in sentence or sentence.endswith(f"{wanted}.")
        assert "the same" not in sentence
    assert "no coupling of heat and atoms is seen, γ² is below 0.09," in coupling(
        interval(0.03, 0.06)
    )
    assert "flow together, γ² is up to 0.60" in coupling(interval(0.6, 0.1), interval(0.3, 0.5))


def test_the_direct_method_is_compared_model_by_model() -> None:
    """A mean over other models would not agree with any."""
    rows = [*both("a", 7.1, 7.08), *both("b", 3.0, 2.98), *both("c", 1.5, 1.49)]
    (sentence,) = advice([*rows, direct("a", 7.09), direct("b", 2.97)])
    assert "; the direct method agrees, each model by itself, their mean is" in sentence
    (sentence,) = advice([*rows, direct("a", 7.09), direct("b", 2.97), direct("c", 2.1)])
    assert sentence.endswith(
        ", but the direct method with 115.4 angstrom of crystal agrees for 2 of 3: a, b; not for c:"
        " one of the two is wrong, or the cell too short."
    )
    (sentence,) = advice([*rows, direct("d", 0.1)])
    assert sentence.endswith("what it has to trust is of other models (d).")


def layered(model: str, mean: float, along_z: float, **more: object) -> tuple[list[Row], list[Row]]:
    """κ of a crystal that is not cubic: the mean over its components, and each of them."""
    in_plane = interval((3 * mean - along_z) / 2, 0.02)
    kappas = {"x": in_plane, "y": in_plane, "z": interval(along_z, 0.02)}
    components = [
        row(model, "raw", kappa, component=axis, cubic=False, **more)
        for axis, kappa in kappas.items()
    ]
    return [row(model, "raw", interval(mean, 0.02), cubic=False)], components


def test_the_direct_method_is_compared_along_its_axis() -> None:
    rows, components = layered("a", mean=0.9, along_z=0.3)
    (sentence,) = advice([*rows, direct("a", 0.31, cubic=False)], components)
    assert "trust the Green–Kubo κ, of x, y and z the mean, 0.900 ± 0.020 W/m/K (a)" in sentence
    assert (
        "the direct method agrees, 0.310 ± 0.020 W/m/K (a) with 115.4 angstrom of crystal along z, "
        "where Green–Kubo has 0.300 ± 0.020 W/m/K (a)"
    ) in sentence
    both = [direct("a", kappa, cubic=False, axis=axis) for kappa, axis in ((0.31, "z"), (1.2, "x"))]
    (sentence,) = advice([*rows, *both], components)
    assert "agrees, 0.310 ± 0.020 W/m/K (a) with 115.4 angstrom of crystal along z" in sentence
    assert "agrees, 1.200 ± 0.020 W/m/K (a) with 115.4 angstrom of crystal along x" in sentence
    (sentence,) = advice([*rows, direct("a", 0.9, cubic=False)], components)
    assert "but the direct method does not agree (0.900 ± 0.020 W/m/K (a) with" in sentence
    assert "where Green–Kubo has 0.300 ± 0.020 W/m/K (a)): one of the two is wrong" in sentence


def test_a_mean_over_components_that_differ_hides_nothing() -> None:
    differ = "x, y and z differ by more than their scatter"
    rows, components = layered("a", mean=2.0, along_z=1.0)
    rows = [replace(rows[0], found=replace(rows[0].found, problems=(differ,)))]
    (sentence,) = advice([*rows, direct("a", 1.0, cubic=False)], components)
    assert f"no Green–Kubo κ to trust: {differ} (a); the direct method agrees, 1.000" in sentence
    assert "where Green–Kubo has 1.000 ± 0.020 W/m/K (a); trust the direct method" in sentence


def test_a_component_that_came_to_nothing() -> None:
    rows, _ = layered("a", mean=0.9, along_z=0.3)
    failed = row("a", "raw", NOTHING, cubic=False, problems=("a window that is too long",))
    (sentence,) = advice([*rows, direct("a", 0.31, cubic=False)], [failed])
    assert "along z there is no Green–Kubo κ to trust: z is not known (a)" in sentence


def test_an_axis_along_which_there_is_nothing_to_compare_with() -> None:
    rows, components = layered("a", mean=0.9, along_z=0.3, problems=("too short",))
    (sentence,) = advice([*rows, direct("a", 0.31, cubic=False)], components)
    assert (
        "the direct method does not help: along z there is no Green–Kubo κ to trust: too short (a)"
    ) in sentence
    assert "agree" not in sentence


def lengths(model: str, kappa: float) -> list[Row]:
    """Cells of a model from which its κ for infinite length follows."""
    return [direct(model, kappa / (1 + 20 / length), length=length) for length in (50, 80, 120)]


def test_infinite_and_finite_lengths_are_kept_apart() -> None:
    rows = [*both("a", 0.5, 0.48), *both("b", 0.5, 0.47)]
    other = [*lengths("a", 0.48), direct("b", 0.47)]
    (sentence,) = advice([*rows, *other])
    assert "the direct method agrees, 0.48" in sentence
    assert "(a) for infinite length; the direct method agrees, 0.470 ± 0.020 W/m/K (b) with" in (
        sentence
    )
    assert "inf" not in sentence.replace("infinite", "")
    first, second = advice(other)
    assert first.endswith("(a): for infinite length.")
    assert second.endswith("0.470 ± 0.020 W/m/K (b): with 115.4 angstrom of crystal.")
    (sentence,) = advice([*rows, *lengths("a", 0.9)])
    assert "but the direct method does not agree (0.9" in sentence
    assert sentence.endswith("(a) for infinite length): one of the two is wrong.")


def test_cells_of_one_length_are_one_length() -> None:
    """What is measured of them differs by rounding, or by what a barostat leaves."""
    rows = [direct("a", 0.3, 74.4), direct("a", 0.31, 74.4 + 1e-9), direct("a", 0.35, 148.8)]
    assert list(extrapolations(rows)) == []
    (line,) = extrapolations([*rows, direct("a", 0.37, 223.2)])
    assert line["lengths"] == 3


def test_an_uncertain_extrapolation_is_not_used() -> None:
    """Its error is 30 %, that of each cell 4 % or less."""
    cells = [
        row("a", "direct", interval(kappa, 0.04 * kappa), study="mp", length=length, cells=length)
        for length, kappa in ((50, 0.125), (60, 0.143), (70, 0.159))
    ]
    (sentence,) = advice([*both("a", 0.5, 0.48), *cells])
    assert "with 70 angstrom of crystal" in sentence
    (line,) = (one for one in extrapolations(cells) if one["order"] == 1)
    assert line["kappa_half_width"] > 0.2 * line["kappa"]
    assert line["verdict"].startswith("too few independent samples: the interval is wider than")


def test_models_that_differ_by_the_direct_method_alone() -> None:
    (sentence,) = advice([direct("a", 7.1), direct("b", 3.0)])
    assert "trust κ of the direct method, each model by itself, their mean is" in sentence
    short = {"problems": ("too short",)}
    (sentence,) = advice([*both("a", 7, 7, **short), direct("a", 7.1), direct("b", 3.0)])
    assert "trust the direct method instead, each model by itself, their mean is" in sentence


def rerun(model: str, raw: float, **more: object) -> list[Row]:
    kappa, corrected = interval(raw, 0.05 * raw), interval(0.5, 0.02)
    return [
        row(model, "raw", kappa, study="fixed", method="rerun", **more),
        row(model, "corrected", corrected, study="fixed", method="rerun", **more),
    ]


def test_energies_of_others_on_a_trajectory_are_no_conductivity_to_trust() -> None:
    rows = [*rerun("a", 7.18), *rerun("b", 0.54), *rerun("c", 2.1), direct("a", 0.5)]
    direct_alone, sentence = advice(rows)
    assert "trust κ of the direct method" in direct_alone
    assert sentence == (
        "beta at 600 K, fixed 5x5x5: with the energies of 3 models on the trajectory of one, the"
        " raw κ is 0.540 ± 0.027 (b) to 7.18 ± 0.36 (a) W/m/K: how arbitrary it is."
    )
    (sentence,) = advice(rerun("a", 7.18))
    assert sentence.endswith("of one model, the raw κ is 7.18 ± 0.36 W/m/K (a).")
    (sentence,) = advice(rerun("a", 7.18, problems=("too short",)))
    assert sentence.endswith("how arbitrary the raw κ is cannot be told: too short (a).")


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
