"""Small stores, and runs whose segments are made up: decided by the run and the number alone."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ensemble.campaign import find_files, load_campaign
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.recipe import Run, Segment
from ensemble.store.arrays import create_or_grow
from ensemble.store.commit import clear_attempts, commit_segment, new_attempt
from ensemble.store.errors import StoreMissing
from ensemble.store.info import StoreInfo, read_store
from ensemble.store.layout import StorePaths
from ensemble.store.lease import Lease
from ensemble.store.progress import next_segment

CAMPAIGN = """
[campaign]
name = "fluid"
units = "lj"

[material.fluid]
prototype = "fcc"
species = ["Ar"]
lattice = 1.882

[models]
style = "lammps"

[[models.model]]
name = "soft"
commands = ["pair_style table linear 1000", "pair_coeff 1 1 soft.table ENTRY"]
files = "soft.table"

[[study]]
name = "gk"
method = "emd"
material = "fluid"
temperatures = [1.35]
supercells = [[2, 2, 2]]
seeds = 2
timestep = 0.005
equilibrate = [{ ensemble = "nvt", time = 0.5 }, { ensemble = "nve", time = 0.5 }]
sample = { time = 2, every = 0.05 }
segment = 0.5
"""

SECOND_MODEL = """
[[models.model]]
name = "hard"
commands = ["pair_style lj/cut 2.5", "pair_coeff 1 1 1.0 1.0"]
"""

SECOND_STUDY = """
[[study]]
name = "direct"
method = "nemd"
material = "fluid"
temperatures = [1.35]
supercells = [[2, 2, 8]]
seeds = 1
timestep = 0.005
equilibrate = [{ ensemble = "nvt", time = 1 }]
settle = 1
bins = 8
swap = { every = 0.05 }
sample = { time = 4, every = 0.05, block = 1 }
"""

RERUN = """
[[study]]
name = "again"
method = "rerun"
source = { study = "gk", model = "soft" }
every = 0.05
"""

GROWN = (
    CAMPAIGN.replace("[[study]]", f"{SECOND_MODEL}\n[[study]]")
    .replace("[1.35]", "[0.9, 1.35]")
    .replace("[[2, 2, 2]]", "[[2, 2, 2], [3, 3, 3]]")
    .replace("seeds = 2", "seeds = [2, 1, 5]")
    .replace("sample = { time = 2,", "sample = { time = 3,")
)
"""The same with more of everything; seeds and temperatures in another order."""


Interrupt = Callable[[str, Path, int], bool]
"""Does something in a folder and is killed before so many changes; says whether it was."""


def plan_of(folder: Path, text: str = CAMPAIGN, table: str = "a table\n") -> Plan:
    """The plan of a campaign whose files are in a folder, for the store in it if there is one."""
    (folder / "soft.table").write_text(table)
    (folder / "campaign.toml").write_text(text)
    campaign = load_campaign(folder / "campaign.toml")
    try:
        recorded = read_store(folder / "store").segmentation
    except StoreMissing:
        recorded = None
    return make_plan(campaign, find_files(campaign), recorded=recorded)


def make_store(folder: Path, text: str = CAMPAIGN, table: str = "a table\n") -> "SmallStore":
    """The store of a campaign, made or grown."""
    plan, paths = plan_of(folder, text, table), StorePaths(folder / "store")
    versions = {"ensemble": "0.1.0", "lammps": "2025.7.22"}
    with Lease.acquire(paths.lock) as lease:
        info = create_or_grow(paths, plan, versions=versions, confirm=lease.confirm)
    return SmallStore(paths, plan, info)


@dataclass(frozen=True)
class SmallStore:
    """A store and the plan that it was made for."""

    paths: StorePaths
    plan: Plan
    info: StoreInfo

    def run(self, study: str = "gk", number: int = 0) -> Run:
        """One of the campaign's runs."""
        return list(self.plan.runs(study))[number]

    def finish(self, run: Run, segments: int | None = None) -> int:
        """Do what is left of a run, or so many segments of it; returns how many were done."""
        recipe, index = self.plan.recipe_of(run), self.info.studies[run.study].axes.index(run)
        done = 0
        with Lease.acquire(self.paths.lease(run)) as lease:
            while start := next_segment(self.paths, recipe, run, index):
                if done == segments:
                    break
                self.do(run, recipe.segment(start.segment), lease.confirm, lease.token)
                done += 1
        return done

    def do(
        self,
        run: Run,
        segment: Segment,
        confirm: Callable[[], None] = lambda: None,
        token: str = "attempt",
        add: float = 0.0,
    ) -> None:
        """Do one segment, with something added to its rows."""
        recipe, index = self.plan.recipe_of(run), self.info.studies[run.study].axes.index(run)
        attempt = new_attempt(self.paths, run, token)
        restart = None
        if recipe.study.method != "rerun":
            restart = attempt / "next.restart"
            restart.write_bytes(f"the state of {run.key} after segment {segment.number}".encode())
        commit_segment(
            self.paths,
            recipe,
            run,
            index,
            segment,
            attempt=attempt,
            rows=self.rows(run, segment) + add if segment.samples else None,
            restart=restart,
            record={"steps": segment.steps},
            confirm=confirm,
        )
        clear_attempts(self.paths, run)

    def rows(self, run: Run, segment: Segment) -> np.ndarray:
        """What a segment of a run samples."""
        seed = zlib.crc32(f"{run.key} {segment.part}".encode())
        shape = segment.rows, len(self.plan.recipes[run.study].channels)
        return np.random.default_rng(seed).normal(size=shape)

    def series(self, run: Run, segments: int) -> np.ndarray:
        """What the first sampling segments of a run have in them."""
        recipe = self.plan.recipes[run.study]
        first = recipe.equilibration_segments
        return np.concatenate(
            [self.rows(run, recipe.segment(first + part)) for part in range(segments)]
        )


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"a folder"
        for path in sorted(folder.rglob("*"))
    }
