"""What site energies do to κ, on one trajectory and with another virial; and how far the atoms go
that carry them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas

from ensemble.reduction.intervals import Interval
from ensemble.reproduction.evidence import Campaign, Case, Evidence, Value, interval
from ensemble.reproduction.gauges import parabolas_of
from ensemble.reproduction.outcomes import Compared, Ranks, compared, ranks, ratio
from ensemble.reproduction.texts import number, table, value

__all__ = [
    "Fixed",
    "Motion",
    "Virials",
    "fixed",
    "motion",
    "own_case",
    "virials",
]


def own_case(campaign: Campaign, case: Case) -> Case | None:
    """The study in equilibrium whose trajectory a case follows."""
    source = campaign.study(case.study).source_study
    for one in campaign.by("emd"):
        if (one.study, one.temperature, one.supercell) == (
            source,
            case.temperature,
            case.supercell,
        ):
            return one
    return None


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """One trajectory, seen by all models."""

    case: Case
    mover: str
    """The model that made the trajectory."""
    raw: Compared | None
    own: Compared | None
    """The raw κ of the same models, each on its own trajectory."""
    corrected: Compared | None
    with_difference: Ranks
    """Raw κ on the one trajectory with the difference of the mean site energies,"""
    with_size: Ranks
    """and with the size of it."""
    with_minimum: Ranks
    """The same with how far a model's gauge is from where its raw κ would be least, on its own
    trajectory,"""
    with_own: Ranks
    """and with the raw κ of each model on its own trajectory."""
    least_difference: float
    most_difference: float
    table: str


def fixed(evidence: Evidence) -> Iterator[Fixed]:
    """Of every study that goes through a trajectory again."""
    for campaign in evidence.campaigns:
        for case in campaign.by("rerun", "centroid"):
            yield _fixed(campaign, case)


def _fixed(campaign: Campaign, case: Case) -> Fixed:
    own_of = own_case(campaign, case)
    own = {} if own_of is None else own_of.of("raw")
    parabolas = {} if own_of is None else parabolas_of(campaign.rows("gauge", own_of))
    raw, corrected, apart = case.of("raw"), case.of("corrected"), campaign.differences(case)
    off = [abs(parabolas[m].place) if m in parabolas else math.nan for m in raw]
    kappas = [one.kappa.mean for one in raw.values()]
    energies = [apart.get(model, math.nan) for model in raw]
    own_kappas = [own[m].kappa.mean if m in own else math.nan for m in raw]
    return Fixed(
        case=case,
        mover=campaign.study(case.study).source_model,
        raw=compared(raw.values()),
        own=compared(own[model] for model in raw if model in own),
        corrected=compared(corrected.values()),
        with_difference=ranks(energies, kappas),
        with_size=ranks(np.abs(energies), kappas),
        with_minimum=ranks(off, kappas),
        with_own=ranks(own_kappas, kappas),
        least_difference=min(apart.values(), default=math.nan),
        most_difference=max(apart.values(), default=math.nan),
        table=_fixed_table(case, own, apart),
    )


def _fixed_table(case: Case, own: dict[str, Value], apart: dict[str, float]) -> str:
    corrected, rows = case.of("corrected"), []
    for model, one in case.of("raw").items():
        mine = own.get(model)
        rows.append(
            (
                model,
                number(apart.get(model, math.nan)),
                "–" if mine is None else value(mine.kappa),
                value(one.kappa),
                "–" if mine is None else value(ratio(one.kappa, mine.kappa)),
                value(corrected[model].kappa) if model in corrected else "–",
                value(one.parts.get("convective")),
                value(one.parts.get("conductive")),
            )
        )
    headings = ("model", "ΔU (eV)", "own, raw", "fixed, raw", "fixed / own", "fixed, corrected")
    return table((*headings, "convective", "conductive"), rows)


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Site energies and diffusion of a case."""

    case: Case
    species: list[str]
    least_mean: dict[str, float]
    most_mean: dict[str, float]
    least_deviation: dict[str, float]
    most_deviation: dict[str, float]
    diffusing: dict[str, Compared | None]
    """D by species, over the models of which it is known."""
    limits: dict[str, float]
    """The highest of the upper limits of D by species, over the other models."""
    table: str


def motion(evidence: Evidence) -> Iterator[Motion]:
    """Of every case in equilibrium."""
    for campaign, case in evidence.cases("emd"):
        energies = campaign.rows("site_energies", case)
        rows = campaign.rows("diffusion", case)
        by_species = energies.groupby("species", sort=False)
        means, deviations = by_species["mean"], by_species["standard_deviation"]
        species = list(dict.fromkeys([*energies.species, *rows.species]))
        yield Motion(
            case=case,
            species=species,
            least_mean=means.min().to_dict(),
            most_mean=means.max().to_dict(),
            least_deviation=deviations.min().to_dict(),
            most_deviation=deviations.max().to_dict(),
            diffusing={of: compared(_coefficients(rows, of)) for of in species},
            limits={of: _limit(rows, of) for of in species},
            table=_motion_table(energies, rows),
        )


def _coefficients(rows: pandas.DataFrame, species: str) -> Iterator[Value]:
    for row in rows[(rows.species == species) & rows.diffusion.notna()].to_dict("records"):
        yield Value(
            study=row["study"],
            model=row["model"],
            estimate="diffusion",
            supercell=row["supercell"],
            kappa=Interval(
                mean=row["diffusion"],
                half_width=row["diffusion_half_width"],
                samples=max(int(row["runs"]), 2),
            ),
            parts={},
            length=math.nan,
            verdict=row["problem"],
            trusted=not row["problem"],
        )


def _limit(rows: pandas.DataFrame, species: str) -> float:
    mine = rows[(rows.species == species) & rows.diffusion.isna()].upper_limit
    return float(mine.max()) if len(mine) else math.nan


def _motion_table(energies: pandas.DataFrame, rows: pandas.DataFrame) -> str:
    of = {(row["model"], row["species"]): row for row in rows.to_dict("records")}
    lines = []
    for one in energies.to_dict("records"):
        row = of.get((one["model"], one["species"]))
        lines.append(
            (
                one["species"],
                one["model"],
                number(one["mean"], 4),
                number(one["standard_deviation"]),
                number(one["skewness"], 2),
                number(one["frames"]),
                "–" if row is None else _coefficient(row),
            )
        )
    lines.sort(key=lambda line: line[0])
    headings = ("species", "model", "mean U (eV)", "deviation (eV)", "skewness", "frames")
    return table((*headings, "D (cm² s⁻¹)"), lines, words=2)


def _coefficient(row: dict[str, float]) -> str:
    if math.isfinite(row["diffusion"]):
        return value(interval(row, "diffusion"))
    return f"< {number(row['upper_limit'], 2)}" if math.isfinite(row["upper_limit"]) else "–"


@dataclass(frozen=True, kw_only=True)
class Virials:
    """The symmetric virial of an atom beside the one that heat flux needs, on one trajectory."""

    case: Case
    raw: list[Interval]
    """Symmetric over centroid, by model; errors are taken for independent, and are not."""
    corrected: list[Interval]
    shift: float
    """The largest change of a corrected κ, over that with the right virial."""
    spread: Compared | None
    """Corrected κ with the symmetric virial, over the models,"""
    right: Compared | None
    """and with the right one, of the same models."""
    table: str


def virials(evidence: Evidence) -> Iterator[Virials]:
    """Of every study with the symmetric virial that has its like with the other one."""
    for campaign in evidence.campaigns:
        right = campaign.by("rerun", "centroid")
        for case in campaign.by("rerun", "symmetric"):
            source = _source(campaign, case)
            for other in right:
                if _source(campaign, other) == source and other.supercell == case.supercell:
                    yield _virials(other, case)


def _source(campaign: Campaign, case: Case) -> tuple[str, str, float]:
    study = campaign.study(case.study)
    return study.source_study, study.source_model, case.temperature


def _virials(right: Case, case: Case) -> Virials:
    ratios: dict[str, list[Interval]] = {}
    rows = []
    for name in ("raw", "corrected"):
        above, below = case.of(name), right.of(name)
        both = [model for model in above if model in below]
        ratios[name] = [ratio(above[m].kappa, below[m].kappa) for m in both]
        rows += [
            (
                m,
                name,
                value(below[m].kappa),
                value(above[m].kappa),
                value(found),
                value(below[m].parts.get("conductive")),
                value(above[m].parts.get("conductive")),
                value(below[m].parts.get("gamma_squared")),
                value(above[m].parts.get("gamma_squared")),
            )
            for m, found in zip(both, ratios[name], strict=True)
        ]
    both = [model for model in case.of("corrected") if model in right.of("corrected")]
    headings = ("model", "κ", "centroid", "symmetric", "symmetric / centroid")
    return Virials(
        case=case,
        raw=ratios["raw"],
        corrected=ratios["corrected"],
        shift=max((abs(one.mean - 1) for one in ratios["corrected"]), default=math.nan),
        spread=compared(case.of("corrected")[model] for model in both),
        right=compared(right.of("corrected")[model] for model in both),
        table=table(
            (*headings, "conductive, centroid", "symmetric", "γ², centroid", "symmetric"),
            rows,
            words=2,
        ),
    )
