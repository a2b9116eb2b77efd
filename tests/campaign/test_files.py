"""The files that a campaign names."""

from pathlib import Path

import pytest
from campaign_texts import EVERYTHING, EXAMPLE, LJ, campaign_in, changed

from ensemble.campaign import Campaign, CampaignError, find_files


def missing(campaign: Campaign) -> str:
    with pytest.raises(CampaignError) as caught:
        find_files(campaign)
    return str(caught.value)


def test_potentials_are_found_by_pattern(tmp_path: Path) -> None:
    names = ["models/cu2se/mtp2.mtp", "models/cu2se/mtp1.mtp", "models/cu2se/other.mtp"]
    files = find_files(campaign_in(tmp_path, EVERYTHING, dict.fromkeys(names, "")))
    assert files.models == {
        "mtp1": (tmp_path / "models/cu2se/mtp1.mtp",),
        "mtp2": (tmp_path / "models/cu2se/mtp2.mtp",),
    }
    assert files.structures == {}


def test_potentials_that_are_not_there(tmp_path: Path) -> None:
    message = missing(campaign_in(tmp_path, EXAMPLE, {}))
    assert (
        f'models.files: found "models/cu2se/mtp*.mtp", which matches no file in {tmp_path}'
        in message
    )
    other = {"models/cu2se/mtp2.mtp": ""}
    message = missing(campaign_in(tmp_path, EVERYTHING, other))
    assert (
        'study.fixed.source.model: found "mtp1"; allowed: "mtp2"; did you mean "mtp2"?' in message
    )
    text = changed("seeds = 5", 'models = ["mtp3"]', EXAMPLE)
    assert 'study.gk-600K.models: found "mtp3"; allowed: "mtp2"' in missing(
        campaign_in(tmp_path, text, other)
    )


def test_potentials_of_one_name(tmp_path: Path) -> None:
    text = changed('"models/cu2se/mtp*.mtp"', '["a/*.mtp", "b/*.mtp"]', EXAMPLE)
    message = missing(campaign_in(tmp_path, text, {"a/m.mtp": "", "b/m.mtp": ""}))
    assert "models.files: found " in message
    assert "allowed: a name of its own for each" in message
    twice = changed('"models/cu2se/mtp*.mtp"', '["a/*.mtp", "a/m.mtp"]', EXAMPLE)
    assert list(find_files(campaign_in(tmp_path, twice, {})).models) == ["m"]
    text = changed("mtp*", "*", EXAMPLE)
    for name in ("a b.mtp", f"{'a' * 97}.mtp"):
        message = missing(campaign_in(tmp_path / name, text, {f"models/cu2se/{name}": ""}))
        assert f"cu2se/{name}; allowed: a file name of letters, digits" in message
    longest = f"{'a' * 96}.mtp"
    campaign = campaign_in(
        tmp_path / longest, EXAMPLE.replace("mtp*", "*"), {f"models/cu2se/{longest}": ""}
    )
    assert list(find_files(campaign).models) == ["a" * 96]


def test_structure_and_listed_files(tmp_path: Path) -> None:
    text = changed('prototype = "fcc"', 'structure = "fluid.xyz"', LJ)
    text = changed("lattice = 1.882", "", text)
    text = changed('name = "lj"', 'name = "lj"\nfiles = ["a/table", "b/table"]', text)
    message = missing(campaign_in(tmp_path, text, {"a/table": ""}))
    assert (
        f"material.fluid.structure: found {tmp_path / 'fluid.xyz'}, which is not there" in message
    )
    assert f"models.model.lj.files: found {tmp_path / 'b/table'}, which is not there" in message
    assert 'models.model.lj.files: found two files "table"' in message
    text = changed('["a/table", "b/table"]', '"a/table"', text)
    files = find_files(campaign_in(tmp_path, text, {"fluid.xyz": ""}))
    assert files.models == {"lj": (tmp_path / "a/table",)}
    assert files.structures == {"fluid": tmp_path / "fluid.xyz"}


@pytest.mark.parametrize("name", ["my table", "$table", ".table", "'table'", "t" * 101, "täble"])
def test_files_that_an_input_script_cannot_name(tmp_path: Path, name: str) -> None:
    text = changed('name = "lj"', f'name = "lj"\nfiles = "a/{name}"', LJ)
    message = missing(campaign_in(tmp_path, text, {f"a/{name}": ""}))
    assert "models.model.lj.files: found " in message
    assert "allowed: a file name of letters, digits and _ . + -, " in message
