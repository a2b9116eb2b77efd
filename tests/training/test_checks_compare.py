"""Differences between models, and the tables of a card, from what was put in."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from ensemble.mtp.calculator import MTPCalculator
from ensemble.mtp.potential import read_potential
from ensemble.structures import crystal
from ensemble.training.checks import Difference, compare, markdown

LEVEL10 = Path(__file__).parents[1] / "potentials" / "level10.mtp"


def frames() -> list[Atoms]:
    found = []
    for number, temperature in enumerate((300.0, 600.0, 600.0)):
        atoms = crystal("antifluorite", ["Cu", "Se"], 5.85)
        atoms.rattle(0.1, seed=number)
        atoms.info["temperature"] = temperature
        found.append(atoms)
    return found


def test_planted_differences() -> None:
    """A shift of copper's energy moves no force, a factor moves all."""
    first = read_potential(LEVEL10)
    shift = np.array([0.003, 0.0])
    shifted = replace(first, species_coeffs=first.species_coeffs + shift)
    doubled = replace(
        first,
        species_coeffs=2 * first.species_coeffs,
        moment_coeffs=2 * first.moment_coeffs,
    )
    models = {"first": first, "shifted": shifted, "doubled": doubled}
    calculators = {name: MTPCalculator(one, ["Cu", "Se"]) for name, one in models.items()}
    found = compare(calculators, frames())
    pairs = [("first", "shifted"), ("first", "doubled"), ("shifted", "doubled")]
    assert [one.models for one in found] == pairs * 2
    assert [(one.temperature, one.frames) for one in found[::3]] == [(300, 1), (600, 2)]
    assert found[0].forces == pytest.approx(0, abs=1e-9)
    assert found[0].energy == pytest.approx(3 * 2 / 3)
    hot = frames()[1:]
    for atoms in hot:
        atoms.calc = calculators["first"]
    forces = np.mean([np.abs(atoms.get_forces()).mean() for atoms in hot])
    squares = np.mean([np.square(atoms.get_forces()).mean() for atoms in hot])
    energy = np.mean([abs(atoms.get_potential_energy()) / 12 for atoms in hot])
    assert found[4].forces == pytest.approx(1000 * forces)
    assert found[4].forces_rms == pytest.approx(1000 * np.sqrt(squares))
    assert found[4].energy == pytest.approx(1000 * energy)


def card(name: str, **parts: Any) -> dict[str, Any]:
    table = {key: {"found": part} for key, part in parts.items()}
    return {"name": name, **table}


def trajectory(**changes: Any) -> dict[str, Any]:
    return {
        "temperature": 600.0,
        "time": 200.0,
        "atoms": 319,
        "failure": "",
        "volume": 200.2,
        "pressure": 0.12,
        "drift": -1.5e-6,
        "displacement": {"Cu": 36.0, "Se": 0.77},
        "diffusion": {
            "Cu": {"value": 1.8e-5, "half_width": 1e-6, "upper_limit": 1.9e-5},
            "Se": {"value": None, "half_width": None, "upper_limit": 2.7e-8},
        },
        "site_energies": {"Cu": {"mean": -2.847, "standard_deviation": 0.176}},
        **changes,
    }


def errors(temperature: float | None) -> dict[str, Any]:
    found = {"energy_mae": 1.234, "force_mae": 45.67, "force_rmse": 60.0, "stress_rmse": None}
    return {"temperature": temperature, "frames": 20, **found}


def test_tables() -> None:
    """Every number is where it belongs; what there is not is a dash, what went wrong is said."""
    nothing = {
        "volume": None,
        "pressure": None,
        "drift": None,
        "displacement": {},
        "diffusion": {},
        "site_energies": {},
    }
    cards = [
        card("teacher", crystal={"lattice": {"a": 5.811}}, elastic={"bulk_modulus": 78.04})
        | {"phonons": {"problem": "the crystal did not relax"}, "identity": "some 1.0 Teacher"},
        card(
            "mtp1",
            errors=[errors(300.0), errors(None)],
            crystal={"lattice": {"a": 5.807}},
            dynamics=[trajectory()],
        )
        | {"level": 12},
        card("mtp2", dynamics=[trajectory(failure="atoms were lost", **nothing)]),
    ]
    differences = [
        Difference(
            models=models, temperature=300.0, frames=20, forces=f, forces_rms=1.25 * f, energy=e
        )
        for models, f, e in ((("a", "b"), 28.0, 0.5), (("a", "c"), 32.0, 0.7))
    ]
    text = markdown(cards, differences=differences, command="ensemble train train.toml")
    for line in (
        "| teacher | some 1.0 Teacher |",
        "| mtp1 | 12 |",
        "| mtp1 | 300 | 20 | 1.23 | 45.7 | 60 | – |",
        "| mtp1 | all | 20 | 1.23 | 45.7 | 60 | – |",
        "| teacher | 5.811 | 78.0 | – | – |",
        "teacher: the crystal did not relax.",
        "| mtp1 | 5.807 | – | – | – |",
        "| mtp1 | 600 | 200 | yes | 200.2 | 5.850 | 0.12 | 1.8e-05 ± 1e-06 | < 2.7e-08 "
        "| 36.00 | 0.77 | -1.5e-06 |",
        "| mtp2 | 600 | 200 | no | – | – | – | – | – | – | – | – |",
        "mtp2 at 600 K: atoms were lost.",
        "| mtp1 | 600 | -2.847 ± 0.176 |",
        "| 300 | 20 | 2 | 30 (28 … 32) | 37.5 (35 … 40) | 0.6 (0.5 … 0.7) |",
        "| 300 K | a | b | c |",
        "| a | – | 28.0 | 32.0 |",
        "| b | 0.50 | – | – |",
        "| c | 0.70 | – | – |",
        "    ensemble train train.toml",
    ):
        assert line in text.splitlines()


def test_tables_of_nothing() -> None:
    assert markdown([]).strip() == ""
