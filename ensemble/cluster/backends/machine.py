"""Worker processes of this machine, started once."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from ensemble.campaign.clusters import Local
from ensemble.cluster.backends.interface import Setting
from ensemble.cluster.local import default_workers, local_cluster

if TYPE_CHECKING:
    from distributed import Client


class MachineBackend:
    """Worker processes of this machine, and a scheduler in this process."""

    def __init__(self, section: Local, setting: Setting) -> None:
        self._section = section
        self._stack = ExitStack()
        self.most = setting.workers or section.workers or default_workers(setting.ranks)

    def __enter__(self) -> Self:
        self._client = self._stack.enter_context(local_cluster(self._section, self.most))
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    @property
    def client(self) -> Client:
        """The launcher's connection to the scheduler."""
        return self._client

    def workers(self) -> int:
        """All: one that dies is started again."""
        return self.most

    def attend(self, runs: int) -> None:
        """There is nothing to do."""

    def state(self) -> str:
        """Nothing changes."""
        return ""
