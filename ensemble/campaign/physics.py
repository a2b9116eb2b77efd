"""What decides the numbers of a run, and how two campaigns differ in it.

Left out is what may grow under an existing store (which models, temperatures, supercells, seeds,
and how long is sampled), what only says how the runs are done (engine, cluster) or watched (host),
what is done with the series afterwards (window, convergence), and what was measured (experiment).
Files count by their contents and not by their names: the planner adds the hashes of potentials and
structures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ensemble.campaign.errors import show

if TYPE_CHECKING:
    from ensemble.campaign.schema import Campaign

GROWING = {"models", "temperatures", "supercells", "seeds"}
FILES: dict[str, Any] = {"files": True, "structure": True}
NOT_OF_A_RUN = {"name", "engine", "window"}
NOT_OF_A_MATERIAL: dict[str, Any] = {"host": True}

LATER = {"virial": "centroid"}
"""Keys that stores of earlier versions do not have, and what their runs were made with."""

ABSENT = object()
"""In place of a value that one side does not have."""


def physics_of(campaign: Campaign) -> dict[str, Any]:
    """What decides the numbers of every run, in JSON's types and with all defaults filled in.

    Returns
    -------
    dict
        ``units``; ``material``, ``models`` and ``study`` by name, as in the campaign file.
    """
    models = campaign.models.model_dump(mode="json", exclude=FILES | {"model": {"__all__": FILES}})
    if "model" in models:
        models["model"] = {model.pop("name"): model for model in models["model"]}
    materials = {
        name: material.model_dump(mode="json", exclude=FILES | NOT_OF_A_MATERIAL)
        for name, material in campaign.materials.items()
    }
    studies = {}
    for study in campaign.studies:
        table = study.model_dump(mode="json", exclude=GROWING | NOT_OF_A_RUN)
        table.get("sample", {}).pop("time", None)
        studies[study.name] = table
    return {
        "units": campaign.units,
        "material": materials,
        "models": models,
        "study": studies,
    }


@dataclass(frozen=True)
class Difference:
    """One key in which two campaigns differ."""

    path: tuple[str, ...]
    """The keys that lead to it."""

    before: Any
    """What the first has there, or `ABSENT`."""

    after: Any
    """What the second has there, or `ABSENT`."""

    @property
    def key(self) -> str:
        """Dotted, as in TOML."""
        return ".".join(self.path)

    @property
    def harmless(self) -> bool:
        """Whether a whole material, model or study came or went: the runs of the others stand."""
        entry = len(self.path) == (3 if self.path[:2] == ("models", "model") else 2)
        named = self.path[0] in ("material", "study") or self.path[:2] == ("models", "model")
        return entry and named and (self.before is ABSENT or self.after is ABSENT)

    def __str__(self) -> str:
        before, after = ("nothing" if x is ABSENT else show(x) for x in (self.before, self.after))
        return f"{self.key}: was {before}, is now {after}"


def diff_physics(before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    """Every key in which two results of `physics_of` differ, in the order of the first."""
    return tuple(_differences((), before, after))


def _differences(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before | after:
            was, now = (side.get(key, LATER.get(key, ABSENT)) for side in (before, after))
            yield from _differences((*path, key), was, now)
    elif before is ABSENT or after is ABSENT or before != after:
        yield Difference(path, before, after)
