"""Control variates: noise taken out of a mean with quantities whose own means are known to be zero.

S. S. Lavenberg and P. D. Welch, Management Science 27, 322 (1981).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FEWEST_BLOCKS_A_CONTROL", "controlled"]

Floats = NDArray[np.float64]

FEWEST_BLOCKS_A_CONTROL = 5
"""With fewer the coefficients could cost more than the controls bring."""


def controlled(values: ArrayLike, controls: ArrayLike) -> Floats:
    """Values − Σ_s β_s controls_s, with the β_s that leave the least scatter within the runs.

    The expectation stays what it was, as that of the controls is zero. Adding any multiple of a
    control to the values changes nothing. β is fitted to deviations from each run's mean, so that
    of a normal process it is independent of the means that it corrects.

    What the fit makes of the scatter is given back: the deviations from a run's mean are enlarged
    so that the error of the mean has the right size, that of β in it
    (variance × (n − 2) / (n − S − 2) with S controls, and n − S − 1 degrees of freedom).

    Parameters
    ----------
    values
        Shape (runs, blocks).
    controls
        Shape (runs, blocks, controls), of expectation zero.

    Returns
    -------
    Shape (runs, blocks); the values as they were where there are too few blocks for a fit.

    Raises
    ------
    ValueError
        The shapes do not fit.
    """
    wanted, known = np.asarray(values, np.float64), np.asarray(controls, np.float64)
    if known.ndim != 3 or known.shape[:2] != wanted.shape:
        raise ValueError(f"values {wanted.shape}, controls {known.shape}")
    runs, blocks, count = known.shape
    free = runs * (blocks - 1)
    if free < FEWEST_BLOCKS_A_CONTROL * count:
        return wanted
    deviations = known - known.mean(axis=1, keepdims=True)
    residuals = wanted - wanted.mean(axis=1, keepdims=True)
    # Controls may depend on one another: momenta that add up to zero, a species that is not there.
    beta = np.linalg.lstsq(deviations.reshape(-1, count), residuals.ravel(), rcond=None)[0]
    means = (wanted - known @ beta).mean(axis=1, keepdims=True)
    enlarged = math.sqrt(free / (free - count) * (free - 1) / (free - 1 - count))
    found: Floats = means + enlarged * (residuals - deviations @ beta)
    return found
