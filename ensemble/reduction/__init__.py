"""From series to thermal conductivities with an interval, on plain arrays.

``correlation``
    Correlation functions of currents.
``green_kubo``
    Their running integrals, and κ from a window of them.
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
