"""The gauge of the site energies: how κ moves when they are shifted without changing any force.

U_i → U_i + c of its species leaves every force, every trajectory and the direct method as they are
(at fixed composition also the energy, with Σ N_s c_s = 0). It adds Σ_s c_s Σ_{i in s} v_i to the
heat flux: the raw κ of Green and Kubo moves, Onsager's does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ensemble.reduction.currents import Currents
from ensemble.reduction.equilibrium import GreenKubo, GreenKuboMethod, reduced

__all__ = ["GaugePoint", "gauge_scan"]


@dataclass(frozen=True, kw_only=True)
class GaugePoint:
    """κ with one set of shifts."""

    shifts: tuple[float, ...]
    """Energy added to each atom of a species, in the order of the momenta."""
    kappa: GreenKubo


def gauge_scan(
    currents: Currents,
    *,
    masses: ArrayLike,
    shifts: Sequence[Sequence[float]],
    method: GreenKuboMethod = "spectrum",
    isotropic: bool = True,
) -> list[GaugePoint]:
    """κ for several sets of shifts of the species' site energies.

    Parameters
    ----------
    currents
        With momenta.
    masses
        Shape (species,), in the unit that makes momentum / mass a velocity.
    shifts
        Of each set, an energy for each species.
    method, isotropic
        Of `ensemble.reduction.equilibrium.green_kubo`.

    Raises
    ------
    ValueError
        There are no momenta, or a set of shifts is not one for each species.
    """
    if currents.species is None:
        raise ValueError("a gauge scan needs the momenta of the species")
    weights = np.asarray(masses, dtype=np.float64)
    found = []
    for shift in shifts:
        if len(shift) != len(currents.species) or weights.shape != (len(shift),):
            there = f"{len(currents.species)} species"
            raise ValueError(f"{len(shift)} shifts and masses {weights.shape} for {there}")
        carried = np.einsum("s,str->tr", np.asarray(shift) / weights, currents.species)
        moved = replace(
            currents,
            heat=currents.heat + carried,
            convective=None if currents.convective is None else currents.convective + carried,
        )
        found.append(
            GaugePoint(
                shifts=tuple(map(float, shift)),
                kappa=reduced(moved, method=method, isotropic=isotropic),
            )
        )
    return found
