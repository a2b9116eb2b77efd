"""Links of README and documentation lead somewhere. Between the pages of the site the build looks
as well; not so at README, and at files outside docs/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from doc_blocks import PAGES, ROOT
from markdown_it import MarkdownIt
from markdown_it.token import Token


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}: no such file"
        if anchor and target.suffix == ".md":
            assert anchor in anchors_of(target), f"{page.name}: {link}: no such heading"


def test_readme_names_every_folder() -> None:
    """Its table of where things are has no folder that is not there."""
    text = (ROOT / "README.md").read_text().partition("## Where things are")[2]
    names = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def links_of(page: Path) -> Iterator[str]:
    """Links and pictures."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        for child in token.children or []:
            if child.type in ("link_open", "image"):
                yield unquote(str(child.attrs.get("href") or child.attrs["src"]))


def anchors_of(page: Path) -> set[str]:
    """Names of the headings of a page, as the site and the usual forges make them."""
    tokens = MarkdownIt("commonmark").parse(page.read_text())
    heads = (text for before, text in pairwise(tokens) if before.type == "heading_open")
    return {anchor_of(text) for text in heads}


def anchor_of(heading: Token) -> str:
    text = "".join(child.content for child in heading.children or [])
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")
