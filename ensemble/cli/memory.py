"""The memory of this process."""

from __future__ import annotations

import ctypes
from contextlib import suppress

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""As in glibc's malloc.h."""

MOST_KEPT = 1 << 28
"""Bytes."""


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for what is asked for next, where it is glibc.

    By default it gives arrays of some MB back to the system, which clears every page anew: a
    quarter of the time in which a store is reduced. Only for a process of our own.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        mallopt(M_MMAP_THRESHOLD, MOST_KEPT)
        mallopt(M_ARENA_MAX, 1)
