"""Do models agree on κ: raw, by the direct method, corrected; and κ beside that of the papers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ensemble.plan.recipe import number_text
from ensemble.reduction.intervals import Interval
from ensemble.reduction.length import infinite_length
from ensemble.reproduction.evidence import Campaign, Case, Evidence, Value, interval
from ensemble.reproduction.outcomes import (
    Agreement,
    Compared,
    Ranks,
    agreement,
    compared,
    ranks,
    ratio,
)
from ensemble.reproduction.references import NAMES, REFERENCES, Reference
from ensemble.reproduction.texts import between, chance, number, table, value
from ensemble.results.lengths import FEWEST_LENGTHS

__all__ = [
    "Corrected",
    "Direct",
    "Raw",
    "beside_the_papers",
    "corrected",
    "diffusivities",
    "direct",
    "fits_table",
    "one_length",
    "raw",
    "spread_table",
]

QUANTITIES = {"raw κ": None, "convective": "convective", "conductive": "conductive"} | {
    "cross term": "cross"
}
"""Of a raw κ: what they are called, and where they are."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Raw κ of a case, and its parts."""

    case: Case
    parts: dict[str, Compared | None]
    """By the names of `QUANTITIES`."""


def raw(evidence: Evidence) -> list[Raw]:
    """Of every equilibrium case."""
    return [
        Raw(
            case=case,
            parts={
                name: compared(case.of("raw").values(), part) for name, part in QUANTITIES.items()
            },
        )
        for _, case in evidence.cases("emd")
    ]


def spread_table(lines: Iterable[tuple[str, str, Compared]]) -> str:
    """What, of what, and how models compare in it; empty where there is nothing."""
    rows = []
    for title, name, found in lines:
        spread = found.spread
        rows.append(
            (
                title,
                name,
                str(found.models),
                str(found.converged),
                value(spread.mean),
                f"{value(found.least[1])} ({found.least[0]})",
                f"{value(found.most[1])} ({found.most[0]})",
                deviation(found),
                chance(spread.p_value).removeprefix("p = ").removeprefix("p "),
            )
        )
    headings = ("", "of", "models", "converged", "mean", "least", "most", "τ", "p")
    return table(headings, rows, words=2) if rows else ""


def deviation(found: Compared) -> str:
    """τ with the ends of its interval."""
    spread = found.spread
    if not found.several:
        return "–"
    ends = f"{number(spread.deviation_low, 2)} to {number(spread.deviation_high, 2)}"
    return f"{number(spread.deviation, 2)} ({ends})"


@dataclass(frozen=True, kw_only=True)
class Direct:
    """What the direct method says of a material at a temperature."""

    case: Case
    """The cell that most models have."""
    nanometres: float
    """Distance of its exchange layers, half the cell."""
    found: Compared | None
    infinite: Compared | None
    """κ∞, by straight lines."""
    fits: list[dict[str, Any]]
    """Lines of the table of extrapolations, of this material and temperature."""
    lengths: int
    """Different cells, the most that a model has."""

    @property
    def extrapolated(self) -> bool:
        """Whether there are enough lengths for κ∞."""
        return self.lengths >= FEWEST_LENGTHS


def direct(evidence: Evidence) -> list[Direct]:
    """Of every material and temperature that has cells of the direct method."""
    found = []
    for campaign in evidence.campaigns:
        cases = campaign.by("nemd")
        for key in dict.fromkeys((case.material, case.temperature) for case in cases):
            alike = [case for case in cases if (case.material, case.temperature) == key]
            found.append(_direct(campaign, alike))
    return found


def _direct(campaign: Campaign, alike: list[Case]) -> Direct:
    case = max(alike, key=_by_models)
    lines = campaign.tables["lengths"]
    mine = lines[(lines.material == case.material) & (lines.temperature == case.temperature)]
    fits = mine.to_dict("records")
    first = [line for line in fits if line["order"] == 1 and math.isfinite(line["kappa"])]
    return Direct(
        case=case,
        nanometres=_length(case) / 10,
        found=compared(case.of("direct").values()),
        infinite=compared(filter(None, (_extrapolated(alike, line) for line in first))),
        fits=fits,
        lengths=max((int(line["lengths"]) for line in fits), default=_most_lengths(alike)),
    )


def _by_models(case: Case) -> tuple[int, float]:
    return len(case.of("direct")), _length(case)


def _length(case: Case) -> float:
    lengths = [one.length for one in case.values if math.isfinite(one.length)]
    return max(lengths, default=math.nan)


def _most_lengths(cases: Iterable[Case]) -> int:
    cells: dict[tuple[str, str], set[str]] = {}
    for case in cases:
        for model in case.of("direct"):
            cells.setdefault((case.study, model), set()).add(case.supercell)
    return max(map(len, cells.values()), default=0)


def _extrapolated(cases: Iterable[Case], line: dict[str, Any]) -> Value | None:
    """κ∞ of a line of the table, with how well its error is known, which does not stand there."""
    cells = [
        value
        for case in cases
        for value in case.of("direct").values()
        if (value.study, value.model) == (line["study"], line["model"])
    ]
    try:
        found = infinite_length([one.length for one in cells], [one.kappa for one in cells])
    except ValueError:
        return None
    return Value(
        study=line["study"],
        model=line["model"],
        estimate="direct",
        supercell="",
        kappa=found.kappa,
        parts={},
        length=math.inf,
        verdict=line["verdict"],
        trusted=line["verdict"] == "converged",
    )


def fits_table(found: Direct) -> str:
    """κ∞ by model and order of the fit."""
    rows = [
        (
            line["study"],
            line["model"],
            line["verdict"],
            number(line["lengths"]),
            f"{number(line['shortest'] / 10)} to {number(line['longest'] / 10)}",
            number(line["order"]),
            number(line["kappa"], 2),
            # Of 1/κ∞, in which the fit is linear.
            between(line["kappa_low"], line["kappa_high"], 2),
            number(line["p_value"], 2),
        )
        for line in found.fits
    ]
    headings = ("study", "model", "verdict", "lengths", "L (nm)", "order in 1/L", "κ∞")
    return table((*headings, "95 %", "p of the fit"), rows, words=3)


def one_length(evidence: Evidence, case: Case) -> Case | None:
    """The direct method's cell that most models have, under the conditions of a case."""
    for found in direct(evidence):
        other = found.case
        if (other.campaign, other.material, other.temperature) == (
            case.campaign,
            case.material,
            case.temperature,
        ):
            return other
    return None


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """κ with Onsager's correction, of a case."""

    case: Case
    found: Compared | None
    raw: Compared | None
    gamma: Compared | None
    rises: Ranks
    """γ² with the diffusion coefficient of `species`."""
    species: str
    beside: Agreement
    """Of each model with its own by the direct method in one length, the direct one over it."""
    means: Interval | None
    """The mean by the direct method over that of the corrected."""
    table: str


def corrected(evidence: Evidence) -> Iterator[Corrected]:
    """Of every equilibrium case that has a correction."""
    for campaign, case in evidence.cases("emd"):
        values = case.of("corrected")
        if not values:
            continue
        other = one_length(evidence, case)
        driven = {} if other is None else other.of("direct")
        species, coefficients = diffusivities(campaign, case)
        found, of_driven = compared(values.values()), compared(driven.values())
        pairs = [(values[m].kappa, driven[m].kappa) for m in values if m in driven]
        gammas = [_mean(one.parts.get("gamma_squared")) for one in values.values()]
        means = None
        if found is not None and of_driven is not None:
            means = ratio(of_driven.spread.mean, found.spread.mean)
        yield Corrected(
            case=case,
            found=found,
            raw=compared(case.of("raw").values()),
            gamma=compared(values.values(), "gamma_squared"),
            rises=ranks(gammas, [_mean(coefficients.get(model)) for model in values]),
            species=species,
            beside=agreement(pairs),
            means=means,
            table=_estimates(case, driven, coefficients, species),
        )


def _mean(found: Interval | None) -> float:
    return math.nan if found is None else found.mean


def diffusivities(campaign: Campaign, case: Case) -> tuple[str, dict[str, Interval]]:
    """The species that diffuses fastest, or else the first, and its D by model."""
    rows = campaign.rows("diffusion", case)
    known = rows[rows.diffusion.notna()]
    if known.empty:
        return (str(rows.species.iloc[0]) if len(rows) else ""), {}
    species = str(known.groupby("species").diffusion.mean().idxmax())
    mine = known[known.species == species].to_dict("records")
    return species, {row["model"]: interval(row, "diffusion") for row in mine}


def _estimates(
    case: Case, driven: dict[str, Value], coefficients: dict[str, Interval], species: str
) -> str:
    raw_values, rows = case.of("raw"), []
    for model, one in case.of("corrected").items():
        rows.append(
            (
                model,
                "yes" if one.trusted else "no",
                value(raw_values[model].kappa) if model in raw_values else "–",
                value(one.kappa),
                value(driven[model].kappa) if model in driven else "–",
                value(one.parts.get("gamma_squared")),
                value(coefficients.get(model)),
            )
        )
    headings = ("model", "converged", "raw", "corrected", "direct", "γ²", f"D({species})")
    return table(headings, rows, words=2)


def beside_the_papers(evidence: Evidence) -> str:
    """κ of the papers and of these campaigns, in W/m/K."""
    rows: list[tuple[str, ...]] = []
    for one in REFERENCES:
        cases = [case for _, case in evidence.cases("emd") if case.paper is one]
        driven = [found for found in direct(evidence) if found.case.paper is one]
        rows += _beside(one, cases, driven)
    headings = ("material", "κ by", "papers", "here, mean over models", "least to most", "models")
    return table((*headings, "converged"), rows, words=3)


def _beside(paper: Reference, cases: list[Case], driven: list[Direct]) -> Iterator[tuple[str, ...]]:
    title = f"{NAMES[paper.system]}, {number_text(paper.temperature)} K"
    lines: list[tuple[str, str, Compared | None]] = []
    for case in cases:
        lines.append(("Green–Kubo, raw", paper.equilibrium, compared(case.of("raw").values())))
        corrections = compared(case.of("corrected").values())
        lines.append(("Green–Kubo, corrected", "–", corrections))
    for found in driven:
        name = f"direct, cell of {2 * found.nanometres:.3g} nm"
        lines.append((name, paper.direct, found.found))
        if found.extrapolated:
            lines.append(("direct, L → ∞", paper.direct, found.infinite))
    if not lines:
        lines = [("Green–Kubo", paper.equilibrium, None), ("direct", paper.direct, None)]
    for name, there, here in lines:
        yield (title, name, there, *_summary(here))
    yield (title, "experiment", paper.experiment, "–", "–", "–", "–")


def _summary(found: Compared | None) -> tuple[str, ...]:
    if found is None:
        return ("not run", "–", "0", "0")
    ends = between(found.least[1].mean, found.most[1].mean, 2)
    return value(found.spread.mean), ends, str(found.models), str(found.converged)
