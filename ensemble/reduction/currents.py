"""The currents of a group of runs, as samples to be reduced.

A sample is one Cartesian component of one run or, where there are few runs, of a piece of one. All
samples are taken to have one spectrum: those of an isotropic material do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.spectrum import MOST_ROWS, Decimated

__all__ = ["Currents", "by_component", "currents_of", "pieces_of"]

Floats: TypeAlias = NDArray[np.float64]

FEWEST_SAMPLES = 9
"""With fewer, runs are cut into pieces: the scatter of so few would hardly be known."""

ROWS_AT_ONCE = 1 << 16
"""Read from a series that may be longer than memory."""


class Rows(Protocol):
    """An array, a memory map, an array of Zarr, …: what can be read piece by piece."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, key: slice, /) -> ArrayLike: ...


@dataclass(frozen=True, kw_only=True)
class Currents:
    """Currents of samples, averaged over neighbouring rows where the series are long."""

    heat: Floats
    """Shape (samples, rows): so scaled that its integral of Green and Kubo is κ."""
    species: Floats | None
    """Shape (species, samples, rows): momenta, scaled as `heat` is, run by run. So a multiple of a
    momentum that is in the heat flux of every run is one multiple here too."""
    convective: Floats | None
    """Shape (samples, rows): the part of `heat` that the atoms carry with them."""
    timestep: float
    """Between two rows."""
    runs: NDArray[np.intp]
    """Shape (samples,): the number of the run."""
    components: NDArray[np.intp]
    """Shape (samples,): the number of the component."""

    @property
    def length(self) -> float:
        """Of a sample, in units of time."""
        return int(self.heat.shape[-1]) * self.timestep


def pieces_of(runs: int, components: int) -> int:
    """How many samples are made from each component of each run."""
    return max(1, math.ceil(FEWEST_SAMPLES / (runs * components)))


def currents_of(
    heat: Sequence[Rows],
    *,
    scale: Floats,
    timestep: float,
    momenta: Sequence[Rows] | None = None,
    convective: Sequence[Rows] | None = None,
    most_rows: int = MOST_ROWS,
) -> Currents:
    """The samples of runs of equal length.

    Parameters
    ----------
    heat, convective
        Of each run shape (rows, components).
    momenta
        Of each run shape (rows, species, components).
    scale
        Shape (runs,): √(prefactor / (V T²)) of each.
    timestep
        Between two rows.
    most_rows
        Kept of a run at most; longer ones are averaged over neighbouring rows.

    Raises
    ------
    ValueError
        Runs differ in number or in length, a component of the heat flux is zero, or a current has
        another shape than it should have, or holds a number that is not finite.
    """
    rows, components = _shape(heat, "the heat flux", 2)
    for name, part in (("momenta", momenta), ("convective part", convective)):
        if part is not None and len(part) != len(heat):
            raise ValueError(f"{name}: of {len(part)} runs, the heat flux is of {len(heat)}")
    pieces = pieces_of(len(heat), components)
    kept, factor = _short(heat, "the heat flux", most_rows)
    for number, component in np.argwhere(~kept.any(axis=-1)):
        raise ValueError(f"the heat flux of run {number}, component {component}: zero throughout")
    kept *= scale[:, None, None]
    carried = species = None
    if convective is not None:
        _same(_shape(convective, "the convective part", 2), (rows, components), "convective part")
        carried = _short(convective, "the convective part", most_rows)[0] * scale[:, None, None]
    if momenta is not None:
        shape = _shape(momenta, "the momenta", 3)
        _same((shape[0], shape[2]), (rows, components), "momenta")
        species = _short(momenta, "the momenta", most_rows)[0] * scale[:, None, None, None]
        species = np.stack([_cut(species[:, k], pieces) for k in range(shape[1])])
    numbers = np.repeat(np.arange(len(heat) * components), pieces)
    return Currents(
        heat=_cut(kept, pieces),
        species=species,
        convective=None if carried is None else _cut(carried, pieces),
        timestep=timestep * factor,
        runs=numbers // components,
        components=numbers % components,
    )


def by_component(currents: Currents) -> Floats:
    """The species' momenta along each component as currents of their own, which are zero in the
    samples of the others: what is fitted to them is another for each component.

    Returns
    -------
    Shape (components × species, samples, rows).
    """
    assert currents.species is not None
    along = currents.components == np.arange(currents.components.max() + 1)[:, None]
    apart: Floats = currents.species * along[:, None, :, None]
    return apart.reshape(-1, *currents.heat.shape)


def _shape(series: Sequence[Rows], name: str, dimensions: int) -> tuple[int, ...]:
    """That all runs have."""
    shapes = {tuple(run.shape) for run in series}
    if not shapes:
        raise ValueError(f"{name}: no run")
    if len(shapes) > 1:
        lengths = ", ".join(str(shape) for shape in sorted(shapes))
        raise ValueError(f"{name}: runs of different shapes {lengths}; cut them to one length")
    (shape,) = shapes
    if len(shape) != dimensions or 0 in shape:
        raise ValueError(f"{name}: shape {shape} of a run, {dimensions} dimensions are needed")
    return shape


def _same(found: tuple[int, ...], wanted: tuple[int, ...], name: str) -> None:
    if found != wanted:
        raise ValueError(f"{name}: rows and components {found}, the heat flux has {wanted}")


def _short(series: Sequence[Rows], name: str, most_rows: int) -> tuple[Floats, int]:
    """Shape (runs, ..., rows) and how many rows were averaged into one."""
    runs = []
    factor = 1
    for number, run in enumerate(series):
        short = Decimated(most_rows)
        for start in range(0, run.shape[0], ROWS_AT_ONCE):
            block = np.asarray(run[start : start + ROWS_AT_ONCE], dtype=np.float64)
            try:
                short.add(np.moveaxis(block, 0, -1))
            except ValueError as error:
                bad = int(np.argmin(np.isfinite(block).reshape(len(block), -1).all(axis=1)))
                raise ValueError(
                    f"{name} of run {number}, row {start + bad}: not a finite number"
                ) from error
        runs.append(short.result())
        factor = short.factor
    return np.stack(runs), factor


def _cut(series: Floats, pieces: int) -> Floats:
    """Shape (runs, components, rows) to (samples, rows)."""
    runs, components, rows = series.shape
    length = rows // pieces
    cut: Floats = series[..., : length * pieces].reshape(runs * components * pieces, length)
    return np.ascontiguousarray(cut)
