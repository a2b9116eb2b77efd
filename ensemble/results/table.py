"""κ of every group of runs as a tidy table: a row for each estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from ensemble.plan.recipe import cells_text
from ensemble.reduction.intervals import Interval
from ensemble.results.findings import Diffusivity, Finding, Reduced
from ensemble.results.groups import Group
from ensemble.units import UnitSystem

__all__ = ["COLUMNS", "DIFFUSION_COLUMNS", "DiffusionRow", "Row", "Tables"]

Column: TypeAlias = Callable[["Row"], Any]


@dataclass(frozen=True)
class Row:
    """One estimate of κ, and the runs that it is of."""

    group: Group
    found: Finding
    system: UnitSystem

    @property
    def verdict(self) -> str:
        """``converged``, or why the value is not to be trusted, and what else is to be known."""
        against = [*self.found.problems, *filter(None, [self.group.failure])]
        return "; ".join(against) or "converged"

    @property
    def trusted(self) -> bool:
        """Whether there is a value, and nothing is known against it."""
        return not self.found.problems

    def as_dict(self) -> dict[str, Any]:
        """By the names of `COLUMNS`; None for what there is not."""
        return {name: column(self) for name, column in COLUMNS.items()}


@dataclass(frozen=True)
class DiffusionRow:
    """The diffusion coefficient of a species, and the runs that it is of."""

    group: Group
    found: Diffusivity
    system: UnitSystem

    def as_dict(self) -> dict[str, Any]:
        """By the names of `DIFFUSION_COLUMNS`."""
        return {name: column(self) for name, column in DIFFUSION_COLUMNS.items()}


@dataclass(frozen=True)
class Tables:
    """All rows of some groups."""

    kappa: tuple[Row, ...]
    diffusion: tuple[DiffusionRow, ...]
    components: tuple[Row, ...] = ()
    """Where `kappa` has a mean over x, y and z that need not be alike, and the direct method on the
    same material: κ of each, to be set beside that."""

    @classmethod
    def of(
        cls,
        found: Iterable[tuple[Group, Reduced]],
        system: UnitSystem,
        components: Iterable[tuple[Group, Reduced]] = (),
    ) -> Self:
        """From what each group was reduced to."""
        pairs = list(found)
        return cls(
            kappa=_rows(pairs, system),
            components=_rows(components, system),
            diffusion=tuple(
                DiffusionRow(of, one, system) for of, reduced in pairs for one in reduced.diffusion
            ),
        )


def _rows(found: Iterable[tuple[Group, Reduced]], system: UnitSystem) -> tuple[Row, ...]:
    return tuple(Row(of, one, system) for of, reduced in found for one in reduced.findings)


def _interval(name: str, of: Callable[[Any], Interval | None]) -> dict[str, Callable[[Any], Any]]:
    """Two columns: a mean, and the half-width of its interval."""

    def part(attribute: str) -> Callable[[Any], Any]:
        def column(row: Any) -> Any:
            interval = of(row)
            return None if interval is None else getattr(interval, attribute)

        return column

    return {name: part("mean"), f"{name}_half_width": part("half_width")}


def _end(number: int) -> Callable[[Any], float | None]:
    return lambda row: None if row.found.window is None else row.found.window[number]


_GROUP: dict[str, Callable[[Any], Any]] = {
    "study": lambda row: row.group.study,
    "method": lambda row: row.group.method,
    "material": lambda row: row.group.material,
    "model": lambda row: row.group.model,
    "temperature": lambda row: row.group.temperature,
    "supercell": lambda row: cells_text(row.group.supercell),
    "atoms": lambda row: row.group.atoms,
    "runs": lambda row: len(row.group.done),
    "runs_asked": lambda row: row.group.asked,
}

COLUMNS: dict[str, Column] = {
    **_GROUP,
    "estimate": lambda row: row.found.estimate,
    "estimator": lambda row: row.found.estimator,
    "component": lambda row: row.found.component,
    **_interval("kappa", lambda row: row.found.kappa),
    "kappa_low": lambda row: row.found.kappa.low,
    "kappa_high": lambda row: row.found.kappa.high,
    "student_half_width": lambda row: (
        None if row.found.student is None else row.found.student.half_width
    ),
    "units": lambda row: row.system.conductivity_symbol,
    "trusted": lambda row: row.trusted,
    "verdict": lambda row: row.verdict,
    "temperature_sampled": lambda row: row.found.temperature,
    "samples": lambda row: row.found.kappa.samples,
    **_interval("gamma_squared", lambda row: row.found.gamma_squared),
    **_interval("convective", lambda row: row.found.convective),
    **_interval("conductive", lambda row: row.found.conductive),
    **_interval("cross", lambda row: row.found.cross),
    "window_start": _end(0),
    "window_end": _end(1),
    "cutoff": lambda row: row.found.cutoff,
    "correlation_time": lambda row: row.found.correlation_time,
    "length": lambda row: row.found.length,
    **_interval("swap_flux", lambda row: row.found.swap_flux),
    **_interval("slab_flux", lambda row: row.found.slab_flux),
}
"""Of `Row.as_dict`. What they are says `ensemble.results.findings.Finding`."""

DIFFUSION_COLUMNS: dict[str, Callable[[Any], Any]] = {
    **_GROUP,
    "species": lambda row: row.found.species,
    **_interval("diffusion", lambda row: row.found.coefficient),
    "upper_limit": lambda row: row.found.upper_limit,
    "units": lambda row: row.system.diffusivity_symbol,
    **_interval("exponent", lambda row: row.found.exponent),
    "window_start": _end(0),
    "window_end": _end(1),
    "problem": lambda row: row.found.problem,
}
"""Of `DiffusionRow.as_dict`. What they are says `ensemble.results.findings.Diffusivity`."""
