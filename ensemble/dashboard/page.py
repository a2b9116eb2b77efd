"""The page ``/ensemble``: a document of Bokeh's for each browser that opens it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import distributed
from bokeh.document import Document
from bokeh.events import ConnectionLost
from bokeh.models import CustomJS
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader

from ensemble.dashboard import tables
from ensemble.dashboard.feed import Feed
from ensemble.dashboard.figures import Driven, Equilibrium
from ensemble.dashboard.grid import Grid
from ensemble.dashboard.news import GroupKey, News
from ensemble.dashboard.style import THEME

__all__ = ["document"]

TEMPLATE = Environment(
    loader=ChoiceLoader(
        [
            PackageLoader("ensemble.dashboard", "templates"),
            # The frame of every page of the dashboard, with the navigation.
            FileSystemLoader(Path(distributed.__file__).parent / "http" / "templates"),
        ]
    )
).get_template("page.html")

LOST = "document.getElementById('lost').hidden = false"


def document(feed: Feed, scheduler: Any, extra: dict[str, Any], doc: Document) -> None:
    """Fill a document; called by Bokeh's server when a browser opens the page."""
    page = Page(feed, doc)
    doc.title = "ensemble"
    doc.theme = THEME
    doc.template = TEMPLATE
    doc.template_variables.update(extra)
    doc.js_on_event(ConnectionLost, CustomJS(code=LOST))
    doc.on_session_destroyed(lambda context: feed.leave(page))
    feed.join(page)


class Page:
    """An open page.

    Parameters
    ----------
    feed
        Where it has what it shows from.
    doc
        In which it shows that.
    """

    def __init__(self, feed: Feed, doc: Document) -> None:
        self._feed, self._doc = feed, doc
        self._summary = tables.Text("summary", "summary.html")
        self._states = tables.Text("states", "states.html")
        self._grid = Grid()
        self._equilibrium, self._driven = Equilibrium(), Driven()
        self._kappas = tables.Text("kappas", "kappas.html")
        self._costs = tables.Text("costs", "costs.html")
        self._failures = tables.Text("failures", "failures.html")
        for part in (self._equilibrium, self._driven):
            part.condition.root.on_change("value", self._choose)
        self._lay_out()
        roots = (
            *(self._summary.root, self._states.root, self._grid.root),
            *(self._equilibrium.condition.root, self._equilibrium.key.root),
            *(self._equilibrium.kappa, self._equilibrium.hfacf),
            *(self._driven.condition.root, self._driven.key.root, self._driven.profile),
            *(self._kappas.root, self._costs.root, self._failures.root),
        )
        with doc.models.freeze():  # which would look through all models for each of them
            for root in roots:
                doc.add_root(root)

    @property
    def wanted(self) -> set[GroupKey]:
        """Groups whose curves are shown."""
        parts = (self._equilibrium, self._driven)
        return {group for part in parts for group in part.condition.groups.values()}

    def tell(self, news: News) -> None:
        """Show what is new, as soon as the document may be changed."""
        self._doc.add_next_tick_callback(partial(self._show, news))

    def _show(self, news: News) -> None:
        picture = self._feed.picture
        if news.layout is not None:
            self._lay_out()
            return
        if picture.layout is None:
            self._summary.show(**tables.summary(picture))
            return
        self._grid.update(picture, news.rows)
        self._equilibrium.update(picture)
        self._driven.update(picture)
        self._write()

    def _lay_out(self) -> None:
        """Draw all that is known."""
        picture = self._feed.picture
        if picture.layout is not None:
            self._doc.title = f"{picture.layout.campaign} · ensemble"
            self._grid.lay_out(picture)
            for part in (self._equilibrium, self._driven):
                part.lay_out(picture.layout)
                part.update(picture)
        self._write()

    def _write(self) -> None:
        picture = self._feed.picture
        self._summary.show(**tables.summary(picture))
        self._states.show(**tables.states(picture))
        self._kappas.show(**tables.kappas(picture))
        self._costs.show(**tables.costs(picture))
        self._failures.show(**tables.failures(picture))

    def _choose(self, attribute: str, old: str, new: str) -> None:
        """Another condition was chosen."""
        self._equilibrium.update(self._feed.picture)
        self._driven.update(self._feed.picture)
