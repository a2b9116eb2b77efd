"""The report of a store: what is in it, where its numbers are from, what it is without data."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from launches import launch
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from planted_stores import Planted
from report_stores import EXPERIMENTS, SOURCE, equilibrium

from ensemble.cli import main
from ensemble.palette import COLOURS
from ensemble.report import Written, sections_of, write_report
from ensemble.report.content import Section, Source
from ensemble.report.picture import Picture, slug
from ensemble.report.style import MARKERS, looks
from ensemble.results import Results, Selection, open_results
from ensemble.results.advice import advice, interval_text
from ensemble.store import ledger
from ensemble.store.status import read_status

MakeStore = Callable[..., Planted]

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

LARGEST = 10_000_000
"""Bytes of a page."""


def sections(results: Results, selection: Selection | None = None) -> list[Section]:
    source = Source(results, selection or Selection())
    return sections_of(source, read_status(results.info.root))


def pictures(found: list[Section]) -> dict[str, Picture]:
    return {picture.name: picture for section in found for picture in section.pictures}


@pytest.fixture(scope="module")
def whole(everything: Results) -> dict[str, Section]:
    """The sections of the store that has everything, by their names."""
    return {section.name: section for section in sections(everything)}


@pytest.fixture(scope="module")
def drawn(whole: dict[str, Section]) -> dict[str, Picture]:
    """The pictures of the store that has everything."""
    return pictures(list(whole.values()))


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


@pytest.fixture(scope="module")
def page(written: Written) -> Page:
    return Page(written.page.read_text())


def test_every_figure_is_there_as_svg_and_png(
    drawn: dict[str, Picture], written: Written, page: Page
) -> None:
    assert drawn.keys() == FIGURES
    files = {path.name for path in written.figures.iterdir()}
    endings = ("svg", "png")
    assert files == {f"{name}.{end}" for name in FIGURES for end in endings} | {"figures.json"}
    assert written.count == len(FIGURES) == len(page.all("img"))
    listed = json.loads((written.figures / "figures.json").read_text())
    assert {name: one["alt"] for name, one in listed.items()} == {
        name: picture.alt for name, picture in drawn.items()
    }


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_axes_have_units(drawn: dict[str, Picture], name: str) -> None:
    """In brackets behind what is shown; models have none. Panels share what is below them."""
    for axes in drawn[name].figure.axes:
        label = axes.get_xlabel()
        shared = axes.get_shared_x_axes().get_siblings(axes)
        labels = [one.get_xlabel() for one in shared]
        assert any(re.search(r"\(.+\)$|^model$", one) for one in labels), label
        assert re.search(r"\(.+\)$", axes.get_ylabel()), axes.get_ylabel()


def test_numbers_are_those_of_the_results(everything: Results, drawn: dict[str, Picture]) -> None:
    """Points and both ends of their error bars, and in words."""
    table = everything.kappa(study="gk", temperature=600)
    picture = drawn["onsager-gk-T600-3x3x3"]
    points = bars_of(picture.figure.axes[0])
    for estimate in ("raw", "corrected"):
        for _, row in table[table.estimate == estimate].iterrows():
            assert any(
                np.allclose(bar, (row.kappa, row.kappa_low, row.kappa_high)) for bar in points
            ), (estimate, row.model)
    for row in everything.tables(Selection(studies=frozenset(["gk"]))).kappa:
        if row.group.temperature == 600:
            told = f"{row.found.estimate} {interval_text(row.found.kappa)}"
            assert told in picture.alt


def bars_of(axes: Axes) -> list[tuple[float, float, float]]:
    """Mean and ends of every point with an error bar."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, bars = container
        ends = bars[0].get_segments()[0][:, 1] if bars else (math.nan, math.nan)
        found.append((float(line.get_ydata()[0]), *map(float, ends)))
    return found


def test_parts_add_up(everything: Results, drawn: dict[str, Picture]) -> None:
    bars = bars_of(drawn["kappa-gk-T300-3x3x3"].figure.axes[0])
    row = everything.kappa(study="gk", temperature=300, model="a").iloc[0]
    assert [bar[0] for bar in bars[:4]] == pytest.approx(
        [row.kappa, row.conductive, row.convective, row.cross]
    )
    assert bars[0][0] == pytest.approx(sum(bar[0] for bar in bars[1:4]))


def test_length_and_infinite_length(everything: Results, drawn: dict[str, Picture]) -> None:
    above, below = drawn["length-direct-T600"].figure.axes
    table = everything.kappa(study="direct", model="a")
    lines = everything.length_dependence(model="a")
    means = [bar[0] for bar in bars_of(above)]
    assert means[:3] == pytest.approx(table.kappa.tolist())
    inverse = bars_of(below)
    assert [bar[0] for bar in inverse[:3]] == pytest.approx((1 / table.kappa).tolist())
    infinite = lines.iloc[0]
    ends = [1 / infinite.kappa, 1 / infinite.kappa_high, 1 / infinite.kappa_low]
    assert any(bar == pytest.approx(ends) for bar in inverse[6:])
    assert "for infinite length" in drawn["length-direct-T600"].alt


def test_a_model_has_one_colour_and_one_marker(drawn: dict[str, Picture]) -> None:
    seen = set()
    for name, picture in drawn.items():
        lines = [line for axes in picture.figure.axes for line in axes.lines]
        for model, look in looks(["a", "b"]).items():
            markers = {line.get_marker() for line in lines if line.get_color() == look.colour}
            # "_" are the ends of error bars.
            assert markers <= {look.marker, "_", "None"}, name
            seen |= {model} if look.marker in markers else set()
    assert seen == {"a", "b"}


def test_looks_differ() -> None:
    """Also without colour, and when there are more models than colours."""
    found = looks(f"m{k}" for k in range(30))
    assert len({(look.colour, look.marker) for look in found.values()}) == 30
    first = list(found.values())[: len(COLOURS)]
    assert len({look.marker for look in first}) == len({look.colour for look in first}) == 9
    assert len(set(MARKERS)) == len(MARKERS)


def test_experiments_are_drawn_near_their_temperature(drawn: dict[str, Picture]) -> None:
    near = drawn["kappa-gk-T600-3x3x3"]
    assert 0.31 in [line.get_ydata()[0] for line in near.figure.axes[0].lines]
    assert f"0.31 ± 0.02 W/m/K at 590 K ({SOURCE})" in near.caption
    assert "Experiment" not in drawn["kappa-gk-T300-3x3x3"].caption
    of_all = drawn["temperature-salt"]
    assert "0.2 W/m/K at 900 K" in of_all.caption
    assert 0.2 in [bar[0] for bar in bars_of(of_all.figure.axes[0])]


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


def test_an_empty_store(planted: MakeStore, tmp_path: Path) -> None:
    """A page without figures, and a sentence for each: why."""
    results = open_results(planted().paths.root)
    found = sections(results)
    assert pictures(found) == {}
    absent = {section.name: section.absent for section in found}
    for name in ("kappa", "onsager", "direct", "profiles", "correlations", "energies", "diffusion"):
        assert absent[name], name
    assert any("no run has counted site energies" in one for one in absent["energies"])
    assert "no launch wrote its estimate" in absent["durations"][0]
    assert found[0].words[0].startswith("salt at 300 K, gk 3x3x3: no Green–Kubo κ to trust")
    written = write_report(results)
    assert written.page == results.info.root / "report" / "index.html"
    shown = Page(written.page.read_text())
    assert "0 of 44 runs are done (44 waiting); what is shown is of these" in shown.text
    assert "nan" not in shown.text.lower().split()


def test_a_part_of_the_runs(planted: MakeStore) -> None:
    """While a campaign is running: figures are of the runs that are done."""
    store = planted()
    for seed in (1, 2, 3):
        run = store.run("gk", "a", 600, seed)
        store.plant(run, equilibrium(run, store.rows("gk")))
    store.chunks(store.run("gk", "a", 600, 3))[-1].unlink()
    found = sections(open_results(store.paths.root))
    names = pictures(found).keys()
    assert {"kappa-gk-T600-3x3x3", "correlation-gk-T600-3x3x3", "drift"} <= names
    assert not any("T300" in name for name in names)
    (health,) = [one for one in found if one.name == "health"]
    assert health.words[0].startswith("2 of 44 runs are done")
    (kappa,) = [one for one in found if one.name == "kappa"]
    assert kappa.absent == ("salt at 300 K (gk, 3x3x3): no κ by Green–Kubo to draw.",)


def test_failures_alone(planted: MakeStore) -> None:
    store = planted()
    for _, run in store.info.runs("gk"):
        event = ledger.event_of(run, "failed", cause="drift", message="the <energy> moved", wall=3)
        ledger.append(store.paths, event)
    results = open_results(store.paths.root)
    (health,) = [one for one in sections(results) if one.name == "health"]
    assert health.words[0].startswith("0 of 44 runs are done (24 waiting, 20 failed)")
    _, causes, failures = health.tables
    assert causes.rows == (("gk", "drift", "20"),)
    assert len(failures.rows) == 20
    assert failures.rows[0][2:] == ("drift", "the <energy> moved")
    text = write_report(results).page.read_text()
    assert "the &lt;energy&gt; moved" in text
    assert "<energy>" not in text


def test_damage_leaves_a_figure_out(planted: MakeStore) -> None:
    store = planted()
    store.each("gk", lambda run: equilibrium(run, store.rows("gk")))
    results = open_results(store.paths.root)
    results.kappa()
    # After κ is known: what is kept is told by size and time.
    chunk = store.chunks(store.run("gk", "a", 600, 1))[1]
    time = chunk.stat().st_mtime_ns
    chunk.write_bytes(bytes(chunk.stat().st_size))
    os.utime(chunk, ns=(time, time))
    found = {section.name: section for section in sections(results)}
    (sentence,) = found["correlations"].absent
    assert sentence.startswith("The correlation function of salt at 600 K (gk, 3x3x3) is left out:")
    assert str(chunk) in sentence
    assert [one.name for one in found["correlations"].pictures] == ["correlation-gk-T300-3x3x3"]


# Names


HOSTILE = '<img src=x onerror="alert(1)">$x_{$&amp;漢'


def test_names_are_shown_as_they_are(planted: MakeStore, tmp_path: Path) -> None:
    """No name is a part of the page or a formula, wherever the store may be from."""
    store = planted(more=EXPERIMENTS.replace("A. Author", "<script>alert(2)</script>"))
    store.each("gk", lambda run: equilibrium(run, store.rows("gk")))
    metadata = store.paths.metadata
    text = metadata.read_text()
    table = json.loads(text)
    attributes = table["attributes"]
    attributes["studies"]["gk"]["axes"]["models"] = [HOSTILE, "_b"]
    attributes["campaign"] = attributes["campaign"].replace(
        'name = "planted"', 'name = "planted"\ndescription = "</title><script>alert(3)</script>"'
    )
    metadata.write_text(json.dumps(table))
    results = open_results(store.paths.root)
    chosen = Selection(temperatures=frozenset([600.0]))
    found = write_report(results, tmp_path / "page.html", chosen)
    page = Page(found.page.read_text())
    assert page.all("script") == []
    assert all(str(image["src"]).startswith("data:") for image in page.all("img"))
    assert HOSTILE in page.text
    assert "</title><script>alert(3)</script>" in page.text
    assert "<script>alert(2)</script>" in page.text
    drawn = pictures(sections(results, chosen))
    legend = drawn["correlation-gk-T600-3x3x3"].figure.axes[0].get_legend()
    assert legend is not None
    assert [one.get_text().strip() for one in legend.get_texts()] == ["<img src=x oner…", "_b"]


def test_names_of_files_stay_in_their_folder() -> None:
    assert slug("a", "../../etc/passwd") == "a-etc_passwd"
    assert slug("κ", "..") == "x-x"
    assert slug("gk-600K", "T1.35") == "gk-600K-T1.35"
    assert len(slug("n" * 500)) == 80


# The command


def test_command(everything: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a file, of a part; once more, and what is no longer drawn is gone, but nothing else."""
    store, target = str(everything.info.root), tmp_path / "sub" / "salt.html"
    options = ["--output", str(target), "--study", "direct"]
    assert main(["report", store, *options]) == 0
    figures = target.with_name("salt-figures")
    told = f"{target}; 3 figures as SVG and PNG: {figures}\n"
    assert capsys.readouterr().out == told
    (figures / "mine.png").write_bytes(b"mine")
    assert main(["report", store, *options, "--supercell", "2x2x14", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made == {"page": str(target), "figures": str(figures), "count": 2}
    assert target.is_file()
    assert {path.stem for path in figures.iterdir()} == {
        *("mine", "figures", "direct-salt-T600", "profile-direct-T600-2x2x14")
    }
    assert not list(tmp_path.rglob(".*"))


def test_command_refuses(
    tmp_path: Path, everything: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(*arguments: object) -> str:
        assert main(["report", *map(str, arguments)]) == 1
        found = capsys.readouterr()
        assert found.out == ""
        return found.err

    assert error("nowhere") == ("ensemble: error: nowhere: no store; `ensemble launch` makes one\n")
    root = everything.info.root
    assert error(root, "--model", "c") == "ensemble: error: model 'c': the store has a, b\n"
    (tmp_path / "file").write_text("")
    told = error(root, "--study", "direct", "--output", tmp_path / "file" / "sub")
    assert told.startswith(f"ensemble: error: {tmp_path / 'file'}")


def test_experiments_come_with_another_launch(real: Path, tmp_path: Path) -> None:
    """Which does nothing else."""
    store, campaign = tmp_path / "store", tmp_path / "campaign.toml"
    shutil.copytree(real, store)
    more = '[[experiment]]\nmaterial = "fluid"\ntemperature = 1.35\nkappa = 5\n'
    campaign.write_text((real / "campaign.toml").read_text() + more)
    before = (store / "work" / "ledger.jsonl").read_bytes()
    finished = launch(campaign, store, "--quiet")
    assert finished.returncode == 0, finished.stderr
    assert (store / "work" / "ledger.jsonl").read_bytes() == before
    assert [one.kappa for one in Source(open_results(store)).experiments("fluid")] == [5]


def test_real_runs(real: Path) -> None:
    """Every method by LAMMPS itself, in reduced units, one species; and the launch's estimate."""
    results = open_results(real)
    found = {section.name: section for section in sections(results)}
    drawn = pictures(list(found.values()))
    assert {
        "kappa-gk-T1.35-3x3x3",
        "correlation-gk-T1.35-3x3x3",
        "site-energies-gk-T1.35-3x3x3",
        "site-energies-fixed-T1.35-3x3x3",
        "displacement-gk-T1.35-3x3x3",
        "profile-direct-T1.35-3x3x8",
        "drift",
    } <= drawn.keys()
    assert found["onsager"].absent == (
        "fluid at 1.35 ε/kB (gk, 3x3x3): no correction, since of one species alone there is "
        "no current of mass.",
    )
    (table,) = found["durations"].tables
    (line,) = table.rows
    assert line[3:5] == ("5", "5")
    assert float(line[-1]) > 0
    assert drawn["kappa-gk-T1.35-3x3x3"].figure.axes[0].get_ylabel() == "κ (kB σ⁻¹ τ⁻¹)"
    text = write_report(results).page.read_text()
    assert "All 5 runs are done." in text
