"""The folder of what is half done: of one training file and of the files that it names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from test_settings import FILE, written

from ensemble.training.settings import load_training
from ensemble.training.workplace import ASKED, CHOSEN, TEST, WorkplaceError, workplace

NAMES_FILES = FILE.replace('prototype = "fcc"', 'structure = "cell.xyz"').replace(
    "lattice = 5.3\n", ""
)
NAMES_FILES = NAMES_FILES.replace("[committee]", 'labelled = "first.xyz"\n\n[committee]')

FILES = {"material.solid.structure": "cell.xyz", "explore.labelled": "first.xyz"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a training that was begun."""
    found = tmp_path / "training"
    found.mkdir()
    for name in FILES.values():
        (found / name).write_text("one\n")
    written(found, NAMES_FILES)
    work(found)
    return found


def work(folder: Path) -> None:
    with workplace(load_training(folder / "train.toml"), folder / "work"):
        pass


@pytest.mark.parametrize(("key", "name"), FILES.items())
def test_a_file_that_says_something_else_is_another(folder: Path, key: str, name: str) -> None:
    """Frames of two crystals, or found with other labels, would be in one set."""
    work(folder)
    (folder / name).write_text("two\n")
    with pytest.raises(WorkplaceError, match=f"other contents of the file that {key} names"):
        work(folder)
    (folder / name).write_text("one\n")
    work(folder)


def test_the_place_does_not_count(folder: Path) -> None:
    work(folder.rename(folder.with_name("elsewhere")))


def test_a_file_that_is_not_needed_any_more(folder: Path) -> None:
    """It is missed by whoever needs it, and known again when it is back."""
    (folder / "first.xyz").unlink()
    work(folder)
    (folder / "first.xyz").write_text("two\n")
    with pytest.raises(WorkplaceError, match=r"the file that explore\.labelled names"):
        work(folder)


def test_what_an_older_version_has_begun_goes_on(folder: Path) -> None:
    asked = json.loads((folder / "work" / ASKED).read_text())
    assert asked.pop("files").keys() == FILES.keys()
    (folder / "work" / ASKED).write_text(json.dumps(asked))
    work(folder)
    (folder / "cell.xyz").write_text("two\n")
    with pytest.raises(WorkplaceError, match=r"the file that material\.solid\.structure names"):
        work(folder)


def test_where_no_file_is_named_none_is_told(folder: Path) -> None:
    shutil.rmtree(folder / "work")
    written(folder, FILE)
    work(folder)
    asked = json.loads((folder / "work" / ASKED).read_text())
    assert list(asked) == [
        *("training", "material", "teacher", "explore", "committee", "fit", "test")
    ]


def test_a_teacher_with_something_added_is_another(folder: Path) -> None:
    """Also with other arguments of what is added."""
    work(folder)
    added = 'plus = [{ calculator = "dftd3.ase:DFTD3", arguments = { method = "PBE" } }]'
    with_more = NAMES_FILES.replace("[explore]", f"{added}\n\n[explore]", 1)
    written(folder, with_more)
    with pytest.raises(WorkplaceError, match=r"begun with another teacher\.plus than"):
        work(folder)
    shutil.rmtree(folder / "work")
    work(folder)
    written(folder, with_more.replace("PBE", "SCAN"))
    with pytest.raises(WorkplaceError, match=r"begun with another teacher\.plus than"):
        work(folder)
    written(folder, NAMES_FILES)
    with pytest.raises(WorkplaceError, match=r"begun with another teacher\.plus than"):
        work(folder)


def test_a_material_that_is_there_no_more(folder: Path) -> None:
    """Its frames would stay among the others."""
    more = '[material.gas]\nprototype = "bcc"\nspecies = ["Ar"]\nlattice = 8.0\n\n[teacher]'
    shutil.rmtree(folder / "work")
    written(folder, NAMES_FILES.replace("[teacher]", more))
    work(folder)
    written(folder, NAMES_FILES)
    with pytest.raises(WorkplaceError, match=r"begun with another material\.gas than"):
        work(folder)


def test_another_test_while_there_is_none(folder: Path) -> None:
    """Its model may have given way; trajectories that are done are those of the test that is."""
    test = folder / "work" / TEST
    test.mkdir()
    (test / "driver.mtp").touch()
    work(folder)
    assert (test / "driver.mtp").exists()
    other = NAMES_FILES.replace("[test]\nlevel = 6", "[test]\nlevel = 8")
    written(folder, other)
    work(folder)
    assert not (test / "driver.mtp").exists()
    test.mkdir()
    (test / CHOSEN).touch()
    work(folder)
    written(folder, NAMES_FILES)
    with pytest.raises(WorkplaceError, match=r"begun with another test\.level than"):
        work(folder)


def test_forces_that_count_less_are_another_fit(folder: Path) -> None:
    """Where no scale is given nothing is written of it, as in folders older than the key."""
    asked = json.loads((folder / "work" / ASKED).read_text())
    assert set(asked["fit"]["weights"]) == {"energy", "forces", "stress"}
    written(folder, f"{NAMES_FILES}\n[fit]\nweights = {{ scale_by_force = 2 }}\n")
    with pytest.raises(WorkplaceError, match=r"begun with another fit\.weights than"):
        work(folder)
