"""What is in a store, by name: datasets of each study, and a table of thermal conductivities.

``open_results``
    The door.
``quantities``, ``dataset``
    A study as an `xarray.Dataset` that reads what is asked for and no more.
``table``
    κ of every group of runs that differ in their seeds alone.
``display``
    The table for the terminal, and as JSON.
"""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.results.display import as_json, show
from ensemble.store.info import StoreInfo, read_store

if TYPE_CHECKING:
    import pandas
    import xarray

    from ensemble.results.table import Row

__all__ = ["Results", "as_json", "open_results", "show"]


class Results:
    """The results of a campaign, as its store has them when they are asked for."""

    def __init__(self, info: StoreInfo) -> None:
        self.info = info

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies."""
        return tuple(self.info.studies)

    def __getitem__(self, study: str) -> xarray.Dataset:
        """A study's samples, read where they are used; see `ensemble.results.dataset`.

        Raises
        ------
        KeyError
            There is no such study; the message lists those there are.
        """
        from ensemble.results.dataset import open_study

        if study not in self.info.studies:
            raise KeyError(f"study {study!r}: the store has {', '.join(self.studies)}")
        return open_study(self.info, study)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """κ of every group of runs that differ in their seeds alone, computed once."""
        from ensemble.results.table import rows_of

        return tuple(rows_of(self.info))

    def table(self) -> pandas.DataFrame:
        """`rows` as a table, a column for each number; what they are says `results.table.Row`."""
        import pandas

        from ensemble.results.table import COLUMNS

        return pandas.DataFrame([row.as_dict() for row in self.rows], columns=list(COLUMNS))

    def __repr__(self) -> str:
        return f"<results of {self.info.root}: {', '.join(self.studies)}>"


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
