"""Autocorrelation functions of the heat flux, and κ as their running integrals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ensemble.report.content import Case, Part, Section, Source, attempt, section
from ensemble.report.marks import band, curve_key, keys, line, point
from ensemble.report.picture import Picture, in_words
from ensemble.report.style import QUIET, axis_label, figure, log_x, styled, unit
from ensemble.results.table import Row
from ensemble.results.words import interval_text

__all__ = ["correlations"]

BEYOND = 2.0
"""Times the end of the window: what is drawn."""

CORRELATION_TIMES = 30.0
"""That are drawn where there is no window."""

FEWEST_LAGS = 50

MOST_POINTS = 400
"""Of a curve: as many as a column's width shows."""


def correlations(source: Source) -> Section:
    """The curves behind κ of each study in equilibrium."""
    parts = [
        part
        for case in source.cases("emd")
        for part in attempt(f"The correlation function of {case}", _of, source, case)
    ]
    return section(
        "correlations",
        "Heat flux: correlation and running integral",
        ["The mean over seeds and components; bands are ± one standard error."],
        parts or ["Correlation functions are left out: the campaign has no study in equilibrium."],
    )


def _of(source: Source, case: Case) -> Iterator[Part]:
    rows = source.of_case(case, "raw")
    if not rows:
        yield f"{case}: no correlation function, since there is no κ by Green–Kubo."
        return
    row_time = source.results.info.studies[case.study].row_time
    curves = source.results.curves(case.study, **case.labels, longest=_longest(rows, row_time))
    yield _picture(source, case, rows, curves.isel(temperature=0, supercell=0))


def _longest(rows: Mapping[str, Row], row_time: float) -> float | None:
    """The last lag that is drawn; None for the default of the query.

    What forgets within a row has lags to be drawn all the same.
    """
    ends = [row.found.window[1] for row in rows.values() if row.found.window is not None]
    times = [row.found.correlation_time for row in rows.values() if row.found.correlation_time]
    if ends:
        return BEYOND * max(ends)
    return max(CORRELATION_TIMES * max(times), FEWEST_LAGS * row_time) if times else None


def _picture(
    source: Source, case: Case, rows: Mapping[str, Row], curves: xarray.Dataset
) -> Picture:
    kappas = {model: interval_text(row.found.kappa) for model, row in rows.items()}
    return Picture(
        name=case.file("correlation"),
        caption=f"{case}: autocorrelation function of the heat flux, and raw κ as its running "
        f"integral; {_window_words(rows, unit(curves.lag.attrs['units']))} The points at the right "
        "are the raw κ of the table with 95 % intervals.",
        alt=f"Running integrals of the heat flux correlation, {case}. Raw κ in "
        f"{case.system.conductivity_symbol}: {in_words(kappas)}.",
        figure=_drawn(source, case, rows, curves),
    )


def _drawn(source: Source, case: Case, rows: Mapping[str, Row], curves: xarray.Dataset) -> Figure:
    shown = _thinned(curves.sizes["lag"])
    lags = curves.lag.values[shown]
    with styled():
        found = figure(height=4.2, entries=len(rows))
        above, below = found.subplots(2, sharex=True)
        above.axhline(0, color=QUIET, linewidth=0.6)
        for place, (model, row) in enumerate(rows.items()):
            one, look = curves.sel(model=model), source.looks[model]
            correlation = one.correlation.values / one.correlation.values[0]
            line(above, lags, correlation[shown], look, model)
            kappa, error = one.kappa.values[shown], one.kappa_error.values[shown]
            line(below, lags, kappa, look, model)
            band(below, lags, kappa, error, look)
            # Behind the last lag, where there is no curve.
            point(below, lags[-1] * 1.25 * (1 + 0.12 * place), row.found.kappa, look)
        _draw_windows(below, rows)
        log_x(below)
        above.set_ylabel(axis_label("⟨J(0)·J(t)⟩ / ⟨J²⟩", "1"))
        below.set_ylabel(axis_label("κ(t)", case.system.conductivity_symbol))
        below.set_xlabel(axis_label("t", curves.lag.attrs["units"]))
        keys(above, [curve_key(model, source.looks[model]) for model in rows])
    return found


def _thinned(count: int) -> np.ndarray:
    """Places of a curve that a logarithmic axis shows, without the lag 0."""
    places = np.geomspace(1, max(count - 1, 1), MOST_POINTS).round().astype(int)
    return np.unique(np.minimum(places, count - 1))


def _draw_windows(axes: Axes, rows: Mapping[str, Row]) -> None:
    for start, end in sorted({row.found.window for row in rows.values() if row.found.window}):
        axes.axvspan(start, end, color=QUIET, alpha=0.15, lw=0)


def _window_words(rows: Mapping[str, Row], time: str) -> str:
    windows = {row.found.window for row in rows.values() if row.found.window is not None}
    if len(windows) == 1:
        ((start, end),) = windows
        return f"averaged over the grey window from {start:.3g} to {end:.3g} {time}."
    if windows:
        return "averaged over the grey windows, one for each model."
    cutoffs = [row.found.cutoff for row in rows.values() if row.found.cutoff]
    if not cutoffs:
        return "no window is used."
    return (
        "no window is used: κ is from the spectrum at low frequencies, up to "
        f"{min(cutoffs):.3g}"
        + (f" to {max(cutoffs):.3g}" if not math.isclose(min(cutoffs), max(cutoffs)) else "")
        + f" {time}⁻¹."
    )
