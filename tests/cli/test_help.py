"""What the help says holds: its examples are command lines, and the page in docs/ is the same."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensemble.cli import build_parser
from ensemble.cli.parser import Parser
from ensemble.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def parsers(parser: Parser) -> Iterator[Parser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


ALL = {parser.prog: parser for parser in parsers(build_parser())}
COMMANDS = {name: parser for name, parser in ALL.items() if parser.get_default("run")}


def command_line(example: str) -> list[str]:
    """The words behind ``ensemble``, as the shell would have them."""
    found = re.search(r"\bensemble (.*?)(?: [|>] .*|\)\".*| +# .*)?$", example)
    assert found is not None, example
    return shlex.split(found[1])


def test_all_commands_are_looked_at() -> None:
    assert {"ensemble launch", "ensemble inspect", "ensemble potential info"} <= COMMANDS.keys()


@pytest.mark.parametrize("name", ALL)
def test_examples_are_command_lines(name: str) -> None:
    examples = [line for line in ALL[name].examples.splitlines() if "COMMAND" not in line]
    assert examples
    for example in examples:
        arguments = build_parser().parse_args(command_line(example))
        assert f"ensemble {' '.join(command_line(example))}".startswith(name)
        assert callable(arguments.run)


@pytest.mark.parametrize("name", ALL)
def test_help_has_examples_and_exit_statuses(name: str) -> None:
    text = ALL[name].format_help()
    for line in ALL[name].examples.splitlines():
        assert f"\n  {line}\n" in text
    for status in (0, 1, 2, 130):
        assert re.search(rf"^  {status} +\S", text, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_explained_and_json_is_everywhere(name: str) -> None:
    actions = COMMANDS[name]._actions
    assert all(action.help for action in actions)
    (json,) = (action for action in actions if "--json" in action.option_strings)
    assert json.help == "print JSON on stdout, and nothing else there"


def test_the_page_is_up_to_date() -> None:
    """``python -m ensemble.cli.reference > docs/command-line.md`` writes it anew."""
    assert PAGE.read_text() == reference()
    assert "## `ensemble potential build-plugin`" in reference()
