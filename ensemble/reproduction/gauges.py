"""What a shift of the site energies does to κ: nothing to the corrected one, all to the raw one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas

from ensemble.reproduction.evidence import Campaign, Case, Evidence, interval
from ensemble.reproduction.outcomes import Ranks, ranks
from ensemble.reproduction.texts import between, number, table, value

__all__ = ["Gauge", "Parabola", "gauge", "parabolas_of"]


@dataclass(frozen=True, kw_only=True)
class Parabola:
    """Raw κ with a shift c of the site energies: κ₀ + L (c − c₀)² holds for any."""

    least: float
    """κ₀."""
    place: float
    """c₀, the shift with which the raw κ would be least."""
    curvature: float
    """L."""

    def __call__(self, shift: float) -> float:
        """Raw κ with a shift."""
        return self.least + self.curvature * (shift - self.place) ** 2


UNKNOWN = Parabola(least=math.nan, place=math.nan, curvature=math.nan)


def parabolas_of(rows: pandas.DataFrame) -> dict[str, Parabola]:
    """By model."""
    return {str(model): _parabola(lines) for model, lines in rows.groupby("model", sort=False)}


def _parabola(lines: pandas.DataFrame) -> Parabola:
    known = lines.dropna(subset=["raw"])
    if len(known) < 3:
        return UNKNOWN
    curvature, slope, still = map(float, np.polyfit(known["shift"], known.raw, 2))
    if curvature <= 0:
        return UNKNOWN
    place = -slope / (2 * curvature)
    return Parabola(least=still - curvature * place**2, place=place, curvature=curvature)


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """κ of a case while the site energies are shifted."""

    case: Case
    species: str
    least_shift: float
    most_shift: float
    least_raw: float
    most_raw: float
    largest_factor: float
    """Of the largest raw κ over the smallest of one model."""
    largest_change: float
    """Of the corrected κ of a model, over that without a shift."""
    largest_gamma: float
    follows: Ranks
    """The shift with which a model's raw κ would be least, with its difference of site energies."""
    covers: bool | None
    """Whether the raw values reach over the range of the papers; None where they have none."""
    parabolas: dict[str, Parabola]
    """Of the raw κ, by model."""
    table: str

    def raw_at(self, shifts: Mapping[str, float]) -> list[float]:
        """Raw κ of models that are shifted by so many eV each, from the least to the most."""
        return sorted(self.parabolas[model](shift) for model, shift in shifts.items())


def gauge(evidence: Evidence) -> Iterator[Gauge]:
    """Of every case in equilibrium that was scanned."""
    for campaign, case in evidence.cases("emd"):
        rows = campaign.rows("gauge", case)
        if not rows.empty:
            yield _gauge(campaign, case, rows)


def _gauge(campaign: Campaign, case: Case, rows: pandas.DataFrame) -> Gauge:
    groups = {str(model): lines for model, lines in rows.groupby("model", sort=False)}
    apart, parabolas = campaign.differences(case), parabolas_of(rows)
    minima = {model: one.place for model, one in parabolas.items()}
    least, most = rows.raw.min(), rows.raw.max()
    paper = case.paper
    several = paper is not None and paper.most > paper.least
    return Gauge(
        case=case,
        species=str(rows.species.iloc[0]),
        least_shift=float(rows["shift"].min()),
        most_shift=float(rows["shift"].max()),
        least_raw=float(least),
        most_raw=float(most),
        largest_factor=max(float(x.raw.max() / x.raw.min()) for x in groups.values()),
        largest_change=max(map(_change, groups.values())),
        largest_gamma=float(rows.gamma_squared.max()),
        follows=ranks([apart.get(m, math.nan) for m in groups], list(minima.values())),
        covers=bool(least <= paper.least and most >= paper.most) if paper and several else None,
        parabolas=parabolas,
        table=_gauge_table(groups, minima, apart),
    )


def _change(lines: pandas.DataFrame) -> float:
    """Largest relative change of the corrected κ."""
    known = lines.dropna(subset=["corrected"])
    if known.empty:
        return math.nan
    still = known.corrected.to_numpy()[np.abs(known["shift"].to_numpy()).argmin()]
    return float(np.abs(known.corrected / still - 1).max())


def _gauge_table(
    groups: dict[str, pandas.DataFrame], minima: dict[str, float], apart: dict[str, float]
) -> str:
    rows = []
    for model, lines in groups.items():
        still = lines.iloc[int(np.abs(lines["shift"].to_numpy()).argmin())]
        rows.append(
            (
                model,
                value(interval(still, "raw")),
                between(float(lines.raw.min()), float(lines.raw.max()), 2),
                between(float(lines.gamma_squared.min()), float(lines.gamma_squared.max()), 2),
                value(interval(still, "corrected")),
                number(_change(lines), 1),
                number(minima[model], 2),
                number(apart.get(model, math.nan)),
            )
        )
    headings = ("model", "raw, no shift", "raw, all shifts", "γ², all shifts", "corrected")
    return table((*headings, "largest change", "c₀ (eV)", "ΔU (eV)"), rows)
