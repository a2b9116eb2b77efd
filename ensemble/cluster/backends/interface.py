"""What the launcher asks of a cluster, of whichever kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a cluster has to know of a launch."""

    name: str
    """Of the campaign."""
    store: Path
    """Folder of the store."""
    ranks: int = 1
    """MPI ranks of a run, the most that any has."""
    workers: int | None = None
    """Runs at a time, where that was asked for besides the section."""


class Backend(Protocol):
    """A cluster. It is a context manager: workers are there inside it, and nothing is left behind.

    All methods are called by one thread, that of the launcher.
    """

    most: int
    """Runs at a time at most."""

    @property
    def client(self) -> Client:
        """The launcher's connection to the scheduler."""

    def workers(self) -> int:
        """Workers that are there now, each with one thread."""

    def attend(self, runs: int) -> None:
        """Have as many workers as so many runs are worth. Called several times a second.

        Raises
        ------
        ValueError
            There will be no workers; the message says why.
        """

    def state(self) -> str:
        """In a few words, for whoever watches; empty where there is nothing to say."""
