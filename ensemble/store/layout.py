"""Where everything lies in a store; paths and nothing else.

::

    STORE/campaign.toml              the campaign, as it was last launched
    STORE/data.zarr/<study>/         a Zarr group for each study, with `samples` in it
    STORE/work/potentials/<model>/   the potentials
    STORE/work/structures/           the supercells
    STORE/work/runs/<study>/<run>/   what a run needs to go on: lease, record, restart file
    STORE/work/ledger.jsonl          the attempts
    STORE/work/lock                  the lease of whoever changes labels
    STORE/work/launcher              the lease of a launcher in the background
    STORE/work/launch.log            what such launchers say
    STORE/work/aside/                files on their way into place
    STORE/work/results/<study>/      what was computed from the samples, to be had again at once
    STORE/report/                    a page for the reader, and its figures
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ensemble.plan.axes import Index
from ensemble.plan.recipe import Cells, Run, cells_text, segment_name

SAMPLES = "samples"
LEASE = "lease"


@dataclass(frozen=True)
class StorePaths:
    """The paths of a store."""

    root: Path

    @cached_property
    def campaign(self) -> Path:
        """The campaign as it was last launched."""
        return self.root / "campaign.toml"

    @cached_property
    def data(self) -> Path:
        """The Zarr group of all studies."""
        return self.root / "data.zarr"

    @cached_property
    def metadata(self) -> Path:
        """What the store says of itself."""
        return self.data / "zarr.json"

    @cached_property
    def work(self) -> Path:
        """What is needed to go on, and nothing that a reader of the samples needs."""
        return self.root / "work"

    @cached_property
    def ledger(self) -> Path:
        """The attempts, a JSON object a line."""
        return self.work / "ledger.jsonl"

    @cached_property
    def lock(self) -> Path:
        """The lease for changes of the metadata."""
        return self.work / "lock"

    @cached_property
    def launcher(self) -> Path:
        """The lease of a launcher in the background."""
        return self.work / "launcher"

    @cached_property
    def launch_log(self) -> Path:
        """What launchers in the background say."""
        return self.work / "launch.log"

    @cached_property
    def aside(self) -> Path:
        """Where metadata are written before they are put in place; under `lock`."""
        return self.work / "aside"

    @cached_property
    def potentials(self) -> Path:
        """A folder for each model."""
        return self.work / "potentials"

    @cached_property
    def structures(self) -> Path:
        """The supercells."""
        return self.work / "structures"

    @cached_property
    def report(self) -> Path:
        """A page about the store, and its figures; they may go at any time."""
        return self.root / "report"

    @cached_property
    def _runs(self) -> Path:
        return self.work / "runs"

    def results(self, study: str) -> Path:
        """What was computed from a study's samples; it may go at any time."""
        return self.work / "results" / study

    def potential(self, model: str) -> Path:
        """The folder with the files of a model."""
        return self.potentials / model

    def structure(self, material: str, cells: Cells) -> Path:
        """A supercell as LAMMPS reads it."""
        return self.structures / f"{material}-{cells_text(cells)}.data"

    def group(self, study: str) -> Path:
        """The Zarr group of a study."""
        return self.data / study

    def samples(self, study: str) -> Path:
        """The folder of the array of samples: a file for each chunk."""
        return self.group(study) / SAMPLES

    def chunk(self, study: str, index: Index, part: int) -> Path:
        """The rows of a run's sampling segment `part`, which is the one chunk of that segment."""
        return self.samples(study) / chunk_name((*index, part, 0))

    def runs(self, study: str) -> Path:
        """The folders of a study's runs."""
        return self._runs / study

    def run(self, run: Run) -> Path:
        """The folder of a run; it is the working directory of LAMMPS."""
        return self.runs(run.study) / run.name

    def lease(self, run: Run) -> Path:
        """The lease of a run."""
        return self.run(run) / LEASE


def chunk_name(place: Iterable[int]) -> str:
    """Name of a chunk in its array's folder: Zarr's default, with dots.

    With slashes each chunk would be alone in a folder of its own. With dots a commit is one rename
    into a folder that is there, and one listing tells how far every run of a study is.
    """
    return ".".join(("c", *map(str, place)))


def restart_name(segment: int) -> str:
    """The state at the end of a segment, in the run's folder."""
    return f"{segment_name(segment)}.restart"


def record_name(segment: int) -> str:
    """What else is to be known of a segment, in the run's folder."""
    return f"{segment_name(segment)}.json"
