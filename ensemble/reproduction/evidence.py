"""The committed tables as numbers with intervals, in the groups that questions are asked of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.plan.recipe import number_text
from ensemble.reduction.intervals import Interval
from ensemble.reproduction.references import NAMES, Reference, reference
from ensemble.reproduction.tables import OF_CAMPAIGN, OF_PLANS, read_table

if TYPE_CHECKING:
    import pandas

__all__ = ["Campaign", "Case", "Evidence", "Value", "interval", "read_evidence"]

ORDER = ("cu195se-small", "mg2sn-small", "mg3sb2-small")
"""Of the campaigns in the document; others come behind."""

PARTS = ("convective", "conductive", "cross", "gamma_squared", "swap_flux", "slab_flux")
"""With an interval each, beside κ."""

SMALL = "-small"
"""What the name of a small campaign has behind that of the one in full."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One estimate of κ."""

    study: str
    model: str
    estimate: str
    supercell: str
    kappa: Interval
    parts: dict[str, Interval]
    """Of `PARTS`, those that there are."""
    length: float
    """In Å; nan where it has none."""
    verdict: str
    trusted: bool
    sampled: float = math.nan
    """Mean temperature of the runs, in K."""

    @property
    def known(self) -> bool:
        """Whether there is a value with an interval."""
        return math.isfinite(self.kappa.mean) and 0 < self.kappa.half_width < math.inf


@dataclass(frozen=True, kw_only=True)
class Case:
    """The models of a study at one temperature in one supercell."""

    campaign: str
    system: str
    study: str
    method: str
    material: str
    temperature: float
    supercell: str
    atoms: int
    values: tuple[Value, ...]

    def of(self, estimate: str) -> dict[str, Value]:
        """An estimate of κ by model, of those that have a value."""
        return {
            value.model: value
            for value in self.values
            if value.estimate == estimate and math.isfinite(value.kappa.mean)
        }

    @property
    def title(self) -> str:
        """``Cu1.95Se at 600 K``."""
        return f"{NAMES.get(self.system, self.system)} at {number_text(self.temperature)} K"

    @property
    def sampled(self) -> tuple[float, float]:
        """The lowest and the highest mean temperature of a model's runs."""
        found = [value.sampled for value in self.values if math.isfinite(value.sampled)]
        return min(found, default=math.nan), max(found, default=math.nan)

    @property
    def place(self) -> dict[str, Any]:
        """Its labels in the tables."""
        return {
            "study": self.study,
            "temperature": self.temperature,
            "supercell": self.supercell,
        }

    @property
    def paper(self) -> Reference | None:
        """What the papers have of it."""
        return reference(self.system, self.temperature)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """The tables of a campaign."""

    name: str
    tables: dict[str, pandas.DataFrame]

    @property
    def system(self) -> str:
        """Name of the campaign in full."""
        return self.name.removesuffix(SMALL)

    @property
    def title(self) -> str:
        """The material."""
        return NAMES.get(self.system, self.system)

    @cached_property
    def models(self) -> list[str]:
        """All of them, in the order of the store."""
        found: list[str] = self.tables["kappa"].model.unique().tolist()
        return found

    @cached_property
    def cases(self) -> list[Case]:
        """In the order of the store."""
        frame = self.tables["kappa"]
        groups = frame.groupby(["study", "temperature", "supercell"], sort=False)
        return [_case(self, rows) for _, rows in groups]

    def by(self, method: str, virial: str | None = None) -> list[Case]:
        """The cases by a method; of a ``rerun`` those with one kind of virial."""
        studies = self.tables["studies"]
        if virial is not None:
            studies = studies[studies.virial == virial]
        wanted = set(studies.study)
        return [case for case in self.cases if case.method == method and case.study in wanted]

    def differences(self, case: Case) -> dict[str, float]:
        """Mean site energy of the first species over that of the second, by model."""
        rows = self.rows("site_energies", case)
        species = str(self.study(case.study).species).split()
        if len(species) < 2:
            return {}
        means = rows.pivot_table(index="model", columns="species", values="mean", sort=False)
        if not set(species[:2]) <= set(means):
            return {}
        found: dict[str, float] = (means[species[0]] - means[species[1]]).dropna().to_dict()
        return found

    def study(self, name: str) -> Any:
        """What is known of a study: a row of the table of studies."""
        found = self.tables["studies"]
        return found[found.study == name].iloc[0]

    def rows(self, table: str, case: Case) -> pandas.DataFrame:
        """The part of a table that belongs to a case."""
        frame = self.tables[table]
        for name, label in case.place.items():
            frame = frame[frame[name] == label]
        return frame


def _case(campaign: Campaign, rows: pandas.DataFrame) -> Case:
    first = rows.iloc[0]
    return Case(
        campaign=campaign.name,
        system=campaign.system,
        study=first.study,
        method=first.method,
        material=first.material,
        temperature=float(first.temperature),
        supercell=first.supercell,
        atoms=int(first.atoms),
        values=tuple(_values(rows)),
    )


def _values(rows: pandas.DataFrame) -> Iterator[Value]:
    for row in rows.to_dict("records"):
        parts = {name: interval(row, name) for name in PARTS if not math.isnan(row[name])}
        yield Value(
            study=row["study"],
            model=row["model"],
            estimate=row["estimate"],
            supercell=row["supercell"],
            kappa=interval(row, "kappa"),
            parts=parts,
            length=row["length"],
            verdict=row["verdict"],
            trusted=row["trusted"] == 1,
            sampled=row["temperature_sampled"],
        )


def interval(row: Any, name: str) -> Interval:
    """A number of a table with what stands beside it: the half-width of its interval, and the ends
    where they are not equally far.
    """
    half_width = row[f"{name}_half_width"]
    middle = (row.get(f"{name}_low", math.nan) + row.get(f"{name}_high", math.nan)) / 2
    return Interval(
        mean=row[name],
        half_width=math.inf if math.isnan(half_width) else half_width,
        samples=_count(row.get("samples", math.nan)),
        offset=middle - row[name] if math.isfinite(middle) else 0.0,
    )


def _count(value: float) -> int:
    return int(value) if math.isfinite(value) else 0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All committed tables."""

    folder: Path
    campaigns: tuple[Campaign, ...]
    plans: dict[str, pandas.DataFrame]

    def cases(self, method: str) -> list[tuple[Campaign, Case]]:
        """Of all campaigns, by a method."""
        return [(one, case) for one in self.campaigns for case in one.by(method)]

    def campaign(self, name: str) -> Campaign | None:
        """One of them; None where there are no tables of it."""
        return next((one for one in self.campaigns if one.name == name), None)


def read_evidence(folder: Path) -> Evidence:
    """Read all tables in a folder.

    Raises
    ------
    TableError
        One is not there, or not what it has to be.
    """
    names = sorted({path.parent.name for path in folder.glob("*/*.csv")}, key=_order)
    return Evidence(
        folder=folder,
        campaigns=tuple(
            Campaign(name=name, tables=dict(_tables(folder / name, OF_CAMPAIGN.values())))
            for name in names
        ),
        plans=dict(_tables(folder, OF_PLANS.values())),
    )


def _order(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _tables(folder: Path, schemas: Iterable[Any]) -> Iterator[tuple[str, pandas.DataFrame]]:
    for schema in schemas:
        yield schema.name, read_table(folder, schema)
