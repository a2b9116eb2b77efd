"""Tasks on Dask's workers, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ensemble.campaign.clusters import Local
from ensemble.cluster.local import local_cluster

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Workers", "completed"]

Task = TypeVar("Task")


class Workers:
    """Worker processes of this machine, that are started when they are first needed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    @cached_property
    def client(self) -> Client:
        """Of Dask."""
        anywhere = Local(dashboard_address="127.0.0.1:0")  # nobody is told where it is
        return self._stack.enter_context(local_cluster(anywhere, self._count))


def completed(waiting: Mapping[Future[Any], Task]) -> Iterator[tuple[Task, Any]]:
    """Tasks with their results, as they come; the others are given up if one fails.

    Raises
    ------
    RuntimeError
        The worker process of one died.
    Exception
        What a task has raised.
    """
    if not waiting:
        return
    from distributed import CancelledError, KilledWorker, as_completed

    try:
        for future, result in as_completed(list(waiting), with_results=True):
            yield waiting[future], result
    except (KilledWorker, CancelledError) as error:
        raise RuntimeError(
            "a worker process died, perhaps for want of memory; what was done before is kept, and "
            "the same command goes on (--workers 1 takes less)"
        ) from error
    finally:
        for future in waiting:
            future.cancel()
