"""The heat flux: that of LAMMPS against its definition, the rate of change of sum r_i e_i."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import reference
from lmp import (
    MASSES,
    MODELS,
    MVV2E_METAL,
    as_lammps_has_it,
    crystal,
    lammps,
    measure,
    random_velocities,
    setup,
    write_data,
)
from numpy.typing import NDArray
from structures import (
    Structure,
    derivative,
    random_potential,
    random_structure,
    relative_error,
)

from ensemble.mtp.calculator import evaluate, make_kernel
from ensemble.mtp.potential import Potential, read_potential, write_potential

Floats = NDArray[np.float64]

PAIR = "pair_style mtp\npair_coeff * * potential.mtp"

FLUX = """\
compute ke all ke/atom
compute pe all pe/atom pair
compute s9 all centroid/stress/atom NULL virial
compute flux all heat/flux ke pe s9
thermo_style custom step c_flux[*]
dump atoms all custom 1 {name}.txt id c_pe fx fy fz
dump_modify atoms sort id format float %.17g
run 0
print "$(c_flux[1]:%.17g) $(c_flux[2]:%.17g) $(c_flux[3]:%.17g) &
$(c_flux[4]:%.17g) $(c_flux[5]:%.17g) $(c_flux[6]:%.17g)" file {name}.flux
"""


@dataclass(frozen=True)
class State:
    """What LAMMPS says of positions and velocities; eV, Angstrom, ps."""

    flux: Floats
    """Whole and convective: shape ``(2, 3)``."""
    site_energies: Floats
    forces: Floats


def states(
    directory: Path, motions: list[tuple[Structure, Floats]], *, ranks: int = 1
) -> list[State]:
    """Each of some positions and velocities, in one LAMMPS process."""
    script = ""
    for k, (structure, velocities) in enumerate(motions):
        write_data(directory / f"{k}.data", structure, velocities=velocities)
        head = setup(structure, PAIR).replace("structure.data", f"{k}.data")
        script += "clear\n" + head + FLUX.format(name=k)
    lammps(directory, script, ranks=ranks)
    found = []
    for k in range(len(motions)):
        flux = np.loadtxt(directory / f"{k}.flux").reshape(2, 3)
        atoms = np.loadtxt(directory / f"{k}.txt", skiprows=9)
        found.append(State(flux, atoms[:, 1], atoms[:, 2:]))
    return found


def masses(structure: Structure) -> Floats:
    return np.array(MASSES)[structure.species, None]


def total_energies(structure: Structure, velocities: Floats, state: State) -> Floats:
    """Potential and kinetic energy of each atom: shape ``(natoms, 1)``."""
    squares = np.sum(velocities**2, axis=1, keepdims=True)
    return state.site_energies[:, None] + 0.5 * MVV2E_METAL * masses(structure) * squares


def free_cluster(seed: int, species_count: int = 2) -> Structure:
    """96 atoms with nothing around them."""
    cluster = crystal(seed, cells=2)
    rng = np.random.default_rng(seed)
    species = cluster.species if species_count == 2 else rng.integers(species_count, size=96)
    return replace(
        cluster,
        positions=cluster.positions + 5,
        species=species.astype(np.int32),
        cell=cluster.cell + 10 * np.eye(3),
        pbc=np.array([False] * 3),
    )


@pytest.mark.parametrize(
    ("species_count", "make"),
    [
        pytest.param(2, lambda: read_potential(MODELS / "level10.mtp"), id="cu2se-level10"),
        pytest.param(2, lambda: read_potential(MODELS / "level12.mtp"), id="cu2se-level12"),
        pytest.param(2, lambda: read_potential(MODELS / "level14.mtp"), id="cu2se-level14"),
        pytest.param(1, lambda: random_potential(1, 6, 1), id="level6"),
        pytest.param(3, lambda: random_potential(2, 12, 3), id="level12"),
        pytest.param(2, lambda: random_potential(3, 18, 2), id="level18"),
        pytest.param(
            2,
            lambda: random_potential(4, 10, 2, radial_basis="RBChebyshev_repuls"),
            id="level10-repulsive",
        ),
    ],
)
def test_is_the_rate_of_change_of_the_energy_moment(
    tmp_path: Path, species_count: int, make: Callable[[], Potential]
) -> None:
    """J = d/dt sum_i r_i e_i, by finite differences along the motion of a free cluster."""
    step = 3e-6  # ps; small, as the energy's second derivative jumps where a pair meets the cutoff
    cluster = free_cluster(species_count, species_count)
    velocities = random_velocities(cluster, seed=5)
    write_potential(tmp_path / "potential.mtp", make())
    (now,) = states(tmp_path, [(cluster, velocities)])
    accelerations = now.forces / (masses(cluster) * MVV2E_METAL)
    times = [k * step for k in (-2, -1, 1, 2)]
    motions = [
        (cluster.moved(cluster.positions + t * velocities), velocities + t * accelerations)
        for t in times
    ]
    moments = {
        t: np.sum(moved.positions * total_energies(moved, v, state), axis=0)
        for t, (moved, v), state in zip(times, motions, states(tmp_path, motions), strict=True)
    }
    rate = derivative(moments.__getitem__, step)
    np.testing.assert_allclose(now.flux[0], rate, rtol=1e-6, atol=0)


def test_convective_part(tmp_path: Path) -> None:
    cluster = free_cluster(seed=6)
    velocities = random_velocities(cluster, seed=7)
    write_potential(tmp_path / "potential.mtp", random_potential(8, 12, 2))
    (state,) = states(tmp_path, [(cluster, velocities)])
    convective = np.sum(total_energies(cluster, velocities, state) * velocities, axis=0)
    assert relative_error(state.flux[1], convective) < 1e-10


@pytest.mark.parametrize("ranks", [1, 2])
def test_in_a_crystal(tmp_path: Path, ranks: int) -> None:
    """J = sum e_i v_i + sum W_i . v_i with the calculator's energies and virials."""
    structure = crystal(seed=9)
    velocities = random_velocities(structure, seed=10)
    potential = random_potential(11, 12, 2)
    write_potential(tmp_path / "potential.mtp", potential)
    (state,) = states(tmp_path, [(structure, velocities)], ranks=ranks)
    result = evaluate(make_kernel(potential), *structure.arrays)
    xx, yy, zz, xy, xz, yz, yx, zx, zy = result.virials.T
    tensors = np.array([[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]])
    expected = np.sum(total_energies(structure, velocities, state) * velocities, axis=0)
    expected += np.einsum("abi,ib->a", tensors, velocities)
    assert relative_error(state.flux[0], expected) < 1e-10


def test_shift_of_the_species_energies(tmp_path: Path) -> None:
    """It carries sum c_s sum v_i, the gauge that the flux of a mixture is known up to."""
    cluster = free_cluster(seed=12)
    velocities = random_velocities(cluster, seed=13)
    shift = np.array([2.5, -3.5])
    potential = read_potential(MODELS / "level12.mtp")
    shifted = replace(potential, species_coeffs=potential.species_coeffs + shift)
    fluxes = []
    for each in (potential, shifted):
        write_potential(tmp_path / "potential.mtp", each)
        (state,) = states(tmp_path, [(cluster, velocities)])
        fluxes.append(state.flux)
    expected = shift[cluster.species] @ velocities
    assert relative_error(fluxes[1][0] - fluxes[0][0], expected) < 1e-10
    assert relative_error(fluxes[1][1] - fluxes[0][1], expected) < 1e-10


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    "structure",
    [
        pytest.param(crystal(seed=14), id="crystal"),
        pytest.param(as_lammps_has_it(random_structure(15, 5, 2)), id="smaller-than-the-cutoff"),
        pytest.param(free_cluster(seed=16), id="cluster"),
    ],
)
def test_per_atom_virials(tmp_path: Path, structure: Structure, ranks: int) -> None:
    """Nine components, on the neighbours, and six, on the central atoms, add up to the same."""
    potential = random_potential(17, 8, 2)
    write_potential(tmp_path / "potential.mtp", potential)
    found = measure(tmp_path, structure, PAIR, ranks=ranks)
    expected = reference.evaluate(potential, *structure.arrays)
    assert relative_error(found.virials9, expected.virials) < 1e-10
    assert relative_error(found.virials6, expected.central_virials) < 1e-10
    upper, lower = found.virials9[:, 3:6], found.virials9[:, 6:]
    symmetric = np.hstack([found.virials9[:, :3], (upper + lower) / 2])
    assert relative_error(symmetric.sum(axis=0), found.virial) < 1e-10
    assert relative_error(found.virials6.sum(axis=0), found.virial) < 1e-10
    # They are not the same atom by atom.
    assert relative_error(found.virials6, symmetric) > 1e-2
    # The global virial is symmetric, as no torque acts; that of an atom is not.
    assert relative_error(upper.sum(axis=0), lower.sum(axis=0)) < 1e-10
    assert relative_error(upper, lower) > 1e-2
