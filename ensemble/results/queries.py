"""`Results`: the queries over a store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.plan.recipe import cells_text
from ensemble.results.cache import Cache
from ensemble.results.findings import Reduced
from ensemble.results.groups import Group, Place, Selection, Wanted, groups_of, label_text
from ensemble.results.settings import Estimator, Settings, Way, ways
from ensemble.results.table import COLUMNS, DIFFUSION_COLUMNS, DiffusionRow, Row, Tables
from ensemble.store.info import StoreInfo, read_store
from ensemble.units import unit_system

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Results", "reduce_group"]

MOST_AT_ONCE = 8
"""Groups that are reduced at a time: the samples of each are in memory."""


class Results:
    """The results of a campaign, as its store has them when they are asked for."""

    def __init__(self, info: StoreInfo) -> None:
        self.info = info

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies."""
        return tuple(self.info.studies)

    def __getitem__(self, study: str) -> xarray.Dataset:
        """A study's samples, read where they are used; see `ensemble.results.dataset`.

        Raises
        ------
        KeyError
            There is no such study; the message lists those there are.
        """
        from ensemble.results.dataset import open_study

        if study not in self.info.studies:
            raise KeyError(f"study {study!r}: the store has {', '.join(self.studies)}")
        return open_study(self.info, study)

    def kappa(
        self,
        *,
        study: Wanted[str] = None,
        method: Wanted[str] = None,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
        estimator: Estimator | None = None,
        components: bool = False,
    ) -> pandas.DataFrame:
        """κ of every group of runs that differ in their seeds alone: a row for each estimate.

        Groups that were not reduced since their samples changed are reduced now; the others are
        read from the store.

        Parameters
        ----------
        study, method, model, temperature, supercell
            A label or several; all where not given. A supercell is a text, ``"3x3x3"``.
        estimator
            Of Green–Kubo: ``spectrum``, ``window`` or ``cepstral``. Where not given, the window of
            the campaign in studies for which it names one, else ``spectrum``.
        components
            κ of each Cartesian component, for a crystal that is not isotropic, instead of their
            mean.

        Returns
        -------
        With the columns `ensemble.results.table.COLUMNS`.

        Raises
        ------
        ValueError
            There is no such label or estimator; the message lists those there are.
        """
        chosen = Selection.of(
            self.info,
            study=study,
            method=method,
            model=model,
            temperature=temperature,
            supercell=supercell,
        )
        settings = Settings(estimator=estimator, components=components)
        return _frame(self.tables(chosen, settings).kappa, COLUMNS)

    def diffusion(
        self,
        *,
        study: Wanted[str] = None,
        method: Wanted[str] = None,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
    ) -> pandas.DataFrame:
        """Diffusion coefficients of the species in equilibrium, chosen as in `kappa`.

        Returns
        -------
        With the columns `ensemble.results.table.DIFFUSION_COLUMNS`.
        """
        chosen = Selection.of(
            self.info,
            study=study,
            method=method,
            model=model,
            temperature=temperature,
            supercell=supercell,
        )
        return _frame(self.tables(chosen).diffusion, DIFFUSION_COLUMNS)

    def site_energies(self, study: str) -> xarray.Dataset:
        """How often each site energy occurred, by model and species; see
        `ensemble.results.site_energies`.

        Raises
        ------
        KeyError
            There is no such study; the message lists those there are.
        ValueError
            None were counted in it.
        """
        from ensemble.results.site_energies import site_energies

        if study not in self.info.studies:
            raise KeyError(f"study {study!r}: the store has {', '.join(self.studies)}")
        return site_energies(self.info, study)

    def length_dependence(
        self,
        *,
        study: Wanted[str] = None,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
    ) -> pandas.DataFrame:
        """κ∞ by the direct method, where a study has three lengths or more: a row for each fit.

        1/κ against 1/L, with L the distance of the exchange layers: a straight line, and where
        there are four lengths a parabola as well (`ensemble.reduction.length`).

        Returns
        -------
        With the columns `ensemble.results.lengths.LENGTH_COLUMNS`.
        """
        import pandas

        from ensemble.results.lengths import LENGTH_COLUMNS, extrapolations

        chosen = Selection.of(self.info, study=study, model=model, temperature=temperature)
        lines = extrapolations(self.tables(chosen).kappa)
        return pandas.DataFrame(lines, columns=list(LENGTH_COLUMNS))

    def curves(
        self,
        study: str,
        *,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
        longest: float | None = None,
    ) -> xarray.Dataset:
        """What is behind κ: correlation function and running integral, or temperature profile.

        See `ensemble.results.curves.equilibrium` and `driven`. They are computed at every call.

        Parameters
        ----------
        longest
            Last lag in equilibrium, in ps, under ``lj`` τ; a quarter of the series by default.

        Raises
        ------
        ValueError
            There is no such label, or only in another study.
        """
        from ensemble.results.curves import driven, equilibrium

        chosen = Selection.of(
            self.info, study=study, model=model, temperature=temperature, supercell=supercell
        )
        groups = self._groups(study, chosen)
        if self.info.studies[study].method == "nemd":
            return driven(self.info, groups)
        raw = [row for row in self.tables(chosen).kappa if row.found.estimate == "raw"]
        return equilibrium(self.info, groups, raw, longest)

    def displacements(
        self,
        study: str,
        *,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
    ) -> xarray.Dataset:
        """Mean square displacements of the species; see `ensemble.results.curves.displaced`.

        Raises
        ------
        ValueError
            There is no such label, or only in another study, or the study samples no displacements.
        """
        from ensemble.results.curves import displaced

        chosen = Selection.of(
            self.info, study=study, model=model, temperature=temperature, supercell=supercell
        )
        return displaced(self.info, self._groups(study, chosen))

    def energy_drift(
        self,
        *,
        study: Wanted[str] = None,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
    ) -> pandas.DataFrame:
        """How far the total energy moved in each equilibrium run; see `ensemble.results.drift`.

        Raises
        ------
        ValueError
            There is no such label.
        """
        import pandas

        from ensemble.results.drift import DRIFT_COLUMNS, drifts

        chosen = Selection.of(
            self.info, study=study, model=model, temperature=temperature, supercell=supercell
        )
        groups = [group for group in groups_of(self.info, chosen) if group.method == "emd"]
        lines = [line for group in groups for line in drifts(self.info, group)]
        return pandas.DataFrame(lines, columns=list(DRIFT_COLUMNS))

    def gauge_scan(
        self,
        study: str,
        shifts: Sequence[Mapping[str, float]],
        *,
        model: Wanted[str] = None,
        temperature: Wanted[float] = None,
        supercell: Wanted[str] = None,
        estimator: Estimator = "spectrum",
    ) -> pandas.DataFrame:
        """κ while the site energies of the species are shifted, which changes no force.

        Parameters
        ----------
        shifts
            Each a set of energies by species, such as ``{"Cu": 1.0, "Se": -2.0}``, in the unit of
            energy of the simulation; species that are not named stay.

        Raises
        ------
        ValueError
            There is no such label, or only in another study, or no such species, or the study is
            one by the direct method.
        """
        import pandas

        from ensemble.results.gauge import scanned

        chosen = Selection.of(
            self.info, study=study, model=model, temperature=temperature, supercell=supercell
        )
        if self.info.studies[study].method == "nemd":
            raise ValueError(f"study {study}: the direct method has no gauge")
        groups = [group for group in self._groups(study, chosen) if group.done]
        return pandas.DataFrame(
            [line for group in groups for line in scanned(self.info, group, estimator, shifts)]
        )

    def tables(
        self, selection: Selection | None = None, settings: Settings | None = None
    ) -> Tables:
        """What `kappa` and `diffusion` are made of, in one go."""
        asked = settings or Settings()
        cache = Cache(self.info)
        groups = list(groups_of(self.info, selection))
        # The time goes into decoding and transforms, which let other threads run meanwhile.
        with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), MOST_AT_ONCE)) as pool:

            def reduced(of: Sequence[Group], settings: Settings) -> zip[tuple[Group, Reduced]]:
                found = ways(self.info, settings)
                made = pool.map(lambda group: _reduce(self.info, cache, group, found), of)
                return zip(of, made, strict=True)

            return Tables.of(
                reduced(groups, asked),
                unit_system(self.info.units),
                ()
                if asked.components
                else reduced(_by_axis(groups), replace(asked, components=True)),
            )

    def _groups(self, study: str, selection: Selection) -> list[Group]:
        """The groups of a study that are chosen; ValueError where it has none of them."""
        groups = list(groups_of(self.info, selection))
        if not groups:
            axes = self.info.studies[study].axes
            own: dict[str, Iterable[str | float]] = {
                "models": axes.models,
                "temperatures": axes.temperatures,
                "supercells": map(cells_text, axes.supercells),
            }
            has = (f"{kind} {', '.join(map(label_text, labels))}" for kind, labels in own.items())
            raise ValueError(f"study {study}: none of its runs is chosen; it has {'; '.join(has)}")
        return groups

    def __repr__(self) -> str:
        return f"<results of {self.info.root}: {', '.join(self.studies)}>"


def reduce_group(
    store: str | PathLike[str], study: str, place: Place, settings: Settings | None = None
) -> Reduced:
    """Reduce one group of runs, wherever this is called, and keep the result in the store.

    Parameters
    ----------
    store, study
        The store and the study.
    place
        Of the group on the study's axes model, temperature and supercell.
    settings
        How κ is asked for; as `Results.kappa` does by itself where not given.

    Raises
    ------
    StoreError
        There is no such store, or it cannot be read.
    LookupError
        The study has no such group.
    """
    info = read_store(Path(store))
    for group in groups_of(info, Selection(studies=frozenset([study]))):
        if group.place == place:
            return _reduce(info, Cache(info), group, ways(info, settings or Settings()))
    raise LookupError(f"study {study!r} has no group {place}")


def _by_axis(groups: Sequence[Group]) -> list[Group]:
    """In equilibrium, of crystals that may not be alike along x, y and z and that heat is also
    driven through, under the same conditions.
    """
    driven = {(of.material, of.model, of.temperature) for of in groups if of.method == "nemd"}
    return [
        of
        for of in groups
        if of.method == "emd" and not of.cubic and (of.material, of.model, of.temperature) in driven
    ]


def _reduce(info: StoreInfo, cache: Cache, group: Group, ways: dict[str, Way]) -> Reduced:
    def make() -> Reduced:
        from ensemble.results.reduce import reduce_runs  # here, since what is kept does without it

        return reduce_runs(info, group, way)

    way = ways[group.study]
    return cache.result(group, way, make)


def _frame(rows: Sequence[Row | DiffusionRow], columns: Iterable[str]) -> pandas.DataFrame:
    import pandas

    tables: list[dict[str, Any]] = [row.as_dict() for row in rows]
    return pandas.DataFrame(tables, columns=list(columns))
