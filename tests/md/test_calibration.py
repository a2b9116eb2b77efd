"""Speeds: measured by real runs, remembered, and measured again when something has changed."""

import json
from pathlib import Path

import pytest
from campaign_texts import LJ, changed
from small_campaigns import CU2SE, Folder

from ensemble.md.calibration import MOST_ATOMS, cut_down, measured_speeds
from ensemble.md.failures import Cause, SegmentFailure

FLUID = changed("[[10, 10, 10]]", "[[20, 4, 4], [5, 4, 4]]", LJ)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ensemble" / "calibration.json"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "campaign").mkdir()
    return Folder(tmp_path / "campaign")


def speeds(folder: Folder, text: str) -> dict[str, float]:
    _, files = folder.load(text)
    return measured_speeds(folder.plan(text), files)


def remembered(cache: Path) -> dict[str, float]:
    found = json.loads(cache.read_text())
    assert isinstance(found, dict)
    return found


def test_models_are_measured_once(folder: Folder, cache: Path) -> None:
    """Each in a µs for an atom and a step, give or take what this machine is busy with."""
    found = speeds(folder, CU2SE)
    assert set(found) == {"level10", "level12", "level14"}
    assert all(1e-8 < seconds < 1e-4 for seconds in found.values())
    assert sorted(remembered(cache).values()) == sorted(found.values())
    cache.write_text(json.dumps(dict.fromkeys(remembered(cache), 1.25)))
    assert speeds(folder, CU2SE) == dict.fromkeys(found, 1.25)


def test_another_model_of_the_same_name_is_measured(folder: Folder, cache: Path) -> None:
    for path in folder.path.glob("level1[24].mtp"):
        path.unlink()
    text = CU2SE.replace("level12", "level10")
    speeds(folder, text)
    (before,) = remembered(cache)
    potential = folder.path / "level10.mtp"
    words = potential.read_text()
    potential.write_text(words.replace("max_dist = 5.0", "max_dist = 5.5"))
    assert potential.read_text() != words
    speeds(folder, text)
    assert len(remembered(cache)) == 2
    assert before in remembered(cache)


@pytest.mark.parametrize("content", ["{", "[]", '{"key": "fast"}', '{"key": -1}'])
def test_a_spoilt_cache_is_no_obstacle(content: str, folder: Folder, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    found = speeds(folder, FLUID)
    assert list(remembered(cache).values()) == [found["lj"]]


def test_a_home_that_takes_nothing_is_no_obstacle(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")
    assert speeds(folder, FLUID)["lj"] > 0


def test_ranks_that_can_be_chosen_are_not_needed(folder: Folder, cache: Path) -> None:
    """A login node may have fewer cores than a run asks for."""
    speeds(folder, FLUID)
    cache.write_text(json.dumps(dict.fromkeys(remembered(cache), 1.25)))
    assert speeds(folder, FLUID + "[engine]\nranks = 100\n") == {"lj": 1.25}


def test_a_model_that_lammps_refuses_is_named(folder: Folder, cache: Path) -> None:
    text = FLUID.replace("lj/cut 2.5", "nonsense")
    expected = "the speed of model lj cannot be measured: LAMMPS: Unrecognized pair style"
    with pytest.raises(SegmentFailure, match=expected) as info:
        speeds(folder, text)
    assert info.value.cause is Cause.LAMMPS_ERROR
    assert not cache.exists()


@pytest.mark.parametrize(
    ("cells", "atoms_per_cell", "part"),
    [
        ((5, 5, 5), 11.8, (5, 5, 5)),
        ((3, 60, 3), 11.8, (3, 8, 3)),
        ((3, 3, 600), 12, (3, 3, 10)),
        ((20, 20, 20), 4, (5, 5, 10)),
        ((1, 1, 1), 2000, (1, 1, 1)),
    ],
)
def test_large_supercells_are_cut_down(
    cells: tuple[int, int, int], atoms_per_cell: float, part: tuple[int, int, int]
) -> None:
    found = cut_down(cells, atoms_per_cell)
    assert found == part
    x, y, z = found
    assert x * y * z * atoms_per_cell <= MOST_ATOMS or found == (1, 1, 1)
