"""What the campaigns in full cost, of small ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from launches import LENNARD_JONES, LIQUID

from ensemble.campaign import find_files, load_campaign
from ensemble.plan.cost import estimate
from ensemble.plan.plan import make_plan
from ensemble.reproduction import price
from ensemble.reproduction.tables import OF_PLANS, read_table

STUDY = """
[[study]]
name = "gk"
method = "emd"
material = "fluid"
temperatures = [1.0]
supercells = [[4, 4, 4], [6, 6, 6]]
seeds = 3
timestep = 0.004
equilibrate = [{ ensemble = "nve", time = 10 }]
sample = { time = 100, every = 0.04 }
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    path = tmp_path / "cu195se.toml"
    path.write_text(LIQUID.replace("fluid", "cu195se", 1) + LENNARD_JONES + STUDY)
    return path


def test_price_is_that_of_the_plan(campaign: Path, tmp_path: Path) -> None:
    price([campaign, tmp_path / "absent.toml"], tmp_path / "runs", tmp_path)
    (line,) = read_table(tmp_path, OF_PLANS["plan"]).to_dict("records")
    plan = make_plan(loaded := load_campaign(campaign), find_files(loaded))
    expected = estimate(plan, workers=1)
    assert line["runs"] == 6
    assert (line["atoms_least"], line["atoms_most"]) == (256, 864)
    assert line["core_hours"] == pytest.approx(expected.core_seconds / 3600, rel=1e-5)
    assert line["longest_hours"] == pytest.approx(expected.longest_seconds / 3600, rel=1e-5)
    assert line["measured"] == 0


def test_it_is_played_on_two_clusters(campaign: Path, tmp_path: Path) -> None:
    price([campaign], tmp_path / "runs", tmp_path)
    played = read_table(tmp_path, OF_PLANS["simulated"])
    assert played.workers.tolist() == [100, 1000]
    assert (played.done == 6).all()
    assert (played.makespan_hours >= played.lower_bound_hours).all()


def test_the_same_on_any_day(campaign: Path, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        price([campaign], tmp_path / "runs", tmp_path / folder)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_no_campaign_leaves_the_tables(tmp_path: Path) -> None:
    price([tmp_path / "absent.toml"], tmp_path / "runs", tmp_path / "out")
    assert not (tmp_path / "out").exists()
