"""Reports of stores that lack much, of names that mean harm, and by the command."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from launches import launch
from planted_stores import Planted
from report_parts import Page, pictures, sections
from report_stores import EXPERIMENTS, driven, equilibrium

from ensemble.cli import main
from ensemble.report import write_report
from ensemble.report.content import Source
from ensemble.report.driven import profiles
from ensemble.report.picture import slug
from ensemble.results import Results, Selection, open_results
from ensemble.store import ledger

MakeStore = Callable[..., Planted]


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


def test_the_longest_cell_is_not_the_largest(planted: MakeStore) -> None:
    store = planted(direct_cells="[[2, 2, 14], [4, 4, 10]]")
    store.each("direct", lambda run: driven(run, store.rows("direct")))
    found = profiles(Source(open_results(store.paths.root)))
    assert [one.name for one in found.pictures] == ["profile-direct-T600-2x2x14"]


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
