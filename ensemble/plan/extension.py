"""What some groups of runs are to have beyond what their study asks for.

Runs of a study that differ in their seeds alone are a group: κ is made from them together. What a
study asks for, all its groups have. With ``[convergence]`` a group that does not know κ well enough
is given more, seeds or sampling time, and the others are not: that is its `Extension`.

Extensions are kept in the metadata of the store, beside the labels of the axes (`ensemble.store`):
there is one truth, put in place whole, about which runs there are to be. They only ever grow, but
for the sampling time, which is what the last launch asked for, as it is of whole studies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol

from ensemble.plan.recipe import Cells

__all__ = [
    "NOTHING",
    "Extension",
    "Extensions",
    "GroupKey",
    "Member",
    "extensions_as_json",
    "extensions_from_json",
    "group_of",
    "merge_extensions",
    "next_seeds",
]

GroupKey = tuple[str, float, Cells]
"""Model, temperature and supercell: what the runs of a group have in common."""


class Member(Protocol):
    """A run, or a group of them."""

    @property
    def model(self) -> str: ...
    @property
    def temperature(self) -> float: ...
    @property
    def supercell(self) -> Cells: ...


@dataclass(frozen=True, kw_only=True)
class Extension:
    """What a group is to have beyond what its study asks for."""

    seeds: tuple[int, ...] = ()
    """Besides those of the study."""
    segments: int = 0
    """Of sampling, in all; counts where it is more than what the study asks for."""


NOTHING = Extension()

Extensions = Mapping[GroupKey, Extension]
"""Of a study, by group; those that have none are not there."""


def group_of(member: Member) -> GroupKey:
    """The group of a run."""
    return member.model, member.temperature, member.supercell


def merge_extensions(before: Extensions, now: Extensions) -> dict[GroupKey, Extension]:
    """The seeds of both, and the time of the second."""
    found = {}
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key, NOTHING), now.get(key, NOTHING)
        seeds = tuple(dict.fromkeys((*old.seeds, *new.seeds)))
        found[key] = Extension(seeds=seeds, segments=new.segments)
    return {key: extension for key, extension in found.items() if extension != NOTHING}


def next_seeds(known: Iterable[int], count: int) -> tuple[int, ...]:
    """So many seeds that are not known yet: the next numbers behind the largest that is."""
    from ensemble.campaign.types import MAX_SEED  # here, since results do without it

    taken = set(known)
    behind = max(taken, default=0) + 1
    numbers = chain(range(behind, MAX_SEED + 1), range(1, behind))
    return tuple(islice((number for number in numbers if number not in taken), count))


def extensions_as_json(extensions: Extensions) -> list[dict[str, Any]]:
    """In JSON's types."""
    return [
        {
            "model": model,
            "temperature": temperature,
            "supercell": list(cells),
            "seeds": list(extension.seeds),
            "segments": extension.segments,
        }
        for (model, temperature, cells), extension in extensions.items()
    ]


def extensions_from_json(tables: Iterable[Mapping[str, Any]]) -> dict[GroupKey, Extension]:
    """Back from `extensions_as_json`."""
    return dict(map(_pair, tables))


def _pair(table: Mapping[str, Any]) -> tuple[GroupKey, Extension]:
    x, y, z = table["supercell"]
    extension = Extension(seeds=tuple(table["seeds"]), segments=table["segments"])
    return (table["model"], float(table["temperature"]), (x, y, z)), extension
