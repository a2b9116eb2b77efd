"""The training file: what is refused, and in what words."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble.campaign import CampaignError
from ensemble.training.crystals import supercells_of
from ensemble.training.reference import reference
from ensemble.training.settings import load_training

ROOT = Path(__file__).parents[2]

FILE = """
[training]
name = "argon"
species = ["Ar"]

[material.solid]
prototype = "fcc"
species = ["Ar"]
lattice = 5.3

[teacher]
calculator = "ase.calculators.lj:LennardJones"
arguments = { sigma = 3.4, epsilon = 0.0104, rc = 8.0, smooth = true }

[explore]
temperatures = [20, 60]
supercells = [[2, 2, 2]]

[committee]
levels = [4, 6]

[test]
level = 6
temperatures = [40]

[[model]]
name = "one"
level = 6
seed = 1
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "train.toml"
    file.write_text(text)
    return file


def test_defaults_and_paths(tmp_path: Path) -> None:
    training = load_training(written(tmp_path, FILE))
    assert training.path.parent == tmp_path
    assert training.fit.weights.energy == 1
    assert training.models[0].share == 1
    (cell,) = supercells_of(training)
    name, atoms = cell.name, cell.arranged("test")
    assert (name, len(atoms)) == ("solid-2x2x2", 32)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[4, 6]", "[4, 7]", ["committee.levels #2", "found 7", "an even number from 2 to 28"]),
        ('"ase.calculators.lj:LennardJones"', '"lj"', ["teacher.calculator", "module:Class"]),
        (
            "[explore]",
            'plus = [{ calculator = "d3" }]\n[explore]',
            ["plus #1.calculator", "module:Class"],
        ),
        ("temperatures = [40]", "temperature = [40]", ["test.temperature", 'mean "temperatures"']),
        ("[20, 60]", "[20, -60]", ["explore.temperatures #2", "positive"]),
        ('species = ["Ar"]\nlattice', 'species = ["Ne"]\nlattice', ["solid.species", '"Ar"']),
        ("seed = 1", "seed = 1\nspecies_energies = { Kr = 1.0 }", ["one.species_energies", "Kr"]),
        ("seed = 1", 'seed = 1\n[[model]]\nname = "one"\nlevel = 4\nseed = 2', ["found twice"]),
        ("[explore]", "[explore]\ndisagreement = [1.0, 0.1]", ["explore.disagreement", "low"]),
        ("[committee]", "[fit]\nmin_dist = 6.0\n[committee]", ["fit.cutoff", "fit.min_dist, 6"]),
        ("seed = 1", "seed = 1\ncutoff = 1.5", ["one.cutoff", "fit.min_dist, 1.9"]),
        ("lattice = 5.3\n", "", ["solid.lattice: missing", 'for prototype "fcc"']),
        (
            "5.3",
            '5.3\nvacancies = { species = "Kr", fraction = 0.1 }',
            ["vacancies.species", '"Ar"'],
        ),
        (
            'prototype = "fcc"',
            'prototype = "cesium-chloride"',
            ["solid.species", "found 1 species"],
        ),
        ('prototype = "fcc"', 'prototype = "fc"', ["material.solid.prototype", 'mean "fcc"']),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    file = written(tmp_path, FILE.replace(old, new))
    with pytest.raises(CampaignError) as caught:
        load_training(file)
    message = str(caught.value)
    assert str(file) in message
    for word in words:
        assert word in message


def test_no_toml_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="not TOML"):
        load_training(written(tmp_path, "[training"))
    with pytest.raises(FileNotFoundError):
        load_training(tmp_path / "nothing.toml")


@pytest.mark.parametrize("name", ["cu2se", "mg2sn", "mg3sb2"])
def test_the_shipped_files_are_good(name: str) -> None:
    training = load_training(ROOT / "campaigns" / "models" / name / "train.toml")
    assert training.header.name == name
    assert all(47 <= len(cell.arranged("test")) <= 100 for cell in supercells_of(training))


def test_the_page_is_that_of_the_settings() -> None:
    """``python -m ensemble.training.reference > docs/training-file.md`` writes it anew."""
    assert (ROOT / "docs" / "training-file.md").read_text() == reference()
