"""From series to thermal conductivities with an interval, on plain arrays.

``correlation``
    Correlation functions of currents.
``green_kubo``
    Their running integrals, and κ from a window of them.
``direct``
    The direct method of Müller-Plathe: a swap power, a temperature gradient, κ.
``steady``
    From which block on a driven run is steady.
``intervals``
    Confidence intervals of means, of independent samples and of one correlated series.

Nothing here knows of files, of the campaign or of LAMMPS. Arrays may hold any units: one prefactor,
from `ensemble.units`, makes κ what it is shown in.
"""
