"""From series to thermal conductivities with an interval, on plain arrays.

``equilibrium``
    κ of runs in equilibrium: raw, with Onsager's correction, in parts, with a verdict. Its
    `green_kubo` is for anybody's arrays: ``ensemble.reduction.green_kubo(flux, volume=…, …)``.
``currents``
    Heat fluxes and momenta of runs as samples, averaged where they are long.
``spectrum``, ``rational``, ``zero_frequency``
    The default: κ as the value at frequency zero of a smooth spectrum.
``correlation``, ``running``, ``window``
    Correlation functions, their running integrals, κ as a mean over a window of those.
``cepstral``
    κ by cepstral analysis.
``onsager``, ``gauge``
    Coupled currents; what a shift of the site energies does.
``estimate``, ``verdict``
    What an estimator says, and what speaks against it.
``direct``
    The direct method of Müller-Plathe: a swap power, a temperature gradient, κ.
``steady``
    From which block on a driven run is steady.
``bins``
    How κ of the direct method depends on the layers that are left out.
``controls``
    Noise taken out of a mean with quantities whose own means are zero.
``length``
    κ of the direct method for an infinite cell.
``diffusion``
    Mean square displacements, and diffusion coefficients where there is diffusion.
``site_energies``
    How the site energies of a species are distributed.
``spread``
    κ over models: their mean, how far they differ, and whether that is chance.
``weighted``
    Linear fits to a few estimates that each come with an error of their own.
``intervals``
    Confidence intervals of means, of independent samples and of one correlated series.

Nothing here knows of files, of the campaign or of LAMMPS. Arrays may hold any units: one prefactor,
from `ensemble.units`, makes κ what it is shown in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ensemble.reduction.equilibrium import GreenKubo, green_kubo

__all__ = ["GreenKubo", "green_kubo"]


def __getattr__(name: str) -> Any:
    # When it is asked for: SciPy takes its time, and a segment of a run needs nothing of it.
    if name in __all__:
        from ensemble.reduction import equilibrium

        return getattr(equilibrium, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
