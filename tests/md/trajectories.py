"""Runs of small campaigns, segment by segment, in the folders that a store would have."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lmp import lammps
from numpy.typing import NDArray

from ensemble.campaign import find_files, load_campaign
from ensemble.md.assignment import Assignment, SegmentFiles
from ensemble.md.segment import SegmentResult, run_segment
from ensemble.plan.crystals import build_structure
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.recipe import Recipe, Run, cells_text, segment_name

Floats = NDArray[np.float64]

MODELS = Path(__file__).parents[1] / "potentials"

CU2SE = f"""
[campaign]
name = "small"

[material.beta]
prototype = "antifluorite"
species = ["Cu", "Se"]
lattice = 5.87
vacancies = {{ species = "Cu", fraction = 0.025 }}

[models]
style = "mtp"
files = "{MODELS}/level1[02].mtp"
"""

ARGON = """
[campaign]
name = "small"

[material.crystal]
prototype = "fcc"
species = ["Ar"]
lattice = 5.3

[models]
style = "lammps"

[[models.model]]
name = "lj"
commands = ["pair_style lj/cut 8.5", "pair_coeff * * 0.0103235 3.405"]
"""
"""ε/k_B = 119.8 K, σ = 3.405 Å."""


@dataclass
class Trajectories:
    """The runs of a campaign in a folder."""

    folder: Path
    text: str

    def __post_init__(self) -> None:
        path = self.folder / "campaign.toml"
        path.write_text(self.text)
        campaign = load_campaign(path)
        files = find_files(campaign)
        self.plan: Plan = make_plan(campaign, files)
        self.structures = files.structures
        for name, paths in files.models.items():
            target = self.potentials / name
            target.mkdir(parents=True)
            for file in paths:
                shutil.copy(file, target)

    @property
    def potentials(self) -> Path:
        return self.folder / "work" / "potentials"

    def run_of(self, study: str, model: str | None = None, seed: int = 1) -> Run:
        """The first run of a study with that model and seed."""
        runs = self.plan.runs(study)
        return next(run for run in runs if model in (None, run.model) and run.seed == seed)

    def recipe(self, run: Run, ranks: int = 1) -> Recipe:
        recipe = self.plan.recipes[run.study]
        return replace(recipe, engine=recipe.engine.model_copy(update={"ranks": ranks}))

    def run_folder(self, run: Run) -> Path:
        return self.folder / "work" / "runs" / run.study / run.name

    def files(self, run: Run, attempt: str = "attempt", **more: Any) -> SegmentFiles:
        recipe, folder = self.plan.recipes[run.study], self.run_folder(run)
        name = f"{recipe.material_name}-{cells_text(run.supercell)}.data"
        structure = self.folder / "work" / "structures" / name
        if not structure.exists():
            structure.parent.mkdir(exist_ok=True)
            file = self.structures.get(recipe.material_name)
            structure.write_text(build_structure(recipe, run.supercell, file))
        (folder / attempt).mkdir(parents=True, exist_ok=True)
        return SegmentFiles(
            run_folder=folder,
            attempt=folder / attempt,
            potentials=self.potentials,
            structure=structure,
            source_folder=self._source(run),
            **more,
        )

    def _source(self, run: Run) -> Path | None:
        if run.method != "rerun":
            return None
        source = self.plan.recipes[run.study].study.source
        return self.run_folder(replace(run, study=source.study, model=source.model))

    def segment(self, run: Run, number: int, *, ranks: int = 1, **files: Any) -> SegmentResult:
        """Do one segment; the one before has to be done. Its files stay in its own folder."""
        recipe = self.recipe(run, ranks)
        attempt = files.pop("attempt", f"attempt-{number}")
        folder = self.run_folder(run)
        result = run_segment(
            recipe,
            run,
            recipe.segment(number),
            self.files(run, attempt, **files),
            self.record(run, number - 1),
        )
        if result.restart is not None:
            shutil.copy(result.restart, folder / f"{segment_name(number)}.restart")
        (folder / f"{segment_name(number)}.json").write_text(json.dumps(result.record))
        return result

    def record(self, run: Run, number: int) -> dict[str, Any] | None:
        """The record of a segment that is done, after a journey to the disk."""
        if number < 0 or run.method == "rerun":
            return None
        path = self.run_folder(run) / f"{segment_name(number)}.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def all_segments(self, run: Run, *, ranks: int = 1) -> list[SegmentResult]:
        segments = range(self.plan.recipes[run.study].segments)
        return [self.segment(run, number, ranks=ranks) for number in segments]

    def assignment(self, run: Run, number: int) -> Assignment:
        recipe = self.plan.recipes[run.study]
        return Assignment(
            recipe=recipe,
            run=run,
            segment=recipe.segment(number),
            files=self.files(run),
            previous=self.record(run, number - 1),
        )

    def columns(self, run: Run, rows: Floats | None) -> dict[str, Floats]:
        """Rows by channel."""
        assert rows is not None
        names = [channel.name for channel in self.plan.recipes[run.study].channels]
        return dict(zip(names, rows.T, strict=True))

    def by_hand(self, run: Run, script: str) -> str:
        """The output of an input script, run in the folder of a run."""
        return lammps(self.run_folder(run), script)


def sampled(results: Iterable[SegmentResult]) -> Floats:
    """The rows of all segments that sample."""
    return np.concatenate([result.rows for result in results if result.rows is not None])


def table(output: str, columns: int) -> Floats:
    """The lines of a LAMMPS output that are so many numbers."""
    rows = []
    for line in output.splitlines():
        try:
            numbers = [float(word) for word in line.split()]
        except ValueError:
            continue
        if len(numbers) == columns:
            rows.append(numbers)
    return np.array(rows)
