"""Which κ to trust, and why: sentences that are put together from the numbers of a table.

One for each material and temperature of each equilibrium study and supercell, over its models, next
to the direct method on the same material at the same temperature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ensemble.plan.recipe import Cells, Method, cells_text, number_text
from ensemble.reduction.intervals import Interval
from ensemble.reduction.spread import ModelSpread, model_spread
from ensemble.results.lengths import by_direct
from ensemble.results.table import Row
from ensemble.units import UnitSystem

__all__ = ["advice", "interval_text"]

UNCOUPLED = 0.1
"""γ², below which the raw κ and the corrected one are the same for all that matters."""

LOPSIDED = 1.25
"""How much farther away one end of an interval may be for ± to do for both."""


@dataclass(frozen=True, kw_only=True)
class _Models:
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

    def objections(self) -> str:
        """What is known against the values, and of which models."""
        return _objections(self.rows)


def advice(rows: Sequence[Row]) -> list[str]:
    """Which number to trust for each material and temperature, and why.

    Parameters
    ----------
    rows
        Of a table without components, in the order of the store.
    """
    sentences = []
    for alike in _groups(rows, lambda row: (row.group.material, row.group.temperature)):
        direct = _Models(rows=tuple(by_direct(alike)))
        equilibrium, rerun = (
            list(_groups(_by_method(alike, method), _study_and_cells))
            for method in ("emd", "rerun")
        )
        sentences += [_of_equilibrium(of, direct) for of in equilibrium]
        if direct.rows and not equilibrium:
            sentences += _of_direct(direct)
        sentences += map(_of_rerun, rerun)
    return sentences


def _by_method(rows: Iterable[Row], method: Method) -> list[Row]:
    return [row for row in rows if row.group.method == method]


def _study_and_cells(row: Row) -> tuple[str, Cells]:
    return row.group.study, row.group.supercell


def _groups(rows: Iterable[Row], key: Callable[[Row], Any]) -> Iterator[list[Row]]:
    """Rows that have a key in common, in the order of their first ones."""
    places: dict[Any, int] = {}
    ordered = sorted(rows, key=lambda row: places.setdefault(key(row), len(places)))
    return (list(members) for _, members in groupby(ordered, key))


def _of_equilibrium(rows: Sequence[Row], direct: _Models) -> str:
    best = _Models(rows=tuple(_best(rows)))
    subject = _of_study(rows[0])
    if not best.trusted:
        instead = f"; {_instead(direct)}" if direct.trusted else ""
        return f"{subject}: no Green–Kubo κ to trust: {best.objections()}{instead}."
    trusted = _Models(rows=tuple(best.trusted))
    raw, corrected = (_of_models(rows, trusted, estimate) for estimate in ("raw", "corrected"))
    name = "Onsager-corrected Green–Kubo" if corrected.rows else "Green–Kubo"
    reasons = [*_coupling(corrected), *_models(raw, corrected), *_beside(trusted, direct)]
    if len(trusted.rows) < len(best.rows):
        reasons.append(f"not to be trusted: {best.objections()}")
    because = f": {'; '.join(reasons)}" if reasons else ""
    doubts = "".join(f", but {doubt}" for doubt in _doubts(trusted, direct))
    return f"{subject}: trust the {name} κ, {_value_of_each(trusted)}{because}{doubts}."


def _of_rerun(rows: Sequence[Row]) -> str:
    """No κ of these is that of a material: forces are of one model, energies of another."""
    subject = _of_study(rows[0])
    raw = _Models(rows=tuple(row for row in rows if row.found.estimate == "raw"))
    trusted = sorted(raw.trusted, key=lambda row: row.found.kappa.mean)
    if not trusted:
        return f"{subject}: how arbitrary the raw κ is cannot be told: {raw.objections()}."
    if len(trusted) == 1:
        value = _value(_Models(rows=tuple(trusted)))
        return f"{subject}: with its energies on the trajectory of one model, the raw κ is {value}."
    ends = " to ".join(
        f"{interval_text(row.found.kappa)} ({row.group.model})" for row in (trusted[0], trusted[-1])
    )
    return (
        f"{subject}: with the energies of {len(trusted)} models on the trajectory of one, the raw"
        f" κ is {ends} {rows[0].system.conductivity_symbol}: how arbitrary it is."
    )


def _of_models(rows: Iterable[Row], others: _Models, estimate: str) -> _Models:
    """An estimate of those models that others are of."""
    names = {row.group.model for row in others.rows}
    return _Models(
        rows=tuple(r for r in rows if r.found.estimate == estimate and r.group.model in names)
    )


def _value_of_each(models: _Models) -> str:
    """The mean, unless the models differ: then it is that of no material."""
    spread = models.spread
    if spread is not None and spread.models > 1 and spread.significant:
        return f"each model by itself, their mean is {_value(models)}"
    return _value(models)


def _of_direct(direct: _Models) -> Iterator[str]:
    """A sentence for infinite length, and one for cells as they are."""
    subject = _subject(direct.rows[0])
    if not direct.trusted:
        yield f"{subject}: no κ to trust: {direct.objections()}."
    for trusted in _by_length(direct.trusted):
        reasons = [_cells(trusted)]
        if len(trusted.rows) > 1:
            reasons.append(f"the models {_differ(trusted.spread)}")
        value = _value_of_each(trusted)
        yield f"{subject}: trust κ of the direct method, {value}: {'; '.join(reasons)}."
    if direct.trusted and direct.objections():
        yield f"{subject}: κ of the direct method not to be trusted: {direct.objections()}."


def _by_length(direct: Sequence[Row]) -> Iterator[_Models]:
    """κ for infinite length, and κ of finite cells: these two are not of one kind."""
    for rows in _groups(direct, lambda row: row.found.length == math.inf):
        yield _Models(rows=tuple(rows))


def _best(rows: Iterable[Row]) -> Iterator[Row]:
    """Of each model the corrected κ where there is one: it is the same in every gauge."""
    for members in _groups(rows, lambda row: row.group.model):
        yield members[-1]


def _subject(row: Row) -> str:
    unit = row.system.temperature_symbol
    return f"{row.group.material} at {number_text(row.group.temperature)} {unit}"


def _of_study(row: Row) -> str:
    return f"{_subject(row)}, {row.group.study} {cells_text(row.group.supercell)}"


def _value(models: _Models) -> str:
    """The mean over the models, and how many they are."""
    unit, spread = models.rows[0].system.conductivity_symbol, models.spread
    if spread is None:
        one = models.rows[0]
        return f"{interval_text(one.found.kappa)} {unit} ({one.group.model})"
    if spread.models == 1:
        return f"{interval_text(spread.mean)} {unit} ({models.rows[0].group.model})"
    return f"{interval_text(spread.mean)} {unit} over {spread.models} models"


def _coupling(corrected: _Models) -> Iterator[str]:
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


def _models(raw: _Models, corrected: _Models) -> Iterator[str]:
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


def _beside(trusted: _Models, direct: _Models) -> Iterator[str]:
    """Where the direct method says the same, or nothing."""
    if not direct.rows:
        return
    compared = list(_compared(trusted, direct))
    if not direct.trusted:
        yield f"the direct method does not help: {direct.objections()}"
    elif not compared:
        models = _names(_Models(rows=tuple(direct.trusted)))
        yield f"the direct method does not help: what it has to trust is of other models ({models})"
    for same, other in compared:
        if not other.rows:
            yield f"the direct method agrees, {_value_of_each(same)} {_cells(same)}"


def _doubts(trusted: _Models, direct: _Models) -> Iterator[str]:
    """Where the direct method says something else."""
    for same, other in _compared(trusted, direct):
        if not other.rows:
            continue
        wrong = "one of the two is wrong"
        if other.rows[0].found.length != math.inf:
            wrong += ", or the cell too short"
        if not same.rows:
            value = f"{_value_of_each(other)} {_cells(other)}"
            yield f"the direct method does not agree ({value}): {wrong}"
            continue
        both = _Models(rows=same.rows + other.rows)
        yield (
            f"the direct method {_cells(both)} agrees for {len(same.rows)} of {len(both.rows)}: "
            f"{_names(same)}; not for {_names(other)}: {wrong}"
        )


def _compared(trusted: _Models, direct: _Models) -> Iterator[tuple[_Models, _Models]]:
    """The direct method, where it agrees and where not, model by model: one mean over models that
    are not the same on both sides would compare the models, not the methods.
    """
    mine = {row.group.model: row.found.kappa for row in trusted.rows}
    common = [row for row in direct.trusted if row.group.model in mine]
    for of in _by_length(common):
        agrees = [mine[row.group.model].agrees_with(row.found.kappa) for row in of.rows]
        same, other = (
            _Models(rows=tuple(row for row, yes in zip(of.rows, agrees, strict=True) if yes == so))
            for so in (True, False)
        )
        yield same, other


def _names(models: _Models) -> str:
    return ", ".join(row.group.model for row in models.rows)


def _instead(direct: _Models) -> str:
    return "; ".join(
        f"trust the direct method instead, {_value_of_each(of)} {_cells(of)}"
        for of in _by_length(direct.trusted)
    )


def _cells(direct: _Models) -> str:
    """How far apart the exchange layers are."""
    system: UnitSystem = direct.rows[0].system
    lengths = {round(row.found.length, 1) for row in direct.rows if row.found.length is not None}
    if lengths == {math.inf}:
        return "for infinite length"
    return (
        f"with {' and '.join(f'{x:g}' for x in sorted(lengths))} {system.length_symbol} of crystal"
    )


def _objections(rows: Iterable[Row]) -> str:
    """What is known against the values, the models of each objection together."""
    models: dict[str, list[str]] = {}
    for row in rows:
        for problem in row.found.problems:
            models.setdefault(problem, []).append(row.group.model)
    return "; ".join(f"{problem} ({', '.join(of)})" for problem, of in models.items())


def _has_error(interval: Interval) -> bool:
    return math.isfinite(interval.mean) and 0 < interval.half_width < math.inf


def interval_text(interval: Interval) -> str:
    """A mean and the ends of its interval: ``0.438 ± 0.021``, or ``0.40 −0.10 +0.19`` where one end
    is notably farther away; to two digits of half of the width.

    A width that is not known is a ``?``, a mean that is not there a dash.
    """
    mean, half_width = interval.mean, interval.half_width
    if not math.isfinite(mean):
        return "–"
    if not math.isfinite(half_width) or half_width == 0:
        return f"{mean:.3g}" + (" ± ?" if half_width else "")
    power = math.floor(math.log10(max(abs(mean), half_width)))
    if not -4 < power < 6:
        return f"({interval_text(interval.scaled(10.0**-power))})e{power}"
    digits = max(1 - math.floor(math.log10(half_width)), 0)
    down, up = mean - interval.low, interval.high - mean
    if max(down, up) > LOPSIDED * min(down, up):
        return f"{mean:.{digits}f} −{down:.{digits}f} +{up:.{digits}f}"
    return f"{mean:.{digits}f} ± {half_width:.{digits}f}"
