"""Tasks on Dask's workers, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from distributed import Future

__all__ = ["completed"]

Task = TypeVar("Task")


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
    from distributed import KilledWorker, as_completed

    try:
        for future, result in as_completed(list(waiting), with_results=True):
            yield waiting[future], result
    except KilledWorker as error:
        raise RuntimeError(
            "a worker process died, perhaps for want of memory; what was done before is kept, and "
            "the same command goes on (--workers 1 takes less)"
        ) from error
    finally:
        for future in waiting:
            future.cancel()
