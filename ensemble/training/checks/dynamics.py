"""Molecular dynamics of a model: does the crystal hold, and what do its atoms do?

The trajectories are a small campaign, run by `ensemble.cluster.launch` into a store of its own. So
a check that was interrupted goes on, a run that goes wrong ends with its cause, and whoever doubts
a number can look at the samples with ``ensemble results``.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ensemble.campaign import parse_campaign
from ensemble.campaign.schema import Material
from ensemble.cluster.launch import Summary, launch
from ensemble.cluster.progress import Reporter
from ensemble.plan.segments import divisors
from ensemble.prototypes import PROTOTYPES
from ensemble.results import Results, open_results
from ensemble.store.errors import StoreError
from ensemble.training.checks.settings import Checks, Stretch
from ensemble.units import unit_system

if TYPE_CHECKING:
    import xarray

__all__ = ["Diffusivity", "SiteEnergies", "Trajectory", "campaign_text", "dynamics"]

DRIFT_TIME = 50.0
"""Picoseconds that a drift of the energy is given for."""

MOST_SEGMENTS = 8
"""Of a trajectory. Each has time origins of its own for the displacements, as said in
`ensemble.plan.segments`; how much these differ tells the error of a diffusion coefficient."""

GPA_PER_BAR = 1e-4

TOO_SHORT = {
    "diffusion": math.nan,
    "diffusion_half_width": math.inf,
    "upper_limit": math.nan,
    "problem": "the trajectories are too short",
}
"""In place of a row of the table of diffusion coefficients."""


@dataclass(frozen=True, kw_only=True)
class Diffusivity:
    """The diffusion coefficient of a species in cm²/s."""

    value: float | None
    """None where its atoms do not diffuse, or it cannot be told."""
    half_width: float | None
    """Of the 95 % interval; None where nothing is known of it."""
    upper_limit: float
    """What it is below: the smaller one of the end of the interval, and <r²> / 6 t over the whole
    trajectory, which is the stricter one for atoms that only rattle."""
    problem: str = ""
    """Why there is no value."""


@dataclass(frozen=True, kw_only=True)
class SiteEnergies:
    """The distribution of the site energies of a species, in eV."""

    mean: float
    standard_deviation: float


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What the trajectories at one temperature showed; means over the seeds."""

    temperature: float
    """Asked for, in K."""
    time: float
    """Of each trajectory at constant energy, in ps."""
    atoms: int
    seeds: int
    failure: str = ""
    """What went wrong; empty where nothing did. All below is of the runs that were done."""
    sampled_temperature: float | None = None
    """In K."""
    pressure: float | None = None
    """In GPa, at `volume`."""
    volume: float | None = None
    """Of a unit cell, in Å³: the mean at zero pressure."""
    drift: float | None = None
    """Of the total energy, in eV/atom in 50 ps: that of the seed where it is largest."""
    displacement: dict[str, float]
    """Largest mean square displacement of each species since sampling began, in Å²."""
    diffusion: dict[str, Diffusivity]
    """Of each species."""
    site_energies: dict[str, SiteEnergies]
    """Of each species. Their split is a convention of the model's."""

    @property
    def survived(self) -> bool:
        """Whether all of it was done."""
        return not self.failure


def dynamics(
    model: Path,
    species: Sequence[str],
    material: Material,
    settings: Checks,
    folder: Path,
    *,
    reporter: Reporter | None = None,
) -> list[Trajectory]:
    """Run the trajectories, or what is missing of them, and look at them.

    Parameters
    ----------
    model
        The ``.mtp`` file.
    species
        Its species.
    material
        With the vacancies that it is to have.
    settings
        What is to be run.
    folder
        For the campaign file, the potential and the store. It has to be kept for what is done to
        be there.
    reporter
        Shows the progress; see `ensemble.cluster.launch`.

    Raises
    ------
    KeyboardInterrupt
        It was told to stop.
    ensemble.campaign.CampaignError
        The material or the settings make no campaign.
    ensemble.store.StoreError
        The folder cannot be used, or holds trajectories of another model or other settings; or a
        trajectory is missing by no fault of the model: the same call goes on with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, folder / model.name)
    path = folder / "dynamics.toml"
    text = campaign_text(model.name, species, material, settings)
    path.write_text(text)
    campaign = parse_campaign(text, path)
    summary = launch(campaign, folder / "store", workers=settings.workers, reporter=reporter)
    if summary.interrupted:
        raise KeyboardInterrupt
    _check_ended(summary)
    results = open_results(folder / "store")
    cells = math.prod(settings.supercell)
    return [
        _trajectory(results, summary, name, temperature, stretch.time, cells)
        for name, stretch in _stretches(settings)
        for temperature in stretch.temperatures
    ]


def _check_ended(summary: Summary) -> None:
    """See that every trajectory is done, or failed by a fault that it would have again."""
    for key, receipt in summary.failed.items():
        if receipt.cause is None or not receipt.cause.real:
            raise StoreError(
                summary.store, f"{key} did not end: {receipt.message}; the same command goes on"
            )
    ended = summary.done + len(summary.failed)
    if ended < summary.asked:
        raise StoreError(
            summary.store,
            f"{ended} of {summary.asked} trajectories have ended; the same command goes on",
        )


def campaign_text(model: str, species: Sequence[str], material: Material, settings: Checks) -> str:
    """The campaign file of the trajectories.

    Parameters
    ----------
    model
        Name of the potential's file, beside the campaign file.
    """
    plain = material.model_dump(exclude_defaults=True)
    if material.structure is not None:
        plain["structure"] = str(Path(material.structure).resolve())
    cubic = material.prototype is not None and not PROTOTYPES[material.prototype].hexagonal
    equilibrate = [
        {
            "ensemble": "npt",
            "time": settings.settle,
            "coupling": "iso" if cubic else "aniso",
        },
        {"ensemble": "nve", "time": settings.settle / 2},
    ]
    parts = {
        "campaign": {"name": "dynamics"},
        "material.crystal": plain,
        "models": {"style": "mtp", "files": model, "species": species},
        # The usual port may be that of the training itself.
        "cluster": {"dashboard_address": "127.0.0.1:0"},
    }
    lines = [line for name, table in parts.items() for line in _table(f"[{name}]", table)]
    for name, stretch in _stretches(settings):
        study = {
            "name": name,
            "method": "emd",
            "material": "crystal",
            "temperatures": stretch.temperatures,
            "supercells": [settings.supercell],
            "seeds": settings.seeds,
            "timestep": settings.timestep,
            "equilibrate": equilibrate,
            "sample": {"time": stretch.time, "every": settings.every},
            "segment": _segment(stretch.time, settings),
        }
        lines += _table("[[study]]", study)
    return "\n".join(lines)


def _segment(time: float, settings: Checks) -> float:
    """Time of a segment, in ps: whole rows, and as many segments as are allowed."""
    rows = max(1, round(1000 * time / settings.every))
    segments = max(number for number in divisors(rows) if number <= MOST_SEGMENTS)
    return rows // segments * settings.every / 1000


def _stretches(settings: Checks) -> Iterator[tuple[str, Stretch]]:
    yield "long", settings.long
    if settings.hot is not None:
        yield "hot", settings.hot


def _table(heading: str, table: Mapping[str, Any]) -> list[str]:
    return [heading, *(f"{key} = {_toml(value)}" for key, value in table.items()), ""]


def _toml(value: Any) -> str:
    """A value of plain types in TOML, which writes all but tables as JSON does."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _trajectory(
    results: Results, summary: Summary, name: str, temperature: float, time: float, cells: int
) -> Trajectory:
    data = results[name].sel(temperature=temperature).isel(model=0, supercell=0)
    whole = data.isel(seed=np.flatnonzero(data.energy.notnull().all("time").values))
    facts: dict[str, Any] = {"displacement": {}, "diffusion": {}, "site_energies": {}}
    if whole.sizes["seed"]:
        facts = _numbers(whole, cells)
        facts["diffusion"] = _diffusion(results, name, temperature, whole.msd)
        facts["site_energies"] = _site_energies(results, name, temperature)
    return Trajectory(
        temperature=temperature,
        time=time,
        atoms=int(data.atoms),
        seeds=data.sizes["seed"],
        failure=_failure(summary, results, name, temperature, whole.sizes["seed"]),
        **facts,
    )


def _failure(summary: Summary, results: Results, name: str, temperature: float, done: int) -> str:
    keys = [run.key for _, run in results.info.runs(name) if run.temperature == temperature]
    if done == len(keys):
        return ""
    messages = [summary.failed[key].message for key in keys if key in summary.failed]
    return "; ".join(messages) or f"{done} of {len(keys)} trajectories are done"


def _numbers(data: xarray.Dataset, cells: int) -> dict[str, Any]:
    """Of the runs at one temperature: dimensions seed, time, and those of the quantities."""
    energies = data.energy.transpose("time", "seed").values / int(data.atoms)
    _, slopes = np.polynomial.polynomial.polyfit(data.time.values, energies, 1)
    squares = data.msd.max(("seed", "time"))
    return {
        "sampled_temperature": float(data.kinetic_temperature.mean()),
        "pressure": float(data.pressure.mean()) * GPA_PER_BAR,
        "volume": float(data.volume.mean()) / cells,
        "drift": float(slopes[np.abs(slopes).argmax()]) * DRIFT_TIME,
        "displacement": {str(s): float(squares.sel(species=s)) for s in squares.species.values},
    }


def _diffusion(
    results: Results, name: str, temperature: float, msd: xarray.DataArray
) -> dict[str, Diffusivity]:
    table = results.diffusion(study=name, temperature=temperature)
    rows: dict[str, Any] = {row["species"]: row for row in table.to_dict("records")}
    factor = unit_system("metal").diffusivity / (6 * float(msd.time[-1]))
    last = msd.isel(time=-1).mean("seed") * factor
    return {
        str(symbol): _diffusivity(rows.get(symbol, TOO_SHORT), float(last.sel(species=symbol)))
        for symbol in msd.species.values
    }


def _diffusivity(row: Mapping[str, Any], last: float) -> Diffusivity:
    return Diffusivity(
        value=_finite(row["diffusion"]),
        half_width=_finite(row["diffusion_half_width"]),
        upper_limit=float(np.nanmin([row["upper_limit"], last])),
        problem=row["problem"],
    )


def _site_energies(results: Results, name: str, temperature: float) -> dict[str, SiteEnergies]:
    found = results.site_energies(name).sel(temperature=temperature).isel(model=0, supercell=0)
    return {
        str(symbol): SiteEnergies(
            mean=float(found["mean"].sel(species=symbol)),
            standard_deviation=float(found.standard_deviation.sel(species=symbol)),
        )
        for symbol in found.species.values
    }


def _finite(value: float) -> float | None:
    """JSON has no word for what is not finite."""
    return value if math.isfinite(value) else None
