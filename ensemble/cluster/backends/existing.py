"""A Dask scheduler that somebody else has started, and its workers."""

from __future__ import annotations

import time
from contextlib import ExitStack
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from ensemble.campaign.clusters import Existing
from ensemble.cluster.backends.interface import Setting
from ensemble.cluster.local import client_settings

if TYPE_CHECKING:
    from distributed import Client

PACKAGE = "ensemble"

PATIENCE = "10s"
"""For the scheduler to answer."""

LOOK_SECONDS = 2.0
"""Between two looks at who is there."""


class ExistingBackend:
    """The workers of a scheduler by its address. They stay when the launch is over."""

    def __init__(self, section: Existing, setting: Setting) -> None:
        self._section = section
        self._limit = setting.workers or section.workers
        self._stack = ExitStack()
        self._count = 0
        self._looked = float("-inf")
        self.most = self._limit or 1

    def __enter__(self) -> Self:
        from distributed import Client, Security

        section = self._section
        certificates = section.model_dump(include={"tls_ca_file"}, exclude_none=True)
        if certificates:
            certificates["tls_client_cert"] = section.tls_cert
            certificates["tls_client_key"] = section.tls_key
        security = Security(require_encryption=True, **certificates) if certificates else None
        self._stack.enter_context(client_settings())
        try:
            client = Client(section.address, security=security, timeout=PATIENCE)
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            self._stack.close()
            raise ValueError(
                f"cluster.address: no Dask scheduler answers at {section.address}: {error}"
            ) from error
        self._client: Client = self._stack.enter_context(client)
        try:
            self._check_workers()
        except BaseException:
            self._stack.close()
            raise
        self.most = self._limit or max(1, self.workers())
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def _check_workers(self) -> None:
        """What a worker cannot read takes it down, again and again, and nobody is told."""
        mine = version(PACKAGE)
        found = self._client.run(version, PACKAGE, on_error="return")
        for worker, theirs in found.items():
            if theirs != mine:
                has = f"{PACKAGE} {theirs}" if isinstance(theirs, str) else f"no {PACKAGE}"
                raise ValueError(
                    f"cluster.address: the worker at {worker} has {has}, this is {mine}: all have "
                    "to have the same one"
                )

    @property
    def client(self) -> Client:
        """The launcher's connection to the scheduler."""
        return self._client

    def workers(self) -> int:
        """Those that the scheduler has, as of a moment ago."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._count = len(self._client.nthreads())
            self._looked = time.monotonic()
        return min(self._count, self._limit or self._count)

    def attend(self, runs: int) -> None:
        """They are somebody else's."""

    def state(self) -> str:
        """How many there are."""
        return f"{self.workers()} workers at {self._section.address}"
