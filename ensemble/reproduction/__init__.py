"""The questions of two papers, put to campaigns of this package: what was found, as a document.

Two stages, strictly apart. ``collect`` makes small tables of stores, which are committed;
``write`` makes the document of the tables alone. ``python -m ensemble.reproduction`` does both.

``collect``, ``samples``, ``prices``
    From stores, and from the plans of the campaigns in full, to tables.
``tables``, ``evidence``
    What is in the tables; numbers with intervals, by study and model.
``outcomes``
    Do models differ, does one thing rise with another, do two agree.
``conductivities``, ``carried``, ``gauges``, ``accounts``
    The questions: κ and its spread; what site energies do to it; cost and checks.
``references``
    What the papers found.
``figures``, ``figures_of_atoms``, ``texts``, ``document``
    Figures, numbers as text, and the document from its template.
"""

from __future__ import annotations

from ensemble.reproduction.collect import collect
from ensemble.reproduction.document import write
from ensemble.reproduction.prices import price

__all__ = ["collect", "price", "write"]
