"""Fingerprints of the files that a campaign is made of: whether they are what they were.

A file counts by what it says and not by its name or place. A moment tensor potential counts by its
numbers and by the elements that it names, so a copy with other line breaks is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ensemble.mtp.potential import Potential

__all__ = [
    "Fingerprints",
    "hash_of_files",
    "hash_of_potential",
    "hash_of_structure",
]


@dataclass(frozen=True, kw_only=True)
class Fingerprints:
    """What a campaign's files say, in short."""

    models: dict[str, str]
    """By the name of the model."""
    structures: dict[str, str]
    """By the name of the material, of those that come from a file."""

    def as_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return asdict(self)


def hash_of_potential(potential: Potential) -> str:
    """Of what decides a potential's energies, and of the order of its elements where it has one."""
    return "-".join([potential.content_hash, *potential.species_names])


def hash_of_files(paths: Sequence[Path]) -> str:
    """Of the bytes of files and of their names, by which the commands of a model call them.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def hash_of_structure(path: Path) -> str:
    """The fingerprint of a structure file.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()
