"""The parts of the page that are text and tables, as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from bokeh.models.widgets import Div

from ensemble.dashboard.news import Curve, GroupKey, Picture, Profile, StudyLayout
from ensemble.dashboard.style import CSS, STATES, TEMPLATES, model_styles, unit_text
from ensemble.plan.recipe import number_text
from ensemble.plan.show import duration_text

__all__ = ["Text", "costs", "failures", "kappas", "models", "states", "summary"]

MOST_ROWS = 50
"""Of a table; all of them are in the JSON."""

MOST_FAILURES = 20
"""That are shown, with the ends of their logs."""

SVG_DASHES = {"solid": "", "dashed": "9 5", "dotted": "3 4", "dotdash": "3 4 9 4"}


class Text:
    """A part of the page that is put in place when it has changed."""

    def __init__(self, name: str, template: str) -> None:
        self._template = TEMPLATES.get_template(template)
        # Bokeh would load MathJax for a text with dollars in it.
        self.root = Div(
            name=name, sizing_mode="stretch_width", margin=0, disable_math=True, stylesheets=[CSS]
        )

    def show(self, **values: Any) -> None:
        """Fill the template in."""
        text = self._template.render(values)
        if text != self.root.text:
            self.root.text = text


def summary(picture: Picture) -> dict[str, Any]:
    """The campaign in a few numbers."""
    totals = picture.totals
    values: dict[str, Any] = {"problem": picture.problem, "layout": picture.layout}
    if totals is None:
        return values
    share = totals.segments / totals.segments_asked if totals.segments_asked else 1.0
    left = totals.seconds_left
    return values | {
        "totals": totals,
        # Whole only when it is.
        "percent": math.floor(1000 * share) / 10,
        "left": "nothing" if left == 0 else _text(left, duration_text),
        "spent": _text(sum(cost.spent for cost in totals.costs), _hours),
        "planned": _text(
            sum(cost.planned for cost in totals.costs if math.isfinite(cost.planned)), _hours
        ),
    }


def states(picture: Picture) -> dict[str, Any]:
    """The key of the grid, and how many runs are in each state."""
    counts = {} if picture.totals is None else picture.totals.states
    return {
        "states": [(str(state), colour, counts.get(state, 0)) for state, colour in STATES.items()]
    }


def models(
    names: Iterable[str], shown: Mapping[str, Curve | Profile], study: StudyLayout | None
) -> dict[str, Any]:
    """The key of the curves.

    Parameters
    ----------
    names
        Of all models, whose order decides the colours.
    shown
        The curves that are known, by model.
    study
        The study that is shown; None where there is none of the kind.
    """
    styles = model_styles(names)
    return {
        "study": study,
        "models": [
            {
                "name": name,
                "colour": styles[name][0],
                "dash": SVG_DASHES[styles[name][1]],
                "about": f"{_count(curve.runs, 'run')}, {_count(curve.segments, 'segment')}",
            }
            for name, curve in shown.items()
        ],
    }


def kappas(picture: Picture) -> dict[str, Any]:
    """κ of the groups that were reduced."""
    layout = picture.layout
    if layout is None:
        return {"rows": []}
    found = {study.name: study for study in layout.studies}
    rows = [
        _labels(found[kappa.group[0]], kappa.group)
        | {"estimate": kappa.estimate, "text": kappa.text, "verdict": kappa.verdict}
        for kappa in picture.kappas[:MOST_ROWS]
    ]
    return {
        "rows": rows,
        "more": len(picture.kappas) - len(rows),
        "unit": unit_text(layout.conductivity),
        "temperature": unit_text(layout.temperature),
    }


def costs(picture: Picture) -> dict[str, Any]:
    """Core-hours of the studies."""
    if picture.totals is None:
        return {"rows": []}
    return {
        "rows": [
            {
                "study": cost.study,
                "spent": _text(cost.spent, _hours),
                "expected": _text(cost.expected, _hours),
                "planned": _text(cost.planned, _hours),
                "percent": round(100 * cost.spent / cost.expected, 1) if cost.expected > 0 else 0,
            }
            for cost in picture.totals.costs
        ]
    }


def failures(picture: Picture) -> dict[str, Any]:
    """What went wrong."""
    shown = picture.failures[:MOST_FAILURES]
    return {"failures": shown, "more": len(picture.failures) - len(shown)}


def _labels(study: StudyLayout, group: GroupKey) -> dict[str, str]:
    _, model, temperature, supercell = group
    return {
        "study": study.name,
        "model": study.models[model],
        "temperature": number_text(study.temperatures[temperature]),
        "supercell": study.supercells[supercell],
    }


def _text(value: float, form: Any) -> str:
    return form(value) if math.isfinite(value) else "–"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
