"""How the page looks: colours that everybody can tell apart, fonts, names of units."""

from __future__ import annotations

from collections.abc import Iterable

from bokeh.themes import Theme
from jinja2 import Environment, PackageLoader

from ensemble.palette import COLOURS
from ensemble.store.progress import State

__all__ = ["CSS", "MARKS", "STATES", "TEMPLATES", "THEME", "model_styles", "unit_text"]

INK, QUIET, LINES = "#1f2933", "#52606d", "#d9dee4"

STATES = {
    State.WAITING: "#dfe3e8",
    State.PARTIAL: "#7fb2d9",
    State.RUNNING: "#f0a30a",
    State.DONE: "#1b5e8c",
    State.FAILED: "#9c1f3f",
}
"""Blue against orange. What is alike without colour is told by a mark."""

MARKS = {State.RUNNING: ("circle", INK), State.FAILED: ("x", "#ffffff")}
"""On the squares of some states: kind and colour."""

DASHES = ("solid", "dashed", "dotted", "dotdash")
"""From the tenth model on they tell, too."""

UNITS = {
    "angstrom": "Å",
    "tau": "τ",
    "sigma": "σ",
    "epsilon/kB": "ε/k_B",
    "kB/sigma/tau": "k_B/(σ τ)",
}

THEME = Theme(
    json={
        "attrs": {
            "Plot": {
                "background_fill_color": "#ffffff",
                "border_fill_color": "#ffffff",
                "outline_line_color": None,
            },
            "Axis": {
                "axis_label_text_font_style": "normal",
                "axis_label_text_font_size": "13px",
                "axis_label_text_color": INK,
                "axis_label_standoff": 8,
                "major_label_text_font_size": "12px",
                "major_label_text_color": INK,
                "axis_line_color": QUIET,
                "major_tick_line_color": QUIET,
                "minor_tick_line_color": None,
            },
            "Grid": {"grid_line_color": LINES, "grid_line_width": 1},
            "Legend": {
                "label_text_font_size": "12px",
                "label_text_color": INK,
                "border_line_color": None,
                "background_fill_alpha": 0.8,
                "glyph_width": 26,
                "spacing": 1,
                "padding": 4,
                "margin": 0,
            },
            "Title": {
                "text_font_size": "14px",
                "text_font_style": "bold",
                "text_color": INK,
            },
        }
    }
)

TEMPLATES = Environment(
    loader=PackageLoader("ensemble.dashboard", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Of tables: what comes from logs and campaign files stays text."""

CSS = TEMPLATES.get_template("tables.css").render()
"""Of what is in the tables, where the style of the page does not reach."""


def model_styles(models: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and dash pattern of each model."""
    return {
        name: (COLOURS[k % len(COLOURS)], DASHES[k // len(COLOURS) % len(DASHES)])
        for k, name in enumerate(models)
    }


def unit_text(unit: str) -> str:
    """A unit as it is written."""
    return UNITS.get(unit, unit)
