"""Spectra of currents at low frequencies: where transport coefficients are read off.

With C(t) = <J(0) J(t)> the spectrum here is S(ω) = ∫ C(t) cos ωt dt from 0 to ∞, so that S(0) is
the integral of Green and Kubo. Of a stationary series of length T the periodogram at the
frequencies k/T scatters about it like an exponential variable, independently of the next one:
that is why intervals are simpler here than for the running integral.

Neither a mean is subtracted (that of a current is zero) nor a taper applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

__all__ = ["Bands", "Decimated", "bands", "decimated", "transforms"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

SINGLE = 24
"""So many of the lowest frequencies are kept one by one."""

WIDTH = 0.04
"""Of a band above them, relative to its frequency."""

MOST_ROWS = 1 << 16
"""Of a series, in the transforms; longer ones are averaged over neighbouring rows before."""


class Decimated:
    """A long series, averaged over as many neighbouring rows as make it short enough.

    The average over rows keeps the spectrum at zero as it is, and folds higher frequencies only
    onto others than zero: of a frequency f what is folded goes with (f Δt)². Rows are averaged in
    pairs that are counted from the first row on, so that it does not matter in which pieces they
    come. Nothing but the averages is kept.
    """

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._most_rows = most_rows
        self._parts: list[Floats] = []
        self._rows = 0
        self._rest: Floats | None = None
        self.factor = 1
        """Rows in an average."""

    def add(self, block: ArrayLike) -> None:
        """Go on with the rows of a block, shape (..., rows).

        Raises
        ------
        ValueError
            A number in it is not finite.
        """
        values = np.asarray(block, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError("the series holds numbers that are not finite")
        if self._rest is not None:
            values = np.concatenate([self._rest, values], axis=-1)
        whole = values.shape[-1] // self.factor * self.factor
        self._rest = values[..., whole:]
        self._keep(_averaged(values[..., :whole], self.factor))

    def _keep(self, averages: Floats) -> None:
        self._parts.append(averages)
        self._rows += averages.shape[-1]
        while self._rows > self._most_rows:
            together = _joined(self._parts)
            even = together.shape[-1] // 2 * 2
            # A last average without a partner goes back to the rest, as the rows it stands for.
            if even < together.shape[-1]:
                assert self._rest is not None
                alone = np.repeat(together[..., even:], self.factor, axis=-1)
                self._rest = np.concatenate([alone, self._rest], axis=-1)
            self._parts = [_averaged(together[..., :even], 2)]
            self._rows = even // 2
            self.factor *= 2

    def result(self) -> Floats:
        """Shape (..., averages). Rows at the end that do not fill an average are left out."""
        return _joined(self._parts) if self._parts else np.zeros((0,))


def decimated(series: ArrayLike, most_rows: int = MOST_ROWS) -> tuple[Floats, int]:
    """`Decimated` of a series that is there as a whole: the averages, and rows in each."""
    whole = Decimated(most_rows)
    whole.add(series)
    return whole.result(), whole.factor


def _joined(parts: Sequence[Floats]) -> Floats:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _averaged(values: Floats, factor: int) -> Floats:
    if factor == 1:
        return values
    mean = values[..., 0::2] + values[..., 1::2]
    mean *= 0.5
    return mean if factor == 2 else _averaged(mean, factor // 2)


def transforms(series: ArrayLike, timestep: float) -> Complexes:
    """Fourier transforms, so normalised that the mean of ``|·|²`` is S.

    Parameters
    ----------
    series
        Shape (..., rows).
    timestep
        Time between two rows.

    Returns
    -------
    Shape (..., rows // 2 + 1): of the frequencies k / (rows × timestep).
    """
    values = np.asarray(series, dtype=np.float64)
    found: Complexes = fft.rfft(values, axis=-1)
    found *= np.sqrt(0.5 * timestep / values.shape[-1])
    return found


@dataclass(frozen=True)
class Bands:
    """Neighbouring frequencies taken together: the lowest one by one, then ever more."""

    edges: NDArray[np.intp]
    """Shape (bands + 1,): the first frequency of each, and one behind the last."""
    resolution: float
    """Distance of two frequencies, 1/T."""

    @cached_property
    def count(self) -> Floats:
        """Shape (bands,): frequencies in each; that at zero, which has no phase, is half of one."""
        count = np.diff(self.edges).astype(np.float64)
        if self.edges[0] == 0:
            count[0] -= 0.5
        return count

    @cached_property
    def frequency(self) -> Floats:
        """Shape (bands,): the middle of each."""
        middle: Floats = (self.edges[:-1] + self.edges[1:] - 1) / 2 * self.resolution
        return middle

    def mean(self, periodogram: ArrayLike) -> Floats:
        """Shape (..., bands): means over the frequencies (..., frequencies) of each."""
        values = np.asarray(periodogram)
        sums: Floats = np.add.reduceat(values[..., : self.edges[-1]], self.edges[:-1], axis=-1)
        return sums / np.diff(self.edges)


def bands(rows: int, timestep: float) -> Bands:
    """For the transforms of series of so many rows.

    The frequency of Nyquist is left out.
    """
    behind = max((rows + 1) // 2, 1)
    return Bands(np.array(list(_edges(behind))), 1 / (rows * timestep))


def _edges(behind: int) -> Iterable[int]:
    edge = 0
    while edge < behind:
        yield edge
        edge += max(1, int(edge * WIDTH)) if edge > SINGLE else 1
    yield behind
