"""Schedulers without workers, for the page alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster

from ensemble.cluster.local import client_settings


@contextmanager
def scheduler(**options: object) -> Iterator[Client]:
    """A scheduler in this process, with a dashboard unless `options` say otherwise."""
    with (
        client_settings(),
        LocalCluster(
            n_workers=0, dashboard_address="127.0.0.1:0", scheduler_kwargs=options
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
