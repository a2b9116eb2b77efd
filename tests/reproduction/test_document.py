"""The document: what it says of planted tables, what it consists of, that it is up to date."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from planted_tables import CAMPAIGN, MODELS, plant_tables

from ensemble.reproduction import write
from ensemble.reproduction.document import document
from ensemble.reproduction.evidence import read_evidence
from ensemble.reproduction.gauges import gauge
from ensemble.reproduction.tables import TableError

ROOT = Path(__file__).parents[2]

COMMITTED = ROOT / "docs" / "reproduction"


def said(folder: Path) -> str:
    """The document of a folder of tables, without its figures, which take long to draw."""
    return document(read_evidence(folder), {})


def section(page: Path | str, number: int | str) -> str:
    """What stands under a heading, its lines joined."""
    text = page if isinstance(page, str) else page.read_text()
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    (found,) = [part for part in parts if part.startswith(str(number))]
    return " ".join(found.split())


def test_every_question_has_a_section(written: Path) -> None:
    headings = re.findall(r"^## (.*)$", written.read_text(), re.MULTILINE)
    assert headings[0] == "Beside the papers"
    assert [heading[0] for heading in headings[1:9]] == list("12345678")
    assert headings[-1] == "Checks"


def test_models_that_differ(written: Path) -> None:
    found = section(written, 1)
    assert "Raw κ **differs between the 5 models by more than chance** (p < 0.001)" in found
    assert "from 0.500 ± 0.020 (m1) to 6.500 ± 0.020 (m5)" in found
    assert "All of these values are converged." in found
    assert "sampled at 602 K" in found


def test_models_that_agree(tmp_path: Path) -> None:
    folder = tmp_path / "reproduction"
    plant_tables(folder, raw={m: 0.5 + 0.002 * (-1) ** k for k, m in enumerate(MODELS)})
    found = section(said(folder), 1)
    assert "Raw κ: **no difference beyond chance is seen** between the 5 models" in found
    assert "τ is at most" in found


def test_direct_method(written: Path) -> None:
    found = section(written, 2)
    assert "κ by the direct method: **no difference beyond chance is seen**" in found
    assert "κ∞ (straight line): **no difference beyond chance is seen**" in found
    assert "| 0.49 | 0.44 to 0.54 |" in found


def test_corrected(written: Path) -> None:
    found = section(written, 3)
    assert "Raw values reach over a factor of 13, corrected ones over 1." in found
    assert "the two agree: 0 of 5 models lie apart" in found
    assert "γ² **rises with D(Cu)**: Spearman's ρ = 1 over 5 models (p = 0.017)" in found


def test_fixed_trajectory(written: Path) -> None:
    found = section(written, 4)
    assert "the trajectory of m2" in found
    assert "ΔU, reach from 3 to 7 eV" in found
    assert "Raw κ on the one trajectory **rises with ΔU**" in found
    # |c₀| = |2 − place| falls and rises again.
    assert "It is **not seen to rise or fall with the size of c₀" in found


def test_motion(written: Path) -> None:
    found = section(written, 5)
    assert "Mean site energies of Cu reach from -2 to 2 eV" in found
    assert "D(Cu) **differs between the 5 models by more than chance**" in found
    assert "No diffusion of Se is seen: D(Se) is below 1e-08 cm² s⁻¹" in found


def test_gauge(written: Path) -> None:
    found = section(written, 6)
    # 0.45 to 0.45 + 0.2 × 5²
    assert "take the raw κ over 0.45 to 5.5 W" in found
    assert "does not reach over the whole range of the raw values of Zhu et al. (0.54 to" in found
    assert "**stays**" in found
    # c₀ = 2 − place falls where U rises.
    assert "c₀ **falls with ΔU**: Spearman's ρ = -1" in found


def test_raw_kappa_at_any_shift(tables: Path) -> None:
    """Planted: 0.45 + 0.2 (c − c₀)² with c₀ = 2 of m1 and 1 of m2."""
    (found,) = gauge(read_evidence(tables))
    assert found.raw_at({"m2": 3.0, "m1": 1.5}) == pytest.approx([0.5, 1.25])


def test_virials(written: Path) -> None:
    found = section(written, 7)
    assert "changes raw κ by a factor of 2.00" in found
    assert "corrected κ by a factor of 1.500" in found
    assert "50 % at most" in found


def test_cost(written: Path) -> None:
    found = section(written, 8)
    assert "took 2.5 core-hours" in found
    assert "cu195se 1,234 core-hours." in found
    assert "98.7 %" in found


def test_cost_of_a_study_that_was_dropped(tables: Path) -> None:
    path = tables / CAMPAIGN / "cost.csv"
    lines = path.read_text().splitlines()
    lines[-1] = ",".join([*lines[-1].split(",")[:-2], "", ""])
    path.write_text("\n".join(lines) + "\n")
    found = section(said(tables), 8)
    assert "took 1.25 core-hours" in found
    assert "nor what direct-600K took, which the campaign as launched last does not have" in found


def test_checks(written: Path) -> None:
    found = section(written, "Checks")
    assert "moved by -4e-05 eV an atom in 100 ps at most (gk-600K, m5, seed 1)" in found
    assert "they agree: 0 of 5 are apart" in found
    assert r"2 atoms \| lost" in found


def test_slabs_that_do_not_carry_the_swap_power(tmp_path: Path) -> None:
    folder = tmp_path / "reproduction"
    plant_tables(folder, slab=1.5)
    found = section(said(folder), "Checks")
    assert "**they do not agree**: 5 of 5 are apart" in found
    assert "the flux in the slabs is 1.5" in found


def test_runs_that_are_not_done_are_said(text: str) -> None:
    assert "**30 of 31 runs are done**" in text
    assert "launched 2 times, 1 attempt failed, 1 run given up" in text


def test_figures_are_there(written: Path) -> None:
    """All that the page shows, and no others."""
    shown = re.findall(r"\]\((reproduction/figures/[^)]+)\)", written.read_text())
    assert {Path(name).name for name in shown} == {
        f.name for f in (written.parent / "reproduction" / "figures").iterdir()
    }
    names = {re.split(r"[-.]", Path(name).name)[0] for name in shown}
    assert names == {"corrected", "fixed", "gauge", "lengths", "motion", "parts", "running"}


def test_written_again_is_the_same(written: Path) -> None:
    before = {path: path.read_bytes() for path in written.parent.rglob("*") if path.is_file()}
    write(written.with_suffix(""))
    assert {p: p.read_bytes() for p in written.parent.rglob("*") if p.is_file()} == before


def test_figure_of_an_earlier_document_goes(tables: Path) -> None:
    (tables / "figures").mkdir()
    earlier = tables / "figures" / "earlier.svg"
    earlier.write_text("<svg/>")
    write(tables)
    assert not earlier.exists()


def test_findings_are_included(tables: Path) -> None:
    (tables / "findings.md.jinja").write_text(
        'Raw κ reaches over a factor of {{ raw[0].parts["raw κ"].factor | number(2) }}.\n'
    )
    found = section(said(tables), "Findings")
    assert "Raw κ reaches over a factor of 13." in found


@pytest.mark.parametrize("mistake", ["{{ nothing }}", "{{ raw[0].nothing }}", "{{ raw"])
def test_findings_with_a_mistake(tables: Path, mistake: str) -> None:
    (tables / "findings.md.jinja").write_text(mistake)
    with pytest.raises(ValueError, match=r"findings\.md\.jinja: .*placeholders"):
        said(tables)


def test_missing_table(tables: Path) -> None:
    (tables / CAMPAIGN / "gauge.csv").unlink()
    with pytest.raises(TableError, match=r"gauge\.csv: no such table; collect it"):
        said(tables)


def test_missing_column(tables: Path) -> None:
    path = tables / CAMPAIGN / "drift.csv"
    path.write_text(path.read_text().replace("relative_drift", "drift_over"))
    with pytest.raises(TableError, match=r"drift\.csv: has no column relative_drift"):
        said(tables)


def test_word_for_a_number(tables: Path) -> None:
    path = tables / CAMPAIGN / "cost.csv"
    path.write_text(path.read_text().replace("1.25", "much", 1))
    with pytest.raises(TableError, match=r"core_hours: found 'much' in row 1, no number"):
        said(tables)


def test_plans_alone(tables: Path) -> None:
    """Before any campaign has run there is a document, with every question open."""
    shutil.rmtree(tables / CAMPAIGN)
    page = said(tables)
    assert "No campaign has been run yet." in page
    assert "No equilibrium run is done yet." in section(page, 1)


def test_committed_document_is_that_of_its_tables(tmp_path: Path) -> None:
    folder = tmp_path / COMMITTED.name
    shutil.copytree(COMMITTED, folder)
    shutil.rmtree(folder / "figures", ignore_errors=True)
    assert write(folder).read_text() == COMMITTED.with_suffix(".md").read_text()
    drawn = {path.name for path in folder.glob("figures/*")}
    assert drawn == {path.name for path in COMMITTED.glob("figures/*")}


def test_no_figure_of_the_committed_document_is_shown_twice() -> None:
    """Studies of several campaigns have the same names."""
    page = COMMITTED.with_suffix(".md").read_text()
    shown = re.findall(r"\]\((reproduction/figures/[^)]+)\)", page)
    assert len(shown) == len(set(shown)) >= 20
