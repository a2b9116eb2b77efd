"""What is in a store, by name: datasets of each study, and tables of what follows from them.

``open_results``
    The door.
``quantities``, ``dataset``, ``series``
    A study as an `xarray.Dataset` that reads what is asked for and no more; a whole run at once.
``groups``, ``settings``, ``reduce``, ``findings``, ``cache``
    κ of runs that differ in their seeds alone: which, how, from samples to numbers, kept.
``table``, ``lines``, ``display``
    The numbers as tables, as the cells of tables to be read, and for the terminal.
``words``, ``comparison``, ``advice``
    In words: an interval, models and methods side by side, which number to trust.
``curves``, ``lengths``, ``gauge``, ``drift``
    What is behind the numbers: correlation functions, κ against length, against a shift of
    the site energies, and how well the total energy held.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ensemble.results.display import as_csv, as_json, laid_out, show
from ensemble.results.groups import Selection
from ensemble.results.queries import Results, reduce_group
from ensemble.results.settings import Settings
from ensemble.store.info import read_store

__all__ = [
    "Results",
    "Selection",
    "Settings",
    "as_csv",
    "as_json",
    "laid_out",
    "open_results",
    "reduce_group",
    "show",
]


def open_results(store: str | PathLike[str]) -> Results:
    """The results in a store, such as ``runs/quickstart``. Nothing but its metadata is read yet.

    Raises
    ------
    StoreMissing
        There is none.
    StoreUnreadable
        It is damaged, or from a later version of this package.
    """
    return Results(read_store(Path(store)))
