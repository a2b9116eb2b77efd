"""A study as an `xarray.Dataset`: its quantities by name, with labels, units and no waiting.

Every variable reads from the one array of samples when its values are used, and only the chunks
that a selection needs: ``results["gk-600K"].heat_flux.sel(model="level12", seed=1)`` is one run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray
import zarr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from ensemble.plan.recipe import cells_text
from ensemble.results.quantities import LONG_NAMES, Quantity, quantities
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.units import unit_system

__all__ = ["open_study", "row_dimension"]

RUN_DIMENSIONS = ("model", "temperature", "supercell", "seed")


def row_dimension(study: StudyInfo) -> str:
    """What a row of a study is called: a moment, ``time``, or a ``block`` of the direct method."""
    return "block" if study.method == "nemd" else "time"


def open_study(info: StoreInfo, name: str) -> xarray.Dataset:
    """The samples of a study.

    Its dimensions are model, temperature, supercell, seed, and time or block; vectors have a
    ``component``, profiles a ``bin``, what belongs to a species a ``species`` besides. Rows that
    are not there yet are nan. The sampled temperature is ``kinetic_temperature``.
    """
    study = info.studies[name]
    array = zarr.open_array(info.paths.samples(name), mode="r")
    rows = row_dimension(study)
    found = quantities(study.channels)
    variables = {
        quantity.name: xarray.Variable(
            (*RUN_DIMENSIONS, rows, *quantity.labels),
            indexing.LazilyIndexedArray(_Columns(array, study.shape, quantity.columns)),
            {"units": quantity.units, "long_name": LONG_NAMES.get(quantity.name, quantity.name)},
        )
        for quantity in found.values()
    }
    attributes = {
        "study": name,
        "method": study.method,
        "material": study.material,
        "unit_style": info.units,
        "store": str(info.root),
    }
    return xarray.Dataset(variables, _coordinates(info, study, found), attributes)


def _coordinates(
    info: StoreInfo, study: StudyInfo, found: dict[str, Quantity]
) -> dict[str, xarray.Variable]:
    system = unit_system(info.units)
    rows = row_dimension(study)
    time_unit = system.time_symbol if system.reduced else "ps"
    axes = study.axes
    labels: dict[str, tuple[str, Any, dict[str, str]]] = {
        "model": ("model", np.array(axes.models, dtype=object), {}),
        "temperature": (
            "temperature",
            np.array(axes.temperatures),
            {"units": system.temperature_symbol, "long_name": "temperature asked for"},
        ),
        "supercell": ("supercell", np.array([cells_text(c) for c in axes.supercells], object), {}),
        "seed": ("seed", np.array(axes.seeds), {}),
        rows: (rows, study.times(), {"units": time_unit, "long_name": "time since sampling began"}),
        "atoms": ("supercell", np.array(study.atoms), {"long_name": "atoms of the cell"}),
    }
    for quantity in found.values():
        for dimension, names in quantity.labels.items():
            labels[dimension] = (dimension, np.array(names), {})
    return {name: xarray.Variable(*label) for name, label in labels.items()}


class _Columns(BackendArray):
    """Some channels of the array of samples, themselves laid out in any number of dimensions."""

    def __init__(
        self, array: zarr.Array[Any], shape: tuple[int, ...], columns: NDArray[np.intp]
    ) -> None:
        self.array = array
        self.columns = columns
        self.shape = shape[:-1] + columns.shape
        self.dtype = np.dtype(np.float64)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[np.float64]:
        runs = len(self.shape) - self.columns.ndim
        columns = self.columns
        for axis in reversed(range(columns.ndim)):
            columns = np.asarray(columns[(slice(None),) * axis + (key[runs + axis],)])
        flat = columns.ravel()
        first = int(flat[0]) if flat.size else 0
        neighbours = np.array_equal(flat, np.arange(first, first + flat.size))
        # Zarr reads a slice without an index for each element.
        wanted = slice(first, first + flat.size) if neighbours else flat
        block = np.asarray(self.array.oindex[(*key[:runs], wanted)])
        return block.reshape(block.shape[:-1] + columns.shape)
