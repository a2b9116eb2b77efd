"""κ of a group of runs in equilibrium, by Green and Kubo: raw, corrected, in parts, with a verdict.

κ_ab = 1/(k_B T² V) ∫ <J_a(0) J_b(t)> dt from 0 to ∞ with the extensive heat flux J (R. Zwanzig,
Annu. Rev. Phys. Chem. 16, 67 (1965)); κ here is the mean of its diagonal elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.cepstral import cepstral, reduced_periodograms
from ensemble.reduction.currents import Currents, Rows, by_component, currents_of
from ensemble.reduction.estimate import Estimate
from ensemble.reduction.intervals import Interval, of_positive, studentised
from ensemble.reduction.onsager import gauge_fixed, independent_currents, uncoupled_periodograms
from ensemble.reduction.spectrum import bands, transforms
from ensemble.reduction.verdict import differs_from, problems
from ensemble.reduction.window import of_series as window_of_series
from ensemble.reduction.zero_frequency import ZeroFrequency, zero_frequency
from ensemble.units import unit_system

__all__ = ["GreenKubo", "green_kubo", "reduced"]

Floats: TypeAlias = NDArray[np.float64]

GreenKuboMethod = Literal["spectrum", "window", "cepstral"]


@dataclass(frozen=True, kw_only=True)
class GreenKubo:
    """What a group of equilibrium runs says of κ."""

    raw: Estimate
    """Without regard to the species currents."""
    corrected: Estimate | None
    """With Onsager's correction; None where no momenta were given, or no species moves."""
    gamma_squared: Interval | None
    """γ² = L_q1 L_11⁻¹ L_1q / L_qq = 1 − corrected / raw: from 0, nothing coupled, to 1."""
    convective: Interval | None
    """Of the raw κ the part of the convective flux with itself."""
    conductive: Interval | None
    """The part of the conductive flux with itself."""
    cross: Interval | None
    """Twice that of both with one another. The three add up to the raw κ."""

    @property
    def kappa(self) -> Estimate:
        """What to trust: the corrected κ where there is one, for it is the same in every gauge."""
        return self.raw if self.corrected is None else self.corrected


def green_kubo(
    flux: ArrayLike | Sequence[Rows],
    *,
    volume: ArrayLike,
    temperature: ArrayLike,
    timestep: float,
    momenta: ArrayLike | Sequence[Rows] | None = None,
    convective: ArrayLike | Sequence[Rows] | None = None,
    units: str = "metal",
    method: GreenKuboMethod = "spectrum",
    window: tuple[float, float] | None = None,
    isotropic: bool = True,
) -> GreenKubo:
    """κ from the heat flux of equilibrium runs.

    Parameters
    ----------
    flux
        Extensive heat flux (no 1/V in it), shape (rows, components) of one run or (runs, rows,
        components) of several that differ in their seeds alone; or a sequence with an array of
        each run, also one on disk (a memory map, an array of Zarr or HDF5), which is read piece by
        piece. Its mean, which is zero, is not subtracted.
    volume, temperature
        Of the runs: a number, or one for each.
    timestep
        Time between two rows.
    momenta
        Momenta of the species, shape (..., rows, species, components). With them comes Onsager's
        correction.
    convective
        The convective part of the flux, of the flux's shape. With it comes the decomposition.
    units
        LAMMPS unit style of everything: ``metal`` (eV Å/ps, Å³, K, ps; κ in W/m/K), ``real``
        (kcal/mol Å/fs, Å³, K, fs; W/m/K), ``lj``.
    method
        ``spectrum``, the default: `ensemble.reduction.zero_frequency`; ``window``: mean of the
        running integral; ``cepstral``.
    window
        First and last time of the window, for the method ``window``; found in the data where None.
    isotropic
        Whether the components are alike, as in a cubic crystal. Where they are not, the heat flux
        is coupled to the species currents in each by itself; κ is then a third of the trace.

    Returns
    -------
    With κ in units of conductivity, times in those of `timestep`.

    Raises
    ------
    ValueError
        The shapes do not fit, a number is not finite, volume or temperature is not positive, the
        series is constant, or has too few rows.
    """
    if window is not None and method != "window":
        raise ValueError(f"window: {window}, but the method is {method!r}, which has none")
    runs = _runs(flux, 2)
    factor = unit_system(units).green_kubo
    volumes, temperatures = (
        _positive(name, value, len(runs))
        for name, value in (("volume", volume), ("temperature", temperature))
    )
    if not (math.isfinite(timestep) and timestep > 0):
        raise ValueError(f"timestep: {timestep}, must be positive")
    currents = currents_of(
        runs,
        scale=np.sqrt(factor / volumes) / temperatures,
        timestep=timestep,
        momenta=None if momenta is None else _runs(momenta, 3),
        convective=None if convective is None else _runs(convective, 2),
    )
    return reduced(currents, method=method, window=window, isotropic=isotropic)


def _runs(series: ArrayLike | Sequence[Rows], dimensions: int) -> Sequence[Rows]:
    """An array, or a list, of runs; a single run becomes one of one."""
    if isinstance(series, Sequence) and series and hasattr(series[0], "shape"):
        return cast(Sequence[Rows], series)
    array: Any = series if hasattr(series, "shape") else np.asarray(series, dtype=np.float64)
    shape = tuple(array.shape)
    if len(shape) == dimensions:
        return [cast(Rows, array)]
    if len(shape) == dimensions + 1:
        return [cast(Rows, array[k]) for k in range(shape[0])]
    raise ValueError(f"a series of shape {shape}: {dimensions} or {dimensions + 1} dimensions")


def _positive(name: str, value: ArrayLike, runs: int) -> Floats:
    found = np.asarray(value, dtype=np.float64)
    if found.shape not in ((), (runs,)):
        raise ValueError(f"{name}: shape {found.shape}, there are {runs} runs")
    if not (np.isfinite(found).all() and (found > 0).all()):
        raise ValueError(f"{name}: {found.min()}, must be positive")
    return np.broadcast_to(found, runs)


Estimator = Callable[[Floats, Floats | None, Currents, tuple[float, float] | None], Estimate]
"""Of a heat flux (samples, rows), where there are coupled currents (currents, samples, rows), and
what else is to be known of them."""


def _by_spectrum(
    heat: Floats, species: Floats | None, of: Currents, window: tuple[float, float] | None
) -> Estimate:
    """The default."""
    found = _at_zero(heat, species, of)
    lost = 0 if species is None else len(species)
    estimate = Estimate(
        method="spectrum",
        value=of_positive(found.samples, lost=lost, hidden=found.hidden),
        student=of_positive(found.samples, lost=lost, hidden=found.hidden, bootstrap=False),
        samples=found.samples,
        cutoff=found.cutoff,
        correlation_time=found.correlation_time,
    )
    against = problems(estimate, heat, of, misfit=found.misfit, rise=found.rise)
    return replace(estimate, problems=against)


def _at_zero(heat: Floats, species: Floats | None, of: Currents) -> ZeroFrequency:
    grid = bands(heat.shape[-1], of.timestep)
    flux = transforms(heat, of.timestep)
    if species is None:
        return zero_frequency(grid.mean(np.abs(flux) ** 2), grid)
    periodograms = uncoupled_periodograms(flux, transforms(species, of.timestep), grid)
    return zero_frequency(periodograms, grid, lost=len(species))


def _checked(estimate: Estimate, heat: Floats, species: Floats | None, of: Currents) -> Estimate:
    """Another estimate, looked at in the light of the spectrum.

    A window that was set by hand knows nothing of its own errors: before the correlations have
    died away it gives any value, and with a small interval.
    """
    try:
        spectrum = _at_zero(heat, species, of)
    except ValueError as error:
        return replace(estimate, problems=(*problems(estimate, heat, of), f"too short: {error}"))
    estimate = replace(estimate, correlation_time=spectrum.correlation_time)
    against = problems(estimate, heat, of)
    beside = differs_from(estimate, spectrum.value, spectrum.samples)
    return replace(estimate, problems=(*against, *beside))


def _by_window(
    heat: Floats, species: Floats | None, of: Currents, window: tuple[float, float] | None
) -> Estimate:
    """The mean of the running integral; of coupled currents, of all of them."""
    every = heat[None] if species is None else np.concatenate([heat[None], species])
    estimate = window_of_series(every.swapaxes(0, 1), of.timestep, window=window)
    return _checked(estimate, heat, species, of)


def _by_cepstrum(
    heat: Floats, species: Floats | None, of: Currents, window: tuple[float, float] | None
) -> Estimate:
    """Cepstral analysis."""
    flux = transforms(heat, of.timestep)
    periodograms, dof = np.abs(flux) ** 2, len(heat)
    if species is not None:
        both = np.concatenate([flux[None], transforms(species, of.timestep)]).swapaxes(0, 1)
        periodograms, dof = reduced_periodograms(both)
    estimate = cepstral(periodograms, dof, 1 / (heat.shape[-1] * of.timestep))
    return _checked(estimate, heat, species, of)


_METHODS: dict[GreenKuboMethod, Estimator] = {
    "spectrum": _by_spectrum,
    "window": _by_window,
    "cepstral": _by_cepstrum,
}


def reduced(
    currents: Currents,
    *,
    method: GreenKuboMethod = "spectrum",
    window: tuple[float, float] | None = None,
    isotropic: bool = True,
) -> GreenKubo:
    """`green_kubo` of currents that are samples already."""
    estimate = _METHODS[method]
    raw = estimate(currents.heat, None, currents, window)
    corrected = gamma_squared = None
    if currents.species is not None:
        independent = independent_currents(
            currents.species if isotropic else by_component(currents)
        )
        if len(independent):
            rest = gauge_fixed(currents.heat, independent)
            corrected = estimate(rest, independent, currents, window)
            gamma_squared = _gamma_squared(raw, corrected)
    parts: dict[str, Interval | None] = {"convective": None, "conductive": None, "cross": None}
    if currents.convective is not None:
        parts = _parts(currents, raw, window, method)
    return GreenKubo(raw=raw, corrected=corrected, gamma_squared=gamma_squared, **parts)


def _gamma_squared(raw: Estimate, corrected: Estimate) -> Interval:
    """1 − corrected / raw, with the error that the two have together, to first order."""
    ratio = corrected.value.mean / raw.value.mean
    if corrected.samples.size != raw.samples.size:
        # Without values of the samples: as if the two were independent, which is too wide.
        relative = [e.value.half_width / e.value.mean for e in (raw, corrected)]
        return replace(raw.value, mean=1 - ratio, half_width=ratio * math.hypot(*relative))
    change = (corrected.samples - ratio * raw.samples) / raw.value.mean
    return replace(studentised(1 - ratio - change), mean=1 - ratio)


def _parts(
    currents: Currents,
    raw: Estimate,
    window: tuple[float, float] | None,
    method: GreenKuboMethod,
) -> dict[str, Interval | None]:
    """Convective, conductive, cross; what the first two do not account for is the third."""
    assert currents.convective is not None
    conductive = currents.heat - currents.convective
    estimate = _METHODS[method]
    nothing = replace(raw, value=raw.value.scaled(0), samples=0 * raw.samples)
    first, second = (
        estimate(part, None, currents, window) if part.any() else nothing
        for part in (currents.convective, conductive)
    )
    cross = studentised(raw.samples - first.samples - second.samples)
    return {"convective": first.value, "conductive": second.value, "cross": cross}
