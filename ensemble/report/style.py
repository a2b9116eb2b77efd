"""How figures look: sizes and fonts of a journal's column, a colour and a marker for each model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ensemble.palette import COLOURS

__all__ = [
    "COLUMN",
    "INK",
    "LEGEND_COLUMNS",
    "QUIET",
    "WIDE",
    "Look",
    "axis_label",
    "figure",
    "log_x",
    "log_y",
    "looks",
    "short",
    "styled",
    "unit",
]

COLUMN, WIDE = 3.4, 7.0
"""Widths of one and of two columns, in inches."""

INK, QUIET = "#222222", "#6b6b6b"
"""Of what belongs to no model: axes and experiment; what is behind the data."""

DARKER = 0.6

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p")
"""As many as go round at another pace than the colours."""

LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.5, 1.5, 1.5)))

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 5,
    "lines.markeredgewidth": 0.8,
    "errorbar.capsize": 2,
    "figure.dpi": 100,
    "savefig.facecolor": "white",
    # Names hold what they hold: a dollar sign begins no formula.
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "axes.formatter.limits": (-6, 7),
    # The same picture from the same numbers.
    "svg.hashsalt": "ensemble",
    # Text looks the same where the font is not there.
    "svg.fonttype": "path",
}

UNITS = {
    "angstrom": "Å",
    "sigma": "σ",
    "tau": "τ",
    "epsilon": "ε",
    "^2": "²",
    "^3": "³",
    "W/m/K": "W m⁻¹ K⁻¹",
    "kB/σ/τ": "kB σ⁻¹ τ⁻¹",
    "cm²/s": "cm² s⁻¹",
}
"""As a journal writes what the package writes in ASCII."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

LONGEST_NAME = 16

LEGEND_COLUMNS, LEGEND_LINE = 3, 0.15
"""Of entries of a legend side by side; height of a line of it, in inches."""


@dataclass(frozen=True)
class Look:
    """Of a model, the same in all figures: known by its marker where there is no colour."""

    colour: str
    marker: str
    line: Any

    @property
    def edge(self) -> tuple[float, float, float]:
        """A darker colour for the edges of markers and for error bars: the light ones are faint."""
        red, green, blue = (DARKER * part for part in to_rgb(self.colour))
        return red, green, blue


def looks(models: Iterable[str]) -> dict[str, Look]:
    """A look for each model, by the order of the models."""
    return {
        model: Look(
            colour=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            line=LINES[place % len(LINES)],
        )
        for place, model in enumerate(dict.fromkeys(models))
    }


def unit(symbol: str) -> str:
    """A unit as it is written for the reader."""
    for plain, written in UNITS.items():
        symbol = symbol.replace(plain, written)
    return symbol


def axis_label(quantity: str, symbol: str) -> str:
    """Of an axis: what it shows, and in brackets its unit."""
    return f"{quantity} ({unit(symbol)})"


def short(name: str) -> str:
    """A name that fits below a tick; what cannot be printed is a question mark."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def log_x(axes: Axes) -> None:
    """Make x logarithmic; numbers are plain where they are short, else powers of ten."""
    axes.set_xscale("log")
    _label_powers(axes.xaxis)


def log_y(axes: Axes) -> None:
    """The same for y, when all is drawn; over a decade at least, so that there is a number."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 10 * low:
        middle, decade = (low * high) ** 0.5, 10**0.5
        axes.set_ylim(middle / decade, middle * decade)
    _label_powers(axes.yaxis)


def _label_powers(axis: Axis) -> None:
    axis.set_major_formatter(FuncFormatter(_power))
    axis.set_minor_formatter(NullFormatter())


def _power(value: float, _: int | None) -> str:
    if 1e-3 < value < 1e4:
        return f"{value:g}"
    mantissa, power = f"{value:e}".split("e")
    raised = f"10{str(int(power)).translate(RAISED)}"
    return raised if float(mantissa) == 1 else f"{float(mantissa):g}·{raised}"


@contextmanager
def styled() -> Iterator[None]:
    """Figures are drawn and written in the style of the report. A sign that the font lacks is drawn
    as a box, without a warning for each.
    """
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def figure(*, width: float = COLUMN, height: float = 2.6, entries: int = 0) -> Figure:
    """An empty figure of so many inches, which makes room for its labels by itself; higher where
    its legend has many entries.
    """
    lines = max(0, -(-entries // LEGEND_COLUMNS) - 2)
    return Figure(figsize=(width, height + LEGEND_LINE * lines), layout="constrained")
