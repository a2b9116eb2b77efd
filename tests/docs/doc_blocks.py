"""The code blocks of README and documentation, as they stand on their pages.

A comment in front of a block says how it is tested, where that is not clear from its language::

    <!-- test: exit 1 -->
    ```sh
    ensemble plan campaigns/mistaken.toml
    ```

`doc_checks` has what may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]

PAGES = [
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md")),
]

MARKER = re.compile(r"<!-- test: (.+?) -->\s*")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    line: int
    """Of its first line, from 1."""
    language: str
    text: str
    marker: str = ""
    """How it is tested, where its page says so."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    marker = ""
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "fence" and not token.info.startswith("{"):  # those are Sphinx's
            assert token.map is not None
            yield Block(page, token.map[0] + 2, token.info.strip(), token.content, marker)
        found = MARKER.fullmatch(token.content) if token.type == "html_block" else None
        marker = found[1] if found else ""
