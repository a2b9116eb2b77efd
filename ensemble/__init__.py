"""Thermal conductivity from ensembles of moment tensor potentials and molecular dynamics.

Names are imported when first used: importing the package itself costs next to nothing, which
matters because every start of ``lmp`` imports it to find the pair style.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ensemble.campaign import load_campaign
    from ensemble.cluster.launch import launch
    from ensemble.mtp.calculator import MTPCalculator
    from ensemble.results import open_results

__all__ = ["MTPCalculator", "launch", "load_campaign", "open_results"]

_HOMES = {
    "MTPCalculator": "ensemble.mtp.calculator",
    "launch": "ensemble.cluster.launch",
    "load_campaign": "ensemble.campaign",
    "open_results": "ensemble.results",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOMES))
