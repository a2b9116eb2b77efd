"""A report taken apart: its sections, its pictures, the elements of its page."""

from __future__ import annotations

from html.parser import HTMLParser

from ensemble.report import sections_of
from ensemble.report.content import Section, Source
from ensemble.report.picture import Picture
from ensemble.results import Results, Selection
from ensemble.store.status import read_status

FIGURES = {
    *(f"{kind}-gk-T{t}-3x3x3" for t in (300, 600) for kind in ("kappa", "onsager", "coupling")),
    *(f"{kind}-gk-T{t}-3x3x3" for t in (300, 600) for kind in ("gauge", "correlation")),
    *(f"displacement-gk-T{t}-3x3x3" for t in (300, 600)),
    *(f"fixed-fixed-T{t}-3x3x3" for t in (300, 600)),
    *(f"site-energies-{study}-T{t}-3x3x3" for t in (300, 600) for study in ("gk", "fixed")),
    *("temperature-salt", "diffusion-salt", "direct-salt-T600", "length-direct-T600"),
    *("profile-direct-T600-2x2x20", "drift"),
}
"""All kinds that there are, of a store that has everything."""


def sections(results: Results, selection: Selection | None = None) -> list[Section]:
    source = Source(results, selection or Selection())
    return sections_of(source, read_status(results.info.root))


def pictures(found: list[Section]) -> dict[str, Picture]:
    return {picture.name: picture for section in found for picture in section.pictures}


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]
