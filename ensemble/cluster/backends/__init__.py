"""Where the workers are: on this machine, at a scheduler that runs already, in a job queue.

``interface``
    What the launcher asks of each kind.
``machine``, ``existing``, ``queue``
    The kinds.
``kinds``
    How the job queues differ: classes of dask-jobqueue, listings.
``certificates``
    With which scheduler, workers and launcher know one another.
``worker``
    The program that a job starts on its node.
"""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager

from ensemble.campaign.clusters import Cluster, Existing, Local, Queue
from ensemble.cluster.backends.interface import Backend, Setting

__all__ = ["Backend", "Setting", "check_backend", "most_workers", "open_backend"]


def open_backend(section: Cluster, setting: Setting) -> AbstractContextManager[Backend]:
    """The cluster that a section asks for, for as long as the context lasts.

    Raises
    ------
    ValueError
        It cannot be had; the message says why.
    """
    if isinstance(section, Queue):
        from ensemble.cluster.backends.queue import QueueBackend

        return QueueBackend(section, setting)
    if isinstance(section, Existing):
        from ensemble.cluster.backends.existing import ExistingBackend

        return ExistingBackend(section, setting)
    from ensemble.cluster.backends.machine import MachineBackend

    return MachineBackend(section, setting)


def check_backend(section: Cluster) -> None:
    """See whether a cluster can be reached from here, before anything is made for it.

    Raises
    ------
    ValueError
        It cannot.
    """
    if isinstance(section, Queue):
        from ensemble.cluster.backends.kinds import KINDS

        command = KINDS[section.kind].job_class.submit_command
        if shutil.which(command) is None:
            raise ValueError(
                f"cluster.kind: found {section.kind}, but there is no {command} on this machine; "
                "launch where jobs are submitted, or on another cluster (--cluster)"
            )


def most_workers(section: Cluster, ranks: int, workers: int | None = None) -> int:
    """How many runs a cluster does at a time at most, with so many MPI ranks each; `workers` is
    what was asked for besides. Of a scheduler that runs already that is not known, and taken for 1.
    """
    from ensemble.cluster.local import default_workers

    if isinstance(section, Queue):
        here = section.maximum_jobs * (section.cores // ranks)
        return min(workers or here, here)
    if isinstance(section, Local):
        return workers or section.workers or default_workers(ranks)
    return workers or section.workers or 1
