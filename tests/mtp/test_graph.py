"""Moment graphs: against MLIP's lists and numbers, and against what a contraction is."""

from functools import cache
from itertools import combinations, combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest
from ase.data import atomic_numbers
from motep.io.mlip.mtp import read_mtp
from motep.potentials.mtp.cext.engine import CExtMTPEngine
from numpy.typing import NDArray
from structures import SYMBOLS, random_potential, random_rotation, random_structure

from ensemble.mtp import graph
from ensemble.mtp.calculator import evaluate, make_kernel
from ensemble.mtp.graph import MomentGraph, untrained_potential
from ensemble.mtp.potential import read_potential, write_potential

Floats = NDArray[np.float64]

moment_graph = cache(graph.moment_graph)

# Of MLIP's untrained potentials, level: basic moments, products, scalars, all moments.
COUNTS = {
    6: (5, 5, 5, 8),
    8: (11, 14, 9, 18),
    10: (25, 42, 16, 41),
    12: (46, 117, 29, 84),
    14: (81, 348, 52, 174),
    16: (130, 969, 92, 350),
    18: (201, 2634, 163, 718),
    20: (295, 6349, 288, 1352),
    22: (421, 15431, 500, 2621),
    24: (581, 36170, 864, 4991),
}
SCALARS_AND_MOMENTS = {2: (1, 1), 4: (2, 2), 26: (1464, 9396), 28: (2445, 17366)}


@pytest.mark.parametrize("level", COUNTS)
def test_counts_are_those_of_mlip(level: int) -> None:
    g = moment_graph(level)
    assert (len(g.basic), len(g.products), len(g.scalars), g.moment_count) == COUNTS[level]


@pytest.mark.parametrize("level", SCALARS_AND_MOMENTS)
def test_fewer_counts_are_known_of_the_lowest_and_highest_levels(level: int) -> None:
    g = moment_graph(level)
    assert (len(g.scalars), g.moment_count) == SCALARS_AND_MOMENTS[level]


def test_lists_are_those_of_the_shipped_models(model: Path) -> None:
    potential = read_potential(model)
    g = moment_graph(potential.level)
    np.testing.assert_array_equal(g.basic, potential.basic)
    np.testing.assert_array_equal(g.products, potential.products)
    np.testing.assert_array_equal(g.scalars, potential.scalars)
    assert g.moment_count == potential.moment_count


@pytest.mark.parametrize("level", range(2, 30, 2))
def test_nothing_is_used_unmade_or_made_unused(level: int) -> None:
    g = moment_graph(level)
    left, right, multiplicity, target = g.products.T
    made_last = np.full(g.moment_count, -1)
    made_last[target] = np.arange(len(g.products))
    made_last[: len(g.basic)] = -1
    assert np.all(made_last[left] < np.arange(len(g.products)))
    assert np.all(made_last[right] < np.arange(len(g.products)))
    assert np.all(multiplicity > 0)
    assert len(np.unique(g.products[:, [0, 1, 3]], axis=0)) == len(g.products)
    used = np.concatenate([left, right, g.scalars])
    assert set(used.tolist()) == set(range(g.moment_count))


# --------------------------------------------------------------------------------- the scalars


def moments(g: MomentGraph, directions: Floats, radial: Floats) -> Floats:
    """Every moment of neighbourhoods: shape ``(nneighborhoods, moment_count)``.

    `directions` are unit vectors, shape ``(nneighborhoods, nneighbors, 3)``; `radial` holds
    f_mu(r_j), shape ``(nneighborhoods, nneighbors, radial_count)``.
    """
    values = np.zeros((g.moment_count, len(directions)))
    for k, (mu, *powers) in enumerate(g.basic):
        values[k] = np.sum(radial[:, :, mu] * np.prod(directions**powers, axis=2), axis=1)
    for left, right, multiplicity, target in g.products:
        values[target] += multiplicity * values[left] * values[right]
    return values.T


def neighborhoods(seed: int, count: int, nneighbors: int) -> tuple[Floats, Floats]:
    """Random `directions` and `radial` of `moments`."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(count, nneighbors, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    return directions, rng.normal(size=(count, nneighbors, graph.MAX_RADIAL_COUNT))


def contraction(directions: Floats, radial: Floats, mus: tuple[int, ...], alpha: Floats) -> float:
    """A scalar from its definition, without a tensor.

    An index that two moments share is a scalar product of two neighbours' directions: the sum
    over all tuples of neighbours of prod_i f_mu_i(j_i) prod_(i<k) (u_j_i . u_j_k)^alpha_ik.
    """
    cosines = directions @ directions.T
    n = len(mus)
    axes = [[None] * i + [slice(None)] + [None] * (n - i - 1) for i in range(n)]
    total = np.ones([len(directions)] * n)
    for mu, axis in zip(mus, axes, strict=True):
        total = total * radial[:, mu][tuple(axis)]
    for i, k in combinations(range(n), 2):
        shape = [len(directions) if axis in (i, k) else 1 for axis in range(n)]
        total = total * (cosines ** alpha[i, k]).reshape(shape)
    return float(total.sum())


def all_contractions(level: int, directions: Floats, radial: Floats) -> Floats:
    """Values of all contractions of up to four moments within the level; those that differ."""
    values = []
    for n in range(1, 5):
        pairs = list(combinations(range(n), 2))
        for mus in combinations_with_replacement(range(graph.MAX_RADIAL_COUNT), n):
            room = (level - sum(2 + 4 * mu for mu in mus)) // 2
            for links in product(range(max(room, -1) + 1), repeat=len(pairs)):
                if sum(links) <= room:
                    alpha = np.zeros((n, n), dtype=int)
                    for pair, count in zip(pairs, links, strict=True):
                        alpha[pair] = count
                    values.append(contraction(directions, radial, mus, alpha))
    values = np.sort(values)
    distinct = np.diff(values, prepend=-np.inf) > 1e-9 * np.abs(values)
    return values[distinct]


@pytest.mark.parametrize("level", [2, 4, 6, 8, 10, 12, 14, 16])
def test_scalars_are_all_contractions_within_the_level(level: int) -> None:
    g = moment_graph(level)
    directions, radial = neighborhoods(level, 1, 5)
    found = np.sort(moments(g, directions, radial)[0, g.scalars])
    expected = all_contractions(level, directions[0], radial[0])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def singular_vectors(level: int) -> tuple[Floats, Floats]:
    """Singular values, largest 1, and right vectors of the scalars on random neighbourhoods."""
    g = moment_graph(level)
    features = moments(g, *neighborhoods(level, 8 * len(g.scalars), 6))[:, g.scalars]
    norms = np.linalg.norm(features, axis=0)
    _, values, vectors = np.linalg.svd(features / norms)
    return values / values[0], vectors / norms


@pytest.mark.parametrize("level", range(2, 16, 2))
def test_scalars_are_linearly_independent(level: int) -> None:
    values, _ = singular_vectors(level)
    assert values.min() > 1e-3


def test_one_relation_of_level_16_is_cayley_and_hamiltons() -> None:
    """MLIP keeps all 92 scalars, although the trace of the fourth power of M_{0,2} follows from
    the lower ones: p4 = p1^4/6 - p1^2 p2 + p2^2/2 + 4/3 p1 p3, where p1 = tr M_{0,2} = M_{0,0}.
    """
    values, vectors = singular_vectors(16)
    assert values[-2] > 5e-4
    assert values[-1] < 1e-14
    relation = vectors[-1] / vectors[-1][np.abs(vectors[-1]).argmax()] * 4 / 3
    found = np.sort(relation[np.abs(relation) > 1e-9])
    np.testing.assert_allclose(found, np.sort([-1, 1 / 6, -1, 1 / 2, 4 / 3]), rtol=1e-8)


@pytest.mark.parametrize("level", [8, 12, 16, 20, 24])
def test_scalars_do_not_turn(level: int) -> None:
    g = moment_graph(level)
    directions, radial = neighborhoods(level, 3, 12)
    turned = directions @ random_rotation(level).T
    before = moments(g, directions, radial)[:, g.scalars]
    after = moments(g, turned, radial)[:, g.scalars]
    np.testing.assert_allclose(after, before, rtol=1e-8)


@pytest.mark.parametrize("level", [24, 28])
def test_energies_of_the_highest_levels_equal_moteps(level: int, tmp_path: Path) -> None:
    """Levels to 22 are among the calculator's tests."""
    path = tmp_path / "potential.mtp"
    potential = random_potential(level, level, 2)
    write_potential(path, potential)
    structure = random_structure(level, 6, 2)
    data = read_mtp(path)
    data.species = [atomic_numbers[symbol] for symbol in SYMBOLS[:2]]
    expected = CExtMTPEngine(data).calculate(structure.atoms())["energies"]
    found = evaluate(make_kernel(potential), *structure.arrays).site_energies
    np.testing.assert_allclose(found, expected, rtol=1e-10)


# -------------------------------------------------------------------------- radial functions


def test_fewer_radial_functions_leave_out_the_scalars_that_need_more() -> None:
    g, full = moment_graph(16, 2), moment_graph(16)
    assert (g.radial_count, full.radial_count) == (2, 4)
    assert set(map(tuple, g.basic.tolist())) < set(map(tuple, full.basic.tolist()))
    directions, radial = neighborhoods(1, 1, 5)
    some = moments(g, directions, radial)[0, g.scalars]
    every = moments(full, directions, radial)[0, full.scalars]
    needs_more = moments(full, directions, radial * [1, 1, 0, 0, 0, 0])[0, full.scalars] != every
    np.testing.assert_allclose(some, every[~needs_more], rtol=1e-12)


def test_more_radial_functions_than_the_level_has() -> None:
    np.testing.assert_array_equal(moment_graph(10, 9).products, moment_graph(10).products)
    potential = untrained_potential(10, 2, cutoff=5, min_dist=2, radial_count=9, seed=1)
    assert potential.radial_count == 9
    assert potential.level == 10
    # M_{6,0}, which MLIP leaves out.
    assert len(moment_graph(26, 7).scalars) == len(moment_graph(26).scalars) + 1


# ------------------------------------------------------------------------ untrained potentials


def test_untrained_potential_is_what_was_asked_for() -> None:
    potential = untrained_potential(
        12, 3, cutoff=6.0, min_dist=1.4, chebyshev_count=11, species=["Li", "P", "S"], seed=3
    )
    assert potential.level == 12
    assert potential.species_names == ("Li", "P", "S")
    assert (potential.max_dist, potential.min_dist) == (6.0, 1.4)
    assert potential.radial_coeffs.shape == (3, 3, 3, 11)


def test_same_seed_same_potential() -> None:
    def generate(seed: int) -> str:
        return untrained_potential(8, 2, cutoff=5, min_dist=2, seed=seed).content_hash

    assert generate(1) == generate(1)
    assert generate(1) != generate(2)


@pytest.mark.parametrize("level", [2, 8, 16, 22])
def test_energies_and_forces_of_an_untrained_potential_are_of_a_sane_size(level: int) -> None:
    structure = random_structure(level, 48, 2)
    potential = untrained_potential(level, 2, cutoff=5, min_dist=1.9, seed=level)
    result = evaluate(make_kernel(potential), *structure.arrays)
    assert np.abs(result.site_energies).max() < 30
    assert 0.01 < np.sqrt(np.mean(result.forces**2)) < 30


@pytest.mark.parametrize("level", [-2, 0, 7, 30])
def test_no_such_level(level: int) -> None:
    with pytest.raises(ValueError, match=rf"level: found {level}, must be an even number, 2 to 28"):
        graph.moment_graph(level)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"species": ["Cu"]}, "species: found Cu, must be 2 different symbols"),
        ({"species": ["Cu", "Cu"]}, "species: found Cu Cu, must be 2 different symbols"),
        ({"species": ["Cu=", "Se"]}, "species: found Cu= Se, must be 2 different symbols"),
        ({"min_dist": 5.0}, "min_dist: found 5.0"),
        ({"radial_count": 0}, "radial_count: found 0, must be at least 1"),
        ({"chebyshev_count": 0}, "chebyshev_count: found 0, must be at least 1"),
        ({"species_count": 0}, "species_count: found 0, must be at least 1"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    good = {"level": 8, "species_count": 2, "cutoff": 5.0, "min_dist": 2.0, "seed": 0}
    with pytest.raises(ValueError, match=message):
        untrained_potential(**(good | arguments))
