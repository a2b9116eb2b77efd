"""A Dask cluster on this machine: worker processes with one thread each."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

import dask.config

from ensemble.campaign.clusters import Local

if TYPE_CHECKING:
    from distributed import Client

NOISY = ("distributed", "distributed.nanny", "bokeh", "tornado.application")

SETTINGS = {
    # One worker lost is one attempt over: what to do next is the launcher's to decide.
    "distributed.scheduler.allowed-failures": 0,
    # A run that waits behind a long one goes to the worker that is free first.
    "distributed.scheduler.work-stealing": True,
    # A thread that waits for LAMMPS is not a thread that holds the interpreter. To look for one
    # fifty times a second in every process takes time from LAMMPS.
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
}


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def default_workers(ranks: int) -> int:
    """Workers that this machine has cores for, with so many MPI ranks to a run."""
    return max(1, core_count() // ranks)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Threads and processes that are started meanwhile do not hear of SIGINT.

    Ctrl-C goes to all processes of the terminal. What to do about it is for the launcher alone to
    decide; a worker would die of it with a traceback.
    """
    resource_tracker.ensure_running()  # it would let SIGINT through once it has started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def quiet() -> Iterator[None]:
    """Dask's own noise about lost workers says nothing that the launcher does not say better."""
    loggers = [logging.getLogger(name) for name in NOISY]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def client_settings() -> Iterator[None]:
    """Dask as this project needs it, in this process."""
    # Before the settings: what it adds to Dask's at its import would go when they are undone.
    import_module("distributed")
    with quiet(), dask.config.set(SETTINGS):
        yield


@contextmanager
def starting(what: str) -> Iterator[None]:
    """A cluster is started meanwhile.

    Raises
    ------
    ValueError
        It could not be; the message has `what` in it.
    """
    try:
        with uninterrupted(), warnings.catch_warnings():
            # The dashboard's address is shown, whichever port it has got.
            warnings.filterwarnings("ignore", r"\s*Port \d+ is already in use")
            yield
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"[cluster]: Dask cannot start with {what}: {_root_of(error)}") from error


@contextmanager
def local_cluster(section: Local, workers: int) -> Iterator[Client]:
    """A scheduler in this process and `workers` worker processes, bound to loopback.

    Raises
    ------
    ValueError
        An option of the campaign's ``[cluster]`` is nothing that Dask can use.
    """
    from distributed import Client, LocalCluster

    options = section.model_dump(exclude={"kind", "workers"}, exclude_none=True)
    with client_settings():
        with starting(str(options)):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                silence_logs=logging.CRITICAL,
                **{"memory_limit": None, **options},
            )
        with cluster, Client(cluster) as client:
            yield client


def _root_of(error: BaseException) -> BaseException:
    """What was behind an error: Dask's own only says that it did not start."""
    return error if error.__cause__ is None else _root_of(error.__cause__)
