"""The grid of runs: a square for each, coloured by its state."""

from __future__ import annotations

import math

import numpy as np
from bokeh.models import (
    Column,
    ColumnDataSource,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.models.renderers import DataRenderer
from bokeh.plotting import figure
from numpy.typing import NDArray

from ensemble.dashboard.news import Layout, Picture, StudyLayout, Values
from ensemble.dashboard.runs import NUMBER, STATES
from ensemble.dashboard.style import MARKS, unit_text
from ensemble.dashboard.style import STATES as COLOURS
from ensemble.plan.recipe import number_text

__all__ = ["METHODS", "Grid"]

METHODS = {
    "emd": "Green–Kubo",
    "nemd": "direct method",
    "rerun": "Green–Kubo on the trajectory of one model",
}

MOST_PATCHES = 500
"""Runs that are sent one by one; more are sent with all others, which is shorter then."""

LONGEST_ROW = 90
"""Squares beside one another; where there are more, the seeds of a group are wrapped."""

LARGEST, SMALLEST = 24.0, 6.0
"""Height of a square, in pixels."""

WIDTH = 1300.0
"""Of the page in pixels, about."""

MOST_LABELS = 60
"""Below a grid; where there are more conditions, some go without."""

NARROWEST = 440
"""Pixels of a grid, which its title has to fit into."""

LEFT = 110
"""Pixels for the names of the models, so that the grids stand below one another."""

LONGEST_FAILURE = 160
"""Characters of it that are shown beside a run."""

NUMBER_JS = "return isNaN(value) ? '–' : String(Number(value.toPrecision(3)))"

DURATION_JS = """
if (isNaN(value)) return '–'
if (value == 0) return 'nothing'
if (value < 59.5) return `${Math.round(value)} s`
const minutes = Math.round(value / 60), hours = Math.floor(minutes / 60)
if (hours < 1) return `${minutes} min`
return hours < 48 ? `${hours} h ${minutes % 60} min` : `${(hours / 24).toFixed(1)} d`
"""

FAILURE_JS = "return value == '' ? 'none' : value"


class Grid:
    """The grids of all studies."""

    def __init__(self) -> None:
        self.root = Column(name="grid", sizing_mode="stretch_width", spacing=12, margin=0)
        self._studies: list[StudyGrid] = []

    def lay_out(self, picture: Picture) -> None:
        """Draw all anew: there are other runs."""
        layout = picture.layout
        assert layout is not None
        self._studies = [StudyGrid(layout, study, picture.values) for study in layout.studies]
        self.root.children = [study.root for study in self._studies]

    def update(self, picture: Picture, rows: NDArray[np.intp]) -> None:
        """Some runs have changed."""
        for study in self._studies:
            study.update(picture.values, rows)


class StudyGrid:
    """The grid of a study: a row of groups for each model."""

    def __init__(self, layout: Layout, study: StudyLayout, values: Values) -> None:
        self._first, self._count = study.first, len(study.places)
        self._shape = Shape(study)
        x, y = self._shape.centres(study.places)
        names = list(layout.names[self._first : self._first + self._count])
        rows = np.arange(self._first, self._first + self._count)
        self._source = ColumnDataSource({"x": x, "y": y, "run": names, **_columns(values, rows)})
        self._marks = ColumnDataSource({name: [] for name in ("x", "y", "kind", "colour")})
        self._marked: NDArray[np.intp] = np.zeros(0, np.intp)
        self._x, self._y = x, y
        self._mark(values)
        self.root = self._figure(layout, study)

    def update(self, values: Values, rows: NDArray[np.intp]) -> None:
        """Show those of the rows that are of this study."""
        mine = rows[(rows >= self._first) & (rows < self._first + self._count)]
        if not len(mine):
            return
        if len(mine) > MOST_PATCHES:
            every = np.arange(self._first, self._first + self._count)
            self._source.data.update(_columns(values, every))
        else:
            places = (mine - self._first).tolist()
            new = {
                name: np.asarray(column).tolist() for name, column in _columns(values, mine).items()
            }
            self._source.patch(
                {name: list(zip(places, column, strict=True)) for name, column in new.items()}
            )
        self._mark(values)

    def _mark(self, values: Values) -> None:
        """Put the marks on the squares that have one."""
        mine = values["state"][self._first : self._first + self._count]
        states = np.asarray(mine, np.intp)
        kinds = {NUMBER[state]: mark for state, mark in MARKS.items()}
        rows = np.flatnonzero(np.isin(states, list(kinds)))
        marked = rows * len(STATES) + states[rows]
        if np.array_equal(marked, self._marked):
            return
        self._marked = marked
        found = [kinds[number] for number in states[rows].tolist()]
        self._marks.data = {
            "x": self._x[rows],
            "y": self._y[rows],
            "kind": [kind for kind, _ in found],
            "colour": [colour for _, colour in found],
        }

    def _figure(self, layout: Layout, study: StudyLayout) -> figure:
        shape = self._shape
        labels = _conditions(layout, study)
        turned = sum(map(len, labels)) > 2 * LONGEST_ROW
        below = 30 + (7 * max(map(len, labels)) if turned else 0)
        width = max(shape.width + 0.6, NARROWEST / LARGEST)
        plot = figure(
            title=f"{study.name} · {METHODS[study.method]}, {study.material}",
            height=round(shape.height * shape.pixels) + below + 40,
            max_width=round(width * LARGEST) + LEFT,
            sizing_mode="stretch_width",
            x_range=Range1d(start=-0.3, end=width - 0.3),
            y_range=Range1d(start=-shape.height - 0.3, end=0.3),
            min_border_left=LEFT,
            margin=0,
            toolbar_location=None,
            tools="",
        )
        mapper = LinearColorMapper(
            palette=[COLOURS[state] for state in STATES], low=-0.5, high=len(STATES) - 0.5
        )
        squares = plot.rect(
            "x",
            "y",
            0.9,
            0.9,
            source=self._source,
            fill_color={"field": "state", "transform": mapper},
            line_color=None,
            hover_line_color="black",
        )
        plot.scatter(
            "x",
            "y",
            source=self._marks,
            marker={"field": "kind"},
            size=shape.mark,
            color={"field": "colour"},
            line_width=2,
        )
        plot.add_tools(_hover(layout, squares))
        plot.grid.visible = False
        for axis in plot.axis:
            axis.axis_line_color = axis.major_tick_line_color = None
        step = math.ceil(len(labels) / MOST_LABELS)
        middles = shape.columns()[::step].tolist()
        plot.xaxis.ticker = FixedTicker(ticks=middles)
        plot.xaxis.major_label_overrides = dict(zip(middles, labels[::step], strict=True))
        if turned:
            plot.xaxis.major_label_orientation = math.pi / 2
        middles = shape.rows().tolist()
        plot.yaxis.ticker = FixedTicker(ticks=middles)
        plot.yaxis.major_label_overrides = dict(zip(middles, study.models, strict=True))
        return plot


class Shape:
    """Where the squares of a study are, in units of their size: groups by model from top to bottom,
    by temperature and supercell from left to right.
    """

    def __init__(self, study: StudyLayout) -> None:
        self._supercells = len(study.supercells)
        self._models = len(study.models)
        self._conditions = len(study.temperatures) * self._supercells
        self._across = study.seeds
        if study.seeds * self._conditions > LONGEST_ROW:
            self._across = math.ceil(math.sqrt(study.seeds))
        self._down = math.ceil(study.seeds / self._across)
        self._gap = 0.25 if study.seeds == 1 else 0.8

    @property
    def width(self) -> float:
        return self._conditions * (self._across + self._gap) - self._gap

    @property
    def height(self) -> float:
        return self._models * (self._down + self._gap) - self._gap

    @property
    def pixels(self) -> float:
        """Height of a square: no less than its width, about."""
        return max(SMALLEST, min(LARGEST, WIDTH / self.width))

    @property
    def mark(self) -> float:
        """Size of a mark."""
        return 0.4 * min(self.pixels, WIDTH / self.width)

    def centres(self, places: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of the squares; places have the shape (runs, 4)."""
        model, temperature, supercell, seed = places.T
        x = self._left(temperature * self._supercells + supercell) + seed % self._across + 0.5
        y = -(model * (self._down + self._gap) + seed // self._across + 0.5)
        return x, y

    def columns(self) -> NDArray[np.float64]:
        """Middles of the groups from left to right."""
        return self._left(np.arange(self._conditions)) + self._across / 2

    def rows(self) -> NDArray[np.float64]:
        """Middles of the groups from top to bottom."""
        tops = np.arange(self._models) * (self._down + self._gap)
        return np.asarray(-(tops + self._down / 2), np.float64)

    def _left(self, condition: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.asarray(condition * (self._across + self._gap), np.float64)


def _columns(values: Values, rows: NDArray[np.intp]) -> dict[str, object]:
    """What is drawn and told of some runs."""
    found: dict[str, object] = {name: column[rows] for name, column in values.items()}
    found["failure"] = [text[:LONGEST_FAILURE] for text in values["failure"][rows].tolist()]
    return found


def _conditions(layout: Layout, study: StudyLayout) -> list[str]:
    """Labels of the columns: temperature, and supercell where there are several."""
    unit = unit_text(layout.temperature)
    cells = study.supercells if len(study.supercells) > 1 else ("",)
    return [
        f"{number_text(temperature)} {unit}" + (f", {cell}" if cell else "")
        for temperature in study.temperatures
        for cell in cells
    ]


def _hover(layout: Layout, squares: DataRenderer) -> HoverTool:
    names = ", ".join(f"'{state}'" for state in STATES)
    number = CustomJSHover(code=NUMBER_JS)
    return HoverTool(
        renderers=[squares],
        tooltips=[
            ("run", "@run"),
            ("state", "@state{custom}"),
            ("segments", "@segments of @asked"),
            ("speed", f"@speed{{custom}} {layout.speed}"),
            ("", "@microseconds{custom} µs/atom/step"),
            ("left", "@left{custom}"),
            ("attempts", "@attempts"),
            ("last failure", "@failure{custom}"),
        ],
        formatters={
            "@state": CustomJSHover(code=f"return [{names}][value]"),
            "@speed": number,
            "@microseconds": number,
            "@left": CustomJSHover(code=DURATION_JS),
            "@failure": CustomJSHover(code=FAILURE_JS),
        },
    )
