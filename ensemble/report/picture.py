"""A figure with what belongs to it: its file's name, its caption, and its finding in words."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from ensemble.report.style import styled

__all__ = ["Picture", "in_words", "slug"]

DOTS_PER_INCH = 300

MOST_NAMED = 12
"""Models whose values are told one by one."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of the report."""

    name: str
    """Of its files, without an ending; see `slug`."""
    caption: str
    """Below it: what is drawn."""
    alt: str
    """In place of it: what comes out, in numbers."""
    figure: Figure

    @property
    def width(self) -> int:
        """In pixels of the page, 96 to the inch."""
        return round(96 * self.figure.get_figwidth())

    @property
    def height(self) -> int:
        """In pixels of the page."""
        return round(96 * self.figure.get_figheight())

    def svg(self) -> bytes:
        """As vectors. The same figure gives the same bytes."""
        metadata = {"Date": None, "Creator": None, "Title": self.name}
        return self._written("svg", metadata)

    def png(self) -> bytes:
        """As pixels, as many as a journal asks for."""
        return self._written("png", {"Software": None, "Title": self.name})

    def _written(self, kind: str, metadata: Mapping[str, str | None]) -> bytes:
        file = io.BytesIO()
        with styled():
            self.figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=dict(metadata))
        return file.getvalue()


def slug(*words: str) -> str:
    """A name for files, whatever the words are: letters, digits, . + - and _."""
    cleaned = (re.sub(r"[^A-Za-z0-9.+-]+", "_", word).strip("._") or "x" for word in words)
    return "-".join(word[:80] for word in cleaned)


def in_words(values: Mapping[str, str]) -> str:
    """Values by model for an alternative text: each by itself, or the first ones."""
    named = [f"{value} ({model})" for model, value in values.items()]
    if len(named) <= MOST_NAMED:
        return ", ".join(named) or "none"
    return f"{', '.join(named[:MOST_NAMED])} and {len(named) - MOST_NAMED} more"
