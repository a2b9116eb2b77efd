"""What a report consists of, and what it is made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ensemble.campaign import Campaign, parse_campaign
from ensemble.campaign.schema import Experiment
from ensemble.plan.recipe import Cells, Method, cells_text, number_text
from ensemble.report.picture import Picture, slug
from ensemble.report.style import Look, looks, unit
from ensemble.results import Results, Selection
from ensemble.results.findings import Estimated
from ensemble.results.table import Row, Tables
from ensemble.store.errors import StoreError
from ensemble.units import UnitSystem, unit_system

__all__ = ["Case", "Part", "Section", "Source", "Table", "attempt", "section"]

NEAR = 0.05
"""Of the temperature: how far an experiment may be from it and be drawn."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the report."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    """Columns from the left that hold words; the others hold numbers. The first names its row."""
    notes: tuple[str, ...] = ()
    """That its cells refer to as [1], [2], …"""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report under a heading."""

    name: str
    """For links."""
    title: str
    words: tuple[str, ...] = ()
    """Paragraphs below the heading."""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    absent: tuple[str, ...] = ()
    """A sentence for each figure that is left out: why."""


Part = Picture | Table | str
"""Of a section; a text is the sentence in place of a figure that is left out."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is drawn in one figure: the models of a study at one temperature in one supercell."""

    study: str
    method: Method
    material: str
    temperature: float
    supercell: Cells
    models: tuple[str, ...]
    system: UnitSystem

    def __str__(self) -> str:
        degrees = f"{number_text(self.temperature)} {unit(self.system.temperature_symbol)}"
        return f"{self.material} at {degrees} ({self.study}, {cells_text(self.supercell)})"

    def file(self, kind: str) -> str:
        """A name for the files of its figure of some kind."""
        labels = f"T{number_text(self.temperature)}", cells_text(self.supercell)
        return slug(kind, self.study, *labels)

    @property
    def labels(self) -> dict[str, Any]:
        """For the queries of `ensemble.results`."""
        return {
            "model": self.models,
            "temperature": self.temperature,
            "supercell": cells_text(self.supercell),
        }


Condition = tuple[str, float, Cells]
"""Study, temperature and supercell."""


@dataclass(frozen=True)
class Source:
    """What a report is made from."""

    results: Results
    selection: Selection = field(default_factory=Selection)

    @cached_property
    def tables(self) -> Tables:
        """κ and diffusion coefficients."""
        return self.results.tables(self.selection)

    @cached_property
    def campaign(self) -> Campaign:
        """As it was last launched."""
        info = self.results.info
        return parse_campaign(info.campaign, info.paths.campaign)

    @cached_property
    def system(self) -> UnitSystem:
        """Units of the store."""
        return unit_system(self.results.info.units)

    @cached_property
    def looks(self) -> dict[str, Look]:
        """Of all models of the store, chosen or not: a colour stays with its model."""
        studies = self.results.info.studies.values()
        return looks(model for study in studies for model in study.axes.models)

    def rows(self, method: Method, estimate: Estimated) -> list[Row]:
        """κ by a method, trusted or not."""
        return [
            row
            for row in self.tables.kappa
            if row.group.method == method and row.found.estimate == estimate
        ]

    @cached_property
    def _by_condition(self) -> dict[Condition, list[Row]]:
        """κ of all models under the same conditions, in the order of the store."""
        found: dict[Condition, list[Row]] = {}
        for row in self.tables.kappa:
            group = row.group
            key = group.study, group.temperature, group.supercell
            found.setdefault(key, []).append(row)
        return found

    def cases(self, method: Method) -> list[Case]:
        """What there is by a method."""
        return [
            Case(
                study=study,
                method=method,
                material=rows[0].group.material,
                temperature=temperature,
                supercell=supercell,
                models=tuple(dict.fromkeys(row.group.model for row in rows)),
                system=self.system,
            )
            for (study, temperature, supercell), rows in self._by_condition.items()
            if rows[0].group.method == method
        ]

    def of_case(self, case: Case, estimate: Estimated) -> dict[str, Row]:
        """An estimate of κ by model, of those that have a value."""
        rows = self._by_condition.get((case.study, case.temperature, case.supercell), [])
        return {
            row.group.model: row
            for row in rows
            if row.found.estimate == estimate and math.isfinite(row.found.kappa.mean)
        }

    def experiments(self, material: str, temperature: float | None = None) -> list[Experiment]:
        """What was measured of a material, near a temperature where one is given."""
        return [
            one
            for one in self.campaign.experiments
            if one.material == material
            and (temperature is None or abs(one.temperature - temperature) <= NEAR * temperature)
        ]


def attempt(what: str, make: Callable[..., Iterable[Part]], *of: Any) -> Iterator[Part]:
    """The parts that are made of something, or the sentence why there are none."""
    try:
        parts = list(make(*of))
    except (ValueError, StoreError) as error:
        yield f"{what} is left out: {error}."
    except OSError as error:
        yield f"{what} is left out: {error.filename}: {error.strerror}."
    else:
        yield from parts


def section(name: str, title: str, words: Iterable[str], parts: Iterable[Part]) -> Section:
    """A section from its parts."""
    found = list(parts)
    return Section(
        name=name,
        title=title,
        words=tuple(words),
        pictures=tuple(part for part in found if isinstance(part, Picture)),
        tables=tuple(part for part in found if isinstance(part, Table)),
        absent=tuple(part for part in found if isinstance(part, str)),
    )
