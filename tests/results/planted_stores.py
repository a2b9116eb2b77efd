"""Small stores with planted samples, written as the launcher and the workers write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.campaign import find_files, load_campaign
from ensemble.plan.plan import make_plan
from ensemble.plan.recipe import Run
from ensemble.store.arrays import create_or_grow
from ensemble.store.commit import encode_chunk
from ensemble.store.info import StoreInfo, StudyInfo
from ensemble.store.layout import StorePaths

ROCKSALT = 'prototype = "rocksalt"\nspecies = ["Na", "Cl"]\nlattice = 5.6'

CAMPAIGN = """\
[campaign]
name = "planted"
units = "{units}"

[material.salt]
{crystal}

[models]
style = "lammps"

[[models.model]]
name = "a"
commands = ["pair_style lj/cut 8.0", "pair_coeff * * 0.01 3.0"]

[[models.model]]
name = "b"
commands = ["pair_style lj/cut 8.0", "pair_coeff * * 0.02 3.0"]

[[study]]
name = "gk"
method = "emd"
material = "salt"
temperatures = [300, 600]
supercells = [[3, 3, 3]]
seeds = 5
timestep = {femtosecond}
equilibrate = [{{ ensemble = "nve", time = 1 }}]
sample = {{ time = 40, every = {ten} }}
segment = 10
window = {window}

[[study]]
name = "direct"
method = "nemd"
material = "salt"
temperatures = [600]
supercells = {direct_cells}
seeds = {direct_seeds}
timestep = {femtosecond}
bins = {bins}
equilibrate = [{{ ensemble = "nve", time = 1 }}]
swap = {{ every = {ten} }}
settle = 1
sample = {{ time = 40, every = {ten}, block = 1 }}
segment = 20

[[study]]
name = "fixed"
method = "rerun"
source = {{ study = "gk", model = "a" }}
every = {ten}
window = [1, 2]
"""

Rows = Mapping[str, NDArray[np.float64] | float]
"""By channel: of a whole run, shape (rows,), or a constant; what is not named is zero."""


@dataclass
class Planted:
    """A store under construction."""

    paths: StorePaths
    info: StoreInfo

    def run(self, study: str, model: str = "a", temperature: float = 600, seed: int = 1) -> Run:
        """The run of these labels; every study has one supercell."""
        for _, run in self.info.runs(study):
            if (run.model, run.temperature, run.seed) == (model, temperature, seed):
                return run
        raise LookupError((study, model, temperature, seed))

    def study(self, name: str) -> StudyInfo:
        return self.info.studies[name]

    def rows(self, study: str) -> int:
        """Of a whole run."""
        return self.study(study).shape[4]

    def chunks(self, run: Run) -> list[Path]:
        """The files of a run's samples."""
        study = self.study(run.study)
        index = study.axes.index(run)
        parts = range(study.sample_segments)
        return [self.paths.chunk(run.study, index, part) for part in parts]

    def plant(self, run: Run, rows: Rows) -> None:
        """Write the samples of a run."""
        study = self.study(run.study)
        names = [channel.name for channel in study.channels]
        samples = np.zeros((self.rows(run.study), len(names)))
        for name, values in rows.items():
            samples[:, names.index(name)] = values
        for path, chunk in zip(
            self.chunks(run), np.split(samples, study.sample_segments), strict=True
        ):
            path.write_bytes(encode_chunk(chunk))

    def each(self, study: str, rows: Callable[[Run], Rows]) -> None:
        """Write the samples of all runs of a study."""
        for _, run in self.info.runs(study):
            self.plant(run, rows(run))


def plant_store(
    folder: Path,
    units: str = "metal",
    window: str = "[1, 2]",
    direct_seeds: int = 2,
    direct_cells: str = "[[2, 2, 10]]",
    bins: int = 12,
    crystal: str = ROCKSALT,
    more: str = "",
) -> Planted:
    """An empty store of the campaign above, with more tables behind it."""
    reduced = units == "lj"
    file = folder / "planted.toml"
    text = CAMPAIGN.format(
        units=units,
        window=window,
        direct_seeds=direct_seeds,
        direct_cells=direct_cells,
        bins=bins,
        crystal=crystal,
        femtosecond=0.001 if reduced else 1,
        ten=0.01 if reduced else 10,
    )
    file.write_text(text + more)
    campaign = load_campaign(file)
    paths = StorePaths(folder / "store")
    info = create_or_grow(
        paths,
        make_plan(campaign, find_files(campaign)),
        versions={"lammps": "none", "ensemble": "none"},
        confirm=lambda: None,
    )
    return Planted(paths, info)
