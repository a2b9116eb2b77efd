"""How κ is asked for, and what follows for a study."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Literal, get_args

from ensemble.store.info import StoreInfo

__all__ = ["ESTIMATORS", "Estimator", "Settings", "Way", "ways"]

Estimator = Literal["spectrum", "window", "cepstral"]
"""Of Green–Kubo; see `ensemble.reduction.equilibrium.green_kubo`."""

ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How κ is asked for."""

    estimator: Estimator | None = None
    """None for ``window`` in studies for which the campaign names one, else ``spectrum``."""
    components: bool = False
    """Whether each Cartesian component is asked for, instead of their mean."""

    def __post_init__(self) -> None:
        if self.estimator not in (None, *ESTIMATORS):
            raise ValueError(
                f"estimator {self.estimator!r}: must be one of {', '.join(ESTIMATORS)}"
            )


@dataclass(frozen=True, kw_only=True)
class Way:
    """How the runs of a study are reduced."""

    estimator: str
    """An `Estimator`, or ``direct``."""
    window: tuple[float, float] | None = None
    """In ps, under ``lj`` τ; None where it is found in the data, or not used."""
    components: bool = False


def ways(info: StoreInfo, settings: Settings) -> dict[str, Way]:
    """For each study of a store, those included that the last campaign no longer has."""
    windows = _windows(info)
    return {
        name: Way(estimator="direct")
        if study.method == "nemd"
        else _green_kubo(settings, windows.get(name))
        for name, study in info.studies.items()
    }


def _windows(info: StoreInfo) -> dict[str, tuple[float, float] | None]:
    """Those that the campaign names, by study.

    Its file was checked when it was launched, and its models take longer to import than to ask.
    """
    studies = tomllib.loads(info.campaign)["study"]
    named = {study["name"]: study.get("window", "auto") for study in studies}
    return {
        name: None if window == "auto" else (float(window[0]), float(window[1]))
        for name, window in named.items()
    }


def _green_kubo(settings: Settings, window: tuple[float, float] | None) -> Way:
    estimator = settings.estimator or ("spectrum" if window is None else "window")
    return Way(
        estimator=estimator,
        window=window if estimator == "window" else None,
        components=settings.components,
    )
