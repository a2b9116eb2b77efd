"""``/ensemble/json`` and ``/ensemble/metrics``."""

from __future__ import annotations

from tornado.web import RequestHandler

from ensemble.dashboard.feed import Feed
from ensemble.dashboard.reader import Form

__all__ = ["AllHandler"]

TYPES: dict[Form, str] = {
    "json": "application/json",
    "metrics": "text/plain; version=0.0.4; charset=utf-8",
}


class AllHandler(RequestHandler):
    """All that is known, in one of the forms."""

    def initialize(self, feed: Feed, form: Form) -> None:
        """With what the route gives."""
        self._feed, self._form = feed, form

    async def get(self) -> None:
        """As of now, or of a moment ago."""
        try:
            content = await self._feed.all(self._form)
        except (OSError, ValueError, EOFError) as error:
            self.set_status(503, "the store cannot be read")
            content = repr(error).encode()
        self.set_header("Content-Type", TYPES[self._form])
        self.finish(content)
