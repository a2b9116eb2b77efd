"""The small tables that a document is written from: what is in each, written and read as CSV.

A folder for each campaign, and beside these folders the tables of the campaigns in full. Whatever
is read is looked at first, so that a column that is not there is told by the name of its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.results.drift import DRIFT_COLUMNS
from ensemble.results.lengths import LENGTH_COLUMNS
from ensemble.results.table import COLUMNS, DIFFUSION_COLUMNS
from ensemble.store.files import write_if_new

if TYPE_CHECKING:
    import pandas

__all__ = ["OF_CAMPAIGN", "OF_PLANS", "Schema", "TableError", "read_table", "write_table"]

AGAIN = "collect it from the stores again: python -m ensemble.reproduction"

TEXTS = frozenset(
    (
        *("campaign", "cause", "component", "description", "ensemble", "estimate", "estimator"),
        *("kind", "lammps", "material", "message", "method", "model", "name", "problem", "run"),
        *("source_model", "source_study", "species", "study", "supercell", "units", "verdict"),
        "virial",
    )
)
"""Columns that hold words; all others hold numbers."""


class TableError(ValueError):
    """A table is not what it has to be; the message names the file and what to do."""

    def __init__(self, path: Path, finding: str) -> None:
        super().__init__(f"{path}: {finding}; {AGAIN}")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What is in a table."""

    name: str
    columns: tuple[str, ...]
    digits: int = 6
    """Of the numbers in the file; 17 are all that there are."""


GROUP = ("study", "model", "temperature", "supercell")


def _ends(name: str) -> tuple[str, ...]:
    """The columns of a number with its interval."""
    return name, f"{name}_half_width", f"{name}_low", f"{name}_high"


_BOTH = (
    Schema(
        name="store",
        columns=(
            *("name", "description", "runs", "runs_asked", "launches", "attempts_failed"),
            *("ensemble", "lammps"),
        ),
    ),
    Schema(
        name="studies",
        columns=(
            *("study", "method", "material", "virial", "source_study", "source_model"),
            *("species", "runs", "runs_asked", "timestep", "sampled"),
        ),
    ),
    Schema(name="kappa", columns=tuple(COLUMNS)),
    Schema(name="diffusion", columns=tuple(DIFFUSION_COLUMNS)),
    Schema(name="lengths", columns=LENGTH_COLUMNS),
    Schema(
        name="gauge",
        columns=(
            *GROUP,
            *("species", "shift", *_ends("raw"), *_ends("corrected")),
            *("gamma_squared", "gamma_squared_half_width"),
        ),
        # That the corrected κ stays the same is seen in the last ones.
        digits=17,
    ),
    Schema(
        name="site_energies",
        columns=(*GROUP, "species", "mean", "standard_deviation", "skewness", "frames"),
    ),
    Schema(name="distributions", columns=(*GROUP, "species", "energy", "density"), digits=5),
    Schema(
        name="displacements",
        columns=(*GROUP, "species", "lag", "displacement", "displacement_error"),
        digits=5,
    ),
    Schema(name="curves", columns=(*GROUP, "lag", "correlation", "kappa", "kappa_error"), digits=5),
    Schema(name="drift", columns=DRIFT_COLUMNS),
    Schema(name="momentum", columns=(*GROUP, "seed", "momentum", "relative")),
    Schema(
        name="cost",
        columns=(
            *("study", "method", "runs", "runs_asked", "atoms_least", "atoms_most", "steps"),
            *("attempts", "attempts_failed", "core_hours", "core_hours_planned"),
        ),
    ),
    Schema(name="failures", columns=("study", "run", "cause", "message")),
)

OF_CAMPAIGN = {schema.name: schema for schema in _BOTH}
"""By name: what is collected from the store of a campaign."""

OF_PLANS = {
    schema.name: schema
    for schema in (
        Schema(
            name="plan",
            columns=(
                *("campaign", "study", "method", "runs", "atoms_least", "atoms_most", "steps"),
                *("core_hours", "longest_hours", "measured"),
            ),
        ),
        Schema(
            name="simulated",
            columns=(
                *("campaign", "workers", "walltime_hours", "failure_rate", "runs", "done"),
                *("makespan_hours", "lower_bound_hours", "jobs", "deaths", "utilisation"),
            ),
        ),
        Schema(
            name="first_segments",
            columns=(
                *("campaign", "study", "run", "model", "segment", "kind", "atoms", "steps"),
                *("seconds", "planned"),
            ),
        ),
    )
}
"""By name: what is known of the campaigns in full."""


def write_table(folder: Path, schema: Schema, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table, unless it is there already as it would be.

    Raises
    ------
    StoreError, OSError
        It cannot be written.
    """
    import pandas

    frame = pandas.DataFrame(list(rows), columns=list(schema.columns))
    number = f"%.{schema.digits}g"
    text = frame.to_csv(index=False, float_format=number, lineterminator="\n")
    write_if_new(folder / f"{schema.name}.csv", text.encode())


def read_table(folder: Path, schema: Schema) -> pandas.DataFrame:
    """Read a table. Words that are not there are empty, numbers nan.

    Raises
    ------
    TableError
        It is not there, lacks a column, or has a word where a number belongs.
    """
    import pandas

    path = folder / f"{schema.name}.csv"
    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise TableError(path, "no such table") from None
    except ValueError as error:  # pandas' own errors are of this kind
        raise TableError(path, f"no table of numbers ({error})") from error
    if missing := [name for name in schema.columns if name not in frame]:
        raise TableError(path, f"has no column {', '.join(missing)}")
    for name in schema.columns:
        if name not in TEXTS:
            frame[name] = _numbers(path, frame[name])
    return frame[list(schema.columns)]


def _numbers(path: Path, column: pandas.Series) -> pandas.Series:
    import pandas

    numbers = pandas.to_numeric(column.replace("", "nan"), errors="coerce").astype(float)
    wrong = numbers.isna() & ~column.isin(["", "nan", "NaN"])
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise TableError(
            path, f"column {column.name}: found {column.iloc[row]!r} in row {row + 1}, no number"
        )
    return numbers
