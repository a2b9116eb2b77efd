"""How this process uses the machine, set before NumPy is loaded."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

__all__ = ["prepare_to_reduce"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""As in glibc's malloc.h."""

MOST_KEPT = 1 << 28
"""Bytes."""


def prepare_to_reduce() -> None:
    """Groups of runs are reduced side by side, each in a thread, with arrays of some MB.

    So the linear algebra has no threads of its own, which would wait for one another. And where the
    C library is glibc, it keeps what is freed for what is asked for next: given back to the system,
    every page is cleared anew, which is a quarter of the time.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        mallopt(M_MMAP_THRESHOLD, MOST_KEPT)
        mallopt(M_ARENA_MAX, 1)
