"""The campaign in the numbers that Prometheus collects."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from ensemble.dashboard.news import Picture, Totals

__all__ = ["as_metrics"]


class Collector:
    """What is known, as Prometheus' client asks for it."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        readable = 0.0 if self._picture.problem else 1.0
        yield GaugeMetricFamily("ensemble_readable", "Whether the store can be read", readable)
        if self._picture.totals is not None:
            yield from _of_campaign(self._picture.totals)


def as_metrics(picture: Picture) -> bytes:
    """In Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(picture))
    return generate_latest(registry)


def _of_campaign(totals: Totals) -> Iterator[Metric]:
    runs = GaugeMetricFamily("ensemble_runs", "Runs in each state", labels=["state"])
    for state, count in totals.states.items():
        runs.add_metric([state], count)
    yield runs
    segments = GaugeMetricFamily("ensemble_segments", "Segments of all runs", labels=["which"])
    segments.add_metric(["done"], totals.segments)
    segments.add_metric(["asked"], totals.segments_asked)
    yield segments
    yield GaugeMetricFamily(
        "ensemble_left_seconds", "Until all is done; NaN where not known", totals.seconds_left
    )
    hours = GaugeMetricFamily(
        "ensemble_core_hours", "Core-hours of each study", labels=["study", "which"]
    )
    for cost in totals.costs:
        for which in ("spent", "expected", "planned"):
            hours.add_metric([cost.study, which], getattr(cost, which))
    yield hours
