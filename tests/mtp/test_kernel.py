"""The kernel: against its formulas, itself on other instruction sets, and physics."""

import platform
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import reference
from structures import (
    MIN_DIST,
    Structure,
    pair_distances,
    random_potential,
    random_rotation,
    random_structure,
    relative_error,
)

from ensemble.mtp import _core
from ensemble.mtp.calculator import Evaluation, evaluate, make_kernel
from ensemble.mtp.potential import Potential, read_potential

SOURCES = Path(__file__).parents[2] / "ensemble" / "mtp" / "src"
ISAS = _core.available_isas()
REPULSIVE = {"radial_basis": "RBChebyshev_repuls"}


def compute(potential: Potential, structure: Structure, isa: str = "auto") -> Evaluation:
    return evaluate(make_kernel(potential, isa), *structure.arrays)


def assert_same(found: Evaluation, expected: Evaluation, tolerance: float) -> None:
    scale = np.abs(expected.site_energies).max()
    assert abs(found.energy - expected.energy) < tolerance * scale * len(expected.site_energies)
    for field in ("site_energies", "forces", "virial", "virials"):
        error = relative_error(getattr(found, field), getattr(expected, field))
        assert error < tolerance, f"{field}: {error:.1e}"


# ----------------------------------------------------------------------------- the formulas

SIZES = [(2, 1), (4, 2), (6, 3), (8, 4), (10, 1), (12, 2), (14, 3), (16, 4)]  # level, species
PERIODS = [(True, True, True), (True, False, True), (False, False, False)]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("pbc", PERIODS)
@pytest.mark.parametrize(("level", "species_count"), SIZES)
def test_equals_the_formulas(
    level: int, species_count: int, pbc: tuple[bool, bool, bool], isa: str
) -> None:
    potential = random_potential(level, level, species_count)
    structure = random_structure(level, 5, species_count, pbc=pbc)
    expected = reference.evaluate(potential, *structure.arrays)
    found = compute(potential, structure, isa)
    for field in ("site_energies", "forces", "virials"):
        assert relative_error(getattr(found, field), getattr(expected, field)) < 1e-11, field
    assert found.energy == pytest.approx(expected.energy, rel=1e-11)
    assert relative_error(found.virial, expected.virials.sum(axis=0)) < 1e-11


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("basis", ["RBChebyshev", "RBChebyshev_repuls"])
def test_closer_than_min_dist(basis: str, isa: str) -> None:
    """RBChebyshev is extrapolated; RBChebyshev_repuls is clamped and has a wall."""
    potential = random_potential(5, 8, 2, radial_basis=basis)
    structure = random_structure(5, 5, 2, separation=1.2, volume_per_atom=9.0)
    assert len(pair_distances(structure, MIN_DIST)) >= 6
    expected = reference.evaluate(potential, *structure.arrays)
    found = compute(potential, structure, isa)
    for field in ("site_energies", "forces", "virials"):
        assert relative_error(getattr(found, field), getattr(expected, field)) < 1e-11, field


def test_wall_is_repulsive_and_only_below_min_dist() -> None:
    plain = random_potential(6, 8, 1)
    walled = random_potential(6, 8, 1, **REPULSIVE)

    def dimer(potential: Potential, r: float) -> Evaluation:
        positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, r]])
        return evaluate(make_kernel(potential), positions, np.zeros(2, dtype=int))

    assert_same(dimer(walled, MIN_DIST + 0.01), dimer(plain, MIN_DIST + 0.01), 1e-14)
    clamped = dimer(walled, MIN_DIST).energy
    below = dimer(walled, 1.5)
    wall = 2e4 * (np.exp(-5) - np.exp(-10 * (MIN_DIST - 1)))
    assert below.energy - clamped == pytest.approx(wall, rel=1e-12)
    assert below.forces[1, 2] == pytest.approx(2e5 * np.exp(-5), rel=1e-12)


@pytest.mark.parametrize("isa", ISAS)
def test_an_atom_alone_has_its_species_energy(isa: str) -> None:
    potential = random_potential(1, 10, 2)
    result = evaluate(make_kernel(potential, isa), [[0.0, 0.0, 0.0]], [1])
    assert result.energy == potential.species_coeffs[1]
    assert not result.forces.any()
    assert not result.virials.any()


@pytest.mark.parametrize("isa", ISAS)
def test_no_atoms(isa: str) -> None:
    kernel = make_kernel(random_potential(1, 8, 1), isa)
    result = evaluate(kernel, np.empty((0, 3)), np.empty(0, dtype=int))
    assert result.energy == 0
    assert result.forces.shape == (0, 3)


# -------------------------------------------------------------------- instruction sets, threads


def test_every_instruction_set_of_this_machine_is_built() -> None:
    assert "plain" in ISAS
    flags = Path("/proc/cpuinfo").read_text()
    assert ("avx2" in ISAS) == (" avx2 " in flags)
    assert ("avx512" in ISAS) == (" avx512dq " in flags)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("changes", [{}, REPULSIVE], ids=["chebyshev", "repulsive"])
@pytest.mark.parametrize("level", [8, 14, 20])
def test_instruction_sets_agree(level: int, changes: dict[str, str], isa: str) -> None:
    potential = random_potential(level, level, 3, **changes)
    structure = random_structure(level, 37, 3, separation=1.8)
    plain = compute(potential, structure, "plain")
    assert_same(compute(potential, structure, isa), plain, 1e-11)


@pytest.mark.parametrize("isa", ISAS)
def test_shipped_models_agree_between_instruction_sets(model: Path, isa: str) -> None:
    potential = read_potential(model)
    structure = random_structure(3, 40, 2)
    assert_same(compute(potential, structure, isa), compute(potential, structure, "plain"), 1e-11)


def test_instruction_sets_are_told_by_name() -> None:
    with pytest.raises(ValueError, match="plain, avx2 or avx512"):
        make_kernel(random_potential(1, 8, 1), "neon")


def test_two_potentials_in_one_process() -> None:
    small, large = random_potential(1, 8, 2), random_potential(2, 16, 2)
    structure = random_structure(9, 12, 2)
    alone = [compute(small, structure), compute(large, structure)]
    kernels = [make_kernel(small), make_kernel(large)]
    for _ in range(3):
        for kernel, expected in zip(kernels, alone, strict=True):
            assert_same(evaluate(kernel, *structure.arrays), expected, 1e-14)


def test_threads_share_a_kernel() -> None:
    kernel = make_kernel(random_potential(4, 16, 2))
    structures = [random_structure(seed, 20 + seed, 2) for seed in range(8)]
    alone = [evaluate(kernel, *s.arrays) for s in structures]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda s: evaluate(kernel, *s.arrays), structures * 10))
    for found, expected in zip(together, alone * 10, strict=True):
        np.testing.assert_array_equal(found.forces, expected.forces)
        np.testing.assert_array_equal(found.virials, expected.virials)


X86 = {"x86_64", "AMD64"}
TARGETS = {
    "plain": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mavx2", "-mfma"],
}


@pytest.mark.parametrize("isa", TARGETS if platform.machine() in X86 else ["plain"])
def test_object_code_is_not_shared_between_instruction_sets(isa: str, tmp_path: Path) -> None:
    """A weak (inline) function compiled for AVX-512 could replace everyone's copy at link time.

    Nothing is inlined at -O0, so that every function which could ever be emitted is seen.
    """
    target = tmp_path / "kernel.o"
    source = SOURCES / f"kernel_{isa}.cpp"
    macros = ["-DENSEMBLE_MTP_X86"] if platform.machine() in X86 else []
    command = ["c++", "-std=c++17", "-O0", *macros, *TARGETS[isa], "-c", str(source)]
    subprocess.run([*command, "-o", str(target)], check=True)
    symbols = subprocess.run(
        ["nm", "--demangle", "--defined-only", "--extern-only", str(target)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = [line.split(maxsplit=2)[2] for line in symbols.splitlines()]
    assert names == [f"ensemble::mtp::backend_{isa}"]


# ------------------------------------------------------------------------------------- symmetry

NINE = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1)]


def as_matrices(virials: np.ndarray) -> np.ndarray:
    """(..., 9) in the order xx yy zz xy xz yz yx zx zy to (..., 3, 3)."""
    matrices = np.empty((*virials.shape[:-1], 3, 3))
    for k, (a, b) in enumerate(NINE):
        matrices[..., a, b] = virials[..., k]
    return matrices


LEVELS: Sequence[int] = [8, 12, 16, 22]


@pytest.mark.parametrize("level", LEVELS)
def test_rotation(level: int) -> None:
    potential, structure = random_potential(level, level, 2), random_structure(level, 10, 2)
    turn = random_rotation(level)
    rotated = Structure(
        structure.positions @ turn.T, structure.species, structure.cell @ turn.T, structure.pbc
    )
    before, after = compute(potential, structure), compute(potential, rotated)
    assert relative_error(after.site_energies, before.site_energies) < 1e-11
    assert relative_error(after.forces, before.forces @ turn.T) < 1e-10
    turned = turn @ as_matrices(before.virials) @ turn.T
    assert relative_error(as_matrices(after.virials), turned) < 1e-10


@pytest.mark.parametrize("level", LEVELS)
def test_reflection(level: int) -> None:
    potential, structure = random_potential(level, level, 2), random_structure(level, 10, 2)
    mirror = np.diag([1.0, -1.0, 1.0])
    image = Structure(
        structure.positions @ mirror, structure.species, structure.cell @ mirror, structure.pbc
    )
    before, after = compute(potential, structure), compute(potential, image)
    assert relative_error(after.site_energies, before.site_energies) < 1e-11
    assert relative_error(after.forces, before.forces @ mirror) < 1e-10


@pytest.mark.parametrize("level", LEVELS)
def test_permutation(level: int) -> None:
    potential, structure = random_potential(level, level, 3), random_structure(level, 21, 3)
    order = np.random.default_rng(level).permutation(21)
    shuffled = Structure(
        structure.positions[order], structure.species[order], structure.cell, structure.pbc
    )
    before, after = compute(potential, structure), compute(potential, shuffled)
    for field in ("site_energies", "forces", "virials"):
        assert relative_error(getattr(after, field), getattr(before, field)[order]) < 1e-11


@pytest.mark.parametrize("level", LEVELS)
def test_translation_and_wrapping(level: int) -> None:
    potential, structure = random_potential(level, level, 2), random_structure(level, 10, 2)
    shifts = np.random.default_rng(level).integers(-3, 4, size=(10, 3))
    moved = structure.moved(structure.positions + [3.0, -40.0, 0.7] + shifts @ structure.cell)
    assert_same(compute(potential, moved), compute(potential, structure), 1e-10)


@pytest.mark.parametrize("level", LEVELS)
def test_no_net_force_or_torque(level: int) -> None:
    potential = random_potential(level, level, 2)
    cluster = random_structure(level, 12, 2, pbc=(False, False, False))
    forces = compute(potential, cluster).forces
    scale = np.abs(forces).max()
    assert np.abs(forces.sum(axis=0)).max() < 1e-11 * scale
    torque = np.cross(cluster.positions, forces).sum(axis=0)
    assert np.abs(torque).max() < 1e-10 * scale


@pytest.mark.parametrize("level", LEVELS)
def test_virials_add_up(level: int) -> None:
    """To the global virial, which is symmetric and is sum r (x) F for a cluster."""
    potential = random_potential(level, level, 2)
    crystal = compute(potential, random_structure(level, 10, 2))
    assert relative_error(crystal.virials.sum(axis=0), crystal.virial) < 1e-10
    matrix = as_matrices(crystal.virial)
    assert relative_error(matrix, matrix.T) < 1e-10
    cluster = random_structure(level, 12, 2, pbc=(False, False, False))
    result = compute(potential, cluster)
    assert relative_error(as_matrices(result.virial), cluster.positions.T @ result.forces) < 1e-10


def test_smooth_through_the_cutoff() -> None:
    """Energy and force of a dimer go to zero with the square and the distance from the cutoff."""
    kernel = make_kernel(random_potential(7, 10, 1))

    def dimer(r: float) -> Evaluation:
        return evaluate(kernel, [[0.0, 0.0, 0.0], [r, 0.0, 0.0]], [0, 0])

    apart = dimer(kernel.cutoff + 1e-9)
    assert not apart.forces.any()
    near, nearer = dimer(kernel.cutoff - 1e-4), dimer(kernel.cutoff - 1e-5)
    assert abs(nearer.forces[0, 0] / near.forces[0, 0]) == pytest.approx(0.1, rel=1e-2)
    assert abs(near.forces[0, 0]) < 1e-2
