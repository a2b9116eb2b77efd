"""A Dask cluster on this machine: worker processes with one thread each."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dask.config

from ensemble.campaign.schema import Cluster

if TYPE_CHECKING:
    from distributed import Client

DASHBOARD = "127.0.0.1:8787"
"""Where the dashboard is looked for; the next free port if this one is taken."""

SETTINGS = {
    # One worker lost is one attempt over: what to do next is the launcher's to decide.
    "distributed.scheduler.allowed-failures": 0,
    # A run is hours long and sits in one LAMMPS process: there is nothing to steal.
    "distributed.scheduler.work-stealing": False,
    # A thread that waits for LAMMPS is not a thread that holds the interpreter.
    "distributed.admin.tick.limit": "60s",
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
def local_cluster(section: Cluster, workers: int) -> Iterator[Client]:
    """A scheduler in this process and `workers` worker processes, bound to loopback.

    Raises
    ------
    ValueError
        An option of the campaign's ``[cluster]`` is nothing that Dask can use.
    """
    # Dask's own noise about lost workers says nothing that the launcher does not say better.
    for name in ("distributed", "distributed.nanny", "bokeh", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(SETTINGS):
        from distributed import Client, LocalCluster

        options = {"host": "127.0.0.1", "dashboard_address": DASHBOARD, **section.options}
        try:
            with warnings.catch_warnings():
                # The dashboard's address is shown, whichever port it has got.
                warnings.filterwarnings("ignore", r"\s*Port \d+ is already in use")
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    silence_logs=logging.CRITICAL,
                    **{"memory_limit": None, **options},
                )
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"[cluster]: Dask cannot start with {options}: {error}") from error
        with cluster, Client(cluster) as client:
            yield client
