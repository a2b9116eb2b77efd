"""All that the page shows, as JSON. Names and units are those of `ensemble.dashboard.news`."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ensemble.dashboard.news import (
    GroupKey,
    Layout,
    Picture,
    StudyLayout,
)
from ensemble.dashboard.runs import STATES

__all__ = ["as_json"]


def as_json(picture: Picture) -> bytes:
    """In JSON; what is not known is null."""
    layout = picture.layout
    table: dict[str, Any] = {"problem": picture.problem or None}
    if layout is not None and picture.totals is not None:
        studies = {study.name: study for study in layout.studies}
        groups = _Groups(studies)
        totals = vars(picture.totals) | {"costs": [vars(cost) for cost in picture.totals.costs]}
        table |= {
            "campaign": layout.campaign,
            "store": layout.store,
            "units": {
                "conductivity": layout.conductivity,
                "time": layout.time,
                "speed": layout.speed,
                "length": layout.length,
                "temperature": layout.temperature,
            },
            "totals": totals,
            "runs": list(_runs(layout, picture)),
            "kappa": [groups.label(k.group) | _without_group(k) for k in picture.kappas],
            "curves": [groups.label(c.group) | _without_group(c) for c in picture.curves.values()],
            "profiles": [
                groups.label(p.group) | _without_group(p) for p in picture.profiles.values()
            ],
            "failures": [vars(failure) for failure in picture.failures],
        }
    return json.dumps(_plain(table), allow_nan=False).encode()


class _Groups:
    def __init__(self, studies: dict[str, StudyLayout]) -> None:
        self._studies = studies

    def label(self, group: GroupKey) -> dict[str, Any]:
        """Whose numbers these are."""
        name, model, temperature, supercell = group
        study = self._studies[name]
        return {
            "study": name,
            "model": study.models[model],
            "temperature": study.temperatures[temperature],
            "supercell": study.supercells[supercell],
        }


def _without_group(found: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(found).items() if name != "group"}


def _runs(layout: Layout, picture: Picture) -> Any:
    columns = {name: values.tolist() for name, values in picture.values.items()}
    columns["state"] = [str(STATES[number]) for number in columns["state"]]
    studies = [study.name for study in layout.studies for _ in study.places]
    rows = zip(*columns.values(), strict=True)
    for study, run, values in zip(studies, layout.names, rows, strict=True):
        yield {"study": study, "run": run} | dict(zip(columns, values, strict=True))


def _plain(value: Any) -> Any:
    """In JSON's types."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
