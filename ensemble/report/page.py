"""Sections as one HTML page that loads nothing: figures and style are in it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ensemble.report.content import Section
from ensemble.report.picture import Picture

__all__ = ["Rendered", "as_html", "rendered"]

MOST_BYTES = 5_000_000
"""Of the figures in the page; what is beyond stays in its files."""

LARGE_SVG = 200_000
"""Bytes beyond which a figure goes in as pixels."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A picture as files, and as it goes into the page."""

    picture: Picture
    svg: bytes
    png: bytes
    shown: bool
    """Whether there is room for it in the page."""

    @property
    def address(self) -> str:
        """A data URI: the picture itself."""
        if len(self.svg) <= LARGE_SVG:
            return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}"
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def rendered(sections: Iterable[Section]) -> dict[str, Rendered]:
    """Every picture of some sections, by its name."""
    found: dict[str, Rendered] = {}
    total = 0
    for picture in (picture for section in sections for picture in section.pictures):
        svg, png = picture.svg(), picture.png()
        total += len(svg if len(svg) <= LARGE_SVG else png) * 4 // 3
        found[picture.name] = Rendered(picture=picture, svg=svg, png=png, shown=total <= MOST_BYTES)
    return found


def as_html(
    sections: Sequence[Section],
    pictures: Mapping[str, Rendered],
    *,
    figures: str,
    heading: Mapping[str, Any],
) -> str:
    """The page of a report.

    Parameters
    ----------
    sections
        In their order, the verdict first.
    pictures
        Of the sections, from `rendered`.
    figures
        Name of the folder that the files of the pictures are in.
    heading
        ``name`` and ``description`` of the campaign, ``text`` of its file, ``state`` of the store,
        ``latest``, when its last attempt ended, and ``version`` of this package.
    """
    environment = Environment(
        loader=PackageLoader("ensemble.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kept_together"] = _kept_together
    of = {section.name: [pictures[one.name] for one in section.pictures] for section in sections}
    return environment.get_template("report.html").render(
        sections=sections, pictures=of, figures=figures, **heading
    )


def _kept_together(text: str) -> str:
    """Without a line break in ``0.28 ± 0.10`` and ``20 %``."""
    return text.replace("± ", "±\u00a0").replace(" ±", "\u00a0±").replace(" %", "\u00a0%")
