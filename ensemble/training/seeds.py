"""Seeds for all that a training draws, each by its name, so that no two draws have the same.

The seeds in a file are people's: the same small numbers everywhere. What is drawn with one of them
gets a seed of its own from it by what it is for, and no such seed is that of a model, which is
taken from the file as it is: those are below 2³¹.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np

__all__ = ["named_seed"]


def named_seed(name: str, seed: int, *numbers: int) -> int:
    """A seed for one of the things that are drawn with the seed of a file.

    Parameters
    ----------
    name
        What it is for.
    seed
        From the file.
    numbers
        Which one of them, such as round and trajectory.

    Returns
    -------
    A whole number from 2⁶⁴ to 2⁶⁵.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(crc32(name.encode()), *numbers))
    return 1 << 64 | int(sequence.generate_state(1, np.uint64)[0])
