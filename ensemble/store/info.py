"""What a store says of itself: the attributes of its root group, read as plain JSON.

Everything is in one file, which is replaced whole: who reads it sees the store at one moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ensemble.plan.axes import Axes, Index
from ensemble.plan.extension import (
    NOTHING,
    Extension,
    Extensions,
    Member,
    extensions_as_json,
    extensions_from_json,
    group_of,
    merge_extensions,
)
from ensemble.plan.recipe import Cells, Channel, Method, Recipe, Run
from ensemble.plan.segments import Segmentation
from ensemble.store.errors import NoPlace, PhysicsChanged, StoreError, StoreMissing, StoreUnreadable
from ensemble.store.layout import StorePaths

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ensemble.campaign.types import Units

FORMAT = 1
"""Of the store. One with a higher number was made by a later version of this package."""

OPTIONAL = ("extensions", "seeds")
"""What is said of a study only where some of its groups are to have more than others."""

Fingerprints = Mapping[str, Mapping[str, str]]
"""Hashes of what is in files: ``models`` and ``structures``, each by name."""


@dataclass(frozen=True, kw_only=True)
class StudyInfo:
    """What the store has of a study."""

    method: Method
    material: str
    axes: Axes
    atoms: tuple[int, ...]
    """Of each supercell."""
    channels: tuple[Channel, ...]
    row_time: float
    """Time between two rows in the campaign file's long unit: ps, under ``lj`` τ."""
    steps_per_row: int
    rows_per_segment: int
    parts: tuple[int, ...]
    """Segments of each stage of equilibration."""
    sample_segments: int
    """Segments of sampling that the last launch asked for."""
    longest: int
    """The most that any launch asked for: the length of the time axis, in segments."""
    extensions: Extensions = field(default_factory=dict)
    """What some groups of runs are to have besides."""
    seeds: tuple[int, ...] = ()
    """That every group has, where some have more; empty where all have all of the axis."""

    @property
    def segmentation(self) -> Segmentation:
        """How a run is cut."""
        return Segmentation(rows_per_segment=self.rows_per_segment, parts=self.parts)

    @property
    def shape(self) -> tuple[int, int, int, int, int, int]:
        """Of the array of samples."""
        return *self.axes.shape, self.longest * self.rows_per_segment, len(self.channels)

    @property
    def chunks(self) -> tuple[int, int, int, int, int, int]:
        """Shape of a chunk: the rows of one segment."""
        return 1, 1, 1, 1, self.rows_per_segment, len(self.channels)

    def times(self) -> NDArray[np.float64]:
        """Of every row, from the beginning of the sampling; shape (rows,)."""
        import numpy as np  # here, since `status` does without it

        # Rounded, so that 3 × 0.05 is the label 0.15.
        return np.round(self.row_time * np.arange(1, self.shape[4] + 1), 9)

    def extension(self, member: Member) -> Extension:
        """What the group of a run is to have besides."""
        return self.extensions.get(group_of(member), NOTHING)

    def asks_for(self, run: Run) -> bool:
        """Whether there is to be a run with these labels."""
        if not self.extensions or run.seed in self.seeds:
            return True
        return run.seed in self.extension(run).seeds

    def seeds_of(self, member: Member) -> tuple[int, ...]:
        """The seeds that a group is to have."""
        if not self.extensions:
            return self.axes.seeds
        return tuple(dict.fromkeys((*self.seeds, *self.extension(member).seeds)))

    def segments_of(self, member: Member) -> int:
        """Segments of sampling that a run is to have."""
        return max(self.sample_segments, self.extension(member).segments)

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        axes: Axes,
        atoms: Mapping[tuple[str, Cells], int],
        extensions: Extensions,
    ) -> Self:
        """As planned."""
        added = [seed for one in extensions.values() for seed in one.seeds]
        longest = max((one.segments for one in extensions.values()), default=0)
        # Times in the campaign file are in fs and ps; under lj both are τ.
        steps = recipe.steps_per_row * recipe.trajectory.timestep
        return cls(
            method=recipe.study.method,
            material=recipe.material_name,
            axes=axes.merged(replace(axes, seeds=tuple(added))),
            atoms=tuple(atoms[recipe.material_name, cells] for cells in axes.supercells),
            channels=recipe.channels,
            row_time=steps if recipe.units == "lj" else steps / 1000,
            steps_per_row=recipe.steps_per_row,
            rows_per_segment=recipe.rows_per_segment,
            parts=tuple(stage.parts for stage in recipe.stages),
            sample_segments=recipe.sample_segments,
            longest=max(recipe.sample_segments, longest),
            extensions=extensions,
            seeds=axes.seeds if extensions else (),
        )

    def grown(self, plan: StudyInfo) -> StudyInfo:
        """The study with the labels of a new plan behind its own.

        Raises
        ------
        ValueError
            The plan has other segments or other channels; the message says which.
        """
        for name in (
            "method",
            "material",
            "steps_per_row",
            "rows_per_segment",
            "parts",
        ):
            before, after = getattr(self, name), getattr(plan, name)
            if before != after:
                what = name.replace("_", " ")
                raise ValueError(f"{what}: the store has {before}, the plan {after}")
        if self.channels != plan.channels:
            differ = _other_channels(self.channels, plan.channels)
            raise ValueError(
                f"channels: {differ}; another version of ensemble made the store: go on with that "
                "one, or launch into a new store (--store)"
            )
        axes = self.axes.merged(plan.axes)
        atoms = dict(zip(plan.axes.supercells, plan.atoms, strict=True))
        atoms |= dict(zip(self.axes.supercells, self.atoms, strict=True))
        extensions = merge_extensions(self.extensions, plan.extensions)
        seeds = (*(self.seeds or self.axes.seeds), *(plan.seeds or plan.axes.seeds))
        return replace(
            plan,
            axes=axes,
            atoms=tuple(atoms[cells] for cells in axes.supercells),
            longest=max(self.longest, plan.longest),
            extensions=extensions,
            seeds=tuple(dict.fromkeys(seeds)) if extensions else (),
        )

    def as_json(self) -> dict[str, Any]:
        """In JSON's types; nothing of extensions where there are none."""
        table = vars(self) | {
            "axes": self.axes.as_json(),
            "atoms": list(self.atoms),
            "channels": [[channel.name, channel.units] for channel in self.channels],
            "parts": list(self.parts),
            "extensions": extensions_as_json(self.extensions),
            "seeds": list(self.seeds),
        }
        return table if self.extensions else {n: table[n] for n in table if n not in OPTIONAL}

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Self:
        """Back from `as_json`."""
        channels = tuple(Channel(name=name, units=units) for name, units in table["channels"])
        return cls(
            **table
            | {
                "axes": Axes.from_json(table["axes"]),
                "atoms": tuple(table["atoms"]),
                "channels": channels,
                "parts": tuple(table["parts"]),
                "extensions": extensions_from_json(table.get("extensions", ())),
                "seeds": tuple(table.get("seeds", ())),
            }
        )


def _other_channels(store: Sequence[Channel], plan: Sequence[Channel]) -> str:
    """In what two lists of channels differ, in words."""
    before, after = ({c.name: c.units for c in channels} for channels in (store, plan))
    found = []
    for who, mine, other in (("store", before, after), ("plan", after, before)):
        if lacking := [name for name in other if name not in mine]:
            more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
            found.append(f"the {who} has no {', '.join(lacking[:3])}{more}")
    found += [
        f"{name} is in {units} in the store, in {after[name]} in the plan"
        for name, units in before.items()
        if after.get(name, units) != units
    ]
    return "; ".join(found) or "the store has them in another order than the plan"


@dataclass(frozen=True, kw_only=True)
class StoreInfo:
    """What a store says of itself."""

    root: Path
    campaign: str
    """The campaign file as it was last launched."""
    physics: dict[str, Any]
    """What decides the numbers, of all campaigns launched here (`ensemble.campaign.physics`)."""
    fingerprints: dict[str, dict[str, str]]
    """Hashes of the files of models and materials."""
    versions: tuple[dict[str, str], ...]
    """Of LAMMPS and of this package: all pairs that were launched here, the last one last."""
    studies: dict[str, StudyInfo]

    @property
    def paths(self) -> StorePaths:
        """Where everything lies."""
        return StorePaths(self.root)

    @property
    def units(self) -> Units:
        """LAMMPS unit style."""
        units: Units = self.physics["units"]
        return units

    @property
    def segmentation(self) -> dict[str, Segmentation]:
        """How each study is cut; the planner follows it."""
        return {name: study.segmentation for name, study in self.studies.items()}

    def runs(self, study: str) -> Iterator[tuple[Index, Run]]:
        """Every run that a study is to have, with its place."""
        info = self.studies[study]
        return (
            (place, run) for place, run in info.axes.runs(study, info.method) if info.asks_for(run)
        )

    def as_json(self) -> dict[str, Any]:
        """The attributes of the root group."""
        return {
            "format": FORMAT,
            "campaign": self.campaign,
            "physics": self.physics,
            "fingerprints": self.fingerprints,
            "versions": list(self.versions),
            "studies": {name: study.as_json() for name, study in self.studies.items()},
        }

    @classmethod
    def from_json(cls, root: Path, table: dict[str, Any]) -> Self:
        """Back from `as_json`."""
        return cls(
            root=root,
            campaign=table["campaign"],
            physics=table["physics"],
            fingerprints=table["fingerprints"],
            versions=tuple(table["versions"]),
            studies={n: StudyInfo.from_json(study) for n, study in table["studies"].items()},
        )


def read_store(root: Path) -> StoreInfo:
    """What the store in a folder says of itself.

    Raises
    ------
    StoreMissing
        There is none.
    StoreUnreadable
        It is damaged, or from a later version of this package.
    OSError
        It cannot be read.
    """
    path = StorePaths(root).metadata
    try:
        attributes = json.loads(path.read_bytes())["attributes"]
        if attributes["format"] == FORMAT:
            return StoreInfo.from_json(root, attributes)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreMissing(root) from error
    except (ValueError, TypeError, KeyError) as error:
        raise StoreUnreadable(path, f"not the metadata of a store ({error!r})") from error
    found = attributes["format"]
    raise StoreUnreadable(path, f"a store of format {found}; this version reads {FORMAT}")


def check_place(root: Path) -> None:
    """See whether a folder is a store, or may become one: what else is in it would be mixed up.

    Raises
    ------
    NoPlace
        It is a file, or a folder of other things.
    """
    paths = StorePaths(root)
    if root.is_file():
        raise NoPlace(root, "a file")
    if root.is_dir() and not paths.data.exists():
        own = {paths.data, paths.work, paths.campaign}
        if others := sorted(set(root.iterdir()) - own):
            raise NoPlace(root, f"no store, and not empty: it has {others[0].name}")


def known_store(root: Path) -> StoreInfo | None:
    """What the store in a folder says of itself; None where there is none.

    Raises
    ------
    StoreUnreadable, OSError
        As `read_store` does.
    """
    try:
        return read_store(root)
    except StoreMissing:
        return None


def check_physics(info: StoreInfo, physics: dict[str, Any], fingerprints: Fingerprints) -> None:
    """Make sure that the runs of a campaign belong with those that a store holds.

    Whole materials, models and studies may come and go.

    Raises
    ------
    PhysicsChanged
        Something that decides the numbers of existing runs is different.
    """
    from ensemble.campaign.physics import diff_physics  # here, since results do without it

    differences = [d for d in diff_physics(info.physics, physics) if not d.harmless]
    found = [*map(str, differences), *_changed_files(info.fingerprints, fingerprints)]
    if found:
        raise PhysicsChanged(info.root, found)


def _changed_files(before: Fingerprints, now: Fingerprints) -> Iterator[str]:
    for kind, what in (("models", "model"), ("structures", "material")):
        known, found = before.get(kind, {}), now.get(kind, {})
        for name in sorted(known.keys() & found.keys()):
            if known[name] != found[name]:
                hashes = f"fingerprint was {known[name][:12]}, is now {found[name][:12]}"
                yield f"{what} {name}: its file has changed ({hashes})"


def merged(before: StoreInfo | None, now: StoreInfo) -> StoreInfo:
    """A store's description after the launch of a campaign that belongs in it.

    Raises
    ------
    StoreError
        A study is cut into other segments, or has other channels.
    """
    if before is None:
        return now
    studies = dict(before.studies)
    for name, study in now.studies.items():
        try:
            studies[name] = studies[name].grown(study) if name in studies else study
        except ValueError as error:
            raise StoreError(now.root, f"study {name}", str(error)) from error
    versions = [version for version in before.versions if version not in now.versions]
    return replace(
        now,
        physics=_union(before.physics, now.physics),
        fingerprints=_union(before.fingerprints, now.fingerprints),
        versions=(*versions, *now.versions),
        studies=studies,
    )


def _union(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What either has; the campaign may have dropped a model, but its runs are still there."""
    both = dict(before)
    for key, value in now.items():
        mine = both.get(key)
        both[key] = _union(mine, value) if isinstance(mine, dict) else value
    return both
