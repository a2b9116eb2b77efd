"""A new user's mistakes, one at each step of README and pages: every message leads on.

More of what a campaign file is refused for is in tests/campaign/refusals.toml, of options that are
none in tests/test_cli.py.
"""

from __future__ import annotations

import contextlib
import shlex

import pytest
from doc_checks import Workplace

from ensemble.cli import main

COMMANDS = {
    # A campaign for a store, a store for a campaign, one kind of file for another
    "ensemble status campaigns/quickstart.toml": "a store is a folder, such as runs/NAME",
    "ensemble results campaigns/quickstart.toml": "a store is a folder, such as runs/NAME",
    "ensemble launch runs/quickstart": "a store, which `ensemble status` and",
    "ensemble plan campaigns": "campaigns: a folder, not a file",
    "ensemble train campaigns": "campaigns: a folder, not a file",
    "ensemble launch deploy/slurm.toml": "which `--cluster` takes behind a campaign",
    "ensemble launch campaigns/models/cu2se/train.toml": "which `ensemble train` takes",
    "ensemble train campaigns/quickstart.toml": "which `ensemble launch` and `ensemble plan` take",
    "ensemble plan campaigns/quickstart.toml --cluster campaigns/argon.toml": "a campaign, which",
    "ensemble potential info campaigns/quickstart.toml": "not a moment tensor potential",
    # Names that are not there
    "ensemble plan campaigns/quikstart.toml": "did you mean campaigns/quickstart.toml?",
    "ensemble plan campaigns/argon.toml --cluster deploy/slurn.toml": "mean deploy/slurm.toml?",
    "ensemble status runs/quikstart": "did you mean runs/quickstart?",
    "ensemble results runs/argon": "runs/argon: no store; `ensemble launch` makes one",
    "ensemble results runs/quickstart --study gk": "the store has gk-600K, direct-600K",
    "ensemble results runs/quickstart --model mtp3": "the store has mtp2, mtp4, mtp8",
    "ensemble results runs/quickstart --supercell 3,3,3": "the store has 3x3x3, 1x1x12",
    "ensemble train campaigns/models/cu2se/train.toml --model mtp99": "it has mtp1, mtp2, mtp3",
    # Places where no store should be
    "ensemble launch campaigns/argon.toml --store campaigns": "no store, and not empty: it has arg",
    "ensemble launch campaigns/argon.toml --store campaigns/argon.toml": "give the store a folder",
}
"""What is typed, and what the message has to say."""

PROTOTYPE = 'prototype = "antifluorite"\nspecies = ["Cu", "Se"]\nlattice = 5.93 #'
FILE = 'structure = "beta.cif"\nspecies = ["Cu", "Se"] #'

CHANGES = {
    ("timestep", "timestp"): 'unknown key; allowed: "name",',
    ("antifluorite", "antiflourite"): 'did you mean "antifluorite"?',
    ('material = "beta"', 'material = "betta"'): 'found "betta"; allowed: "beta"',
    ('["Cu", "Se"]', '["Cu", "Sf"]'): 'found "Sf"; allowed: a chemical symbol; did you mean "S"?',
    ('["Cu", "Se"]', '["Cu", "S"]'): 'found "S"; allowed: "Cu" or "Se", the species of mtp2.mtp',
    ("mtp4.mtp", "mtp44.mtp"): "which matches no file in",
    ("models/cu2se/mtp4.mtp", "argon.toml"): "not a moment tensor potential: expected a first line",
    ("cu2se/mtp4.mtp", "mg2sn/mtp5.mtp"): "the species of mtp5.mtp",
    (
        "[campaign]",
        "[campaign",
    ): "not TOML: Expected ']' at the end of a table",
    (PROTOTYPE, FILE): "beta.cif, which is not there",
    ("[[3, 3, 3]]", "[3, 3, 3]"): "found 3; allowed: [nx, ny, nz]",
    ("time = 4, every = 10", "time = 4, every = 15"): "multiple of",
}
"""In the campaign of the quickstart, and what the message has to say."""


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_command(command: str, place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(place.folder.rglob("*"))
    assert COMMANDS[command] in message_of(command, place, capsys)
    assert set(place.folder.rglob("*")) == before


@pytest.mark.parametrize("change", CHANGES, ids=" to ".join)
def test_campaign(
    change: tuple[str, str], place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = place.folder / "campaigns" / "quickstart.toml"
    text = campaign.read_text()
    assert change[0] in text
    campaign.write_text(text.replace(*change))
    message = message_of("ensemble plan campaigns/quickstart.toml", place, capsys)
    assert message.startswith("ensemble: error: campaigns/quickstart.toml: ")
    assert CHANGES[change] in message


def message_of(command: str, place: Workplace, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that is refused says: a few lines, whatever is wrong."""
    with contextlib.chdir(place.folder):
        assert main(shlex.split(command)[1:]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ensemble: error: ")
    assert said.err.count("\n") <= 4, "too much to read"
    return said.err
