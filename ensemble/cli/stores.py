"""Which store a command is about, which of its runs, and their completion in the shell."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.cli.parser import Parser, complete_by

if TYPE_CHECKING:
    from ensemble.results import Selection
    from ensemble.store.info import StoreInfo

RUNS = Path("runs")
"""Where stores are, unless a launch names another place."""

FOUND = "folder of a store (default: that of the current folder, or the only one in runs/)"

FILTERS = {
    "study": "of this study",
    "method": "by this method: emd, nemd, rerun",
    "model": "of this model",
    "temperature": "at this temperature, as the campaign has it",
    "supercell": "of this size, such as 5x5x5",
}


def add_store(parser: Parser) -> None:
    """The argument that names a store, for who calls `store_of`."""
    complete_by(parser.add_argument("store", type=Path, nargs="?", help=FOUND), stores)


def add_run(parser: Parser) -> None:
    """The argument that names a run, and the option for its store."""
    run = parser.add_argument(
        "name", metavar="RUN", help="a run, as `ensemble status --runs` lists it"
    )
    complete_by(run, of_store(_runs))
    complete_by(parser.add_argument("--store", type=Path, help=FOUND), stores)


def add_filters(parser: Parser) -> None:
    """The options that choose some of a store's runs, for who calls `selection_of`."""
    for label, words in FILTERS.items():
        number = label == "temperature"
        action = parser.add_argument(
            f"--{label}",
            nargs="+",
            action="extend",
            type=float if number else str,
            metavar="T" if number else "NAME",
            help=f"only {words}",
        )
        complete_by(action, of_store(labels_of(label)))


def selection_of(info: StoreInfo, arguments: argparse.Namespace) -> Selection:
    """The runs that are chosen.

    Raises
    ------
    ValueError
        The store has no such label, or no runs that are of all of them.
    """
    from ensemble.results import Selection

    asked = {label: getattr(arguments, label) for label in FILTERS}
    selection = Selection.of(info, **asked)
    if not any(selection.has(study, run) for study in info.studies for _, run in info.runs(study)):
        words = [f"--{label} {' '.join(map(str, of))}" for label, of in asked.items() if of]
        raise ValueError(f"{info.root}: no runs are of all of these: {', '.join(words)}")
    return selection


def store_of(arguments: argparse.Namespace) -> Path:
    """The store that is given, or else found from the current folder.

    Raises
    ------
    ValueError
        None is found, or several are.
    """
    given: Path | None = arguments.store
    if given is not None:
        return given
    here = Path()
    for folder in (here, *here.absolute().parents):
        if _is_store(folder):
            return folder
    found = sorted(_stores_in(RUNS))
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{RUNS}: {len(found)} stores, name one: {', '.join(map(str, found))}")
    raise ValueError(
        "no store in this folder, nor in runs/; name one, or make one by `ensemble launch CAMPAIGN`"
    )


def _is_store(folder: Path) -> bool:
    from ensemble.store.layout import StorePaths

    return StorePaths(folder).metadata.exists()


def _stores_in(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (entry for entry in folder.iterdir() if _is_store(entry))


# What the shell completes


def stores(prefix: str, **_: Any) -> Iterable[str]:
    """Stores in the folder that is typed so far, and in ``runs/``; and folders on the way."""
    folder = Path(prefix) if prefix.endswith("/") else Path(prefix).parent
    for place in dict.fromkeys((folder, RUNS)):
        yield from map(str, _stores_in(place))
    with suppress(OSError):
        yield from (f"{entry}/" for entry in folder.iterdir() if entry.is_dir())


def of_store(words: Callable[[StoreInfo], Iterable[str]]) -> Callable[..., Iterable[str]]:
    """What completes words from the store that the command line names, or would find."""

    def completer(parsed_args: argparse.Namespace, **_: Any) -> Iterable[str]:
        from ensemble.store.info import read_store

        with suppress(ValueError, OSError, RuntimeError):
            return list(words(read_store(store_of(parsed_args))))
        return []

    return completer


def _runs(info: StoreInfo) -> Iterable[str]:
    return (run.id for study in info.studies for _, run in info.runs(study))


def labels_of(kind: str) -> Callable[[StoreInfo], Iterable[str]]:
    """The labels of a kind that a store has: study, method, model, temperature or supercell."""

    def words(info: StoreInfo) -> Iterable[str]:
        from ensemble.results.groups import known_labels, label_text

        return map(label_text, known_labels(info)[kind])

    return words
