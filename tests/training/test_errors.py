"""Errors of a potential on frames: against the definition."""

import math

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import GPa
from planted import SPECIES, label, labelled_frames, planted_potential

from ensemble.training.errors import Errors, errors_of

POTENTIAL = planted_potential()


def test_by_definition_and_by_group() -> None:
    frames = labelled_frames(planted_potential(seed=5), 4)
    pairs = [(label(frame, POTENTIAL), frame) for frame in frames]

    def expected(part: slice) -> Errors:
        mine = pairs[part]
        energy = np.array(
            [(a.get_potential_energy() - b.get_potential_energy()) / len(b) for a, b in mine]
        )
        force = np.array([a.get_forces() - b.get_forces() for a, b in mine])
        stress = np.array([a.get_stress() - b.get_stress() for a, b in mine]) / GPa
        return Errors(
            frames=len(mine),
            energy_mae=1e3 * np.abs(energy).mean(),
            energy_rmse=1e3 * math.sqrt((energy**2).mean()),
            force_mae=1e3 * np.abs(force).mean(),
            force_rmse=1e3 * math.sqrt((force**2).mean()),
            stress_rmse=math.sqrt((stress**2).mean()),
        )

    found = errors_of(POTENTIAL, frames, by="temperature").as_dict()
    groups = found.pop("groups")
    whole = expected(slice(None)).as_dict()
    del whole["groups"]
    assert found == pytest.approx(whole, rel=1e-9)
    assert list(groups) == ["300.0", "600.0"]
    for name, part in [("300.0", slice(0, None, 2)), ("600.0", slice(1, None, 2))]:
        del groups[name]["groups"]
        wanted = expected(part).as_dict()
        del wanted["groups"]
        assert groups[name] == pytest.approx(wanted, rel=1e-9)


def test_none_against_its_own_labels() -> None:
    found = errors_of(POTENTIAL, labelled_frames(POTENTIAL, 2), SPECIES)
    assert found.energy_mae < 1e-9
    assert found.force_rmse < 1e-9
    assert found.stress_rmse < 1e-9


def test_without_stress() -> None:
    frame = labelled_frames(POTENTIAL, 1)[0]
    known = {key: frame.calc.results[key] for key in ("energy", "forces")}
    frame.calc = SinglePointCalculator(frame, **known)
    assert math.isnan(errors_of(POTENTIAL, [frame]).stress_rmse)


def test_refusals() -> None:
    frames = labelled_frames(POTENTIAL, 2)
    with pytest.raises(ValueError, match="no frame to measure errors on"):
        errors_of(POTENTIAL, [])
    del frames[1].info["temperature"]
    with pytest.raises(ValueError, match="frame crystal-1: found no temperature in its info"):
        errors_of(POTENTIAL, frames, by="temperature")
    frames[0].calc.results["forces"][3, 1] = np.nan
    with pytest.raises(ValueError, match="frame crystal-0: forces not a finite number"):
        errors_of(POTENTIAL, frames)
