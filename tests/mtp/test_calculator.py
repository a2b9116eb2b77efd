"""The calculator: against motep's C engine, finite differences, and ASE's rules."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import reference
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.data import atomic_numbers
from ase.neighborlist import primitive_neighbor_list
from motep.io.mlip.mtp import read_mtp
from motep.potentials.mtp.cext.engine import CExtMTPEngine
from structures import (
    CUTOFF,
    MIN_DIST,
    SYMBOLS,
    Floats,
    Structure,
    cutoff_in_a_gap,
    derivative,
    pair_distances,
    random_potential,
    random_structure,
    relative_error,
)

from ensemble import MTPCalculator
from ensemble.mtp.calculator import evaluate, find_neighbors, make_kernel, voigt_stress
from ensemble.mtp.potential import Potential, read_potential, write_potential


def motep_results(path: Path, atoms: Atoms, species: tuple[str, ...]) -> dict[str, np.ndarray]:
    data = read_mtp(path)
    data.species = [atomic_numbers[symbol] for symbol in species]
    return CExtMTPEngine(data).calculate(atoms)


def assert_equals_motep(path: Path, structure: Structure, species: tuple[str, ...]) -> None:
    atoms = structure.atoms()
    expected = motep_results(path, atoms, species)
    atoms.calc = MTPCalculator(path, species=species)
    site_energies = expected["energies"]
    assert abs(atoms.get_potential_energy() - expected["energy"]) < 1e-10 * abs(site_energies).sum()
    assert relative_error(atoms.get_potential_energies(), site_energies) < 1e-10
    assert relative_error(atoms.get_forces(), expected["forces"]) < 1e-10
    assert relative_error(atoms.get_stress(), expected["stress"]) < 1e-10


# Two and five atoms make cells smaller than the cutoff.
@pytest.mark.parametrize("natoms", [2, 5, 24])
@pytest.mark.parametrize("level", range(2, 24, 2))
def test_equals_motep(level: int, natoms: int, tmp_path: Path) -> None:
    for species_count in (1, 2, 3, 4):
        seed = 100 * level + species_count
        path = tmp_path / f"{species_count}.mtp"
        write_potential(path, random_potential(seed, level, species_count))
        structure = random_structure(seed, natoms, species_count)
        assert_equals_motep(path, structure, SYMBOLS[:species_count])


def test_shipped_models_equal_motep(model: Path) -> None:
    for seed, natoms in enumerate([3, 6, 48]):
        assert_equals_motep(model, random_structure(seed, natoms, 2), ("Cu", "Se"))


# --------------------------------------------------------------------------- finite differences

STEP = 1e-3  # Angstrom
STRAIN = 1e-4

CASES = [(4, 1), (8, 2), (10, 3), (12, 4), (14, 1), (16, 2), (18, 3), (20, 4), (22, 1)]


def case(level: int, species_count: int) -> tuple[Potential, Structure]:
    structure = random_structure(level, 6, species_count)
    cutoff = cutoff_in_a_gap(structure)
    return random_potential(level, level, species_count, max_dist=cutoff), structure


def slope_by_position(potential: Potential, structure: Structure, step: float) -> Floats:
    """dU/dr: shape ``(natoms, 3)``."""
    kernel = make_kernel(potential)
    slopes = np.zeros_like(structure.positions)
    for index in np.ndindex(*slopes.shape):

        def energy(shift: float, index: tuple[int, ...] = index) -> float:
            positions = structure.positions.copy()
            positions[index] += shift
            return evaluate(kernel, *structure.moved(positions).arrays).energy

        slopes[index] = derivative(energy, step)
    return slopes


@pytest.mark.parametrize(("level", "species_count"), CASES)
def test_forces_are_the_slope_of_the_energy(level: int, species_count: int) -> None:
    potential, structure = case(level, species_count)
    forces = evaluate(make_kernel(potential), *structure.arrays).forces
    assert relative_error(forces, -slope_by_position(potential, structure, STEP)) < 1e-7


@pytest.mark.parametrize("basis", ["RBChebyshev", "RBChebyshev_repuls"])
def test_forces_below_min_dist(basis: str) -> None:
    """Where RBChebyshev_repuls is clamped; no pair comes within a step of that kink."""
    structure = random_structure(5, 6, 2, separation=1.2, volume_per_atom=9.0)
    distances = pair_distances(structure, CUTOFF)
    assert np.count_nonzero(distances < MIN_DIST) >= 6
    assert np.abs(distances - MIN_DIST).min() > STEP
    cutoff = cutoff_in_a_gap(structure)
    potential = random_potential(5, 10, 2, radial_basis=basis, max_dist=cutoff)
    forces = evaluate(make_kernel(potential), *structure.arrays).forces
    assert relative_error(forces, -slope_by_position(potential, structure, STEP / 4)) < 1e-7


@pytest.mark.parametrize(("level", "species_count"), CASES)
def test_virial_is_the_slope_by_strain(level: int, species_count: int) -> None:
    potential, structure = case(level, species_count)
    kernel = make_kernel(potential)
    slopes = np.zeros((3, 3))
    for index in np.ndindex(3, 3):

        def energy(strain: float, index: tuple[int, ...] = index) -> float:
            deformation = np.zeros((3, 3))
            deformation[index] = strain
            return evaluate(kernel, *structure.strained(deformation).arrays).energy

        slopes[index] = derivative(energy, STRAIN)
    result = evaluate(kernel, *structure.arrays)
    xx, yy, zz, xy, xz, yz, yx, zx, zy = result.virial
    assert relative_error([[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]], -slopes) < 1e-7
    symmetric = (slopes + slopes.T) / 2 / structure.volume
    stress = voigt_stress(result.virial, structure.volume)
    assert relative_error(stress, symmetric.flat[[0, 4, 8, 5, 2, 1]]) < 1e-7


# ------------------------------------------------------------------------------------ neighbours


@pytest.mark.parametrize("pbc", [(1, 1, 1), (0, 1, 1), (1, 0, 0), (0, 0, 0)])
@pytest.mark.parametrize("natoms", [1, 2, 4, 30])
def test_neighbors_are_those_of_ase(natoms: int, pbc: tuple[int, int, int]) -> None:
    structure = random_structure(natoms, natoms, 1, pbc=tuple(map(bool, pbc)))
    rng = np.random.default_rng(natoms)
    outside = structure.positions + rng.integers(-2, 3, size=(natoms, 3)) @ structure.cell
    near = find_neighbors(outside, structure.cell, structure.pbc, CUTOFF)
    first, second, vectors = primitive_neighbor_list(
        "ijD", structure.pbc, structure.cell, outside, CUTOFF
    )
    i = np.repeat(np.arange(natoms), np.diff(near.offsets))
    found = np.column_stack(
        [i, near.owners[near.indices], near.positions[near.indices] - outside[i]]
    )
    expected = np.column_stack([first, second, vectors])
    assert found.shape == expected.shape

    def ordered(rows: np.ndarray) -> np.ndarray:
        return rows[np.lexsort(np.round(rows, 6).T)]

    np.testing.assert_allclose(ordered(found), ordered(expected), rtol=0, atol=1e-10)


def test_an_image_is_one_position_however_many_see_it() -> None:
    structure = random_structure(2, 30, 1)
    near = find_neighbors(structure.positions, structure.cell, structure.pbc, CUTOFF)
    assert len(np.unique(near.positions.round(8), axis=0)) == len(near.positions)
    assert len(near.positions) < len(near.indices)


@pytest.mark.parametrize(
    ("positions", "cell", "message"),
    [
        ([[0.0, 0.0]], np.eye(3), "positions must have the shape"),
        ([[0.0, 0.0, np.nan]], np.eye(3), "finite"),
        ([[0.0, 0.0, 0.0]], np.eye(2), "cell must have the shape"),
        ([[0.0, 0.0, 0.0]], np.zeros((3, 3)), "span no volume"),
        ([[0.0, 0.0, 0.0]], [[1, 0, 0], [0, 1, 0], [1, 1, 0]], "span no volume"),
    ],
)
def test_bad_geometry_is_refused(positions: object, cell: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_neighbors(positions, cell, True, CUTOFF)


@pytest.mark.parametrize("species", [[0], [0.0, 1.0], [0, 2], [0, -1]])
def test_bad_species_are_refused(species: list[object]) -> None:
    kernel = make_kernel(random_potential(1, 8, 2))
    with pytest.raises((ValueError, IndexError), match="species"):
        evaluate(kernel, [[0.0, 0.0, 0.0], [0.0, 0.0, 2.5]], species)


# ------------------------------------------------------------------------------------------- ASE


def test_species_come_from_the_tag_or_the_argument(model: Path) -> None:
    tagged = random_potential(1, 8, 2)
    assert MTPCalculator(tagged).species == ("Cu", "Se")
    assert MTPCalculator(tagged, species=["Se", "Cu"]).species == ("Se", "Cu")
    with pytest.raises(ValueError, match=r"does not name its 2 species.*species=\['Cu', 'Se'\]"):
        MTPCalculator(model)


def test_species_order_matters(model: Path) -> None:
    atoms = random_structure(1, 9, 2).atoms()
    swapped = atoms.copy()
    swapped.symbols = ["Se" if symbol == "Cu" else "Cu" for symbol in atoms.symbols]
    atoms.calc = MTPCalculator(model, species=["Cu", "Se"])
    swapped.calc = MTPCalculator(model, species=["Se", "Cu"])
    np.testing.assert_array_equal(atoms.get_forces(), swapped.get_forces())


@pytest.mark.parametrize(
    ("species", "message"),
    [
        (["Cu"], "has 2 species"),
        (["Cu", "Cu"], "has 2 species"),
        (["Cu", "Se", "Te"], "has 2 species"),
        (["Cu", "Xx"], "not a chemical symbol: 'Xx'"),
    ],
)
def test_wrong_species_are_refused(model: Path, species: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MTPCalculator(model, species=species)


def test_an_element_without_species_is_refused(model: Path) -> None:
    atoms = Atoms("CuAg", positions=[[0, 0, 0], [0, 0, 2.5]])
    atoms.calc = MTPCalculator(model, species=["Cu", "Se"])
    with pytest.raises(ValueError, match=r"the structure has Ag.*species are Cu Se"):
        atoms.get_potential_energy()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mtp"):
        MTPCalculator(tmp_path / "nowhere.mtp")


@pytest.mark.parametrize("pbc", [(0, 0, 0), (1, 1, 0), (1, 1, 1)])
def test_properties(model: Path, pbc: tuple[int, int, int]) -> None:
    structure = random_structure(4, 8, 2, pbc=tuple(map(bool, pbc)))
    atoms = structure.atoms()
    atoms.calc = MTPCalculator(model, species=["Cu", "Se"])
    expected = reference.evaluate(read_potential(model), *structure.arrays)
    energy = atoms.get_potential_energy()
    assert energy == pytest.approx(expected.energy, rel=1e-11)
    assert atoms.get_potential_energy(force_consistent=True) == energy
    assert relative_error(atoms.get_potential_energies(), expected.site_energies) < 1e-11
    virials = atoms.calc.get_property("virials", atoms)
    assert relative_error(virials, expected.virials) < 1e-11
    if any(pbc):
        stress = voigt_stress(virials.sum(axis=0), structure.volume)
        assert relative_error(atoms.get_stress(), stress) < 1e-10
    else:
        with pytest.raises(PropertyNotImplementedError):
            atoms.get_stress()


def test_results_follow_the_atoms(model: Path) -> None:
    """Another structure, or the same one moved, is computed anew."""
    atoms = random_structure(4, 8, 2).atoms()
    atoms.calc = MTPCalculator(model, species=["Cu", "Se"])
    before = atoms.get_potential_energy()
    atoms.rattle(0.05, seed=1)
    assert atoms.get_potential_energy() != before
    periodic = atoms.get_stress()
    assert periodic.shape == (6,)
    atoms.pbc = False
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()


def test_travels_to_other_processes(model: Path) -> None:
    """Pickled, as when a task carries it, it comes out the same."""
    calculator = MTPCalculator(model, species=["Cu", "Se"], isa="plain")
    arrived = pickle.loads(pickle.dumps(calculator))
    assert arrived.kernel.isa == "plain"
    atoms = random_structure(4, 8, 2).atoms()
    assert arrived.get_potential_energy(atoms) == calculator.get_potential_energy(atoms)


def test_species_energies_only_shift(model: Path) -> None:
    """U_i moves by exactly the constant of its species; nothing else moves."""
    potential = read_potential(model)
    shift = np.array([0.7, -1.4])
    shifted = replace(potential, species_coeffs=potential.species_coeffs + shift)
    structure = random_structure(6, 12, 2)
    before, after = (evaluate(make_kernel(p), *structure.arrays) for p in (potential, shifted))
    moved = after.site_energies - before.site_energies
    np.testing.assert_allclose(moved, shift[structure.species], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(after.forces, before.forces)
    np.testing.assert_array_equal(after.virials, before.virials)
