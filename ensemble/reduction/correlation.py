"""Correlation functions of currents in equilibrium.

The mean of a heat flux or of a species current is known: it is zero. It is not taken from the
series, because a sample mean that is subtracted takes a piece of the correlation with it: the
integral up to lag t of a series of length T would come out too small by about 2t/T of its value.

The series is cut into blocks of B rows, B no less than the lags, and each is transformed once, with
as many zeros. Pairs of rows within B of each other lie in one block or in two neighbours, and the
transform of two neighbours is the sum of theirs, the second moved by B rows. So the spectrum of the
correlation function is the sum of conj(F_b) (F_b + F_b+1) over the blocks, and is transformed back
once (C. M. Rader, IEEE Trans. Audio Electroacoust. 18, 439 (1970)).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

__all__ = ["Correlator", "autocorrelation", "correlation"]

Floats = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

SHORTEST_BLOCK = 4096
"""In rows. Shorter ones would spend more time between the transforms than in them."""


def autocorrelation(current: ArrayLike, lags: int) -> Floats:
    """<J(0) J(t)> for t = 0, 1, ..., lags − 1 rows; see `correlation`."""
    correlator = Correlator(lags)
    correlator.add(current)
    return correlator.result()[0]


def correlation(first: ArrayLike, second: ArrayLike, lags: int) -> Floats:
    """<A(0) B(t)> for t = 0, 1, ..., lags − 1 rows, along the last axis.

    Each lag is the mean over all pairs of rows with that distance, and so without bias.

    Parameters
    ----------
    first, second
        Shape (..., rows); the axes before the last are broadcast.
    lags
        How many lags, from 1 to the number of rows.

    Returns
    -------
    Shape (..., lags).

    Raises
    ------
    ValueError
        The series differ in length, have fewer rows than lags, or hold a number that is not finite.
    """
    correlator = Correlator(lags, pairs=[(0, 1)])
    correlator.add(first, second)
    return correlator.result()[0]


class Correlator:
    """Correlation functions of currents that come in pieces.

    The memory it takes grows with the lags, not with the rows. What it finds does not depend, not
    in the last bit, on how the rows were divided among the calls of `add`.
    """

    def __init__(self, lags: int, pairs: Sequence[tuple[int, int]] = ((0, 0),)) -> None:
        """Of the currents numbered by `pairs`, from 0, at the distances 0, 1, ..., lags − 1 rows.

        Raises
        ------
        ValueError
            There is no lag or no pair.
        """
        if lags < 1 or not pairs:
            raise ValueError(f"{lags} lags of {len(pairs)} pairs of currents: must be 1 or more")
        self._lags = lags
        self._pairs = list(pairs)
        self._currents = 1 + max(max(pair) for pair in pairs)
        self._block = int(fft.next_fast_len(max(lags, SHORTEST_BLOCK), real=True))
        self._rows = 0
        self._padded: list[Floats] = []
        self._before: list[Spectrum] = []
        self._sums: list[Spectrum] = []

    @property
    def rows(self) -> int:
        """That were added."""
        return self._rows

    def add(self, *currents: ArrayLike) -> None:
        """Take the next rows of every current.

        Parameters
        ----------
        currents
            Shape (..., rows) each; the axes before the last are as in the calls before, and
            are broadcast between the currents of a pair.

        Raises
        ------
        ValueError
            Currents are missing, their numbers of rows or their other axes do not fit, or a number
            is not finite. Nothing was taken then.
        """
        arrays = [np.asarray(current, dtype=np.float64) for current in currents]
        self._check(arrays)
        if not self._padded:
            self._prepare(arrays)
        rows, taken = arrays[0].shape[-1], 0
        while taken < rows:
            filled = self._rows % self._block
            piece = min(self._block - filled, rows - taken)
            start = self._half() + filled
            for padded, array in zip(self._padded, arrays, strict=True):
                padded[..., start : start + piece] = array[..., taken : taken + piece]
            taken += piece
            if filled + piece == self._block:
                self._close_block()
            self._rows += piece

    def result(self) -> list[Floats]:
        """<A(0) B(t)> of every pair (A, B), shape (..., lags) each; more rows may follow.

        Raises
        ------
        ValueError
            There are fewer rows than lags.
        """
        if self._rows < self._lags:
            raise ValueError(f"{self._lags} lags of a series of {self._rows} rows: too many")
        last = [fft.rfft(padded) for padded in self._padded]
        nothing = [np.zeros_like(transform) for transform in last]
        found = []
        for number, (first, second) in enumerate(self._pairs):
            total = _product(last[first], last[second], nothing[second])
            if self._before:
                before = self._before
                total += self._sums[number]
                total += _product(before[first], before[second], last[second])
            sums = fft.irfft(total, 2 * self._block, overwrite_x=True)[..., : self._lags]
            found.append(sums / np.arange(self._rows, self._rows - self._lags, -1))
        return found

    def _check(self, arrays: Sequence[Floats]) -> None:
        if len(arrays) != self._currents:
            raise ValueError(f"{len(arrays)} currents, {self._currents} are to be correlated")
        lengths = {array.shape[-1:] for array in arrays}
        if len(lengths) > 1 or () in lengths:
            shapes = " and ".join(str(array.shape) for array in arrays)
            raise ValueError(f"series of shapes {shapes} cannot be correlated: the rows differ")
        for padded, array in zip(self._padded, arrays, strict=False):
            if array.shape[:-1] != padded.shape[:-1]:
                raise ValueError(
                    f"rows of shape {array.shape} cannot follow a series of {padded.shape[:-1]}"
                )
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError("the series holds numbers that are not finite")

    def _prepare(self, arrays: Sequence[Floats]) -> None:
        """Take the other axes from the first rows."""
        self._padded = [np.zeros((*array.shape[:-1], 2 * self._block)) for array in arrays]

    def _half(self) -> int:
        """Where the block that is filled begins: every other one is moved by B rows.

        So it follows the block before or, as the transform is periodic, the next follows it.
        """
        return self._rows // self._block % 2 * self._block

    def _close_block(self) -> None:
        """Transform the block, add what its pairs with the one before give, make room."""
        transforms = [fft.rfft(padded) for padded in self._padded]
        if self._before:
            before = self._before
            for number, (first, second) in enumerate(self._pairs):
                self._sums[number] += _product(before[first], before[second], transforms[second])
        else:
            self._sums = [
                np.zeros(np.broadcast_shapes(transforms[a].shape, transforms[b].shape), complex)
                for a, b in self._pairs
            ]
        self._before = transforms
        half = self._half()
        for padded in self._padded:
            padded[..., half : half + self._block] = 0.0


def _product(first: Spectrum, second: Spectrum, second_after: Spectrum) -> Spectrum:
    """conj(F_b) (F_b + F_b+1)."""
    both: Spectrum = second + second_after
    return both * first.conj()
