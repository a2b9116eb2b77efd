"""``--json`` of commands that need no store: one document on stdout, and nothing else there."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ensemble.cli import main
from ensemble.cli.output import print_json

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "campaigns" / "quickstart.toml"


def told(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_job_script(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", QUICKSTART, "--cluster", ROOT / "deploy" / "slurm.toml", "--job-script"]
    table = told(capsys, *words)
    assert main(list(map(str, words))) == 0
    assert capsys.readouterr().out == table["job_script"]


def test_generate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.mtp"
    words = ["--level", "4", "--species", "Cu", "Se", "--cutoff", "5", "-o", str(file)]
    made = told(capsys, "potential", "generate", *words)
    assert made.pop("file") == str(file)
    assert made == told(capsys, "potential", "info", file)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = told(capsys, "completion", shell)
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == table["code"] + "\n"


def test_an_error_leaves_stdout_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(tmp_path / "none.toml"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_what_is_not_finite_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"path": Path("a"), "numbers": (1.5, math.nan, math.inf)})
    assert json.loads(capsys.readouterr().out) == {"path": "a", "numbers": [1.5, None, None]}
