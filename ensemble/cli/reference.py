"""The page docs/command-line.md, made from the parser.

``python -P -m ensemble.cli.reference > docs/command-line.md`` writes it anew.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

from ensemble.cli import build_parser
from ensemble.cli.parser import EXIT_STATUS, Parser

INTRODUCTION = """\
# The command line

`ensemble COMMAND --help` says the same as this page, which is made from the parser by
`python -P -m ensemble.cli.reference`.

**Stores and runs.** Where a store is not given, it is that of the current folder, or the only one
in `runs/`. A run is called by study, model, temperature, supercell and seed, such as
`gk-600K/mtp2-T600-3x3x3-s1`; `ensemble status --runs` lists them. The study may be left out where
only one has such a run, and the key that the dashboard shows will do as well. A run that there is
not is answered with the nearest ones.

**JSON.** With `--json` a command prints one JSON document on stdout, and nothing else there; what
is not known is `null`. Progress, warnings and errors go to stderr. `status --watch --json` prints a
document a line, whenever something has changed.

**Colours** are for terminals: there are none in a pipe or a file, nor where `NO_COLOR` is set.

**Completion.** One line in the shell's start-up file, and the Tab key completes commands, options,
files, stores, and the runs and labels of the store at hand:

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(ensemble completion bash)"` |
| zsh | `~/.zshrc`, behind `compinit` | `eval "$(ensemble completion zsh)"` |
| fish | `~/.config/fish/config.fish` | `ensemble completion fish \\| source` |

## Exit status
"""


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield INTRODUCTION
    yield "| | |\n|---|---|"
    yield from (f"| {code} | {said} |" for code, said in EXIT_STATUS.items())
    yield "\nWhere a command means something else by one of them, it is said there.\n"
    for parser in _commands(build_parser()):
        yield from _section(parser)


def _commands(parser: Parser) -> Iterator[Parser]:
    """All commands below one that do something."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from list(_commands(command)) or [command]


def _section(parser: Parser) -> Iterator[str]:
    yield f"## `{parser.prog}`\n"
    yield from _paragraphs(parser.description or "")
    actions = [action for action in parser._actions if action.dest != "help"]
    yield "| argument | |\n|---|---|"
    yield from (f"| {_name(action)} | {_cell(action.help or '')} |" for action in actions)
    yield ""
    if own := set(parser.exit_status.items()) - set(EXIT_STATUS.items()):
        yield "Exit status: " + "; ".join(f"{code}: {said}" for code, said in sorted(own)) + ".\n"
    yield f"<!-- test: not run -->\n```sh\n{parser.examples}\n```\n"


def _paragraphs(text: str) -> Iterable[str]:
    """Markdown of a description: of lists, which are indented there, names and what they are."""
    for paragraph in text.split("\n\n"):
        head, *listed = paragraph.split("\n  ")
        yield f"{head}\n"
        if listed:
            rows = (re.split(r"\s{2,}", line, maxsplit=1) for line in listed)
            yield "\n".join(
                ["| | |\n|---|---|", *(f"| `{name}` | {what} |" for name, what in rows), ""]
            )


def _name(action: argparse.Action) -> str:
    words = ", ".join(action.option_strings)
    if action.nargs == 0:
        return f"`{words}`"
    value = str(action.metavar or (action.dest if not words else action.dest.upper()))
    if action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if action.nargs == "?":
        value = f"[{value}]"
    return f"`{f'{words} {value}'.strip()}{' …' if action.nargs == '+' else ''}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
