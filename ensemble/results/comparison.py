"""κ of several models by one method, in words, and by two methods side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

from ensemble.reduction.intervals import Interval
from ensemble.reduction.spread import ModelSpread, model_spread
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["Comparison", "Components", "Models", "by_kind", "groups"]

Member = TypeVar("Member")


@dataclass(frozen=True, kw_only=True)
class Models:
    """κ of several models by one method under the same conditions."""

    rows: tuple[Row, ...]

    @property
    def trusted(self) -> list[Row]:
        return [row for row in self.rows if row.trusted]

    @property
    def spread(self) -> ModelSpread | None:
        """Over those that have a κ with an error; None where there is none."""
        known = [row.found.kappa for row in self.rows if _has_error(row.found.kappa)]
        return model_spread(known) if known else None

    @property
    def names(self) -> str:
        return ", ".join(row.group.model for row in self.rows)

    @property
    def objections(self) -> str:
        """What is known against the values, the models of each objection together."""
        models: dict[str, list[str]] = {}
        for row in self.rows:
            for problem in row.found.problems:
                models.setdefault(problem, []).append(row.group.model)
        return "; ".join(f"{problem} ({', '.join(of)})" for problem, of in models.items())

    @property
    def value(self) -> str:
        """The mean over the models, and how many they are."""
        unit, spread = self.rows[0].system.conductivity_symbol, self.spread
        if spread is None:
            one = self.rows[0]
            return f"{interval_text(one.found.kappa)} {unit} ({one.group.model})"
        if spread.models == 1:
            return f"{interval_text(spread.mean)} {unit} ({self.rows[0].group.model})"
        return f"{interval_text(spread.mean)} {unit} over {spread.models} models"

    @property
    def value_of_each(self) -> str:
        """The mean, unless the models differ: then it is that of no material."""
        spread = self.spread
        if spread is not None and spread.models > 1 and spread.significant:
            return f"each model by itself, their mean is {self.value}"
        return self.value

    @property
    def cells(self) -> str:
        """Of the direct method: how far apart the exchange layers are, and along which axis, where
        that makes a difference.
        """
        direction, unit = self.rows[0].group.direction, self.rows[0].system.length_symbol
        along = "" if direction is None else f" along {direction}"
        lengths = {round(row.found.length, 1) for row in self.rows if row.found.length is not None}
        if lengths == {math.inf}:
            return f"for infinite length{along}"
        return f"with {' and '.join(f'{x:g}' for x in sorted(lengths))} {unit} of crystal{along}"


class Components:
    """κ along x, y and z of crystals that are not cubic.

    Parameters
    ----------
    rows
        A row for each component of an estimate.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows = {self._key(row, row.found.component): row for row in rows}

    def along(self, row: Row, direction: str | None) -> Row:
        """What κ of the direct method is to be set beside: the mean where all directions are
        alike, else the component, which is not to be trusted where nothing came of it.
        """
        if direction is None:
            return row
        unknown = replace(row.found, component=direction, problems=(f"{direction} is not known",))
        return self._rows.get(self._key(row, direction), replace(row, found=unknown))

    @staticmethod
    def _key(row: Row, component: str | None) -> tuple[str | None, ...]:
        return row.group.study, row.group.name, row.found.estimate, component


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Green–Kubo beside the direct method, model by model: one mean over models that are not the
    same on both sides would compare the models, not the methods.
    """

    pairs: tuple[tuple[Row, Row], ...]
    """Of each model what Green–Kubo says, and what the direct method does."""

    @property
    def equilibrium(self) -> Models:
        return Models(rows=tuple(mine for mine, _ in self.pairs))

    @property
    def direct(self) -> Models:
        return Models(rows=tuple(other for _, other in self.pairs))

    @classmethod
    def of(cls, equilibrium: Models, direct: Models, components: Components) -> Comparison:
        """The models of which the direct method has a κ that is to be trusted."""
        mine = {row.group.model: row for row in equilibrium.rows}
        return cls(
            pairs=tuple(
                (components.along(mine[row.group.model], row.group.direction), row)
                for row in direct.trusted
                if row.group.model in mine
            )
        )

    def by_kind(self) -> Iterator[Comparison]:
        """The same apart, as `by_kind` does it, of models of which both are to be trusted."""
        known = [pair for pair in self.pairs if pair[0].trusted]
        for pairs in groups(known, lambda pair: _kind(pair[1])):
            yield Comparison(pairs=tuple(pairs))

    def part(self, *, agree: bool) -> Comparison:
        """The models for which the two agree, or those for which they do not."""
        return Comparison(
            pairs=tuple(
                (mine, other)
                for mine, other in self.pairs
                if mine.found.kappa.agrees_with(other.found.kappa) == agree
            )
        )

    def __str__(self) -> str:
        value = f"{self.direct.value_of_each} {self.direct.cells}"
        component = self.pairs[0][0].found.component
        if component is None:
            return value
        return f"{value}, where Green–Kubo has {self.equilibrium.value_of_each}"


def by_kind(direct: Sequence[Row]) -> Iterator[Models]:
    """κ of the direct method for infinite length, and of finite cells; each direction by itself."""
    for rows in groups(direct, _kind):
        yield Models(rows=tuple(rows))


def _kind(row: Row) -> tuple[bool, str | None]:
    return row.found.length == math.inf, row.group.direction


def groups(members: Iterable[Member], key: Callable[[Member], Any]) -> Iterator[list[Member]]:
    """Those that have a key in common, in the order of their first ones."""
    places: dict[Any, int] = {}
    ordered = sorted(members, key=lambda member: places.setdefault(key(member), len(places)))
    return (list(alike) for _, alike in groupby(ordered, key))


def _has_error(interval: Interval) -> bool:
    return math.isfinite(interval.mean) and 0 < interval.half_width < math.inf
