"""Which κ to trust, and why: sentences that are put together from the numbers of a table.

One for each material and temperature of each equilibrium study and supercell, over its models, next
to the direct method on the same material at the same temperature.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from ensemble.plan.recipe import Cells, Method, cells_text, number_text
from ensemble.reduction.spread import ModelSpread
from ensemble.results.comparison import Comparison, Components, Models, by_kind, groups
from ensemble.results.lengths import by_direct
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["advice"]

UNCOUPLED = 0.1
"""γ², below which the raw κ and the corrected one are the same for all that matters."""


def advice(rows: Sequence[Row], components: Sequence[Row] = ()) -> list[str]:
    """Which number to trust for each material and temperature, and why.

    Parameters
    ----------
    rows
        Of a table without components, in the order of the store.
    components
        The same by component, of crystals that are not cubic: there the direct method tells κ along
        its axis, and not the mean.
    """
    along = Components(components)
    sentences = []
    for alike in groups(rows, lambda row: (row.group.material, row.group.temperature)):
        direct = Models(rows=tuple(by_direct(alike)))
        equilibrium, rerun = (
            list(groups(_by_method(alike, method), _study_and_cells)) for method in ("emd", "rerun")
        )
        sentences += [_of_equilibrium(of, direct, along) for of in equilibrium]
        if direct.rows and not equilibrium:
            sentences += _of_direct(direct)
        sentences += map(_of_rerun, rerun)
    return sentences


def _by_method(rows: Iterable[Row], method: Method) -> list[Row]:
    return [row for row in rows if row.group.method == method]


def _study_and_cells(row: Row) -> tuple[str, Cells]:
    return row.group.study, row.group.supercell


def _of_equilibrium(rows: Sequence[Row], direct: Models, along: Components) -> str:
    best = Models(rows=tuple(_best(rows)))
    subject = _of_study(rows[0])
    both = Comparison.of(best, direct, along)
    doubts = "".join(f", but {doubt}" for doubt in _doubts(both))
    if not best.trusted:
        # A mean over x, y and z is not, where these differ; each of them may be.
        instead = [*_agreement(both), *([_instead(direct)] if direct.trusted else [])]
        words = "; ".join([best.objections, *instead])
        return f"{subject}: no Green–Kubo κ to trust: {words}{doubts}."
    trusted = Models(rows=tuple(best.trusted))
    raw, corrected = (_of_models(rows, trusted, estimate) for estimate in ("raw", "corrected"))
    name = "Onsager-corrected Green–Kubo" if corrected.rows else "Green–Kubo"
    reasons = [*_coupling(corrected), *_models(raw, corrected), *_beside(direct, both)]
    if len(trusted.rows) < len(best.rows):
        reasons.append(f"not to be trusted: {best.objections}")
    because = f": {'; '.join(reasons)}" if reasons else ""
    mean = "" if rows[0].group.cubic else ", of x, y and z the mean"
    return f"{subject}: trust the {name} κ{mean}, {trusted.value_of_each}{because}{doubts}."


def _of_rerun(rows: Sequence[Row]) -> str:
    """No κ of these is that of a material: forces are of one model, energies of another."""
    subject = _of_study(rows[0])
    raw = Models(rows=tuple(row for row in rows if row.found.estimate == "raw"))
    trusted = sorted(raw.trusted, key=lambda row: row.found.kappa.mean)
    if not trusted:
        return f"{subject}: how arbitrary the raw κ is cannot be told: {raw.objections}."
    if len(trusted) == 1:
        value = Models(rows=tuple(trusted)).value
        return f"{subject}: with its energies on the trajectory of one model, the raw κ is {value}."
    ends = " to ".join(
        f"{interval_text(row.found.kappa)} ({row.group.model})" for row in (trusted[0], trusted[-1])
    )
    return (
        f"{subject}: with the energies of {len(trusted)} models on the trajectory of one, the raw"
        f" κ is {ends} {rows[0].system.conductivity_symbol}: how arbitrary it is."
    )


def _of_models(rows: Iterable[Row], others: Models, estimate: str) -> Models:
    """An estimate of those models that others are of."""
    names = {row.group.model for row in others.rows}
    return Models(
        rows=tuple(r for r in rows if r.found.estimate == estimate and r.group.model in names)
    )


def _of_direct(direct: Models) -> Iterator[str]:
    """A sentence for infinite length, and one for cells as they are."""
    subject = _subject(direct.rows[0])
    if not direct.trusted:
        yield f"{subject}: no κ to trust: {direct.objections}."
    for trusted in by_kind(direct.trusted):
        reasons = [trusted.cells]
        if len(trusted.rows) > 1:
            reasons.append(f"the models {_differ(trusted.spread)}")
        value = trusted.value_of_each
        yield f"{subject}: trust κ of the direct method, {value}: {'; '.join(reasons)}."
    if direct.trusted and direct.objections:
        yield f"{subject}: κ of the direct method not to be trusted: {direct.objections}."


def _best(rows: Iterable[Row]) -> Iterator[Row]:
    """Of each model the corrected κ where there is one: it is the same in every gauge."""
    for members in groups(rows, lambda row: row.group.model):
        yield members[-1]


def _subject(row: Row) -> str:
    unit = row.system.temperature_symbol
    return f"{row.group.material} at {number_text(row.group.temperature)} {unit}"


def _of_study(row: Row) -> str:
    return f"{_subject(row)}, {row.group.study} {cells_text(row.group.supercell)}"


def _coupling(corrected: Models) -> Iterator[str]:
    """How much the heat current is coupled to those of the species."""
    known = [row.found.gamma_squared for row in corrected.rows]
    found = [g for g in known if g is not None and math.isfinite(g.mean)]
    if not found:
        return
    if coupled := [g for g in found if g.low > 0]:
        largest = max(coupled, key=lambda g: g.mean)
        several = "up to " if len(found) > 1 else ""
        yield (
            f"heat and atoms flow together, γ² is {several}{interval_text(largest)}, "
            "so the raw κ holds site energies, which are arbitrary"
        )
        return
    below = f"γ² is below {min(max(g.high for g in found), 1.0):.2g}"
    if max(g.high for g in found) <= UNCOUPLED:
        yield f"no coupling of heat and atoms is seen, {below}, and the raw κ is the same"
    else:
        yield f"whether heat and atoms are coupled is not known, {below}"


def _models(raw: Models, corrected: Models) -> Iterator[str]:
    """Whether the models differ beyond their errors."""
    before, after = raw.spread, corrected.spread
    if before is None or before.models < 2:
        return
    if after is None or after.models < 2:
        yield f"the models {_differ(before)}"
    elif before.significant == after.significant:
        verb = "differ beyond" if after.significant else "agree within"
        raw_p, p = before.p_value, after.p_value
        yield f"the models {verb} their errors (p = {p:.2g}, of the raw values {raw_p:.2g})"
    else:
        yield f"raw values of the models {_differ(before)}, but corrected ones {_differ(after)}"


def _differ(spread: ModelSpread | None) -> str:
    if spread is None or spread.models < 2:
        return "cannot be compared"
    if spread.significant:
        return f"differ beyond their errors (p = {spread.p_value:.2g})"
    return f"agree within their errors (p = {spread.p_value:.2g})"


def _beside(direct: Models, both: Comparison) -> Iterator[str]:
    """Where the direct method says the same, or nothing."""
    if not direct.rows:
        return
    if not direct.trusted:
        yield f"the direct method does not help: {direct.objections}"
    elif not any(both.by_kind()):
        yield f"the direct method does not help: {_why_not_compared(direct, both)}"
    yield from _agreement(both)


def _agreement(both: Comparison) -> Iterator[str]:
    for one in both.by_kind():
        if not one.part(agree=False).pairs:
            yield f"the direct method agrees, {one}"


def _why_not_compared(direct: Models, both: Comparison) -> str:
    direction = direct.trusted[0].group.direction
    if both.pairs and direction:
        return f"along {direction} there is no Green–Kubo κ to trust: {both.equilibrium.objections}"
    models = Models(rows=tuple(direct.trusted)).names
    return f"what it has to trust is of other models ({models})"


def _doubts(both: Comparison) -> Iterator[str]:
    """Where the direct method says something else."""
    for one in both.by_kind():
        same, other = one.part(agree=True), one.part(agree=False)
        if not other.pairs:
            continue
        wrong = "one of the two is wrong"
        if other.direct.rows[0].found.length != math.inf:
            wrong += ", or the cell too short"
        if not same.pairs:
            yield f"the direct method does not agree ({other}): {wrong}"
            continue
        yield (
            f"the direct method {one.direct.cells} agrees for {len(same.pairs)} of "
            f"{len(one.pairs)}: {same.direct.names}; not for {other.direct.names}: {wrong}"
        )


def _instead(direct: Models) -> str:
    return "; ".join(
        f"trust the direct method instead, {of.value_of_each} {of.cells}"
        for of in by_kind(direct.trusted)
    )
