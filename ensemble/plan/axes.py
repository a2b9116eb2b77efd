"""The labels of a study's runs. They only ever grow at their ends, so a run keeps its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Self, TypeVar

from ensemble.plan.recipe import Cells, Method, Run

Index = tuple[int, int, int, int]
"""Place of a run on the axes model, temperature, supercell and seed."""

Label = TypeVar("Label")


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The labels along model, temperature, supercell and seed."""

    models: tuple[str, ...]
    temperatures: tuple[float, ...]
    """In K, under ``lj`` in ε/k_B."""
    supercells: tuple[Cells, ...]
    seeds: tuple[int, ...]

    @property
    def shape(self) -> Index:
        """How many labels each axis has."""
        return len(self.models), len(self.temperatures), len(self.supercells), len(self.seeds)

    @property
    def run_count(self) -> int:
        """How many runs there are."""
        return prod(self.shape)

    def index(self, run: Run) -> Index:
        """The place of a run.

        Raises
        ------
        ValueError
            It has none.
        """
        try:
            return self.places()(run)
        except KeyError as error:
            raise ValueError(f"{run.name}: no such run on these axes: {error}") from error

    def places(self) -> Callable[[Run], Index]:
        """What gives the place of any run, for many of them; KeyError where it has none."""
        models, temperatures, supercells, seeds = (
            {label: place for place, label in enumerate(labels)}
            for labels in (self.models, self.temperatures, self.supercells, self.seeds)
        )
        return lambda run: (
            models[run.model],
            temperatures[run.temperature],
            supercells[run.supercell],
            seeds[run.seed],
        )

    def runs(self, study: str, method: Method) -> Iterator[tuple[Index, Run]]:
        """Every run of a study with its place; the last axis goes fastest."""
        for (m, model), (t, temperature), (c, cells), (s, seed) in product(
            enumerate(self.models),
            enumerate(self.temperatures),
            enumerate(self.supercells),
            enumerate(self.seeds),
        ):
            run = Run(
                study=study,
                method=method,
                model=model,
                temperature=temperature,
                supercell=cells,
                seed=seed,
            )
            yield (m, t, c, s), run

    def merged(self, other: Self) -> Self:
        """These labels, and behind them what is new in others."""
        return type(self)(
            models=_appended(self.models, other.models),
            temperatures=_appended(self.temperatures, other.temperatures),
            supercells=_appended(self.supercells, other.supercells),
            seeds=_appended(self.seeds, other.seeds),
        )

    def as_json(self) -> dict[str, list[Any]]:
        """In JSON's types."""
        return {
            "models": list(self.models),
            "temperatures": list(self.temperatures),
            "supercells": [list(cells) for cells in self.supercells],
            "seeds": list(self.seeds),
        }

    @classmethod
    def from_json(cls, table: dict[str, list[Any]]) -> Self:
        """Back from `as_json`."""
        return cls(
            models=tuple(table["models"]),
            temperatures=tuple(map(float, table["temperatures"])),
            supercells=tuple((x, y, z) for x, y, z in table["supercells"]),
            seeds=tuple(table["seeds"]),
        )


def _appended(labels: Sequence[Label], others: Sequence[Label]) -> tuple[Label, ...]:
    return tuple(dict.fromkeys((*labels, *others)))
