"""The check of a potential: good ones pass, broken ones are told by the right test."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from structures import random_potential

from ensemble.mtp.check import Report, check_potential
from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import FormatError, Potential, read_potential

ROTATION = "rotation turns forces and keeps energies"


def failures(report: Report) -> set[str]:
    return {check.name for check in report.checks if not check.passed}


def test_shipped_models_pass(model: Path) -> None:
    report = check_potential(model)
    assert report.passed, str(report)
    assert report.name == str(model)
    assert str(report).endswith("all checks passed")


@pytest.mark.parametrize("basis", ["RBChebyshev", "RBChebyshev_repuls"])
@pytest.mark.parametrize(
    ("level", "species_count"), [(2, 1), (4, 3), (8, 1), (10, 8), (14, 2), (18, 4), (22, 2)]
)
def test_random_potentials_pass(level: int, species_count: int, basis: str) -> None:
    potential = untrained_potential(
        level, species_count, cutoff=5.0, min_dist=1.9, seed=10 * level + species_count
    )
    report = check_potential(replace(potential, radial_basis=basis), seed=level)
    assert report.passed, str(report)


@pytest.mark.parametrize(("cutoff", "min_dist"), [(3.0, 0.0), (4.0, 3.9), (8.0, 1.0)])
def test_unusual_ranges_pass(cutoff: float, min_dist: float) -> None:
    potential = untrained_potential(10, 2, cutoff=cutoff, min_dist=min_dist, seed=1)
    report = check_potential(potential)
    assert report.passed, str(report)


def test_same_seed_same_report(model: Path) -> None:
    assert check_potential(model, seed=5) == check_potential(model, seed=5)
    assert check_potential(model, seed=5) != check_potential(model, seed=6)


def test_a_scalar_that_is_none_fails_by_rotation_alone(model: Path) -> None:
    """A wrong multiplicity makes a tensor component out of a scalar; the slopes still fit."""
    potential = read_potential(model)
    products = potential.products.copy()
    products[1, 2] += 1
    assert failures(check_potential(replace(potential, products=products))) == {ROTATION}


def test_moments_that_are_no_contraction_fail(model: Path) -> None:
    potential = read_potential(model)
    basic = potential.basic.copy()
    basic[[1, 4]] = basic[[4, 1]]
    assert ROTATION in failures(check_potential(replace(potential, basic=basic)))


def test_numbers_gone_wrong_fail() -> None:
    potential = replace(random_potential(1, 14, 2), scaling=1e200)
    report = check_potential(potential)
    assert not report.passed
    assert "FAIL" in str(report)
    assert str(report).endswith("CHECKS FAILED")


def dimer(sign: float, **changes: object) -> Potential:
    """U = sign * (r - r_cut)^2 for each end of a pair."""
    potential = untrained_potential(2, 1, cutoff=5.0, min_dist=2.0, species=["Cu"], seed=0)
    coefficients = np.zeros_like(potential.radial_coeffs)
    coefficients[..., 0] = 1.0
    return replace(potential, radial_coeffs=coefficients, moment_coeffs=np.array([sign]), **changes)


def test_note_of_dimers_that_fall_together() -> None:
    assert check_potential(dimer(1.0)).notes == ()
    (note,) = check_potential(dimer(-1.0)).notes
    assert note.startswith("a dimer Cu-Cu attracts at 2.00 Angstrom, below min_dist = 2")
    assert check_potential(dimer(-1.0, radial_basis="RBChebyshev_repuls")).notes == ()


def test_a_cutoff_in_nanometres_is_told() -> None:
    potential = untrained_potential(4, 1, cutoff=0.1, min_dist=0.0, seed=0)
    with pytest.raises(ValueError, match=r"cutoff of 0\.1 Angstrom.*another unit"):
        check_potential(potential)


def test_what_is_no_potential(tmp_path: Path) -> None:
    path = tmp_path / "broken.mtp"
    path.write_text("MTP\nversion = 1.1.0\n")
    with pytest.raises(FormatError, match=r"broken\.mtp"):
        check_potential(path)
