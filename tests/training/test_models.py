"""What a model is fitted to: whole trajectories, of one composition where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from planted import SPECIES, labelled_frames, planted_potential

from ensemble.structures import crystal, supercell, with_vacancies
from ensemble.training.crystals import of_composition, supercells_of
from ensemble.training.models import Fitting, fitted, share_of
from ensemble.training.rounds import trajectories_of
from ensemble.training.settings import Fit, load_training

CU2SE = Path(__file__).parents[2] / "campaigns" / "models" / "cu2se" / "train.toml"


def frames_of(counts: dict[str, int]) -> list[Atoms]:
    frames = []
    for name, count in counts.items():
        for _ in range(count):
            frames.append(Atoms("Cu2Se", info={"trajectory": name}))
    return frames


def test_a_share_is_one_of_whole_trajectories() -> None:
    frames = frames_of({"a": 10, "b": 5, "c": 20, "d": 5, "e": 10})
    kept = share_of(frames, 0.5, seed=3)
    assert 25 <= len(kept) < 45
    for name in {frame.info["trajectory"] for frame in kept}:
        of_it = [frame for frame in frames if frame.info["trajectory"] == name]
        assert [frame for frame in kept if frame.info["trajectory"] == name] == of_it
    again = share_of(list(reversed(frames)), 0.5, seed=3)
    assert {id(frame) for frame in again} == {id(frame) for frame in kept}
    assert share_of(frames, 1.0, seed=3) == frames


def test_a_share_goes_by_the_seed() -> None:
    frames = frames_of({str(k): 2 for k in range(20)})
    drawn = [{f.info["trajectory"] for f in share_of(frames, 0.5, seed)} for seed in (1, 2)]
    assert drawn[0] != drawn[1]


def test_frames_of_a_composition_in_cells_of_any_size() -> None:
    training = load_training(CU2SE)
    unit = crystal("antifluorite", ["Cu", "Se"], 5.8)
    perfect = supercell(unit, [2, 2, 2])
    half = with_vacancies(supercell(unit, [2, 2, 1]), "Cu", count=1, seed=1)
    two = with_vacancies(perfect, "Cu", count=2, seed=5)
    three = with_vacancies(perfect, "Cu", count=3, seed=5)
    frames = [perfect, half, two, three]
    assert of_composition(training, "deficient", frames) == [half, two]
    assert of_composition(training, "beta", frames) == [perfect]
    assert of_composition(training, None, frames) == frames


def test_frames_of_the_compositions_of_all_supercells() -> None:
    """A fraction of 0.025 is 2 vacancies of 64 sites, and 5 of 216."""
    training = load_training(CU2SE)
    explore = training.explore.model_copy(update={"supercells": ((2, 2, 2), (3, 3, 3))})
    both = training.model_copy(update={"explore": explore})
    both._path = training.path
    small, large = (
        cell.arranged("test") for cell in supercells_of(both) if cell.material == "deficient"
    )
    assert len(large) - 3**3 * 12 == -5
    assert of_composition(both, "deficient", [small, large]) == [small, large]
    assert of_composition(training, "deficient", [small, large]) == [small]


def test_every_use_of_a_supercell_has_its_own_arrangement_of_the_vacancies() -> None:
    cells = {cell.name: cell for cell in supercells_of(load_training(CU2SE))}
    uses = [("start", 1, 0), ("trajectory", 1, 0, 0), ("trajectory", 1, 1, 0), ("test", 1, 0)]
    deficient = [cells["deficient-2x2x2"].arranged(*use) for use in uses]
    assert {len(atoms) for atoms in deficient} == {94}
    assert len({atoms.positions.tobytes() for atoms in deficient}) == len(uses)
    again = cells["deficient-2x2x2"].arranged(*uses[0])
    assert np.array_equal(again.positions, deficient[0].positions)
    beta = [cells["beta-2x2x2"].arranged(*use) for use in uses]
    assert {len(atoms) for atoms in beta} == {96}
    assert len({atoms.positions.tobytes() for atoms in beta}) == 1


def test_seed_of_the_vacancies_in_the_file_counts() -> None:
    training = load_training(CU2SE)
    material = training.materials["deficient"]
    assert material.vacancies is not None
    other = material.model_copy(
        update={"vacancies": material.vacancies.model_copy(update={"seed": 2})}
    )
    changed = training.model_copy(update={"materials": {"deficient": other}})
    changed._path = training.path
    before, after = (
        {cell.name: cell.arranged("test") for cell in supercells_of(one)}["deficient-2x2x2"]
        for one in (training, changed)
    )
    assert not np.array_equal(before.positions, after.positions)


def test_every_trajectory_of_every_round_has_its_own_vacancies() -> None:
    training = load_training(CU2SE)
    members = [Path("member-1.mtp"), Path("member-2.mtp")]
    starts = [
        one.start.positions.tobytes()
        for number in (0, 1)
        for one in trajectories_of(training, number, members, Path())
        if len(one.start) == 94
    ]
    settings = training.explore
    each = len(settings.strains) + settings.relaxed
    assert len(starts) == 2 * len(settings.temperatures) * each
    assert len(set(starts)) == len(starts)


def test_trajectories_at_no_pressure_are_beside_the_strained_ones() -> None:
    training = load_training(CU2SE)
    members = [Path("member-1.mtp")]

    def strains(relaxed: bool) -> list[float | None]:
        explore = training.explore.model_copy(update={"relaxed": relaxed, "strains": (0.0, 0.02)})
        other = training.model_copy(update={"explore": explore})
        other._path = training.path
        found = trajectories_of(other, 0, members, Path())
        assert len({one.name for one in found}) == len(found)
        return [one.strain for one in found if one.name.startswith("round0-beta")]

    each = len(training.explore.temperatures)
    assert strains(False) == [0.0] * each + [0.02] * each
    assert strains(True) == [0.0] * each + [0.02] * each + [None] * each


def test_a_fit_to_no_frame_says_which_key_left_them_out() -> None:
    settings = Fit(cutoff=4.0, min_dist=1.8, largest_force=1e-3)
    job = Fitting(level=4, species=SPECIES, seed=1, settings=settings, steps=1)
    with pytest.raises(
        ValueError, match=r"^fit\.largest_force is 0.001 eV/Å, and each of 4 frames"
    ):
        fitted(job, labelled_frames(planted_potential(4), 4))


def test_a_model_may_have_other_radial_functions_than_the_rest() -> None:
    job = Fitting(
        level=4,
        species=SPECIES,
        seed=1,
        settings=Fit(cutoff=4.0, min_dist=1.8, chebyshev=4, starts=1),
        steps=1,
        cutoff=4.5,
        chebyshev=6,
    )
    found = fitted(job, labelled_frames(planted_potential(4), 4)).potential
    assert found.max_dist == 4.5
    assert found.radial_coeffs.shape[3] == 6
