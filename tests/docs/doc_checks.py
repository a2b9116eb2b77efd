"""How a code block is tested, by its language and by what the comment in front of it says.

``python``
    Is run; the blocks of a page share their variables.
``sh``
    Is run by Bash. ``exit N`` is the status that it ends with, 0 where not given. ``plan`` asks for
    the plan of what would be launched. ``not run`` looks at the commands only (`check_commands`),
    and stands on the list in test_pages.py.
``toml``
    Is a whole campaign, cluster or training file, which is loaded and planned; ``with FILE`` puts
    its tables into those of a campaign.
``yaml``
    Is for Prometheus.
``lammps``
    Is run on a crystal of two atom types, or of as many as ``types N`` says.
``text``
    Is ``output`` of the block before, line by line and but for the numbers, or the ``tree`` of a
    folder.

``file PATH`` writes any block to a file, for the ones behind it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import re
import shlex
import subprocess
import sysconfig
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from doc_blocks import ROOT, Block

from ensemble.campaign import find_files, load_cluster, parse_campaign
from ensemble.campaign.checks import check
from ensemble.campaign.schema import Campaign
from ensemble.cli import build_parser
from ensemble.dashboard.routes import TYPES
from ensemble.plan.plan import make_plan
from ensemble.training.settings import load_training

SCRIPTS = sysconfig.get_path("scripts")

PATIENCE = 300.0
"""Seconds for a block, on a machine that has other things to do."""

CRYSTAL = """\
units metal
newton on
lattice fcc 5.8
region box block 0 2 0 2 0 2
create_box {types} box
create_atoms 1 box basis 1 1 basis 2 2 basis 3 {types}
mass * 50.0
"""


@dataclass
class Workplace:
    """A folder that looks like a fresh clone, and what the blocks of a page have left so far."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    output: str = ""
    """What the last block said."""

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder; `ensemble` is the one that is tested."""
        path = f"{SCRIPTS}:{os.environ['PATH']}"
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PATH": path, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def check_block(block: Block, place: Workplace) -> None:
    """Test a block; an AssertionError says what is wrong with it."""
    how, _, detail = block.marker.partition(" ")
    if how == "file":
        path = place.folder / detail
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        if block.language == "toml":
            check_toml(block, place, path)
        return
    assert block.language in CHECKS, (
        f"{block}: a block of {block.language or 'no language'}; known are {', '.join(CHECKS)}"
    )
    CHECKS[block.language](block, place)


def check_python(block: Block, place: Workplace) -> None:
    """Run it."""
    assert not block.marker, f"{block}: test: {block.marker}"
    code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
    said = io.StringIO()
    with contextlib.chdir(place.folder), contextlib.redirect_stdout(said):
        exec(code, place.variables)
    place.output = said.getvalue()


def check_shell(block: Block, place: Workplace) -> None:
    """Run it, or look at it."""
    status, text = 0, block.text
    match block.marker.split():
        case ["not", "run"]:
            check_commands(block)
            return
        case ["plan"]:
            text = re.sub(r"ensemble launch (.*?)(?= --detach|$)", r"ensemble plan \1", text)
        case ["exit", number]:
            status = int(number)
        case words:
            assert not words, f"{block}: test: {block.marker}"
    done = place.run("bash", "-euo", "pipefail", "-c", text)
    place.output = done.stdout
    found = done.returncode if done.returncode >= 0 else 128 - done.returncode
    assert found == status, f"{block}: exit status {found}\n{done.stdout}"


def check_commands(block: Block) -> None:
    """The commands of a block that cannot be run here: Bash can read them, `ensemble` knows its
    options, make its targets and pip the extras of this package.
    """
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for words in commands_in(block.text):
        check_command(block, words)


def commands_in(text: str) -> Iterator[list[str]]:
    """The commands of a shell script of plain pipes, one on each line, as words."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if ">" in words:
            words = words[: words.index(">")]
        for bar, command in groupby(words, "|".__eq__):
            if not bar:
                yield list(command)


def check_command(block: Block, words: list[str]) -> None:
    """One command, and one that it is to wrap."""
    match words:
        case ["ensemble", *arguments]:
            build_parser().parse_args(arguments)
        case ["make", *targets]:
            subprocess.run(["make", "-n", *targets], cwd=ROOT, check=True)
        case ["pip", "install", what] if extra := re.fullmatch(r"\.\[(\w+)\]", what):
            assert extra[1] in (importlib.metadata.metadata("ensemble").get_all("Provides-Extra"))
        case ["source", ".venv/bin/activate"]:
            assert Path(SCRIPTS, "activate").is_file()
        case ["sbatch", *_, "--wrap", wrapped]:
            check_command(block, shlex.split(wrapped))
        case ["eval", wrapped]:
            check_command(block, shlex.split(wrapped.removeprefix("$(").removesuffix(")")))
        case ["ssh", "-L", forwarded, _]:
            assert re.fullmatch(r"\d+:[\w.-]+:\d+", forwarded), f"{block}: {forwarded}"
        case ["curl", "-s", url]:
            assert url.rpartition("/ensemble/")[2] in TYPES, f"{block}: {url}"
        case ["jq" | "less" | "source", *_] | ["python", "-m", "json.tool"]:
            pass
        case _:
            raise AssertionError(f"{block}: {shlex.join(words)}: cannot be looked at")


def check_toml(block: Block, place: Workplace, path: Path | None = None) -> None:
    """Load it with what loads such a file, and plan what it asks for."""
    how, _, base = block.marker.partition(" ")
    file = path or place.folder / "campaigns" / "block.toml"
    tables = tomllib.loads(block.text)
    if how == "with":
        plan(merged(place.folder / base, tables))
    elif "campaign" in tables:
        plan(parse_campaign(block.text, file))
    elif "training" in tables:
        file.write_text(block.text)
        load_training(file)
    else:
        file.write_text(block.text)
        load_cluster(file)


def merged(base: Path, tables: Mapping[str, Any]) -> Campaign:
    """A campaign with some tables more, or others."""
    whole = tomllib.loads(base.read_text())
    studies = [*whole["study"], *tables.get("study", [])]
    campaign = Campaign.of({**whole, **tables, "study": studies}, base, "")
    assert not (problems := list(check(campaign))), problems
    return campaign


def plan(campaign: Campaign) -> None:
    """All that can be wrong with a campaign before it is launched."""
    assert make_plan(campaign, find_files(campaign)).run_count


def check_yaml(block: Block, place: Workplace) -> None:
    """Of Prometheus: what it would ask for is there."""
    for job in yaml.safe_load(block.text)["scrape_configs"]:
        assert job["metrics_path"].removeprefix("/ensemble/") in TYPES, f"{block}: {job}"


def check_lammps(block: Block, place: Workplace) -> None:
    """Run a step of it."""
    types = int(block.marker.removeprefix("types ")) if block.marker else 2
    script = place.folder / "block.in"
    script.write_text(CRYSTAL.format(types=types) + block.text + "\nrun 0\n")
    done = place.run("lmp", "-in", script.name, "-log", "none")
    assert done.returncode == 0, f"{block}:\n{done.stdout}"


def check_text(block: Block, place: Workplace) -> None:
    """What a command says, or what lies in a folder."""
    if block.marker == "tree":
        missing = [path for path in paths_in(block.text) if not any(place.folder.glob(path))]
        assert not missing, f"{block}: {', '.join(missing)}: not there"
        return
    assert block.marker == "output", f"{block}: text, with nothing in front that says what it is"
    said = {without_numbers(line) for line in place.output.splitlines()}
    for line in block.text.splitlines():
        assert without_numbers(line) in said, f"{block}: {line}\nnot in\n{place.output}"


def without_numbers(line: str) -> str:
    """A line with its numbers and the width of its blanks made alike."""
    return " ".join(re.sub(r"\d[\d.,]*", "#", line).split())


def paths_in(tree: str) -> Iterator[str]:
    """The paths of an indented tree, as patterns: names are set off from remarks by two blanks, and
    ``<study>`` stands for any name.
    """
    above: list[tuple[int, str]] = []
    for line in tree.splitlines():
        depth = len(line) - len(line.lstrip())
        above = [parent for parent in above if parent[0] < depth]
        for name in re.split(r"\s{2,}|\s\[", line.strip())[0].split(", "):
            path = re.sub(r"<\w+>|…", "*", name.rstrip("/"))
            yield "/".join([*(parent for _, parent in above), path])
        above.append((depth, path))


CHECKS: dict[str, Callable[[Block, Workplace], None]] = {
    "lammps": check_lammps,
    "python": check_python,
    "sh": check_shell,
    "text": check_text,
    "toml": check_toml,
    "yaml": check_yaml,
}
