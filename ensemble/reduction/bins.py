"""How κ of the direct method depends on the layers that are left out beside the exchange layers.

Next to an exchange layer the velocities are no thermal ones, and the temperature bends. With too
few layers left out the bend is taken for a gradient; with more, the line is fitted to fewer points.
κ can be believed where leaving out still more does not move it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.reduction.direct import (
    FEWEST_LAYERS,
    default_leave_out,
    kappa_values,
    slope_weights,
)
from ensemble.reduction.intervals import CHECK_LEVEL, Interval, of_independent, of_series
from ensemble.reduction.steady import first_steady_block

__all__ = ["LeaveOutScan", "leave_out_scan"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LeaveOutScan:
    """κ against the number of layers left out."""

    kappa: dict[int, Interval]
    """By the layers left out on each side of an exchange layer, from none on."""
    change: dict[int, Interval]
    """κ minus that of `default`. Their noise is mostly the same and cancels. The level is that of
    all intervals with more left out together: each of n is at 1 − (1 − `CHECK_LEVEL`) / n."""
    default: int
    """The number that `direct_method` takes by itself."""

    @property
    def settled(self) -> bool:
        """Whether leaving out more than the default changes nothing beyond chance."""
        more = [change for left, change in self.change.items() if left > self.default]
        return all(abs(change.mean) <= change.half_width for change in more)


def leave_out_scan(
    temperature: ArrayLike,
    exchanged_energy: ArrayLike,
    *,
    block_time: float,
    length: ArrayLike,
    area: ArrayLike,
    prefactor: float = 1.0,
) -> LeaveOutScan:
    """κ for every number of layers left out that leaves three in a leg.

    All from the same blocks, those that are steady by the default. The parameters are those of
    `ensemble.reduction.direct.direct_method`.

    Raises
    ------
    ValueError
        The shapes do not fit, there are no blocks, or too few layers.
    """
    profiles = np.asarray(temperature, np.float64)
    exchanged = np.asarray(exchanged_energy, np.float64)
    if profiles.ndim != 3 or exchanged.shape != profiles.shape[:2] or not exchanged.size:
        raise ValueError(f"temperature {profiles.shape}, exchanged_energy {exchanged.shape}")
    runs, _, bins = profiles.shape
    lengths, areas = (np.broadcast_to(value, runs)[:, None] for value in (length, area))
    default = default_leave_out(bins)
    most = max((bins // 2 - 1 - FEWEST_LAYERS) // 2, default)
    gradients = {
        left: profiles @ slope_weights(bins, left) * (bins / lengths) for left in range(most + 1)
    }
    steady = slice(first_steady_block(gradients[default].mean(axis=0)), None)
    flux = (exchanged / (2 * areas * block_time))[:, steady]
    values = {
        left: kappa_values(flux, gradient[:, steady], prefactor)
        for left, gradient in gradients.items()
    }
    interval = of_series if runs == 1 else of_independent
    level = 1 - (1 - CHECK_LEVEL) / max(most - default, 1)
    return LeaveOutScan(
        kappa={left: interval(found) for left, found in values.items()},
        change={left: interval(found - values[default], level) for left, found in values.items()},
        default=default,
    )
