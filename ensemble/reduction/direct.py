"""The direct method: κ from the heat that is exchanged and the temperature gradient it makes.

F. Müller-Plathe, J. Chem. Phys. 106, 6082 (1997), as in LAMMPS' ``fix thermal/conductivity``: a
periodic cell is cut into layers across its long axis; kinetic energy is moved from the first layer
to the middle one and flows back through the two legs between them. Layer 0 is cold, layer
bins / 2 hot: along the axis the temperature rises in the first leg and falls in the second.

The heat flux in the legs has to equal the exchanged power, but as it stands it hardly tells: sound
waves push the atoms of a layer to and fro, and every atom carries its site energy along, eV of it,
and arbitrary. In the steady state no species flows: its current would be the same in all layers,
so what goes from the hot layer to the cold one is zero. So the species' momenta are controls
(`ensemble.reduction.controls`): they take that noise away, and with it any constant that a model
puts into the site energies of a species.

κ is the ratio of two means over all runs: a mean of each run's own ratio would be too large, and
more runs would not help. Errors come from the scatter over runs or, of a single run, over its
blocks, of the ratio to first order in the deviations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.controls import controlled
from ensemble.reduction.intervals import CHECK_LEVEL, LEVEL, Interval, of_independent, of_series
from ensemble.reduction.steady import FEWEST_BLOCKS, first_steady_block, trend

__all__ = [
    "FEWEST_LAYERS",
    "DirectMethod",
    "default_leave_out",
    "direct_method",
    "kappa_values",
    "leg_weights",
    "slope_weights",
]

Floats = NDArray[np.float64]

FEWEST_LAYERS = 3
"""Of a leg, for a line through them to be more than a guess."""

FEWEST_RUNS = 3
"""Whose scatter tells enough of their mean for a check: of two it would let anything pass."""

TOLERANCE = 0.1
"""Of the gradient, or of the exchanged energy: a trend below it is no reason to discard a run."""


@dataclass(frozen=True, kw_only=True)
class DirectMethod:
    """What the direct method says of a group of runs that differ in their seeds."""

    kappa: Interval
    gradient: Interval
    """Temperature over length, towards the hot layer, mean of both legs."""
    swap_flux: Interval
    """Exchanged energy / (2 A Δt): energy over area and time."""
    slab_flux: Interval | None
    """The heat flux that flows in the legs, per volume, from the hot layer to the cold one, without
    what the momenta carry where these were given; None where it was not given itself. It has to
    agree with `swap_flux`."""
    flux_difference: Interval | None
    """`slab_flux` less `swap_flux`, run by run; at `CHECK_LEVEL`."""
    profile: Floats
    """Shape (bins,): temperature averaged over the steady blocks and the runs."""
    first_block: int
    """The first block that was used."""
    problem: str = ""
    """Why `kappa` is not to be trusted; empty where nothing is known against it."""


def default_leave_out(bins: int) -> int:
    """Layers left out beside each exchange layer: a tenth of all, but three stay in each leg."""
    return min(bins // 10, (bins // 2 - 1 - FEWEST_LAYERS) // 2)


def leg_weights(bins: int, leave_out: int) -> Floats:
    """Weights whose sum over the layers is the mean of the second leg minus the first, halved.

    Of a quantity that points along the axis this is what goes from the hot layer to the cold one.

    Returns
    -------
    Shape (bins,).
    """
    weights = np.zeros(bins)
    first, second = _legs(bins, leave_out)
    weights[first] = -0.5 / len(first)
    weights[second] = 0.5 / len(second)
    return weights


def slope_weights(bins: int, leave_out: int) -> Floats:
    """Weights whose sum over the layers is the slope towards the hot layer, per layer.

    A line is fitted to each leg by least squares; the result is the mean of both slopes.

    Returns
    -------
    Shape (bins,).
    """
    weights = np.zeros(bins)
    for leg, sign in zip(_legs(bins, leave_out), (0.5, -0.5), strict=True):
        position = leg - leg.mean()
        weights[leg] = sign * position / (position @ position)
    return weights


def _legs(bins: int, leave_out: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The layers of the two legs without the exchange layers and `leave_out` beside each."""
    half = bins // 2
    layers = half - 1 - 2 * leave_out
    if bins % 2 or leave_out < 0 or layers < 2:
        raise ValueError(f"{bins} layers with {leave_out} left out: no line through what is left")
    first = np.arange(1 + leave_out, half - leave_out)
    return first, first + half


def direct_method(
    temperature: ArrayLike,
    exchanged_energy: ArrayLike,
    *,
    block_time: float,
    length: ArrayLike,
    area: ArrayLike,
    prefactor: float = 1.0,
    heat_flux: ArrayLike | None = None,
    momentum: ArrayLike | None = None,
    energy: ArrayLike | None = None,
    leave_out: int | None = None,
) -> DirectMethod:
    """κ = prefactor · E / (2 A Δt dT/dz) of runs with an exchange of energy.

    Parameters
    ----------
    temperature
        Shape (runs, blocks, bins), block means of the layers' temperatures.
    exchanged_energy
        Shape (runs, blocks), moved from the cold to the hot layer within the block.
    block_time
        Length of a block.
    length, area
        Scalars or shape (runs,): of the cell along the axis and across it.
    prefactor
        ``mueller_plathe`` of `ensemble.units`.
    heat_flux
        Shape (runs, blocks, bins): of the atoms in a layer along the axis, extensive.
    momentum
        Shape (runs, blocks, species, bins): Σ m v along the axis over a species' atoms in a layer,
        sampled when the heat flux is. Of use only with `heat_flux`.
    energy
        Shape (runs, blocks): total energy. It is conserved; a drift would heat all layers.
    leave_out
        Layers left out beside each exchange layer; `default_leave_out` where not given.

    Returns
    -------
    With intervals by Student's t over the runs, or over blocks where there is one run.

    Raises
    ------
    ValueError
        The shapes do not fit, numbers are not finite, or no two layers are left in a leg.
    """
    profiles = _finite("temperature", temperature, 3)
    exchanged = _finite("exchanged_energy", exchanged_energy, 2)
    runs, blocks, bins = profiles.shape
    if exchanged.shape != (runs, blocks) or not runs or not blocks:
        raise ValueError(f"temperature {profiles.shape}, exchanged_energy {exchanged.shape}")
    if leave_out is None:
        leave_out = default_leave_out(bins)
    lengths, areas = (np.broadcast_to(value, runs)[:, None] for value in (length, area))

    gradient = profiles @ slope_weights(bins, leave_out) * (bins / lengths)
    swap_flux = exchanged / (2 * areas * block_time)
    first = first_steady_block(gradient.mean(axis=0))
    steady = slice(first, None)
    slope = gradient[:, steady].mean(axis=0)
    kappa, problem = of_independent([]), "no temperature gradient beyond the noise"
    if of_series(slope).low > 0:
        kappa, problem = _kappa(swap_flux[:, steady], gradient[:, steady], prefactor), ""
    slab_flux = flux_difference = None
    if heat_flux is not None:
        legs = leg_weights(bins, leave_out)
        flux = _finite("heat_flux", heat_flux, 3)[:, steady] @ legs
        if momentum is not None:
            flux = controlled(flux, _finite("momentum", momentum, 4)[:, steady] @ legs)
        flux = flux * (bins / (lengths * areas))
        slab_flux = _interval(flux)
        flux_difference = _checked(flux - swap_flux[:, steady])
    drift = None if energy is None else _finite("energy", energy, 2)[:, steady].mean(axis=0)
    unsteady = _unsteady(slope, exchanged[:, steady], drift)
    return DirectMethod(
        kappa=kappa,
        gradient=_interval(gradient[:, steady]),
        swap_flux=_interval(swap_flux[:, steady]),
        slab_flux=slab_flux,
        flux_difference=flux_difference,
        profile=profiles[:, steady].mean(axis=(0, 1)),
        first_block=first,
        problem=unsteady or problem,
    )


def _finite(name: str, values: ArrayLike, dimensions: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions or not np.isfinite(array).all():
        raise ValueError(f"{name}: {dimensions} dimensions of finite numbers are needed")
    return array


def _interval(values: Floats, level: float = LEVEL) -> Interval:
    """Of the mean of values (runs, blocks): over the runs, or over the blocks of a single one."""
    if len(values) == 1:
        return of_series(values[0], level)
    return of_independent(values.mean(axis=1), level)


def _checked(difference: Floats) -> Interval:
    """Of the mean of differences (runs, blocks), for a check: over the runs or, where these are so
    few that nothing would be found, with the errors that each has by itself.
    """
    if len(difference) >= FEWEST_RUNS:
        return _interval(difference, CHECK_LEVEL)
    each = [of_series(run, CHECK_LEVEL) for run in difference]
    half_width = math.hypot(*(one.half_width for one in each)) / len(each)
    return replace(each[0], mean=float(difference.mean()), half_width=half_width)


def _kappa(flux: Floats, gradient: Floats, prefactor: float) -> Interval:
    """κ from flux and gradient (runs, blocks)."""
    values = kappa_values(flux, gradient, prefactor)
    return of_independent(values) if len(gradient) > 1 else of_series(values)


def kappa_values(flux: Floats, gradient: Floats, prefactor: float) -> Floats:
    """Numbers whose mean is κ and whose scatter is its error: one of each run, or of each block of
    a single one.

    Their mean is the ratio of the means of flux and gradient, their scatter that of the ratio to
    first order in the deviations from these, taken together as they are correlated.

    Parameters
    ----------
    flux, gradient
        Shape (runs, blocks).
    prefactor
        As for `direct_method`.
    """
    if len(gradient) > 1:
        flux, gradient = flux.mean(axis=1, keepdims=True).T, gradient.mean(axis=1, keepdims=True).T
    kappa, slope = flux.mean() / gradient.mean(), gradient.mean()
    values: Floats = prefactor * (flux[0] + kappa * (slope - gradient[0])) / slope
    return values


def _unsteady(gradient: Floats, exchanged: Floats, energy: Floats | None) -> str:
    """Why the blocks (blocks,), (runs, blocks), (blocks,) are not of a steady state, or nothing."""
    if gradient.size < FEWEST_BLOCKS:
        return f"not known to be steady: {gradient.size} blocks, {FEWEST_BLOCKS} are needed"
    if _rises(trend(gradient), abs(gradient.mean())):
        return "not steady: the temperature gradient still changes"
    if energy is not None and _rises(trend(energy), exchanged.mean(axis=0).sum()):
        return "not steady: the total energy drifts"
    return ""


def _rises(rise: Interval, scale: float) -> bool:
    """Whether a trend is beyond its noise and not small."""
    return abs(rise.mean) > max(rise.half_width, TOLERANCE * scale)
