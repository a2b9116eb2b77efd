"""Starting points of fits, and coefficients as one vector."""

from dataclasses import replace

import numpy as np
import pytest
from planted import CUTOFF, SPECIES, forces, labelled_frames, planted_potential

from ensemble.mtp.potential import Potential
from ensemble.training.fit import fit
from ensemble.training.potentials import (
    blocks,
    coefficients,
    raised,
    species_energies,
    starting_potential,
    with_coefficients,
)


def start(seed: int, radial_basis: str = "RBChebyshev") -> Potential:
    return starting_potential(
        10,
        ("Cu", "Se", "Te"),
        cutoff=5.0,
        min_dist=1.9,
        radial_basis=radial_basis,
        species_energies=[-1.0, -2.0, -3.0],
        seed=seed,
    )


def test_starting_potential() -> None:
    potential = start(1)
    assert potential.level == 10
    assert potential.species_names == ("Cu", "Se", "Te")
    assert potential.radial_coeffs.shape == (3, 3, 3, 8)
    np.testing.assert_array_equal(potential.species_coeffs, [-1, -2, -3])
    assert not potential.moment_coeffs.any()
    assert potential.content_hash == start(1).content_hash != start(2).content_hash


def test_one_energy_for_all_species() -> None:
    potential = starting_potential(6, SPECIES, cutoff=5.0, min_dist=2.0, seed=1)
    np.testing.assert_array_equal(potential.species_coeffs, [0, 0])


def test_the_wall_changes_nothing_above_min_dist() -> None:
    planted = planted_potential()
    frames = labelled_frames(planted, 2)
    walled = replace(planted, radial_basis="RBChebyshev_repuls")
    np.testing.assert_allclose(forces(walled, frames), forces(planted, frames), atol=1e-12)
    assert start(1, "RBChebyshev_repuls").radial_basis == "RBChebyshev_repuls"


def test_vector_of_coefficients_and_back() -> None:
    potential = planted_potential()
    values = np.arange(len(coefficients(potential)), dtype=float)
    changed = with_coefficients(potential, values)
    np.testing.assert_array_equal(coefficients(changed), values)
    where = blocks(potential)
    np.testing.assert_array_equal(values[where.radial], changed.radial_coeffs.ravel())
    np.testing.assert_array_equal(values[where.species], changed.species_coeffs)
    np.testing.assert_array_equal(values[where.moments], changed.moment_coeffs)


def test_species_energies_where_compositions_tell_them() -> None:
    planted = planted_potential()
    lone = replace(
        planted,
        species_coeffs=np.array([-3.5, -4.25]),
        moment_coeffs=np.zeros_like(planted.moment_coeffs),
    )
    frames = [*labelled_frames(lone, 2), *labelled_frames(lone, 2, symbols="Cu4Se4")]
    np.testing.assert_allclose(species_energies(frames, SPECIES), [-3.5, -4.25], rtol=1e-10)


def test_species_energies_at_one_composition_are_the_mean() -> None:
    frames = labelled_frames(planted_potential(), 3)
    mean = np.mean([frame.calc.results["energy"] / 8 for frame in frames])
    np.testing.assert_allclose(species_energies(frames, SPECIES), [mean, mean], rtol=1e-10)


def test_cutoff_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="min_dist"):
        starting_potential(6, SPECIES, cutoff=CUTOFF, min_dist=5.0, seed=1)


def test_a_potential_that_is_raised_keeps_its_radial_functions() -> None:
    low = replace(start(1), species_coeffs=np.array([4.0, 5, 6]))
    high = raised(low, 14, ("Cu", "Se", "Te"), species_energies=[1, 2, 3], seed=2)
    assert high.level == 14
    assert high.radial_coeffs.shape[2] > low.radial_coeffs.shape[2]
    np.testing.assert_array_equal(high.radial_coeffs[:, :, :3], low.radial_coeffs)
    np.testing.assert_array_equal(high.species_coeffs, [1, 2, 3])
    with pytest.raises(ValueError, match="level 6 has fewer radial functions"):
        raised(low, 6, ("Cu", "Se", "Te"), seed=2)


def test_a_raised_start_is_at_least_as_good() -> None:
    """The moments of the lower level are among those of the higher one."""
    frames = labelled_frames(planted_potential(), 6)
    low = starting_potential(6, SPECIES, cutoff=CUTOFF, min_dist=2.0, seed=3)
    found = fit(low, frames, species=SPECIES, steps=10)
    high = raised(found.potential, 8, SPECIES, seed=4)
    after = fit(high, frames, species=SPECIES, steps=0).history[0].cost
    assert after <= found.history[-1].cost * (1 + 1e-9)
