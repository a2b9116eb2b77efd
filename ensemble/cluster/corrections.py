"""How wrong the estimates of run times are: learned from what the workers report.

Before anything has run, costs follow from the sizes of models. Which run is longest is known only
when some segments of each kind have been timed. Free of Dask and files, as the `Agenda`, which is
told.
"""

from __future__ import annotations

from collections import defaultdict

WORTH_TELLING = 1.1
"""A factor that has changed less than by this changes no order that matters."""

LEAST_SECONDS = 1.0
"""Of a group, before its speed is believed."""


class Corrections:
    """Factors between the time that runs take and the time that was estimated, by group: runs of
    one study and model.
    """

    def __init__(self) -> None:
        self._expected: defaultdict[str, float] = defaultdict(float)
        self._taken: defaultdict[str, float] = defaultdict(float)
        self._told: dict[str, float] = {}

    def note(self, group: str, expected: float, taken: float) -> None:
        """What an attempt did was to take some seconds, and took others."""
        self._expected[group] += expected
        self._taken[group] += taken

    def news(self) -> dict[str, float] | None:
        """The factors of all groups that have one, if one of them has changed by much since they
        were told last. That of the rest is under the empty name: what all had together.
        """
        factors = {
            group: self._taken[group] / expected
            for group, expected in self._expected.items()
            if expected > 0 and self._taken[group] >= LEAST_SECONDS
        }
        if not factors:
            return None
        factors[""] = sum(self._taken.values()) / sum(self._expected.values())
        if all(_near(factor, self._told.get(group, 1.0)) for group, factor in factors.items()):
            return None
        self._told = factors
        return factors


def _near(factor: float, before: float) -> bool:
    return 1 / WORTH_TELLING < factor / before < WORTH_TELLING
