"""Moment graphs and untrained potentials of any even level.

A basis function of a moment tensor potential is a contraction of moments M_{mu,nu} to a scalar. Its
level is the sum over its factors of 2 + 4 mu + nu, and a potential of level L has all of them up to
L (Shapeev, Multiscale Model. Simul. 14, 1153 (2016); Novikov et al., Mach. Learn.: Sci. Technol. 2,
025002 (2021)). A contraction is told by the mu of its factors and a symmetric matrix alpha, where
alpha_ij counts the indices that factors i and j share; two contractions are the same if they differ
in the order of their factors alone.

The graph evaluates them pair by pair. A contraction of several factors is cut in two parts where
the fewest indices are shared, and its value is the sum of products of the parts' components. The
parts are contractions again, with indices left free, and are cut in turn down to single moments.

The rules below give the lists of MLIP-2's untrained potentials: list by list, in the same order,
where the lists were at hand (levels 10, 12 and 14), and by the numbers of basic moments, products,
scalars and moments at other levels. The scalars are linearly independent up to level 14. From 16 on
MLIP keeps those, too, that follow from others in three dimensions, as the trace of the fourth power
of a matrix does by the theorem of Cayley and Hamilton.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, combinations_with_replacement, permutations, product
from math import factorial, pi, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.mtp.potential import Potential

__all__ = ["MomentGraph", "moment_graph", "untrained_potential"]

Ints = NDArray[np.int32]
Powers = tuple[int, int, int]
Component = tuple[Powers, ...]

MAX_LEVEL = 28
# Limits of MLIP's own potentials.
MAX_FACTORS = 4  # felt from level 10
MAX_RADIAL_COUNT = 6  # felt from level 26
MAX_RANK = 10  # felt from level 26

REFERENCE_DENSITY = 0.05  # atoms/Angstrom^3: between close-packed metals and molecular crystals


@dataclass(frozen=True, eq=False)
class MomentGraph:
    """The lists of a potential that depend on its level alone."""

    level: int
    """Highest level of a scalar."""

    basic: Ints
    """Basic moments as ``mu, x, y, z``, powers of the unit vector: shape ``(nbasic, 4)``."""

    products: Ints
    """``left, right, multiplicity, target``, each ready when used: shape ``(nproducts, 4)``."""

    scalars: Ints
    """Moments that enter the energy, few factors first: shape ``(nscalars,)``."""

    moment_count: int
    """Basic moments and products' targets."""

    @property
    def radial_count(self) -> int:
        """Number of radial functions that the basic moments use."""
        return int(self.basic[:, 0].max()) + 1


def moment_graph(level: int, radial_count: int | None = None) -> MomentGraph:
    """The moment graph of an even level.

    Parameters
    ----------
    level
        2 to 28.
    radial_count
        Moments with ``mu < radial_count`` are taken. None is MLIP's choice, ``(level + 2) // 4``
        and at most 6. Fewer leave out every scalar with a higher mu. More change nothing but at
        levels 26 and 28, which have a seventh.

    Raises
    ------
    ValueError
        There is no such level or number of radial functions.
    """
    if level not in range(2, MAX_LEVEL + 1, 2):
        raise ValueError(f"level: found {level}, must be an even number, 2 to {MAX_LEVEL}")
    if radial_count is None:
        radial_count = _default_radial_count(level)
    if radial_count < 1:
        raise ValueError(f"radial_count: found {radial_count}, must be at least 1")
    scalars = _scalar_contractions(level, radial_count)
    builder = _GraphBuilder()
    for contraction in _evaluation_order(scalars):
        builder.add(contraction)
    return MomentGraph(
        level=level,
        basic=np.array(builder.basic, dtype=np.int32),
        products=np.array(builder.products, dtype=np.int32).reshape(-1, 4),
        scalars=np.array([builder.scalar(scalar) for scalar in scalars], dtype=np.int32),
        moment_count=builder.moment_count,
    )


def _default_radial_count(level: int) -> int:
    """M_{mu,0} is within the level, and MLIP's limit holds."""
    return min((level + 2) // 4, MAX_RADIAL_COUNT)


def untrained_potential(
    level: int,
    species_count: int,
    *,
    cutoff: float,
    min_dist: float,
    chebyshev_count: int = 8,
    radial_count: int | None = None,
    species: Sequence[str] | None = None,
    seed: int | np.random.Generator,
) -> Potential:
    """A potential with random coefficients: the start of a fit, or material for tests.

    They are of a size that gives energies and forces of the order of eV and eV/Angstrom at usual
    densities of atoms. Radial functions of both orders of a pair of species differ.

    Parameters
    ----------
    level
        Even, 2 to 28.
    species_count
        Number of species.
    cutoff, min_dist
        Of the radial functions, in Angstrom.
    chebyshev_count
        Number of Chebyshev polynomials in a radial function.
    radial_count
        Number of radial functions of a pair. Fewer than the level asks for truncate the basis, see
        `moment_graph`; those beyond it are written but enter no moment.
    species
        Chemical symbols for the ``potential_tag``.
    seed
        Of the coefficients, or a generator to draw them from.

    Raises
    ------
    ValueError
        An argument out of range, or not one symbol of its own for each species.
    """
    if species is not None and not (
        len(species) == len(set(species)) == species_count and all(map(str.isalnum, species))
    ):
        raise ValueError(
            f"species: found {' '.join(species)}, must be {species_count} different symbols"
        )
    if not 0 <= min_dist < cutoff:
        raise ValueError(f"min_dist: found {min_dist}, must be 0 to the cutoff of {cutoff}")
    for name, count in [("species_count", species_count), ("chebyshev_count", chebyshev_count)]:
        if count < 1:
            raise ValueError(f"{name}: found {count}, must be at least 1")
    graph = moment_graph(level, radial_count)
    if radial_count is None:
        radial_count = _default_radial_count(level)
    rng = np.random.default_rng(seed)
    radial_shape = (species_count, species_count, radial_count, chebyshev_count)
    return Potential(
        tag="" if species is None else f"species = {' '.join(species)}",
        min_dist=min_dist,
        max_dist=cutoff,
        basic=graph.basic,
        products=graph.products,
        scalars=graph.scalars,
        radial_coeffs=_radial_coefficients(rng, radial_shape, cutoff, min_dist),
        species_coeffs=rng.normal(size=species_count),
        moment_coeffs=rng.normal(size=len(graph.scalars)),
        moment_count=graph.moment_count,
    )


def _radial_coefficients(
    rng: np.random.Generator, shape: tuple[int, ...], cutoff: float, min_dist: float
) -> NDArray[np.float64]:
    """Random Chebyshev coefficients that make moments, which are sums over neighbours, of order 1.

    They fall off with the degree, so that the functions are about as smooth as fitted ones. The
    factor (r - r_cut)^2 counts the neighbours as about a third of their number.
    """
    neighbors = max(1.0, REFERENCE_DENSITY * 4 / 3 * pi * cutoff**3 / 3)
    degrees = np.arange(1, shape[-1] + 1)
    return rng.uniform(-1, 1, size=shape) / (degrees * neighbors * (cutoff - min_dist) ** 2)


class Contraction(NamedTuple):
    """Moments that share indices, perhaps with some left free; a tensor of the free ones."""

    mus: tuple[int, ...]
    """The radial function of each factor."""

    links: tuple[int, ...]
    """alpha_ij for i < j, row by row: the number of indices that factors i and j share."""

    legs: tuple[int, ...]
    """The number of free indices of each factor."""

    def link(self, i: int, j: int) -> int:
        """alpha_ij, i not j."""
        return self.links[_pairs(len(self.mus)).index((min(i, j), max(i, j)))]

    def rank(self, i: int) -> int:
        """The nu of factor i: its shared and its free indices."""
        others = (j for j in range(len(self.mus)) if j != i)
        return self.legs[i] + sum(self.link(i, j) for j in others)

    def cut(self, part: Iterable[int], rest: Sequence[int]) -> int:
        """Number of indices that two sets of factors share."""
        return sum(self.link(i, j) for i in part for j in rest)

    def part(self, factors: Sequence[int]) -> Contraction:
        """The contraction of some factors; indices that they share with others become free."""
        rest = [j for j in range(len(self.mus)) if j not in factors]
        return Contraction(
            tuple(self.mus[i] for i in factors),
            tuple(self.link(i, j) for i, j in combinations(factors, 2)),
            tuple(self.legs[i] + self.cut([i], rest) for i in factors),
        )


@cache
def _pairs(n: int) -> tuple[tuple[int, int], ...]:
    """Factors i < j in the order of `Contraction.links`."""
    return tuple(combinations(range(n), 2))


@cache
def _canonical(contraction: Contraction) -> tuple[Contraction, tuple[int, ...]]:
    """The smallest of all orders of its factors, and the factors in that order."""
    orders = permutations(range(len(contraction.mus)))
    return min((contraction.part(order), order) for order in orders)


@cache
def _split(contraction: Contraction) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The factors of the two parts that it is the product of.

    They share as few indices as possible; the first such choice with the first part as small as
    possible.
    """
    n = len(contraction.mus)
    parts = [part for size in range(1, n // 2 + 1) for part in combinations(range(n), size)]
    splits = [(part, tuple(i for i in range(n) if i not in part)) for part in parts]
    return min(splits, key=lambda split: contraction.cut(*split))


def _children(contraction: Contraction) -> list[Contraction]:
    """The canonical contractions of its two parts; none of a single moment."""
    if len(contraction.mus) == 1:
        return []
    return [_canonical(contraction.part(factors))[0] for factors in _split(contraction)]


def _scalar_contractions(level: int, radial_count: int) -> list[Contraction]:
    """All scalars up to the level, ordered by the number of factors, then by mu, then by alpha."""
    found = set()
    for n in range(1, min(MAX_FACTORS, level // 2) + 1):
        for mus in combinations_with_replacement(range(radial_count), n):
            # A shared index counts at both of its ends.
            link_count = (level - 2 * n - 4 * sum(mus)) // 2
            for links in _bounded_tuples(len(_pairs(n)), link_count):
                contraction = Contraction(mus, links, (0,) * n)
                if max(map(contraction.rank, range(n))) <= MAX_RANK:
                    found.add(_canonical(contraction)[0])
    return sorted(found, key=lambda contraction: (len(contraction.mus), contraction))


def _bounded_tuples(length: int, total: int) -> Iterator[tuple[int, ...]]:
    """All tuples of non-negative integers that add up to at most `total`; none if it is < 0."""
    if total < 0:
        return
    if length == 0:
        yield ()
        return
    for first in range(total + 1):
        for others in _bounded_tuples(length - 1, total - first):
            yield (first, *others)


def _evaluation_order(scalars: Iterable[Contraction]) -> list[Contraction]:
    """The scalars and all that they are made of, parts first."""
    needed: set[Contraction] = set()
    pending = list(scalars)
    while pending:
        contraction = pending.pop()
        if contraction not in needed:
            needed.add(contraction)
            pending += _children(contraction)

    def position(contraction: Contraction) -> tuple[int, int, Contraction]:
        n = len(contraction.mus)
        return n, -len(_split(contraction)[0]) if n > 1 else 0, contraction

    return sorted(needed, key=position)


class _GraphBuilder:
    """Numbers the components of contractions, which must come parts first, and lists products."""

    def __init__(self) -> None:
        self.basic: list[tuple[int, int, int, int]] = []
        self.products: list[tuple[int, int, int, int]] = []
        self.moment_count = 0
        self._moments: dict[Contraction, dict[Component, int]] = {}

    def add(self, contraction: Contraction) -> None:
        """Append the components of a canonical contraction that differ."""
        moments = self._moments[contraction] = {}
        # Symmetry is found by the products: components that are the same sum are one moment.
        targets: dict[frozenset[tuple[tuple[int, int], int]], int] = {}
        for component in product(*map(_monomials, contraction.legs)):
            if len(contraction.mus) == 1:
                self.basic.append((*contraction.mus, *component[0]))
                moments[component] = self._next_moment()
                continue
            terms = self._terms(contraction, component)
            same = frozenset(terms.items())
            if same not in targets:
                target = targets[same] = self._next_moment()
                self.products += [(*pair, count, target) for pair, count in terms.items()]
            moments[component] = targets[same]

    def scalar(self, contraction: Contraction) -> int:
        """The moment of a scalar."""
        return self._moments[contraction][tuple((0, 0, 0) for _ in contraction.mus)]

    def _next_moment(self) -> int:
        self.moment_count += 1
        return self.moment_count - 1

    def _terms(self, contraction: Contraction, component: Component) -> Counter[tuple[int, int]]:
        """One component as a sum of products of two moments: how often each pair of them occurs."""
        left, right = _split(contraction)
        cut = [(i, j) for i in left for j in right if contraction.link(i, j)]
        terms: Counter[tuple[int, int]] = Counter()
        for shared in product(*(_monomials(contraction.link(i, j)) for i, j in cut)):
            powers = list(component)
            for (i, j), monomial in zip(cut, shared, strict=True):
                powers[i] = _times(powers[i], monomial)
                powers[j] = _times(powers[j], monomial)
            pair = sorted(self._part(contraction, factors, powers) for factors in (left, right))
            terms[pair[0], pair[1]] += prod(map(_multinomial, shared))
        return terms

    def _part(
        self, contraction: Contraction, factors: tuple[int, ...], powers: Sequence[Powers]
    ) -> int:
        """The moment of a part, `powers` being the free indices of each factor of the whole."""
        part, order = _canonical(contraction.part(factors))
        return self._moments[part][tuple(powers[factors[i]] for i in order)]


@cache
def _monomials(degree: int) -> tuple[Powers, ...]:
    """Components of a symmetric tensor: powers of x, y, z; xx, xy, xz, yy, yz, zz for 2."""
    degrees = range(degree, -1, -1)
    return tuple((x, y, degree - x - y) for x in degrees for y in degrees if x + y <= degree)


def _times(a: Powers, b: Powers) -> Powers:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@cache
def _multinomial(powers: Powers) -> int:
    """Number of index tuples that are the same component of a symmetric tensor."""
    return factorial(sum(powers)) // prod(map(factorial, powers))
