"""Creating a store, and growing it: labels, time axes, and what the store says of itself.

Zarr writes the metadata and the coordinates into memory, for the whole store at once; what differs
from the files on the disk is then put in place, in such an order that no reader ever sees half of
it:

1. coordinates, in chunks of a fixed length with room behind the last label, so that who has the
   metadata from before still reads the labels from before;
2. the metadata of each array, then those of the study with a copy of these (Zarr's "consolidated
   metadata", the one file that `xarray.open_zarr` looks at);
3. the metadata of the root. **That is the commit**: nobody runs under a label that is not there,
   so a launcher that is killed before has done nothing that the next one would not do again.

Samples are never touched: a chunk that does not exist reads as NaN. Only the launcher comes here,
with the lease `StorePaths.lock`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from ensemble.plan.plan import Plan
from ensemble.plan.recipe import cells_text
from ensemble.store.commit import ZSTD_LEVEL
from ensemble.store.errors import explained
from ensemble.store.files import make_folder, write_if_new
from ensemble.store.info import StoreInfo, StudyInfo, check_physics, known_store, merged
from ensemble.store.layout import SAMPLES, StorePaths
from ensemble.units import unit_system

LABELS_A_CHUNK = 1024
TIMES_A_CHUNK = 16384
METADATA = "zarr.json"


def create_or_grow(
    paths: StorePaths,
    plan: Plan,
    *,
    versions: Mapping[str, str],
    confirm: Callable[[], None],
) -> StoreInfo:
    """Have a store with a place for every run of a plan; runs that it has keep theirs.

    Parameters
    ----------
    plan
        Made with `StoreInfo.segmentation`, where there is a store.
    versions
        Of LAMMPS and of this package.
    confirm
        Raises `LeaseLost` where the lease on `StorePaths.lock` is gone; asked before every change.

    Returns
    -------
    StoreInfo
        The labels that the store had, with the new ones behind them.

    Raises
    ------
    PhysicsChanged
        The store holds runs that this campaign would do otherwise. Nothing was touched.
    StoreError
        The plan cuts a study into other segments than the store.
    DiskFull, ReadOnly, LeaseLost
        As they say. What was there is still there.
    """
    before, now = known_store(paths.root), _planned(paths, plan, versions)
    if before is not None:
        check_physics(before, now.physics, now.fingerprints)
    info = merged(before, now)
    if info != before:
        with explained(paths.root):
            _write(paths, info, confirm)
    return info


def _planned(paths: StorePaths, plan: Plan, versions: Mapping[str, str]) -> StoreInfo:
    return StoreInfo(
        root=paths.root,
        campaign=plan.campaign.text,
        physics=json.loads(json.dumps(plan.campaign.physics())),
        fingerprints=plan.fingerprints.as_json(),
        versions=(dict(versions),),
        studies={
            name: StudyInfo.of(recipe, plan.axes[name], plan.atoms, plan.extensions.get(name, {}))
            for name, recipe in plan.recipes.items()
        },
    )


def _write(paths: StorePaths, info: StoreInfo, confirm: Callable[[], None]) -> None:
    """Put in place what is new of a store's metadata."""
    shutil.rmtree(paths.aside, ignore_errors=True)
    make_folder(paths.aside)
    for study in info.studies:
        make_folder(paths.samples(study))
        make_folder(paths.runs(study))
    confirm()
    write_if_new(paths.campaign, info.campaign.encode(), aside=paths.aside)
    for name, data in _in_order(_files(info)):
        confirm()
        write_if_new(paths.data / name, data, aside=paths.aside)


def _in_order(files: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    """Chunks first, then metadata from the innermost out."""

    def place(item: tuple[str, bytes]) -> tuple[bool, int, str]:
        path = PurePosixPath(item[0])
        return path.name == METADATA, -len(path.parts), item[0]

    return sorted(files.items(), key=place)


def _files(info: StoreInfo) -> dict[str, bytes]:
    """Every file of the Zarr group but the samples, by its path in it."""
    memory: dict[str, Buffer] = {}
    root = zarr.create_group(MemoryStore(memory), zarr_format=3, attributes=info.as_json())
    for name, study in info.studies.items():
        header = {
            "study": name,
            "method": study.method,
            "material": study.material,
            "unit_style": info.units,
        }
        _fill(root.create_group(name, attributes=header), study, info)
    files = {name: buffer.to_bytes() for name, buffer in memory.items()}
    for name in (*info.studies, ""):
        _consolidate(files, f"{name}/" if name else "")
    return files


def _fill(group: zarr.Group, study: StudyInfo, info: StoreInfo) -> None:
    units = unit_system(info.units)
    axes = study.axes
    rows = "block" if study.method == "nemd" else "time"
    temperature = {"units": units.temperature_symbol}
    time = {"units": "tau" if units.reduced else "ps", "long_name": "time since sampling began"}
    _coordinate(group, "model", "model", axes.models)
    _coordinate(group, "temperature", "temperature", np.array(axes.temperatures), temperature)
    _coordinate(group, "supercell", "supercell", [cells_text(cells) for cells in axes.supercells])
    _coordinate(group, "atoms", "supercell", np.array(study.atoms))
    _coordinate(group, "seed", "seed", np.array(axes.seeds))
    _coordinate(group, rows, rows, study.times(), time)
    _coordinate(group, "channel", "channel", [channel.name for channel in study.channels])
    _coordinate(group, "channel_units", "channel", [channel.units for channel in study.channels])
    group.create_array(
        SAMPLES,
        shape=study.shape,
        chunks=study.chunks,
        dtype="float64",
        fill_value=np.nan,
        compressors=ZstdCodec(level=ZSTD_LEVEL),
        chunk_key_encoding={"name": "default", "separator": "."},
        dimension_names=["model", "temperature", "supercell", "seed", rows, "channel"],
        attributes={"coordinates": "atoms channel_units"},
    )


def _coordinate(
    group: zarr.Group,
    name: str,
    dimension: str,
    values: Iterable[str] | NDArray[Any],
    attributes: Mapping[str, str] | None = None,
) -> None:
    """A coordinate, or a label of one, with room behind it."""
    text = not isinstance(values, np.ndarray)
    data = np.array(list(values), dtype=np.dtypes.StringDType()) if text else np.asarray(values)
    array = group.create_array(
        name,
        shape=data.shape,
        chunks=(TIMES_A_CHUNK if dimension in ("time", "block") else LABELS_A_CHUNK,),
        dtype=str if text else data.dtype,
        compressors=ZstdCodec(level=ZSTD_LEVEL),
        dimension_names=[dimension],
        attributes=dict(attributes or {}),
    )
    array[:] = data


def _consolidate(files: dict[str, bytes], folder: str) -> None:
    """Copy the metadata of everything in a group into those of the group.

    `zarr.consolidate_metadata` does the same, with a warning that not every reader may look there.
    """
    inside = {
        name.removeprefix(folder).removesuffix(f"/{METADATA}"): json.loads(data)
        for name, data in sorted(files.items())
        if name.startswith(folder) and name.endswith(f"/{METADATA}") and name != folder + METADATA
    }
    metadata = json.loads(files[folder + METADATA])
    metadata["consolidated_metadata"] = {
        "kind": "inline",
        "must_understand": False,
        "metadata": inside,
    }
    files[folder + METADATA] = json.dumps(metadata, indent=1).encode()
