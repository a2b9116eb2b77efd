"""Whether what a segment computed can be believed: each check raises what is wrong, in numbers.

What has passed is not looked at again, so a run that goes bad ends at the segment where it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.md.failures import Cause, SegmentFailure
from ensemble.units import UnitSystem
from ensemble.vacancies import PeriodicMetric

Floats = NDArray[np.float64]

DRIFT = 0.02
"""How far the energy of a run at constant energy may move, as a change of its temperature. A
classical crystal stores 3 k_B an atom and kelvin, so 2 % of the temperature is 0.06 k_B T an atom:
3 meV at 600 K. A conductivity that goes as 1/T is off by as much, which is what its error bar is at
best; a sound run stays below a hundredth of it."""

VOLUME_CHANGE = 0.5
"""How far the volume at constant pressure may move from where it began. No solid goes as far."""

ENOUGH_SITES = 200
"""Sites whose neighbours are looked at: more than a unit cell has, and all others repeat them."""


def check_numbers(columns: Sequence[str], rows: Floats) -> None:
    """No row holds infinities or what is no number.

    Raises
    ------
    SegmentFailure
        Cause ``numbers``.
    """
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = bad[0]
        message = (
            f"{columns[column]} is {rows[row, column]} in row {row + 1} of {len(rows)}; "
            "try a smaller timestep, or look at the potential"
        )
        raise SegmentFailure(Cause.NUMBERS, message)


def check_drift(
    energies: Floats, reference: float, *, atoms: int, temperature: float, units: UnitSystem
) -> None:
    """The energy is still where it was when the run at constant energy began.

    Parameters
    ----------
    energies
        Total energies along the segment, shape ``(rows,)``. The mean over the last quarter counts:
        a single one goes up and down with the time step.
    reference
        The energy at the beginning, taken likewise: `mean_of_first_quarter`.
    atoms, temperature, units
        Of the run.

    Raises
    ------
    SegmentFailure
        Cause ``drift``.
    """
    change = (float(energies[-_quarter(energies) :].mean()) - reference) / atoms
    limit = 3 * units.lammps_boltzmann * DRIFT * temperature
    if abs(change) > limit:
        symbol = f"{units.energy_symbol}/atom"
        message = (
            f"the total energy moved by {change:+.3g} {symbol} at constant energy; allowed is "
            f"{limit:.2g}, {DRIFT:.0%} of the temperature; try a smaller timestep"
        )
        raise SegmentFailure(Cause.DRIFT, message)


def mean_of_first_quarter(energies: Floats) -> float:
    """What `check_drift` compares with."""
    return float(energies[: _quarter(energies)].mean())


def _quarter(values: Floats) -> int:
    return -(-len(values) // 4)


def check_volume(volumes: Floats, reference: float, units: UnitSystem) -> None:
    """The box neither collapsed nor flew apart at constant pressure.

    Raises
    ------
    SegmentFailure
        Cause ``collapsed``.
    """
    ratios = volumes / reference
    farthest = float(ratios[np.argmax(np.abs(ratios - 1))])
    if abs(farthest - 1) > VOLUME_CHANGE:
        message = (
            f"the volume went from {reference:.6g} to {farthest * reference:.6g} "
            f"{units.length_symbol}^3 at constant pressure; look at the potential, or at the "
            "lattice constant that it starts from"
        )
        raise SegmentFailure(Cause.COLLAPSED, message)


def check_framework(
    displacements: Floats, distance: float, species: Sequence[str], units: UnitSystem
) -> None:
    """The atoms of the framework are still on their sites.

    Parameters
    ----------
    displacements
        Mean square displacements of the framework, of any shape.
    distance
        Shortest distance of two of its sites.
    species, units
        Of the framework, of the run.

    Raises
    ------
    SegmentFailure
        Cause ``melted``: an atom went halfway to the next site, in the mean.
    """
    farthest, limit = float(displacements.max()), (distance / 2) ** 2
    if farthest > limit:
        message = (
            f"the framework of {' and '.join(species)} has a mean square displacement of "
            f"{farthest:.3g} {units.length_symbol}^2, more than half the way to the next site "
            f"({limit:.3g}); lower the temperature, look at the potential, or name the species "
            "that stay on their sites by material.host"
        )
        raise SegmentFailure(Cause.MELTED, message)


def shortest_distance(structure: Path, types: Sequence[int]) -> float:
    """The shortest distance of two atoms of some types in a data file, in its unit of length."""
    cell, kinds, positions = _read_structure(structure)
    sites = positions[np.isin(kinds, types)]
    metric = PeriodicMetric(cell)
    edges = np.linalg.norm(cell, axis=1)
    shortest = float(edges.min())  # its own image may be the next
    for k, site in enumerate(sites[:ENOUGH_SITES]):
        others = np.delete(sites, k, axis=0)
        if len(others):
            shortest = min(shortest, float(metric.squared(others - site).min()) ** 0.5)
    return shortest


def _read_structure(path: Path) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Cell, types and positions of a file that `ensemble.structures.lammps_data` has written."""
    header, _, body = path.read_text().partition("Atoms # atomic")
    cell = np.zeros((3, 3))
    for line in header.splitlines():
        words = line.split()
        for k, x in enumerate("xyz"):
            if words[2:] == [f"{x}lo", f"{x}hi"]:
                cell[k, k] = float(words[1]) - float(words[0])
        if words[3:] == ["xy", "xz", "yz"]:
            cell[1, 0], cell[2, 0], cell[2, 1] = map(float, words[:3])
    table = np.array([line.split() for line in body.partition("Velocities")[0].split("\n") if line])
    return cell, table[:, 1].astype(np.int64), table[:, 2:5].astype(np.float64)
