"""Puts the page into the dashboard of a scheduler that runs."""

from __future__ import annotations

from functools import partial
from typing import Any

from ensemble.dashboard.feed import NAME, Feed

__all__ = ["NAME", "install"]


def install(store: str, topic: str, dask_scheduler: Any = None) -> bool:
    """Have the page, or have it show another store. Called by Dask in the scheduler.

    Parameters
    ----------
    store
        Folder of the store, as seen from the scheduler.
    topic
        Of the workers' events; see `ensemble.dashboard.feed.Feed`.
    dask_scheduler
        The scheduler, which Dask fills in.

    Returns
    -------
    Whether there is a dashboard to put it into.
    """
    known = dask_scheduler.plugins.get(NAME)
    if known is not None:
        known.follow(store)
        return True
    applications = dask_scheduler.http_application.applications
    if not applications:
        return False
    feed = Feed(dask_scheduler, store, topic)
    dask_scheduler.add_plugin(feed)
    _add_page(dask_scheduler, applications[0].prefix, feed)
    _add_data(dask_scheduler, applications[0].prefix, feed)
    return True


def _add_page(scheduler: Any, prefix: str, feed: Feed) -> None:
    from distributed.dashboard.core import BokehApplication
    from distributed.dashboard.scheduler import template_variables
    from tornado.ioloop import IOLoop

    from ensemble.dashboard.page import document

    variables = template_variables(scheduler)
    # The list that the navigation of every page is made from.
    variables["pages"].insert(0, NAME)
    page: Any = BokehApplication(
        {f"/{NAME}": partial(document, feed)}, scheduler, prefix, template_variables=variables
    )
    scheduler.http_application.add_application(page)
    page.initialize(IOLoop.current())
    page.start()


def _add_data(scheduler: Any, prefix: str, feed: Feed) -> None:
    from ensemble.dashboard.routes import AllHandler

    scheduler.http_application.add_handlers(
        ".*$",
        [
            (rf"{prefix}/{NAME}/{form}", AllHandler, {"feed": feed, "form": form})
            for form in ("json", "metrics")
        ],
    )
