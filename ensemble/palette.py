"""The colours of models, the same in the report and on the live page."""

from __future__ import annotations

__all__ = ["COLOURS"]

COLOURS = (
    "#332288",
    "#cc6677",
    "#117733",
    "#882255",
    "#44aa99",
    "#aa4499",
    "#999933",
    "#88ccee",
    "#ddcc77",
)
"""The "muted" scheme of P. Tol, which the colour-blind can tell apart, the darker ones first."""
