"""Fits: planted potentials, seeds, workers, checkpoints, and what the data leave open."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from planted import CUTOFF, SPECIES, forces, labelled_frames, planted_potential

from ensemble.mtp.potential import Potential
from ensemble.training.fit import Fitted, Step, best_start, fit
from ensemble.training.potentials import (
    coefficients,
    species_energies,
    starting_potential,
    with_coefficients,
)


@pytest.fixture(scope="module")
def planted() -> Potential:
    return planted_potential()


@pytest.fixture(scope="module")
def frames(planted: Potential) -> list[Atoms]:
    return labelled_frames(planted, 24)


def random_start(frames: list[Atoms], seed: int, level: int = 8) -> Potential:
    return starting_potential(
        level,
        SPECIES,
        cutoff=CUTOFF,
        min_dist=1.8,
        chebyshev=4,
        species_energies=species_energies(frames, SPECIES),
        seed=seed,
    )


def perturbed(potential: Potential, seed: int) -> Potential:
    values = coefficients(potential)
    rng = np.random.default_rng(seed)
    return with_coefficients(potential, values * (1 + 0.05 * rng.normal(size=len(values))))


def test_a_planted_potential_is_found_again(planted: Potential, frames: list[Atoms]) -> None:
    found = fit(perturbed(planted, 3), frames, steps=60).potential
    unseen = labelled_frames(planted, 5, seed=4)
    expected = forces(planted, unseen)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(forces(found, unseen), expected, rtol=0, atol=1e-6)


def test_the_cost_never_rises_from_a_random_start(frames: list[Atoms]) -> None:
    seen: list[Step] = []
    found = fit(random_start(frames, 5), frames, steps=15, on_step=seen.append)
    costs = [step.cost for step in found.history]
    assert found.history == tuple(seen)
    assert [step.number for step in seen] == [*range(len(seen))]
    assert all(np.diff(costs) < 0)
    assert costs[-1] < 0.1 * costs[0]
    assert found.errors.energy_rmse == pytest.approx(seen[-1].energy_rmse, rel=1e-9)
    assert found.errors.force_rmse == pytest.approx(seen[-1].force_rmse, rel=1e-9)


def test_first_step_solves_the_linear_part(planted: Potential, frames: list[Atoms]) -> None:
    """With the right radial functions one linear solution is the whole fit."""
    blank = replace(planted, moment_coeffs=np.zeros_like(planted.moment_coeffs))
    found = fit(blank, frames, steps=0).potential
    np.testing.assert_allclose(forces(found, frames), forces(planted, frames), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.radial_coeffs, planted.radial_coeffs)


def test_same_start_same_bits_whatever_the_workers(frames: list[Atoms]) -> None:
    def fitted(seed: int, workers: int) -> Fitted:
        return fit(random_start(frames, seed), frames, steps=5, workers=workers)

    one, two, other = fitted(6, 1), fitted(6, 2), fitted(7, 1)
    assert one.potential.content_hash == two.potential.content_hash
    assert one.history == two.history
    assert one.potential.content_hash != other.potential.content_hash


def test_an_interrupted_fit_goes_on(frames: list[Atoms], tmp_path: Path) -> None:
    start, file = random_start(frames, 8), tmp_path / "fit.partial"
    whole = fit(start, frames, steps=8)

    def interrupt(step: Step) -> None:
        if step.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(start, frames, steps=8, on_step=interrupt, checkpoint=file)
    numbers: list[int] = []
    resumed = fit(
        start, frames, steps=8, on_step=lambda step: numbers.append(step.number), checkpoint=file
    )
    assert numbers == [4, 5, 6, 7, 8]
    assert resumed.history == whole.history
    assert resumed.potential.content_hash == whole.potential.content_hash
    assert [path.name for path in tmp_path.iterdir()] == ["fit.partial"]


def test_a_checkpoint_of_another_fit_is_not_used(frames: list[Atoms], tmp_path: Path) -> None:
    file = tmp_path / "fit.partial"
    fit(random_start(frames, 8), frames, steps=2, checkpoint=file)
    start = random_start(frames, 9)
    found = fit(start, frames, steps=2, checkpoint=file)
    assert found.history == fit(start, frames, steps=2).history
    file.write_text("MTP\n")
    with pytest.raises(ValueError, match=r"fit\.partial: not the checkpoint of a fit; remove it"):
        fit(start, frames, steps=2, checkpoint=file)


def test_best_start_is_the_best_of_them(frames: list[Atoms]) -> None:
    starts = [random_start(frames, seed) for seed in (10, 11, 12)]
    best = best_start(starts, frames, steps=4)
    costs = [fit(start, frames, steps=4, tolerance=0.0).history[-1].cost for start in starts]
    went_on = fit(starts[int(np.argmin(costs))], frames, steps=4, tolerance=0.0).potential
    assert best.content_hash == went_on.content_hash


def test_at_fixed_composition_species_coefficients_stay(frames: list[Atoms]) -> None:
    """Shifts that no energy of the frames feels are still there after the fit."""
    start = random_start(frames, 13)
    gauge = np.array([3.0, -5.0]) / 2  # Cu5Se3
    shifted = replace(start, species_coeffs=start.species_coeffs + gauge)
    plain, moved = (fit(one, frames, steps=5).potential for one in (start, shifted))
    np.testing.assert_allclose(
        moved.species_coeffs - plain.species_coeffs, gauge, rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(forces(moved, frames), forces(plain, frames), rtol=0, atol=1e-4)


def test_dependent_moments_do_no_harm(frames: list[Atoms]) -> None:
    """Level 16 has scalars that follow from others, and far more coefficients than these data."""
    found = fit(random_start(frames, 14, level=16), frames[:4], steps=5)
    assert np.isfinite(coefficients(found.potential)).all()
    assert found.history[-1].cost < found.history[0].cost


def test_a_start_that_gives_no_numbers_is_refused(frames: list[Atoms]) -> None:
    start = random_start(frames, 15)
    huge = replace(start, radial_coeffs=start.radial_coeffs * 1e200)
    with pytest.raises(ValueError, match="does not give finite numbers"):
        fit(huge, frames, steps=1)
