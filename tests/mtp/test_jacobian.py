"""Derivatives by the coefficients: against motep's, finite differences, and what is linear."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.data import atomic_numbers
from motep.io.mlip.mtp import read_mtp
from motep.potentials.mtp.cext.engine import CExtMTPEngine
from structures import (
    SYMBOLS,
    Floats,
    Structure,
    derivative,
    random_potential,
    random_structure,
    relative_error,
)

from ensemble import MTPCalculator
from ensemble.mtp import _core
from ensemble.mtp.calculator import (
    Jacobian,
    evaluate,
    evaluate_jacobian,
    make_kernel,
    voigt_stress,
)
from ensemble.mtp.potential import Potential, write_potential

CASES = [(2, 1), (4, 2), (6, 3), (8, 4), (10, 1), (12, 2), (14, 3), (16, 4)]  # level, species


def case(level: int, species_count: int, natoms: int = 5) -> tuple[Potential, Structure]:
    seed = 10 * level + species_count
    structure = random_structure(seed, natoms, species_count)
    return random_potential(seed, level, species_count), structure


def coefficients(potential: Potential) -> Floats:
    return np.concatenate(
        [potential.radial_coeffs.ravel(), potential.species_coeffs, potential.moment_coeffs]
    )


def with_coefficients(potential: Potential, values: Floats) -> Potential:
    radial, species = potential.radial_coeffs, potential.species_coeffs
    parts = np.split(values, [radial.size, radial.size + species.size])
    return replace(
        potential,
        radial_coeffs=parts[0].reshape(radial.shape),
        species_coeffs=parts[1],
        moment_coeffs=parts[2],
    )


def blocks(potential: Potential) -> tuple[slice, slice, slice]:
    """Where the radial, species and moment coefficients stand."""
    first = potential.radial_coeffs.size
    second = first + potential.species_coeffs.size
    return slice(first), slice(first, second), slice(second, None)


@pytest.mark.parametrize(("level", "species_count"), [*CASES, (20, 2)])
def test_equals_motep(level: int, species_count: int, tmp_path: Path) -> None:
    potential, structure = case(level, species_count, natoms=9)
    path = tmp_path / "potential.mtp"
    write_potential(path, potential)
    data = read_mtp(path)
    data.species = [atomic_numbers[symbol] for symbol in SYMBOLS[:species_count]]
    data.optimized = ["radial_coeffs", "species_coeffs", "moment_coeffs"]
    atoms = structure.atoms()
    engine = CExtMTPEngine(data, mode="train")
    engine.calculate(atoms)

    found = MTPCalculator(potential).jacobian(atoms)
    for mine, theirs in [
        (found.energy, engine.jac_energy(atoms)),
        (found.forces, engine.jac_forces(atoms)),
        (voigt_stress(found.virial, structure.volume), engine.jac_stress(atoms)),
    ]:
        radial, species, moment = (mine[block] for block in blocks(potential))
        expected = [theirs.radial_coeffs, theirs.species_coeffs, theirs.moment_coeffs]
        expected[0] = expected[0].reshape(len(radial), *expected[0].shape[4:])
        if mine.ndim == 2:  # stress: to Voigt's order
            expected = [m.reshape(-1, 9)[:, [0, 4, 8, 5, 2, 1]] for m in expected]
        assert relative_error(radial, expected[0]) < 1e-10
        assert relative_error(moment, expected[2]) < 1e-10
        np.testing.assert_allclose(species, expected[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("basis", ["RBChebyshev", "RBChebyshev_repuls"])
@pytest.mark.parametrize(("level", "species_count"), [(6, 2), (10, 1), (12, 2)])
def test_is_the_slope_by_every_coefficient(level: int, species_count: int, basis: str) -> None:
    potential = random_potential(level, level, species_count, radial_basis=basis)
    structure = random_structure(level, 4, species_count, separation=1.5, volume_per_atom=12.0)
    values = coefficients(potential)
    jacobian = evaluate_jacobian(make_kernel(potential), *structure.arrays)

    def properties(values: Floats) -> Floats:
        result = evaluate(make_kernel(with_coefficients(potential, values)), *structure.arrays)
        return np.concatenate([[result.energy], result.forces.ravel(), result.virial])

    slopes = [
        derivative(lambda change, unit=unit: properties(values + change * unit), 1e-3)
        for unit in np.eye(len(values))
    ]
    energy, forces, virial = np.split(np.array(slopes), [1, -9], axis=1)
    assert relative_error(jacobian.energy, energy[:, 0]) < 1e-7
    assert relative_error(jacobian.forces.reshape(forces.shape), forces) < 1e-7
    assert relative_error(jacobian.virial, virial) < 1e-7


@pytest.mark.parametrize(("level", "species_count"), CASES)
def test_linear_coefficients_give_back_the_energy(level: int, species_count: int) -> None:
    potential, structure = case(level, species_count)
    kernel = make_kernel(potential)
    result = evaluate(kernel, *structure.arrays)
    jacobian = evaluate_jacobian(kernel, *structure.arrays)
    values = coefficients(potential)
    _, species, moment = blocks(potential)
    counts = np.bincount(structure.species, minlength=species_count)
    np.testing.assert_array_equal(jacobian.energy[species], counts)
    assert not jacobian.forces[species].any()
    assert not jacobian.virial[species].any()
    linear = slice(species.start, None)
    assert jacobian.energy[linear] @ values[linear] == pytest.approx(result.energy, rel=1e-11)
    forces = np.tensordot(values[moment], jacobian.forces[moment], axes=1)
    assert relative_error(forces, result.forces) < 1e-11
    assert relative_error(values[moment] @ jacobian.virial[moment], result.virial) < 1e-11


@pytest.mark.parametrize(("level", "species_count"), CASES)
def test_radial_coefficients_are_homogeneous(level: int, species_count: int) -> None:
    """Euler: sum c dU/dc = sum over scalars of (number of factors) * xi_k * B_k."""
    potential, structure = case(level, species_count)
    jacobian = evaluate_jacobian(make_kernel(potential), *structure.arrays)
    factors = np.ones(potential.moment_count)
    for left, right, _, target in potential.products:
        factors[target] = factors[left] + factors[right]
    radial, _, moment = blocks(potential)
    weights = factors[potential.scalars] * potential.moment_coeffs
    left = coefficients(potential)[radial] @ jacobian.energy[radial]
    right = weights @ jacobian.energy[moment]
    scale = np.abs(weights * jacobian.energy[moment]).sum()
    assert abs(left - right) < 1e-11 * scale


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("level", [8, 16])
def test_instruction_sets_agree(level: int, isa: str) -> None:
    potential, structure = case(level, 3, natoms=19)

    def derivatives(isa: str) -> Jacobian:
        return evaluate_jacobian(make_kernel(potential, isa), *structure.arrays)

    found, plain = derivatives(isa), derivatives("plain")
    for field in ("energy", "forces", "virial"):
        assert relative_error(getattr(found, field), getattr(plain, field)) < 1e-11, field
