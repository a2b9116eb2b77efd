"""Vacancies are as far apart as promised, random, and the same for the same seed."""

import hashlib
import time
from itertools import product
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from numpy.typing import NDArray

from ensemble.structures import crystal, supercell
from ensemble.vacancies import PeriodicMetric, spread_sites, with_vacancies

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def copper_selenide(repeats: list[int]) -> Atoms:
    return supercell(crystal("antifluorite", ["Cu", "Se"], 5.85), repeats)


def sites_of(atoms: Atoms, species: str) -> Floats:
    positions: Floats = atoms.positions[atoms.symbols == species]
    return positions


def shortest_distance(points: Floats, cell: Floats) -> float:
    """The shortest distance between two points, over their images in all cells around."""
    i, j = np.triu_indices(len(points), 1)
    shifts = np.array(list(product((-1, 0, 1), repeat=3))) @ cell
    apart = (points[i] - points[j])[:, None] + shifts
    return float(np.sqrt(np.square(apart).sum(axis=2).min()))


def best_of_random(sites: Floats, cell: Floats, count: int, placements: int = 1000) -> float:
    """The largest shortest distance among so many random placements."""
    rng = np.random.default_rng(0)
    metric = PeriodicMetric(cell)
    i, j = np.triu_indices(count, 1)
    best = 0.0
    for _ in range(placements):
        points = sites[rng.choice(len(sites), count, replace=False)]
        best = max(best, float(metric.squared(points[i] - points[j]).min()))
    return best**0.5


CRYSTALS = {
    "5x5x5": (copper_selenide([5, 5, 5]), "Cu", 25),
    "3x3x3": (copper_selenide([3, 3, 3]), "Cu", 5),
    "3x60x3": (copper_selenide([3, 60, 3]), "Cu", 108),
    "hexagonal": (
        supercell(crystal("mg3sb2", ["Mg", "Sb"], [4.57, 7.23]), [4, 4, 4]), "Mg", 10
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CRYSTALS)
def test_farther_apart_than_the_best_of_1000_random_placements(name: str) -> None:
    atoms, species, count = CRYSTALS[name]
    sites, cell = sites_of(atoms, species), atoms.cell.array
    random = best_of_random(sites, cell, count)
    for seed in range(1 if len(sites) > 2000 else 5):
        chosen = spread_sites(sites, cell, count, seed=seed)
        assert len(set(chosen.tolist())) == count
        assert shortest_distance(sites[chosen], cell) > random + 0.1


def test_near_the_densest_packing() -> None:
    """25 points in the volume of 5x5x5 cells, packed as spheres in fcc, would be 11.23 Å apart."""
    atoms, species, count = CRYSTALS["5x5x5"]
    sites, cell = sites_of(atoms, species), atoms.cell.array
    densest = (2**0.5 * atoms.get_volume() / count) ** (1 / 3)
    for seed in range(3):
        chosen = spread_sites(sites, cell, count, seed=seed)
        assert shortest_distance(sites[chosen], cell) > 0.82 * densest


def test_a_perfect_superlattice_is_found_where_there_is_one() -> None:
    """Four of the 32 sites of 2x2x2 fcc cells can be a doubled fcc lattice."""
    atoms = supercell(crystal("fcc", ["Ar"], 5.0), [2, 2, 2])
    chosen = spread_sites(atoms.positions, atoms.cell.array, 4, seed=1)
    found = shortest_distance(atoms.positions[chosen], atoms.cell.array)
    assert found == pytest.approx(10.0 / 2**0.5)


def test_long_cells_take_seconds_at_most() -> None:
    atoms, species, count = CRYSTALS["3x60x3"]
    start = time.process_time()
    spread_sites(sites_of(atoms, species), atoms.cell.array, count, seed=1)
    assert time.process_time() - start < 10


def test_the_seed_decides() -> None:
    perfect, species, _ = CRYSTALS["5x5x5"]
    one, again, other = (
        with_vacancies(perfect, species, fraction=0.025, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.positions, again.positions)
    assert np.array_equal(one.numbers, again.numbers)
    assert not np.array_equal(one.positions, other.positions)


def test_every_site_has_its_chance() -> None:
    """Over many seeds no site is preferred: each is chosen as often as by chance."""
    atoms = copper_selenide([2, 2, 2])
    sites, cell = sites_of(atoms, "Cu"), atoms.cell.array
    trials, count = 200, 2
    counts = np.zeros(len(sites))
    for seed in range(trials):
        counts[spread_sites(sites, cell, count, seed=seed)] += 1
    expected = trials * count / len(sites)
    chi_squared = float(np.square(counts - expected).sum() / expected)
    assert chi_squared < 110  # 63 degrees of freedom: by chance once in 4000


def test_last_bits_do_not_matter() -> None:
    """Coordinates that differ as between machines give the same choice."""
    atoms, species, count = CRYSTALS["hexagonal"]
    sites, cell = sites_of(atoms, species), atoms.cell.array
    chosen = spread_sites(sites, cell, count, seed=3)
    noise = np.random.default_rng(5).normal(scale=1e-14, size=sites.shape)
    assert np.array_equal(spread_sites(sites + noise, cell, count, seed=3), chosen)


def test_the_choice_is_the_same_on_every_machine() -> None:
    atoms, species, count = CRYSTALS["5x5x5"]
    chosen = spread_sites(sites_of(atoms, species), atoms.cell.array, count, seed=1)
    digest = hashlib.sha256(chosen.astype("<i8").tobytes()).hexdigest()
    assert digest.startswith("9f1a48c6e127ce05")


def test_the_metric_of_skewed_cells() -> None:
    """Against all images within five cells, the shortest among them."""
    rng = np.random.default_rng(2)
    shifts = np.array(list(product(range(-5, 6), repeat=3)))
    for _ in range(20):
        cell = rng.normal(scale=0.3, size=(3, 3)) + 2 * np.eye(3)
        cell[2] += cell[0] * rng.integers(-1, 2) + cell[1] * rng.integers(-1, 2)
        vectors = rng.uniform(-0.5, 0.5, size=(50, 3)) @ cell
        every = np.square(vectors[:, None] + shifts @ cell).sum(axis=2).min(axis=1)
        assert PeriodicMetric(cell).squared(vectors) == pytest.approx(every, rel=1e-10, abs=1e-12)


def test_compositions() -> None:
    small, large = copper_selenide([3, 3, 3]), copper_selenide([5, 5, 5])
    assert len(large) == 1500
    defective = with_vacancies(large, "Cu", fraction=0.025, seed=1)
    assert len(defective) == 1475
    assert str(defective.symbols.formula.count()) == "{'Cu': 975, 'Se': 500}"
    assert len(with_vacancies(small, "Cu", fraction=0.025, seed=1)) == 319
    assert len(with_vacancies(small, "Se", count=3, seed=1)) == 321
    assert len(with_vacancies(small, "Cu", fraction=0.0, seed=1)) == 324
    assert len(with_vacancies(small, "Cu", count=1, seed=1)) == 323
    assert len(small) == 324


def test_the_other_atoms_stay_where_they_are() -> None:
    perfect, species, _ = CRYSTALS["5x5x5"]
    defective = with_vacancies(perfect, species, count=25, seed=4)
    rows = {(number, *position) for number, position in zip(
        perfect.numbers.tolist(), map(tuple, perfect.positions.tolist()), strict=True
    )}  # fmt: skip
    kept = [(number, *position) for number, position in zip(
        defective.numbers.tolist(), map(tuple, defective.positions.tolist()), strict=True
    )]  # fmt: skip
    assert rows.issuperset(kept)
    assert np.array_equal(defective.cell.array, perfect.cell.array)


@pytest.mark.parametrize(
    ("species", "amount", "message"),
    [
        ("Ag", {"count": 1}, "the structure has only Cu, Se"),
        ("Cu", {}, "either a fraction or a count"),
        ("Cu", {"fraction": 0.1, "count": 1}, "either a fraction or a count"),
        ("Cu", {"fraction": 1.5}, r"fraction 1.5 must be in \[0, 1\)"),
        ("Cu", {"fraction": float("nan")}, r"fraction nan must be in \[0, 1\)"),
        ("Cu", {"fraction": 0.025}, "is not one atom; a supercell 5.0 times as large"),
        ("Cu", {"count": 8}, "count 8 must be from 0 to 7"),
        ("Cu", {"count": -1}, "count -1 must be from 0 to 7"),
    ],
)
def test_refusals(species: str, amount: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_vacancies(copper_selenide([1, 1, 1]), species, seed=1, **amount)


def test_more_sites_than_there_are() -> None:
    with pytest.raises(ValueError, match="from 0 to the number of sites, 2"):
        spread_sites(np.zeros((2, 3)), np.eye(3), 3, seed=1)
    assert len(spread_sites(np.zeros((2, 3)), np.eye(3), 0, seed=1)) == 0
