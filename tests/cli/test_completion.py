"""What the Tab key gives, by the shells themselves."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Launched

SCRIPTS = sysconfig.get_path("scripts")

BASH = """
eval "$(ensemble completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_python_argcomplete ensemble ensemble ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )


def completed(folder: Path, line: str) -> set[str]:
    """What bash offers at the end of a command line."""
    done = shell(folder, "bash", "-c", BASH, "bash", line)
    return {word.strip() for word in done.stdout.splitlines()} - {""}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ensemble st", {"status"}),
        ("ensemble results --mod", {"--model"}),
        ("ensemble launch ", {"argon.toml", "runs/"}),
        ("ensemble launch argon.toml --study ", {"gk", "too-fast"}),
        ("ensemble status ru", {"runs/", "runs/argon"}),
        ("ensemble inspect too", {"too-fast/second-T300-3x3x3-s1"}),
        ("ensemble logs gk/f", {"gk/first-T40-3x3x3-s1"}),
        ("ensemble results --study ", {"gk", "too-fast"}),
        ("ensemble results runs/argon --temperature ", {"40", "300"}),
        ("ensemble completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_bash(launched: Launched, line: str, words: set[str]) -> None:
    offered = completed(launched.home, line)
    if line.endswith(" "):
        offered = {word for word in offered if not word.startswith("-")}
    assert offered == words


def test_where_there_is_no_store(tmp_path: Path) -> None:
    assert completed(tmp_path, "ensemble inspect g") == set()


def test_fish(launched: Launched) -> None:
    script = "ensemble completion fish | source; complete -C 'ensemble logs gk/f'"
    done = shell(launched.home, "fish", "--no-config", "-c", script)
    assert (done.stdout, done.stderr) == ("gk/first-T40-3x3x3-s1\n", "")


def test_zsh(tmp_path: Path) -> None:
    """It knows whom to ask; what it does with the answer needs a terminal."""
    script = "autoload -Uz compinit; compinit -u -D; " + BASH.splitlines()[1].replace("bash", "zsh")
    done = shell(tmp_path, "zsh", "-fc", f"{script}; echo $_comps[ensemble]")
    assert (done.stdout, done.stderr) == ("_python_argcomplete\n", "")
