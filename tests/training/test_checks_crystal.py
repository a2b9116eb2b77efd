"""A crystal at 0 K, against Lennard-Jones crystals whose answers are known on paper."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.optimize import BFGS
from ase.units import GPa
from odd_calculators import Odd
from scipy.constants import angstrom, atomic_mass, electron_volt

from ensemble.campaign.schema import Material
from ensemble.training.checks.crystal import CheckFailed, Crystal, family_of, relax, unit_cell
from ensemble.training.checks.elastic import bulk_modulus, constants_of, is_stable, stiffness
from ensemble.training.checks.phonons import phonons

EPSILON, SIGMA = 0.0103, 3.405  # eV, Å
NEAREST = 2 ** (1 / 6) * SIGMA
SPRING = 72 / 2 ** (1 / 3) * EPSILON / SIGMA**2
"""Second derivative of the pair energy at its minimum."""


def nearest_only() -> LennardJones:
    """Between nearest neighbours alone: their springs are relaxed, and everything is analytic."""
    return LennardJones(epsilon=EPSILON, sigma=SIGMA, rc=1.3 * SIGMA, smooth=False)


def long_ranged() -> LennardJones:
    return LennardJones(epsilon=EPSILON, sigma=SIGMA, ro=2 * SIGMA, rc=2.5 * SIGMA, smooth=True)


def relaxed(prototype: str, lattice: float, calculator: LennardJones) -> Crystal:
    material = Material(prototype=prototype, species=("Ar",), lattice=(lattice,))
    return relax(unit_cell(material), calculator)


@pytest.fixture(scope="module")
def fcc() -> Crystal:
    return relaxed("fcc", 5.3, nearest_only())


@pytest.fixture(scope="module")
def hcp() -> Crystal:
    return relaxed("hcp", 3.7, long_ranged())


def test_lattice_constant(fcc: Crystal) -> None:
    assert fcc.lattice == {"a": pytest.approx(NEAREST * 2**0.5, abs=2e-4)}
    assert fcc.energy == pytest.approx(6 * (nearest_energy(NEAREST)), rel=1e-6)


def nearest_energy(distance: float) -> float:
    """Of a pair; the calculator's is zero where it is cut off."""
    sixth, cut = (SIGMA / distance) ** 6, 1.3**-6
    return 4 * EPSILON * (sixth**2 - sixth - cut**2 + cut)


def test_elastic_constants_of_springs(fcc: Crystal) -> None:
    """C11 = 2 C12 = 2 C44 = 2 k / a for springs k between nearest neighbours of an fcc crystal."""
    found = constants_of(stiffness(fcc), fcc.family)
    unit = SPRING / (NEAREST * 2**0.5) / GPa
    expected = {"C11": 2 * unit, "C12": unit, "C44": unit}
    assert found == pytest.approx(expected, rel=1e-3)
    assert bulk_modulus(stiffness(fcc)) == pytest.approx(4 / 3 * unit, rel=1e-3)
    assert is_stable(stiffness(fcc))


def test_highest_phonon_of_springs(fcc: Crystal) -> None:
    """At X, the longitudinal mode has m ω² = 8 k; nothing is unstable."""
    found = phonons(fcc, supercell=(2, 2, 2), mesh=(4, 4, 4))
    mass = fcc.atoms.get_masses()[0] * atomic_mass
    omega = np.sqrt(8 * SPRING * electron_volt / angstrom**2 / mass)
    assert found.highest == pytest.approx(omega / (2 * np.pi) / 1e12, rel=2e-3)
    assert found.lowest > 0.1
    assert found.unstable == 0


def test_ions_relax_in_a_strained_crystal(hcp: Crystal) -> None:
    """Linear response gives what a minimiser of the strained crystal does."""
    assert hcp.family == "hexagonal"
    matrix = stiffness(hcp)
    slopes = np.stack([relaxed_stress(hcp, k) for k in range(6)], axis=1)
    assert matrix == pytest.approx(slopes, abs=2e-3 * matrix[0, 0])
    clamped = np.stack([relaxed_stress(hcp, k, steps=0) for k in range(6)], axis=1)
    # The answer is another one without: 5 % of C11.
    assert clamped[0, 0] - matrix[0, 0] > 20 * 2e-3 * matrix[0, 0]


def relaxed_stress(crystal: Crystal, component: int, *, steps: int = 200) -> np.ndarray:
    """dσ/dε in GPa with the ions relaxed, by the whole crystal strained by ± 0.1 %."""
    stresses = []
    for strain in (1e-3, -1e-3):
        i, j = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))[component]
        tensor = np.zeros((3, 3))
        tensor[i, j] += strain / 2
        tensor[j, i] += strain / 2
        atoms = crystal.atoms.copy()
        atoms.calc = crystal.atoms.calc
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + tensor), scale_atoms=True)
        BFGS(atoms, logfile=None).run(fmax=1e-7, steps=steps)
        stresses.append(atoms.get_stress())
    return (stresses[0] - stresses[1]) / 2e-3 / GPa


def test_constants_of_a_hexagonal_crystal(hcp: Crystal) -> None:
    """C66 = (C11 - C12) / 2, no C14; the bulk modulus is that of the energy against volume."""
    matrix = stiffness(hcp)
    found = constants_of(matrix, "hexagonal")
    assert matrix[5, 5] == pytest.approx((found["C11"] - found["C12"]) / 2, rel=1e-3)
    assert abs(found["C14"]) < 1e-3 * found["C11"]
    assert set(found) == {"C11", "C12", "C13", "C14", "C33", "C44"}
    # Nearly ideal c/a: the energy against volume at a fixed one is good enough.
    scales = 1 + np.array([-1, 0, 1]) * 1e-3
    energies = [energy_at(hcp.atoms, scale) for scale in scales]
    curvature = np.polyfit(scales - 1, energies, 2)[0] * 2
    assert bulk_modulus(matrix) == pytest.approx(
        curvature / 9 / hcp.atoms.get_volume() / GPa, rel=5e-3
    )


def energy_at(atoms: Atoms, scale: float) -> float:
    scaled = atoms.copy()
    scaled.calc = atoms.calc
    scaled.set_cell(atoms.cell.array * scale, scale_atoms=True)
    return float(scaled.get_potential_energy())


def test_a_saddle_point_keeps_its_symmetry() -> None:
    """A bcc crystal of Lennard-Jones atoms is unstable; that is found, not fallen for."""
    bcc = relaxed("bcc", 4.1, long_ranged())
    assert bcc.family == "cubic"
    matrix = stiffness(bcc)
    assert matrix[0, 0] < matrix[0, 1]
    assert not is_stable(matrix)
    found = phonons(bcc, supercell=(3, 3, 3), mesh=(4, 4, 4))
    assert found.lowest < -0.1
    assert 0 < found.unstable < 1


def test_what_does_not_relax_says_so() -> None:
    material = Material(prototype="fcc", species=("Ar",), lattice=(5.0,))
    with pytest.raises(CheckFailed, match="did not relax within 1 steps"):
        relax(unit_cell(material), long_ranged(), steps=1)


def test_a_crystal_that_flies_apart_is_left_at_once() -> None:
    """Not after all steps that there are: by then it is many times as large."""
    atoms = unit_cell(Material(prototype="fcc", species=("Ar",), lattice=(5.3,)))
    repelling = LennardJones(epsilon=-1.0, sigma=3.4, rc=8.0)
    with pytest.raises(CheckFailed, match=r"relaxed to (1\.|2 |0\.).* times the volume"):
        relax(atoms, repelling)


def test_forces_that_are_no_numbers_are_a_finding() -> None:
    atoms = unit_cell(Material(prototype="fcc", species=("Ar",), lattice=(5.3,)))
    with pytest.raises(CheckFailed, match="the crystal did not relax: "):
        relax(atoms, Odd(fault="nan", element="Ar", sigma=3.4, epsilon=0.01, rc=8.0))


def test_lost_symmetry_is_noticed() -> None:
    """Pushed off its saddle point, a bcc crystal becomes a denser one."""
    material = Material(prototype="bcc", species=("Ar",), lattice=(4.1,))
    atoms = unit_cell(material)
    atoms.positions[1, 0] += 0.2
    with pytest.raises(CheckFailed, match="the cubic cell relaxed into another shape"):
        relax(atoms, long_ranged())


def test_family_is_that_of_shape_and_orientation() -> None:
    turned = Atoms("Ar", cell=np.diag([3.0, 3.0, 5.0])[[2, 0, 1]], pbc=True)
    assert family_of(turned) == "other"
    assert family_of(Atoms("Ar", cell=[3, 3, 3], pbc=True)) == "cubic"
    assert family_of(Atoms("Ar", cell=[3, 3, 3.1], pbc=True)) == "other"
