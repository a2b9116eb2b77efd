"""Running κ(t), correlation functions and temperature profiles that grow with every segment.

A run is followed chunk by chunk, and no chunk is read twice while it is at work. κ(t) of a group is
the mean over its runs and the three components of the heat flux, with a run's time as its weight:
those that have just begun say little yet. Everything is raw: Onsager's correction and the verdicts
are those of whole runs (`ensemble.dashboard.conductivities`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ensemble.dashboard.news import Curve, GroupKey, Profile
from ensemble.dashboard.runs import Runs
from ensemble.reduction.correlation import Correlator
from ensemble.reduction.intervals import LEVEL
from ensemble.reduction.running import running_integral
from ensemble.reduction.window import longest_lags
from ensemble.results.groups import place_of
from ensemble.results.quantities import KINETIC_TEMPERATURE, quantities
from ensemble.store.commit import read_chunk
from ensemble.store.errors import StoreError
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.units import UnitSystem, unit_system

__all__ = ["Curves"]

Floats = NDArray[np.float64]

READING_SECONDS = 0.05
"""Of a look that may be spent on samples, and the time of one chunk more."""

MOST_CORRELATORS = 256
"""Kept for runs at work, half a megabyte each. A run beyond them is read again from its beginning
when there is more of it."""

LINEAR, GEOMETRIC = 160, 80
"""Lags that are shown, about: evenly spaced, and at equal ratios for the first ones."""


@dataclass
class Followed:
    """What is known of a run in equilibrium."""

    segments: int
    """That are in it."""
    correlation: Floats
    """Mean over the components, shape (points,)."""
    kappa: Floats
    """Shape (3, points)."""


class HeatFlux:
    """The heat flux of a run, as far as it was read."""

    def __init__(self, study: StudyInfo, system: UnitSystem) -> None:
        self._study, self._system = study, system
        self._correlator = Correlator(lag_count(study))
        self._sums = np.zeros(2)
        self.segments = 0

    def add(self, rows: dict[str, Floats]) -> None:
        """The next segment, by quantity: shape (rows, ...)."""
        self._correlator.add(rows["heat_flux"].T)
        self._sums += rows["volume"].sum(), rows[KINETIC_TEMPERATURE].sum()
        self.segments += 1

    def curves(self) -> Followed:
        """κ(t) and the correlation function so far."""
        volume, temperature = self._sums / self._correlator.rows
        found, points = self._correlator.result()[0], points_of(self._study)
        scale = self._system.green_kubo / (volume * temperature**2)
        timestep = self._study.row_time * self._system.picosecond
        return Followed(
            segments=self.segments,
            correlation=found.mean(axis=0)[points],
            kappa=scale * running_integral(found, timestep)[:, points],
        )


def lag_count(study: StudyInfo) -> int:
    """Lags that are followed: a quarter of a run, but no more than a segment, so that the first one
    can be shown.
    """
    rows = study.sample_segments * study.rows_per_segment
    return max(2, min(longest_lags(rows), study.rows_per_segment))


def points_of(study: StudyInfo) -> NDArray[np.intp]:
    """Which of the lags are shown, in rows."""
    last = lag_count(study) - 1
    even = np.linspace(0, last, min(last, LINEAR) + 1)
    first = np.geomspace(1, last, min(last, GEOMETRIC))
    return np.unique(np.concatenate([even, first]).round().astype(np.intp))


class Curves:
    """The curves of every group of runs of a store."""

    def __init__(self, info: StoreInfo, runs: Runs) -> None:
        self._info, self._runs = info, runs
        self._system = unit_system(info.units)
        self._groups: dict[GroupKey, list[int]] = {}
        for row, (run, place) in enumerate(zip(runs.runs, runs.places, strict=True)):
            self._groups.setdefault((run.study, *place_of(place)), []).append(row)
        self._group_of = {row: key for key, rows in self._groups.items() for row in rows}
        self._equilibrium: dict[int, Followed] = {}
        self._profiles: dict[int, list[tuple[Floats, float]]] = {}
        """Mean profile and length of every segment, by row."""
        self._series: OrderedDict[int, HeatFlux] = OrderedDict()
        self._taken: NDArray[np.int32] = np.zeros(len(runs.runs), np.int32)
        """Sampling segments of each run that were read."""
        self.damaged: dict[int, str] = {}
        """What cannot be read, by row; it is not tried again."""

    def look(self, wanted: Collection[GroupKey]) -> tuple[list[Curve], list[Profile]]:
        """Read on, as far as the time of a look goes, and give the curves that have changed.

        Parameters
        ----------
        wanted
            Groups that somebody looks at: they come first.
        """
        until = time.monotonic() + READING_SECONDS
        changed: dict[GroupKey, None] = {}
        for row in self._behind(wanted):
            try:
                self._read_on(row, until)
            except (OSError, StoreError, ValueError) as error:
                self.damaged[row] = str(error)
                continue
            changed[self._group_of[row]] = None
            if time.monotonic() > until:
                break
        curves: list[Curve] = []
        profiles: list[Profile] = []
        for key in changed:
            if self._info.studies[key[0]].method == "nemd":
                profiles.append(self._profile(key))
            elif any(row in self._equilibrium for row in self._groups[key]):
                curves.append(self._curve(key))
        return curves, profiles

    def _behind(self, wanted: Collection[GroupKey]) -> Iterator[int]:
        """Rows of the runs of which there is more than was read."""
        sampled = np.maximum(self._runs.segments - self._runs.before, 0)
        rows = [row for row in np.flatnonzero(sampled > self._taken) if row not in self.damaged]
        return iter(sorted(map(int, rows), key=lambda row: self._group_of[row] not in wanted))

    def _read_on(self, row: int, until: float) -> None:
        """Read at least one segment of a run, and more while there is time."""
        study = self._info.studies[self._runs.runs[row].study]
        if study.method == "nemd":
            self._read_profiles(row, until)
            return
        series = self._series.pop(row, None) or HeatFlux(study, self._system)
        self._series[row] = series
        if len(self._series) > MOST_CORRELATORS:
            self._series.popitem(last=False)
        whole = self._runs.sampled(row)
        while series.segments < whole:
            series.add(self._chunk(row, series.segments, ("heat_flux", "volume")))
            if time.monotonic() > until:
                break
        # One that goes through what it had lost is not shown before it is as far as it was.
        if series.segments > self._taken[row]:
            self._equilibrium[row] = series.curves()
            self._taken[row] = series.segments
        if self._runs.segments[row] >= self._runs.asked[row] and series.segments == whole:
            del self._series[row]

    def _read_profiles(self, row: int, until: float) -> None:
        known = self._profiles.setdefault(row, [])
        while len(known) < self._runs.sampled(row):
            rows = self._chunk(row, len(known), ("temperature_profile", "length"))
            known.append((rows["temperature_profile"].mean(axis=0), float(rows["length"].mean())))
            self._taken[row] = len(known)
            if time.monotonic() > until:
                return

    def _chunk(self, row: int, part: int, names: Collection[str]) -> dict[str, Floats]:
        """Some quantities of a segment, shape (rows, ...) each.

        Raises
        ------
        StoreError, OSError, ValueError
            It is damaged, cannot be read, has a number in it that is not finite.
        """
        run, place = self._runs.runs[row], self._runs.places[row]
        study = self._info.studies[run.study]
        path = self._info.paths.chunk(run.study, place, part)
        values = read_chunk(path, study.chunks[-2:])
        found = {
            name: values[:, quantity.columns]
            for name, quantity in quantities(study.channels).items()
            if name in names or name == KINETIC_TEMPERATURE
        }
        if not all(np.isfinite(numbers).all() for numbers in found.values()):
            raise ValueError(f"{path}: a number is not finite")
        return found

    def _curve(self, key: GroupKey) -> Curve:
        rows = [row for row in self._groups[key] if row in self._equilibrium]
        runs = [self._equilibrium[row] for row in rows]
        study = self._info.studies[key[0]]
        weights = np.array([float(run.segments) for run in runs])
        correlation = np.average([run.correlation for run in runs], axis=0, weights=weights)
        mean, half_width = weighted_mean(
            np.concatenate([run.kappa for run in runs]), np.repeat(weights, 3)
        )
        return Curve(
            group=key,
            runs=len(runs),
            segments=int(weights.sum()),
            lag=np.round(points_of(study) * study.row_time, 9),
            kappa=mean,
            half_width=half_width,
            correlation=correlation / correlation[0],
        )

    def _profile(self, key: GroupKey) -> Profile:
        """Of the later half of each run's segments: the first blocks may not be steady."""
        runs = [self._profiles[row] for row in self._groups[key] if self._profiles.get(row)]
        late = [segments[len(segments) // 2 :] for segments in runs]
        means = np.array([np.mean([p for p, _ in segments], axis=0) for segments in late])
        length = float(np.mean([length for segments in late for _, length in segments]))
        bins = means.shape[1]
        return Profile(
            group=key,
            runs=len(runs),
            segments=sum(map(len, runs)),
            position=(np.arange(bins) + 0.5) * length / bins,
            temperature=means.mean(axis=0),
        )


def weighted_mean(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Mean along the first axis and half of its interval by Student's t, for values whose variances
    are as 1 / weights.

    Parameters
    ----------
    values
        Shape (samples, points); two samples at least.
    weights
        Shape (samples,).

    Returns
    -------
    Shape (points,) each.
    """
    mean = np.average(values, axis=0, weights=weights)
    scatter = np.average((values - mean) ** 2, axis=0, weights=weights)
    freedom = len(values) - 1
    quantile = float(stdtrit(freedom, 0.5 + LEVEL / 2))
    return mean, quantile * np.sqrt(scatter / freedom)
