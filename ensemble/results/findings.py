"""What the reduction of a group of runs gives, in memory and in JSON's types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from ensemble.reduction.intervals import Interval

__all__ = ["Diffusivity", "Estimated", "Finding", "Reduced"]

Estimated = Literal["raw", "corrected", "direct"]
"""Green–Kubo without and with Onsager's correction, the direct method."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One estimate of κ. Times are in ps, frequencies in THz, under ``lj`` in τ and 1/τ."""

    estimate: Estimated
    kappa: Interval
    """nan where there is none; the half-width is infinite where nothing is known of it."""
    estimator: str
    """``spectrum``, ``window``, ``cepstral`` or ``direct``."""
    component: str | None = None
    """``x``, ``y`` or ``z``; None of their mean."""
    student: Interval | None = None
    """`kappa` with the interval of Student's t, where it is by another one."""
    window: tuple[float, float] | None = None
    """Where a running integral was averaged."""
    cutoff: float | None = None
    """Frequency up to which a spectrum was used."""
    correlation_time: float | None = None
    temperature: float | None = None
    """That the runs had, on the average."""
    gamma_squared: Interval | None = None
    """1 − corrected / raw."""
    convective: Interval | None = None
    conductive: Interval | None = None
    cross: Interval | None = None
    """The parts of a raw κ; they add up to it."""
    length: float | None = None
    """Of the direct method: distance of the exchange layers."""
    swap_flux: Interval | None = None
    """Of the direct method: exchanged energy over twice the area and the time."""
    slab_flux: Interval | None = None
    """The heat flux in the legs; it has to agree with `swap_flux`."""
    problems: tuple[str, ...] = ()
    """Why `kappa` is not to be trusted; empty where nothing is known against it."""


@dataclass(frozen=True, kw_only=True)
class Diffusivity:
    """The diffusion coefficient of a species."""

    species: str
    coefficient: Interval
    """nan where its atoms do not diffuse."""
    upper_limit: float
    exponent: Interval
    """Of time in the mean square displacement: 1 where atoms diffuse."""
    window: tuple[float, float]
    """The lags that the slope is of; in ps, under ``lj`` in τ."""
    problem: str = ""
    """Why there is no coefficient."""


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """All that comes out of a group of runs."""

    findings: tuple[Finding, ...]
    diffusion: tuple[Diffusivity, ...] = ()
    passing: bool = False
    """Whether it may come out otherwise though nothing is changed: a file could not be read."""

    @classmethod
    def failed(
        cls, estimate: Estimated, estimator: str, problem: str, *, passing: bool = False
    ) -> Self:
        """Nothing, and why."""
        return cls(
            findings=(
                Finding(
                    estimate=estimate,
                    kappa=Interval(mean=math.nan, half_width=math.inf, samples=0),
                    estimator=estimator,
                    problems=(problem,),
                ),
            ),
            passing=passing,
        )

    def as_json(self) -> dict[str, Any]:
        """In JSON's types; for what is to stay, so `passing` is not in it."""
        return {
            "findings": [_table(finding) for finding in self.findings],
            "diffusion": [_table(one) for one in self.diffusion],
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Back from `as_json`.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else.
        """
        return cls(
            findings=tuple(Finding(**_values(one)) for one in table["findings"]),
            diffusion=tuple(Diffusivity(**_values(one)) for one in table["diffusion"]),
        )


def _table(found: Finding | Diffusivity) -> dict[str, Any]:
    """Without what is not known."""
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    return vars(value) if isinstance(value, Interval) else value


def _values(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in table.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return Interval(**value)
    return tuple(value) if isinstance(value, list) else value
