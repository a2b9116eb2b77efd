"""The page of a report: what it says, and to whom it can be read."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from report_parts import Page, pictures, sections

from ensemble.report import Written, write_report
from ensemble.report.content import Section
from ensemble.report.picture import Picture
from ensemble.results import Results, Selection
from ensemble.results.advice import advice

LARGEST = 10_000_000
"""Bytes of a page."""


def test_the_verdict_comes_first(
    everything: Results, whole: dict[str, Section], page: Page, written: Written
) -> None:
    sentences = advice(everything.tables().kappa)
    assert next(iter(whole.values())).words == tuple(sentences)
    assert len(sentences) == 4
    text = written.page.read_text()
    assert text.index('id="verdict"') < text.index("<figure")
    shown = re.sub(r"\s+", " ", page.text)
    assert all(sentence in shown for sentence in sentences)


def test_what_launches_were_to_take_and_took(whole: dict[str, Section]) -> None:
    (table,) = whole["durations"].tables
    assert table.rows == (
        ("2026-01-02 03:00", "node1", "2", "2", "2", "1 h", "30 min", "0.5"),
        ("2026-01-02 03:40", "node2", "2", "1", "0", "1 min", "–", "–"),
    )


def test_provenance(everything: Results, whole: dict[str, Section], page: Page) -> None:
    tables = {table.headings[-1]: table for table in whole["provenance"].tables}
    assert tables["core-hours"].rows == (
        ("node1", "2", "0.183"),
        ("node2", "1", "0.333"),
        ("all", "3", "0.517"),
    )
    hashes = everything.info.fingerprints["models"]
    assert {(row[0], row[2]) for row in tables["hash"].rows} == set(hashes.items())
    assert everything.info.campaign in page.text


# The page


def test_nothing_is_loaded(written: Written, page: Page) -> None:
    """Every address in the page, and in the figures in it, is data or a place in itself."""
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe", "object", "embed") or attributes == {
            "rel": "icon",
            "href": "data:,",
        }
        for name in ("src", "href", "srcset", "poster", "action"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:")), (tag, address[:80])
    style = re.search(r"<style>(.*)</style>", written.page.read_text(), re.DOTALL)
    assert style is not None
    assert not re.search(r"url\(|@import|expression", style[1])
    for image in page.all("img"):
        kind, _, content = str(image["src"]).partition(",")
        assert kind in ("data:image/svg+xml;base64", "data:image/png;base64")
        drawing = base64.b64decode(content)
        for address in re.findall(rb'(?:href|src)="([^"]*)"|url\(([^)]*)\)', drawing):
            assert b"".join(address).startswith(b"#")


def test_the_page_can_be_read_without_seeing(page: Page, drawn: dict[str, Picture]) -> None:
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    assert [image["alt"] for image in page.all("img")] == [one.alt for one in drawn.values()]
    assert all(re.search(r"\d", picture.alt) for picture in drawn.values())
    assert len(page.all("figcaption")) == len(page.all("figure")) == len(drawn)
    assert len(page.all("caption")) == len(page.all("table")) > 5
    assert {cell.get("scope") for cell in page.all("th")} == {"col", "row"}
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    targets = {str(link["href"])[1:] for link in page.all("a")}
    assert targets <= names
    skip = page.all("a")[0]
    assert (skip["class"], skip["href"]) == ("skip", "#verdict")


def test_contrast(written: Written) -> None:
    """Text against what is behind it, by WCAG 2: 4.5 to 1 for AA."""
    colours = dict(re.findall(r"--(\w+): (#\w{6});", written.page.read_text()))
    for text in ("ink", "quiet", "accent"):
        for behind in ("#ffffff", colours["tint"]):
            assert contrast(colours[text], behind) >= 4.5, (text, behind)


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_size(written: Written) -> None:
    assert written.page.stat().st_size < LARGEST


def test_figures_beyond_the_size_stay_in_their_files(
    everything: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.report.page.MOST_BYTES", 100_000)
    found = write_report(everything, tmp_path, Selection(studies=frozenset(["direct"])))
    shown = Page(found.page.read_text())
    assert 0 < len(shown.all("img")) < found.count
    assert len(list(found.figures.glob("*.svg"))) == found.count
    assert "figures are in figures/ alone: " in shown.text


def test_the_same_store_gives_the_same_bytes(drawn: dict[str, Picture], written: Written) -> None:
    """What is drawn a second time is what is in the files."""
    for name, picture in drawn.items():
        assert (written.figures / f"{name}.svg").read_bytes() == picture.svg(), name
    name, picture = next(iter(drawn.items()))
    assert (written.figures / f"{name}.png").read_bytes() == picture.png()


def test_settings_of_matplotlib_stay(everything: Results) -> None:
    before = dict(mpl.rcParams)
    pictures(sections(everything, Selection(studies=frozenset(["direct"]))))
    assert dict(mpl.rcParams) == before


# Where there is little
