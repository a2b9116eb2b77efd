"""``ensemble completion``: have the shell complete what is typed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ensemble.cli.output import print_json
from ensemble.cli.parser import add_json

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands

SHELLS = ("bash", "zsh", "fish")


def add_completion(commands: Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="have bash, zsh or fish complete commands, stores, runs and labels",
        description="""\
Print what a shell has to read for the Tab key to complete commands, options, campaign files,
stores, and the runs, studies, models, temperatures and supercells of the store at hand.""",
        examples="""\
eval "$(ensemble completion bash)"            # in ~/.bashrc
eval "$(ensemble completion zsh)"             # in ~/.zshrc, behind compinit
ensemble completion fish | source             # in ~/.config/fish/config.fish""",
    )
    parser.add_argument("shell", choices=SHELLS, help="the one that reads it")
    add_json(parser)
    parser.set_defaults(run=run_completion)


def run_completion(arguments: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    code = shellcode(["ensemble"], shell=arguments.shell)
    if arguments.json:
        print_json({"shell": arguments.shell, "code": code})
    else:
        print(code)
    return 0
