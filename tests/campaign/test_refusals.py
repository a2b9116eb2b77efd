"""Every refusal of a campaign file, with its words."""

import pickle
import random
import tomllib
from pathlib import Path

import pytest
from campaign_texts import (
    EVERYTHING,
    EXAMPLE,
    LJ,
    RERUN,
    SHIPPED,
    again,
    changed,
    parse,
    parse_or_error,
    refusal,
)

from ensemble.campaign import CampaignError, diff_physics, load_campaign

REFUSALS = tomllib.loads((Path(__file__).parent / "refusals.toml").read_text())


# Refusals: keys, alone and together


@pytest.mark.parametrize("case", REFUSALS["everything"], ids=lambda case: case["new"])
def test_refused(case: dict[str, str]) -> None:
    assert case["message"] in refusal(changed(case["old"], case["new"]))


@pytest.mark.parametrize("case", REFUSALS["lj"], ids=lambda case: case["new"])
def test_refused_with_models_of_lammps(case: dict[str, str]) -> None:
    assert case["message"] in refusal(changed(case["old"], case["new"], LJ))


def test_rerun_without_any_source() -> None:
    text = EXAMPLE[: EXAMPLE.index("[[study]]")] + RERUN
    assert "allowed: an emd study: none, there is no such study" in refusal(text)


def test_all_problems_are_listed() -> None:
    text = changed("timestep = 1.0", "timestep = 0", changed("lattice = 5.85", "lattise = 5.85"))
    lines = refusal(text).splitlines()
    assert lines[0] == "2 errors:"
    assert lines[1].startswith("  1. material.beta.lattise: unknown key")
    assert lines[2].startswith("  2. study.gk-600K.timestep: found 0")


def test_an_error_survives_the_way_between_processes() -> None:
    with pytest.raises(CampaignError) as caught:
        parse(changed("seeds = 5", "seeds = 0"))
    other = pickle.loads(pickle.dumps(caught.value))
    assert str(other) == str(caught.value)
    assert other.problems == caught.value.problems


# Refusals: whole files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = = 1", "not TOML: Invalid value (at line 1, column 8)"),
        (b"\xff", "not UTF-8 text: byte 0"),
        ("a" + ".a" * 3000 + " = 1", "nobody wrote that: more than 16 tables or lists"),
        ("a = " + "[" * 3000, "nobody wrote that: more than 16 tables or lists"),
        ("a = " + "9" * 5000, "not TOML: "),
        ("a = 0x" + "f" * 20, "not TOML: a whole number of 80 bits, 64 are allowed"),
        ("", "campaign: missing; allowed: a table with the keys"),
        ("study = [1]", 'study #1: found 1; allowed: a table of kind "emd", "nemd" or "rerun"'),
        ("material = {}", "material: found {}; allowed: tables [material.NAME]"),
    ],
)
def test_refused_files(content: str | bytes, message: str) -> None:
    assert message in refusal(content)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_campaign(tmp_path / "nowhere.toml")


VALUES = """
1 -1 0 1e400 nan inf 1e-320 1e300 0x7fffffffffffffff 0xffffffffffffffffffff true "x" "" [] {} [[]]
[[1]] {a=1} 1979-05-27 07:32:00 "\\u0000" "gk-600K" "emd" "nemd" "rerun" "lj" "lammps" [1,1] [1,"a"]
"[key]" [key] "auto" 0.1 [[[ = " # , \\ é
"""


def mutate(text: str, random: random.Random) -> str:
    """The text with one to four small accidents."""
    for _ in range(random.choice([1, 1, 2, 4])):
        lines, words, at = text.split("\n"), text.split(" "), random.randrange(len(text))
        line, value = random.randrange(len(lines)), random.choice(VALUES.split())
        match random.randrange(6):
            case 0:
                text = text[:at] + text[at + random.randrange(1, 30) :]
            case 1:
                text = text[:at] + chr(random.choice([random.randrange(128), 0x3B1])) + text[at:]
            case 2:
                lines.insert(line, random.choice(lines))
                text = "\n".join(lines)
            case 3:
                del lines[line]
                text = "\n".join(lines)
            case 4:
                lines[line] = f"{lines[line].split('=')[0]}= {value}"
                text = "\n".join(lines)
            case _:
                words[random.randrange(len(words))] = value
                text = " ".join(words)
    return text


@pytest.mark.parametrize("seed", range(4))
def test_no_accident_is_worse_than_an_error(seed: int) -> None:
    """Thousands of damaged files: each is a campaign, or one error that names every key."""
    generator = random.Random(seed)
    good = [EVERYTHING, LJ, *(path.read_text() for path in SHIPPED)]
    accepted = refused_by_key = 0
    for _ in range(1500):
        text = mutate(generator.choice(good), generator)
        outcome = parse_or_error(text)
        if isinstance(outcome, CampaignError):
            assert str(outcome).startswith("x.toml: ")
            assert all(p.key and p.finding and p.allowed for p in outcome.problems)
            refused_by_key += bool(outcome.problems)
        else:
            accepted += 1
            assert again(outcome) == outcome
            assert not diff_physics(outcome.physics(), outcome.physics())
    assert min(accepted, refused_by_key) > 100
