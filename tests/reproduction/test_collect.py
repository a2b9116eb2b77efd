"""From a planted store to tables, and the command line that does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from planted_stores import plant_store
from planted_tables import CAMPAIGN, plant_plans, plant_tables
from report_stores import plant_everything

from ensemble.reproduction import collect, write
from ensemble.reproduction.__main__ import main
from ensemble.reproduction.evidence import read_evidence
from ensemble.reproduction.tables import OF_CAMPAIGN, read_table
from ensemble.results import open_results

NAME = "planted"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every run of every study, and their site energies."""
    return plant_everything(tmp_path_factory.mktemp("everything")).paths.root


@pytest.fixture(scope="module")
def collected(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its tables."""
    folder = tmp_path_factory.mktemp("collected") / "reproduction"
    collect(store, folder / NAME)
    plant_plans(folder)
    return folder


def table(folder: Path, name: str) -> pandas.DataFrame:
    return read_table(folder / NAME, OF_CAMPAIGN[name])


def test_conductivities_are_those_of_the_results(store: Path, collected: Path) -> None:
    found, expected = table(collected, "kappa"), open_results(store).kappa()
    assert len(found) == len(expected)
    np.testing.assert_allclose(found.kappa, expected.kappa.astype(float), rtol=1e-5)
    assert (found.trusted == 1).tolist() == (expected.verdict == "converged").tolist()


def test_gauge_leaves_the_corrected_alone(collected: Path) -> None:
    """Of rocksalt as many atoms of one species as of the other: shifts are equal and opposite."""
    found = table(collected, "gauge")
    assert sorted(set(found["shift"])) == [-3, -2, -1, 0, 1, 2, 3]
    for _, lines in found.groupby(["model", "temperature"]):
        assert np.ptp(lines.corrected) < 1e-9 * lines.corrected.mean()
        # Na and Cl move against one another here: the shift adds to what they carry already.
        assert lines.raw.max() > 1.5 * lines.raw.min()


def test_site_energies(collected: Path) -> None:
    """Planted around −2 and −5 eV for model a, −3.5 and −4.5 eV for b."""
    found = table(collected, "site_energies")
    means = found[found.study == "fixed"].groupby(["model", "species"])["mean"].mean()
    assert means["a", "Na"] == pytest.approx(-2.0, abs=0.01)
    assert means["a", "Cl"] == pytest.approx(-5.0, abs=0.01)
    assert means["b", "Na"] == pytest.approx(-3.5, abs=0.01)


def test_distributions_are_of_one(collected: Path) -> None:
    found = table(collected, "distributions")
    for _, lines in found.groupby(["study", "model", "temperature", "species"]):
        area = np.trapezoid(lines.density, lines.energy)
        assert area == pytest.approx(1, abs=0.15)


def test_displacements_are_thinned(collected: Path) -> None:
    found = table(collected, "displacements")
    for _, lines in found[found.species == "Na"].groupby(["model", "temperature"]):
        assert len(lines) <= 60
        # 6e-3 a row × (1 + 0.02 seed), over seeds 1 to 5; a row is 0.01 ps.
        slope = np.polyfit(lines.lag, lines.displacement, 1)[0]
        assert slope == pytest.approx(0.6 * 1.06, rel=1e-3)


def test_curves_begin_at_one(collected: Path) -> None:
    found = table(collected, "curves")
    assert (found[found.lag == 0].correlation == 1).all()
    assert found.groupby(["model", "temperature"]).size().max() <= 90


def test_momentum(collected: Path) -> None:
    """The species' momenta were planted equal and opposite."""
    found = table(collected, "momentum")
    assert len(found) == 20
    assert found.relative.max() < 1e-12


def test_cost_is_that_of_the_ledger(collected: Path) -> None:
    """60 s that failed, 600 s and 1200 s that did not."""
    found = table(collected, "cost").set_index("study")
    assert found.core_hours["gk"] == pytest.approx(1860 / 3600)
    assert found.attempts["gk"] == 3
    assert found.attempts_failed["gk"] == 1
    assert found.core_hours_planned["gk"] > 0


def test_all_of_it_makes_a_document(collected: Path) -> None:
    assert write(collected).read_text().count("## ") >= 10


def test_store_that_is_not_done(tmp_path: Path) -> None:
    """Nothing was sampled yet: no row of numbers, and no error."""
    begun = plant_store(tmp_path)
    folder = tmp_path / "reproduction"
    said: list[str] = []
    collect(begun.paths.root, folder / NAME, said.append)
    plant_plans(folder)
    assert table(folder, "store").runs.iloc[0] == 0
    assert table(folder, "gauge").empty
    assert any("site energies" in line or "counted" in line for line in said) or said
    write(folder)


def test_tables_of_more_runs_stay(tmp_path: Path) -> None:
    """A store that was begun anew must not take away what another machine found."""
    plant_tables(tmp_path / "reproduction")
    folder = tmp_path / "reproduction" / CAMPAIGN
    before = {path: path.read_bytes() for path in folder.glob("*.csv")}
    begun = plant_store(tmp_path).paths.root
    said: list[str] = []
    collect(begun, folder, said.append)
    assert {path: path.read_bytes() for path in folder.glob("*.csv")} == before
    assert f"{begun}: 0 runs are done" in said[0]
    (folder / "store.csv").unlink()
    collect(begun, folder, said.append)
    assert read_table(folder, OF_CAMPAIGN["store"]).runs.iloc[0] == 0


def test_tables_name_no_place(store: Path, collected: Path) -> None:
    for path in (collected / NAME).glob("*.csv"):
        assert str(store) not in path.read_text()


def test_no_store_leaves_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "docs" / "reproduction"
    plant_tables(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.csv")}
    options = ["--stores", str(tmp_path / "runs"), "--campaigns", str(tmp_path)]
    assert main([*options, "--output", str(folder)]) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.csv")} == before
    said = capsys.readouterr()
    assert said.out.strip() == str(folder.with_suffix(".md"))
    assert "cu195se-small: no store; its tables stay as they are" in said.err


def test_no_table_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--write-only", "--output", str(tmp_path / "reproduction")]) == 1
    assert "plan.csv: no such table; collect it" in capsys.readouterr().err


def test_evidence_of_a_store(collected: Path) -> None:
    (campaign,) = read_evidence(collected).campaigns
    assert {case.study for case in campaign.by("rerun", "centroid")} == {"fixed"}
    assert campaign.models == ["a", "b"]
