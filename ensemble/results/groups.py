"""Runs that differ in their seeds alone: what a κ is made from, and how some are chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Cells, Method, Run, cells_text, number_text
from ensemble.prototypes import PROTOTYPES
from ensemble.store.info import StoreInfo
from ensemble.store.ledger import History
from ensemble.store.ledger import read as read_ledger
from ensemble.store.progress import committed

if TYPE_CHECKING:
    from ensemble.campaign.types import Axis

__all__ = [
    "Group",
    "Place",
    "Selection",
    "Wanted",
    "groups_of",
    "known_labels",
    "label_text",
    "labels",
    "place_of",
]

Place: TypeAlias = tuple[int, int, int]
"""Of a group on the axes model, temperature and supercell."""

Label = TypeVar("Label", str, float)

Wanted: TypeAlias = Label | Iterable[Label] | None
"""One label, or several; None for all."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs of a study that differ in their seeds alone."""

    study: str
    method: Method
    material: str
    model: str
    temperature: float
    """Asked for."""
    supercell: Cells
    atoms: int
    place: Place
    axis: Axis | None = None
    """Along which the direct method drives heat; None in equilibrium."""
    cubic: bool = True
    """Whether κ is known to be the same along x, y and z."""
    done: tuple[tuple[Index, Run], ...]
    """The runs that are whole: no others count. What was cut off early, by a failure above all,
    would else weigh as much as the rest."""
    asked: int
    """How many runs there are to be."""
    failure: str = ""
    """What went wrong with runs that are not done; empty where nothing did."""

    @property
    def name(self) -> str:
        """Unique in its study: ``level12-T600-3x3x3``."""
        return f"{self.model}-T{number_text(self.temperature)}-{cells_text(self.supercell)}"

    @property
    def direction(self) -> Axis | None:
        """That a κ of the direct method is of; None where all are alike, and in equilibrium."""
        return None if self.cubic else self.axis


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Some of the groups of a store: those that have one of the labels of each kind."""

    studies: frozenset[str] | None = None
    """None for all, here and below."""
    methods: frozenset[str] | None = None
    models: frozenset[str] | None = None
    temperatures: frozenset[float] | None = None
    supercells: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        info: StoreInfo,
        *,
        study: Wanted[str] = None,
        method: Wanted[str] = None,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
    ) -> Selection:
        """From labels as a user gives them.

        Raises
        ------
        ValueError
            The store has no such label; the message lists those it has.
        """
        known = known_labels(info)
        return cls(
            studies=_chosen("study", study, known),
            methods=_chosen("method", method, known),
            models=_chosen("model", model, known),
            temperatures=_chosen("temperature", temperature, known),
            supercells=_chosen("supercell", supercell, known),
        )

    def has(self, study: str, run: Run) -> bool:
        """Whether a run of a study is wanted."""
        return (
            _has(self.studies, study)
            and _has(self.methods, run.method)
            and _has(self.models, run.model)
            and _has(self.temperatures, run.temperature)
            and _has(self.supercells, cells_text(run.supercell))
        )


def labels(wanted: Wanted[Label]) -> tuple[Label, ...] | None:
    """One label, or several, as a tuple; None where all are wanted."""
    if wanted is None:
        return None
    return (wanted,) if isinstance(wanted, str | float | int) else tuple(wanted)


def known_labels(info: StoreInfo) -> dict[str, tuple[Any, ...]]:
    """The labels that a store has, by what they are of."""
    studies = info.studies.values()
    axes = [study.axes for study in studies]
    found: dict[str, Iterable[Any]] = {
        "study": info.studies,
        "method": (study.method for study in studies),
        "model": (model for one in axes for model in one.models),
        "temperature": (temperature for one in axes for temperature in one.temperatures),
        "supercell": (cells_text(cells) for one in axes for cells in one.supercells),
    }
    return {kind: tuple(dict.fromkeys(labels)) for kind, labels in found.items()}


def label_text(label: str | float) -> str:
    """A label as it is typed."""
    return label if isinstance(label, str) else number_text(label)


def _chosen(
    kind: str, wanted: Wanted[Label], known: Mapping[str, Sequence[Label]]
) -> frozenset[Label] | None:
    found = labels(wanted)
    if found is None:
        return None
    for label in found:
        if label not in known[kind]:
            has = ", ".join(map(label_text, known[kind]))
            raise ValueError(f"{kind} {label!r}: the store has {has}")
    return frozenset(found)


def _has(chosen: frozenset[Label] | None, label: Label) -> bool:
    return chosen is None or label in chosen


def place_of(index: Index) -> Place:
    """The place of a run's group."""
    model, temperature, supercell, _ = index
    return model, temperature, supercell


def groups_of(info: StoreInfo, selection: Selection | None = None) -> Iterator[Group]:
    """The groups of a store, or some of them, in its order.

    Raises
    ------
    OSError
        The store cannot be listed.
    """
    chosen = selection or Selection()
    histories = read_ledger(info.paths)
    for name, study in info.studies.items():
        if not _has(chosen.studies, name):
            continue
        segments = committed(info.paths, name)
        axis, cubic = info.physics["study"][name].get("axis"), _cubic(info, study.material)
        runs = ((index, run) for index, run in info.runs(name) if chosen.has(name, run))
        for place, members in groupby(runs, key=lambda member: place_of(member[0])):
            group = list(members)
            done = [m for m in group if segments.get(m[0], 0) >= study.segments_of(m[1])]
            whole = {index for index, _ in done}
            first = group[0][1]
            yield Group(
                study=name,
                method=study.method,
                material=study.material,
                model=first.model,
                temperature=first.temperature,
                supercell=first.supercell,
                atoms=study.atoms[place[2]],
                place=place,
                axis=axis,
                cubic=cubic,
                done=tuple(done),
                asked=len(group),
                failure=_failure([run for index, run in group if index not in whole], histories),
            )


def _cubic(info: StoreInfo, material: str) -> bool:
    """Of a structure file it is not told: to look at one axis is right in any crystal."""
    prototype = info.physics["material"][material].get("prototype")
    return prototype is not None and not PROTOTYPES[prototype].hexagonal


def _failure(runs: Sequence[Run], histories: Mapping[tuple[str, str], History]) -> str:
    """What went wrong with runs that are not done."""
    found = [
        history.failure
        for run in runs
        if (history := histories.get((run.study, run.name))) is not None
        and history.failed
        and history.failure is not None
    ]
    if not found:
        return ""
    count = f"{len(found)} run{'s' if len(found) > 1 else ''} failed"
    return f"{count}: {found[0].message or found[0].cause}"
