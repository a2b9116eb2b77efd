"""The program that a job starts on its node: Dask's worker, as this project needs it.

``python -m ensemble.cluster.backends.worker ADDRESS ...`` takes the options of ``dask worker``.
"""

from __future__ import annotations

import sys

import dask.config

from ensemble.cluster.local import SETTINGS

FIXED = (
    # A worker does one run, whose ranks are processes of their own.
    *("--nthreads", "1"),
    "--nanny",
    # Its pages are open to whoever reaches them: to nobody on other machines.
    "--no-dashboard",
    *("--dashboard-address", "127.0.0.1:0"),
)


def main() -> None:
    """Run until the scheduler goes, the worker leaves, or the queue ends the job."""
    from distributed.cli.dask_worker import main as dask_worker

    with dask.config.set(SETTINGS):
        dask_worker([*sys.argv[1:], *FIXED], prog_name="ensemble worker")


if __name__ == "__main__":
    main()
