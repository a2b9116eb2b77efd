"""What of a campaign file decides the numbers, and what does not."""

import pytest
from campaign_texts import EVERYTHING, EXAMPLE, LJ, SLURM, changed, parse

from ensemble.campaign import diff_physics


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[600]", "[300, 600]"),
        ("[[5, 5, 5]]", "[[5, 5, 5], [6, 6, 6]]"),
        ("seeds = 5", "seeds = [3, 9]"),
        ("seeds = 5", 'models = ["mtp1"]'),
        ("supercells = [[3, 3, 20]]", "supercells = [[3, 3, 20]]\nengine = { ranks = 2 }"),
        ("[cluster]", "[engine]\nranks = 2\n[cluster]"),
        ("time = 2000", "time = 4000"),
        ("[3, 6]", '"auto"'),
        ("time = 100 }", 'time = 100.0, pressure = 0, coupling = "iso" }'),
        ("mtp*", "level*"),
        ('"local"', SLURM),
        ("[cluster]", "[convergence]\nrelative_error = 0.1\n[cluster]"),
        (
            "[cluster]",
            "[[experiment]]\nmaterial = 'beta'\ntemperature = 600\nkappa = 0.5\n[cluster]",
        ),
        ("# Å", "# comment"),
        ("lattice = 5.85", 'lattice = 5.85\nhost = ["Se"]'),
    ],
)
def test_what_is_not_physics(old: str, new: str) -> None:
    before, after = parse(EVERYTHING).physics(), parse(changed(old, new)).physics()
    assert diff_physics(before, after) == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("timestep = 1.0", "timestep = 2.0", "study.gk-600K.timestep: was 1.0, is now 2.0"),
        ("every = 10 ", "every = 20 ", "study.gk-600K.sample.every: was 10.0, is now 20.0"),
        ("5.85", "5.9", "material.beta.lattice: was [5.85], is now [5.9]"),
        ("0.025", "0.05", "material.beta.vacancies.fraction: was 0.025, is now 0.05"),
        ('"cu195se"', '"cu195se"\nunits = "real"', 'units: was "metal", is now "real"'),
        (
            "{ time = 1000 }",
            "{ time = 1000 }\nsettle = 5",
            "study.direct.settle: was 100.0, is now 5.0",
        ),
        ('model = "mtp1"', 'model = "mtp2"', 'study.fixed.source.model: was "mtp1", is now "mtp2"'),
    ],
)
def test_what_is_physics(old: str, new: str, message: str) -> None:
    differences = diff_physics(parse(EVERYTHING).physics(), parse(changed(old, new)).physics())
    assert [str(difference) for difference in differences] == [message]
    assert not differences[0].harmless


def test_a_store_from_before_a_key_goes_on() -> None:
    """Its reruns had the virials that are the default now."""
    before, after = parse(EVERYTHING).physics(), parse(EVERYTHING).physics()
    del before["study"]["fixed"]["virial"]
    assert diff_physics(before, after) == diff_physics(after, before) == ()
    symmetric = changed('method = "rerun"', 'method = "rerun"\nvirial = "symmetric"', EVERYTHING)
    (difference,) = diff_physics(before, parse(symmetric).physics())
    assert str(difference) == 'study.fixed.virial: was "centroid", is now "symmetric"'


def test_files_count_by_their_contents() -> None:
    text = changed("lattice = 1.882", "", changed('prototype = "fcc"', 'structure = "a.xyz"', LJ))
    text = changed('name = "lj"', 'name = "lj"\nfiles = "a/table"', text)
    renamed = changed("a/table", "b/table", changed("a.xyz", "b.xyz", text))
    assert diff_physics(parse(text).physics(), parse(renamed).physics()) == ()


def test_what_comes_and_goes_as_a_whole_is_harmless() -> None:
    few, many = parse(EXAMPLE).physics(), parse(EVERYTHING).physics()
    for before, after in ((few, many), (many, few)):
        differences = diff_physics(before, after)
        assert [difference.key for difference in differences] == ["study.direct", "study.fixed"]
        assert all(difference.harmless for difference in differences)
    two = changed(
        "[[study]]", '[[models.model]]\nname = "b"\ncommands = ["pair_style zero 2"]\n[[study]]', LJ
    )
    (difference,) = diff_physics(parse(LJ).physics(), parse(two).physics())
    assert difference.key == "models.model.b"
    assert difference.harmless
    (difference,) = diff_physics(
        few,
        parse(
            changed("lattice = 5.85", "lattice = 5.85", EXAMPLE).replace(
                'vacancies = { species = "Cu", fraction = 0.025 }', ""
            )
        ).physics(),
    )
    assert difference.key == "material.beta.vacancies"
    assert not difference.harmless
