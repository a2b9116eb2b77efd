"""κ(t), correlation functions and temperature profiles of the models under one condition."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

import numpy as np
from bokeh.model import Model
from bokeh.models import ColumnDataSource, DataRange1d, HoverTool
from bokeh.models.annotations import BoxAnnotation, Span
from bokeh.models.renderers import DataRenderer
from bokeh.models.widgets import Select
from bokeh.plotting import figure

from ensemble.dashboard import tables
from ensemble.dashboard.news import Curve, GroupKey, Layout, Picture, Profile, StudyLayout
from ensemble.dashboard.style import LINES, QUIET, model_styles, unit_text
from ensemble.plan.recipe import number_text

__all__ = ["Driven", "Equilibrium"]

HEIGHT = 360
TOOLS = "pan,box_zoom,wheel_zoom,reset,save"
"""The wheel zooms only where it was switched on: it is for scrolling first."""


class Condition:
    """A study, a temperature and a supercell, to be chosen.

    Parameters
    ----------
    name
        Of the root.
    methods
        Of the studies to choose from.
    """

    def __init__(self, name: str, methods: Iterable[str]) -> None:
        self._methods = frozenset(methods)
        self._studies: dict[str, StudyLayout] = {}
        title = "Study, temperature, supercell"
        self.root = Select(name=name, title=title, max_width=420, margin=(0, 0, 8, 0))
        self._chosen = False
        """Whether somebody has."""
        self.root.on_change("value", self._choose)

    def lay_out(self, layout: Layout) -> None:
        """Offer what there is; what was chosen stays so where it is still there."""
        self._studies = {s.name: s for s in layout.studies if s.method in self._methods}
        unit = unit_text(layout.temperature)
        options: list[str | tuple[Any, str]] = [
            (f"{study.name}/{t}/{c}", f"{study.name} · {number_text(temperature)} {unit} · {cells}")
            for study in self._studies.values()
            for t, temperature in enumerate(study.temperatures)
            for c, cells in enumerate(study.supercells)
        ]
        self.root.options = options
        if self.root.value not in [option[0] for option in options]:
            self._show(str(options[0][0]) if options else "")
        self.root.visible = bool(options)

    def suggest(self, known: Set[GroupKey]) -> None:
        """Show a condition of which something is known, as long as nobody has chosen one."""
        if known and not self._chosen and known.isdisjoint(self.groups.values()):
            name, _, temperature, supercell = min(known)
            self._show(f"{name}/{temperature}/{supercell}")

    def _show(self, value: str) -> None:
        chosen = self._chosen
        self.root.value = value
        self._chosen = chosen

    def _choose(self, attribute: str, old: str, new: str) -> None:
        self._chosen = True

    @property
    def study(self) -> StudyLayout | None:
        """The one that is chosen."""
        return self._studies.get(self.root.value.rsplit("/", 2)[0])

    @property
    def groups(self) -> dict[str, GroupKey]:
        """Of each model under the condition."""
        study = self.study
        if study is None:
            return {}
        _, temperature, supercell = self.root.value.rsplit("/", 2)
        return {
            model: (study.name, number, int(temperature), int(supercell))
            for number, model in enumerate(study.models)
        }

    @property
    def models(self) -> list[str]:
        """Of all studies to choose from; their order decides the colours."""
        return list(dict.fromkeys(model for s in self._studies.values() for model in s.models))


class Equilibrium:
    """κ(t) and the correlation functions of the heat flux."""

    def __init__(self) -> None:
        self.condition = Condition("equilibrium", ("emd", "rerun"))
        self.key = tables.Text("models", "models.html")
        self._window = BoxAnnotation(fill_color=QUIET, fill_alpha=0.12, visible=False)
        self.kappa = _plot("kappa")
        self.kappa.add_layout(self._window)
        self.hfacf = _plot("hfacf", x_axis_type="log", y_axis_label="⟨J(0) · J(t)⟩ / ⟨J²⟩")
        self.hfacf.add_layout(Span(dimension="width", location=0, line_color=QUIET))
        self._sources: dict[str, ColumnDataSource] = {}
        self._shown: dict[str, Curve] = {}

    def lay_out(self, layout: Layout) -> None:
        """Have lines for every model."""
        self.condition.lay_out(layout)
        time, unit = unit_text(layout.time), unit_text(layout.conductivity)
        for plot in (self.kappa, self.hfacf):
            plot.xaxis.axis_label = f"t ({time})"
        self.kappa.yaxis.axis_label = f"κ(t) ({unit})"
        columns = ("lag", "kappa", "low", "high", "correlation")
        self._sources = _sources(self.condition.models, columns)
        self._shown = {}
        lines: list[Model] = []
        for plot in (self.kappa, self.hfacf):
            plot.renderers = []
            plot.tools = [tool for tool in plot.tools if not isinstance(tool, HoverTool)]
        for model, (colour, dash) in model_styles(self.condition.models).items():
            look: dict[str, Any] = {
                "source": self._sources[model],
                "line_color": colour,
                "line_dash": dash,
            }
            band: dict[str, Any] = {
                "source": self._sources[model],
                "fill_color": colour,
                "fill_alpha": 0.15,
            }
            self.kappa.varea("lag", "low", "high", **band)
            line = self.kappa.line("lag", "kappa", line_width=2, **look)
            lines.append(line)
            _hover(
                self.kappa,
                line,
                model,
                time,
                f"@kappa{{0.[000]}} (@low{{0.[000]}} to @high{{0.[000]}}) {unit}",
            )
            line = self.hfacf.line("lag", "correlation", line_width=1.5, **look)
            _hover(self.hfacf, line, model, time, "@correlation{0.[000]}")
        # The intervals are wide at first, and at long times for ever.
        self.kappa.y_range = DataRange1d(renderers=lines, range_padding=0.3)

    def update(self, picture: Picture) -> None:
        """Show the curves that are known under the condition."""
        self.condition.suggest(picture.curves.keys())
        groups, study = self.condition.groups, self.condition.study
        shown = {m: picture.curves[g] for m, g in groups.items() if g in picture.curves}
        for model, source in self._sources.items():
            curve = shown.get(model)
            if curve is not None and curve is not self._shown.get(model):
                source.data = {
                    "lag": curve.lag,
                    "kappa": curve.kappa,
                    "low": curve.kappa - curve.half_width,
                    "high": curve.kappa + curve.half_width,
                    # At equal distances on a scale of ratios zero is nowhere.
                    "correlation": np.where(curve.lag > 0, curve.correlation, np.nan),
                }
            elif curve is None and model in self._shown:
                source.data = {name: [] for name in source.data}
        window = None if study is None else study.window
        self._window.visible = window is not None
        if window is not None:
            self._window.left, self._window.right = window
        self._shown = shown
        self.kappa.visible = self.hfacf.visible = bool(shown)
        self.key.show(**tables.models(self.condition.models, shown, study))


class Driven:
    """Temperature profiles of the direct method."""

    def __init__(self) -> None:
        self.condition = Condition("direct", ("nemd",))
        self.key = tables.Text("direct_models", "models.html")
        self.profile = _plot("profile")
        self._sources: dict[str, ColumnDataSource] = {}
        self._shown: dict[str, Profile] = {}

    def lay_out(self, layout: Layout) -> None:
        """Have lines for every model."""
        self.condition.lay_out(layout)
        length, degree = unit_text(layout.length), unit_text(layout.temperature)
        self.profile.xaxis.axis_label = f"position along the axis ({length})"
        self.profile.yaxis.axis_label = f"T ({degree})"
        models = self.condition.models
        self._sources = _sources(models, ("position", "temperature"))
        self._shown = {}
        self.profile.renderers = []
        self.profile.tools = [t for t in self.profile.tools if not isinstance(t, HoverTool)]
        for model, (colour, dash) in model_styles(models).items():
            source = self._sources[model]
            places = ("position", "temperature")
            self.profile.line(
                *places, source=source, line_color=colour, line_dash=dash, line_width=2
            )
            dots = self.profile.scatter(*places, source=source, color=colour, size=6)
            self.profile.add_tools(
                HoverTool(
                    renderers=[dots],
                    tooltips=[
                        ("model", model),
                        ("position", f"@position{{0.0}} {length}"),
                        ("T", f"@temperature{{0.0}} {degree}"),
                    ],
                )
            )

    def update(self, picture: Picture) -> None:
        """Show the profiles that are known under the condition."""
        self.condition.suggest(picture.profiles.keys())
        groups = self.condition.groups
        shown = {m: picture.profiles[g] for m, g in groups.items() if g in picture.profiles}
        for model, source in self._sources.items():
            profile = shown.get(model)
            if profile is not None and profile is not self._shown.get(model):
                source.data = {"position": profile.position, "temperature": profile.temperature}
            elif profile is None and model in self._shown:
                source.data = {name: [] for name in source.data}
        self._shown = shown
        self.profile.visible = bool(shown)
        self.key.show(**tables.models(self.condition.models, shown, self.condition.study))


def _plot(name: str, **options: Any) -> figure:
    plot = figure(
        name=name,
        height=HEIGHT,
        sizing_mode="stretch_width",
        tools=TOOLS,
        active_drag=None,
        toolbar_location="above",
        margin=0,
        # Empty axes say nothing.
        visible=False,
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xgrid.grid_line_color = LINES
    return plot


def _sources(models: Iterable[str], columns: Iterable[str]) -> dict[str, ColumnDataSource]:
    """One for each model, empty."""
    return {model: ColumnDataSource({name: [] for name in columns}) for model in models}


def _hover(plot: figure, line: DataRenderer, model: str, time: str, value: str) -> None:
    plot.add_tools(
        HoverTool(
            renderers=[line],
            tooltips=[("model", model), ("t", f"@lag{{0.[000]}} {time}"), ("", value)],
        )
    )
