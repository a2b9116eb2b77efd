"""Heat that flows in the absence of particle currents: Onsager's correction.

Where atoms diffuse, the heat flux is coupled to the currents of the species, and by how much is up
to the arbitrary site energies of the model. With L = ∫ <J_m(0) J_n(t)> dt of heat (q) and N − 1
independent species currents κ ∝ L_qq − L_q1 L_11⁻¹ L_1q does not depend on them. (L. Onsager,
Phys. Rev. 37, 405 (1931); R. Bertossa et al., Phys. Rev. Lett. 122, 255901 (2019), for spectra.)

Here that is done at every frequency: what follows the species currents, by least squares over the
samples and the frequencies of a band, is taken out of the heat flux, and the spectrum of the rest
goes on to `zero_frequency`. Each band gives up as many degrees of freedom as there are currents,
and no more: in a crystal without diffusion nothing grows.

Before, the gauge is fixed: the multiple of the species currents that the heat flux holds at equal
times is taken out. So whatever multiple a model has put in, everything after this is the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.spectrum import Bands

__all__ = ["gauge_fixed", "independent_currents", "uncoupled_periodograms"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

DEPENDENT = 1e-8
"""Of the eigenvalues of the currents' correlation matrix: below it a combination is zero."""

AT_REST = 1e-4
"""Of the currents' root mean square: what their sum may be."""


def independent_currents(momenta: ArrayLike) -> Floats:
    """N − 1 independent currents from the momenta of N species, in units of their fluctuations.

    The momenta add up to zero. What is independent in them is found from their correlations, so
    that species that do not move, or are not there, do no harm.

    Parameters
    ----------
    momenta
        Shape (species, samples, rows).

    Returns
    -------
    Shape (currents, samples, rows), of unit variance and uncorrelated at equal times.

    Raises
    ------
    ValueError
        They do not add up to zero: a species is missing, or the whole cell moves.
    """
    currents = np.asarray(momenta, dtype=np.float64)
    if len(currents) == 1:
        # Its momentum is that of the cell: rounding.
        return currents[:0]
    square = np.sqrt(np.mean(currents**2, axis=(1, 2)))
    total = np.sqrt(np.mean(currents.sum(axis=0) ** 2))
    if total > AT_REST * np.sqrt(np.sum(square**2)):
        raise ValueError(
            "the momenta of the species do not add up to zero: one is missing, or the cell moves"
        )
    moving = square > 0
    scaled = currents[moving] / square[moving, None, None]
    flat = scaled.reshape(len(scaled), currents[0].size)
    values, vectors = np.linalg.eigh(flat @ flat.T / currents[0].size)
    kept = values > DEPENDENT
    whitening = vectors[:, kept] / np.sqrt(values[kept])
    found: Floats = np.einsum("sc,str->ctr", whitening, scaled)
    return found


def gauge_fixed(heat_flux: ArrayLike, currents: ArrayLike) -> Floats:
    """The heat flux without what it has in common with the currents at equal times.

    Parameters
    ----------
    heat_flux
        Shape (samples, rows).
    currents
        Shape (currents, samples, rows), of `independent_currents`.
    """
    rest = np.array(heat_flux, dtype=np.float64)
    known = np.asarray(currents, dtype=np.float64)
    # Twice: the second time takes out what rounding has left of a large multiple.
    for _ in range(2):
        coupling = np.einsum("ctr,tr->c", known, rest) / rest.size
        rest -= np.einsum("c,ctr->tr", coupling, known)
    return rest


def uncoupled_periodograms(heat_flux: Complexes, currents: Complexes, grid: Bands) -> Floats:
    """Periodograms of the part of the heat flux that does not follow the currents.

    Their mean is unbiased: the degrees of freedom of the fit are given back.

    Parameters
    ----------
    heat_flux
        Shape (samples, frequencies): of `transforms`.
    currents
        Shape (currents, samples, frequencies).
    grid
        The bands; the coupling is the same over a band.

    Returns
    -------
    Shape (samples, bands).

    Raises
    ------
    ValueError
        There are not more samples than currents.
    """
    count, samples, _ = currents.shape
    if samples <= count:
        raise ValueError(f"{samples} samples are too few for {count} coupled currents")
    rest = np.array(heat_flux[:, : grid.edges[-1]])
    known = currents[:, :, : grid.edges[-1]]
    products = _sums(known[:, None] * known.conj()[None], grid)
    overlaps = _sums(rest[None] * known.conj(), grid)
    # The scale of a current has no meaning, and near zero a bounded motion has little of it.
    scale = np.sqrt(np.einsum("iib->ib", products).real) + np.finfo(float).tiny
    matrix = np.moveaxis(products / (scale[:, None] * scale[None]), -1, 0)
    matrix = matrix + DEPENDENT * np.eye(count)
    right = (overlaps / scale).T[:, :, None]
    coupling = np.linalg.solve(matrix.transpose(0, 2, 1), right)[:, :, 0].T / scale
    widths = np.diff(grid.edges)
    rest -= np.einsum("ck,csk->sk", np.repeat(coupling, widths, axis=1), known)
    returned = samples * widths / (samples * widths - count)
    found: Floats = grid.mean(np.abs(rest) ** 2) * returned
    return found


def _sums(values: Complexes, grid: Bands) -> Complexes:
    """Sums over the samples and the frequencies of each band, shape (..., bands)."""
    found: Complexes = np.add.reduceat(values.sum(axis=-2), grid.edges[:-1], axis=-1)
    return found
