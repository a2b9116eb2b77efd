"""The plan of a campaign: every run of every study, and how each is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import ceil, gcd, lcm

from ensemble.campaign import Campaign, CampaignError, CampaignFiles, Problem
from ensemble.campaign.errors import show
from ensemble.campaign.studies import Emd, Nemd, Rerun
from ensemble.plan.axes import Axes
from ensemble.plan.channels import channels_of
from ensemble.plan.crystals import count_atoms
from ensemble.plan.extension import NOTHING, Extension, Extensions, group_of, next_seeds
from ensemble.plan.fingerprint import Fingerprints, hash_of_structure
from ensemble.plan.models import Examined, examine_models, model_for
from ensemble.plan.recipe import Cells, Model, Recipe, Run
from ensemble.plan.segments import (
    FRAME_BYTES,
    MOST_FRAME_BYTES,
    MOST_ROWS,
    Segmentation,
    cut,
    planned,
    row_count,
    row_steps,
    stages_of,
)

__all__ = ["Plan", "assemble", "make_plan"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a campaign asks for."""

    campaign: Campaign
    recipes: dict[str, Recipe]
    """By study, in the campaign's order."""
    axes: dict[str, Axes]
    """By study: the labels that the campaign names."""
    atoms: dict[tuple[str, Cells], int]
    """Atoms of every supercell, by material and cells."""
    seconds_per_atom_step: dict[str, float]
    """By model, on one core: from its size alone, nothing is measured."""
    fingerprints: Fingerprints
    """Of the files that the campaign names."""
    extensions: dict[str, Extensions] = field(default_factory=dict)
    """By study: what some groups of runs are to have besides."""

    @property
    def run_count(self) -> int:
        """Runs of all studies."""
        return sum(1 for _ in self.runs())

    def runs(self, study: str | None = None) -> Iterator[Run]:
        """The runs of a study, or of all in the campaign's order; the last axis goes fastest, and
        what some groups have besides comes last.
        """
        for name in self.recipes if study is None else (study,):
            for _, run in self.axes[name].runs(name, self.recipes[name].study.method):
                yield run
            yield from self._added_runs(name)

    def _added_runs(self, study: str) -> Iterator[Run]:
        axes, method = self.axes[study], self.recipes[study].study.method
        for (model, temperature, cells), extension in self.extensions.get(study, {}).items():
            own = replace(
                axes,
                models=tuple(name for name in axes.models if name == model),
                temperatures=tuple(t for t in axes.temperatures if t == temperature),
                supercells=tuple(c for c in axes.supercells if c == cells),
                seeds=tuple(seed for seed in extension.seeds if seed not in axes.seeds),
            )
            yield from (run for _, run in own.runs(study, method))

    def recipe_of(self, run: Run) -> Recipe:
        """How a run is done: as its study is, with the sampling time that its group is to have."""
        recipe = self.recipes[run.study]
        own = self.extensions.get(run.study, {}).get(group_of(run), NOTHING)
        if own.segments <= recipe.sample_segments:
            return recipe
        return replace(recipe, sample_segments=own.segments)

    def extended(self, extensions: Mapping[str, Extensions]) -> Plan:
        """With more for some groups. Those of a ``rerun`` get what their source gets, but for seeds
        where the study names its own.
        """
        found = {name: dict(extensions.get(name, {})) for name in self.recipes}
        for name, recipe in self.recipes.items():
            if isinstance(recipe.study, Rerun):
                source, model = recipe.study.source, recipe.study.source.model
                own_seeds = recipe.study.seeds is not None
                found[name] = {
                    (mine, temperature, cells): Extension(
                        seeds=() if own_seeds else extension.seeds, segments=extension.segments
                    )
                    for (of, temperature, cells), extension in found[source.study].items()
                    for mine in self.axes[name].models
                    if of == model
                }
        found = {
            name: {key: one for key, one in some.items() if one != NOTHING}
            for name, some in found.items()
        }
        return replace(self, extensions={name: some for name, some in found.items() if some})

    def most_segments(self, study: str) -> int:
        """Segments of sampling that a run may be given, if κ is not known well enough before."""
        recipe, limits = self.recipes[study], self.campaign.convergence
        if limits is None or limits.max_time is None:
            return recipe.sample_segments
        segment = recipe.rows_per_segment * recipe.steps_per_row * recipe.trajectory.timestep
        # To what floating point allows, as where a sampling time is checked.
        whole = int(limits.max_time * self.campaign.fs_per_ps / segment * (1 + 1e-9))
        return max(recipe.sample_segments, whole)

    def at_most(self) -> Plan:
        """With all that ``[convergence]`` may give to every group; the same plan without it."""
        limits = self.campaign.convergence
        if limits is None:
            return self
        extensions = {}
        for name, axes in self.axes.items():
            seeds = next_seeds(axes.seeds, max(0, limits.max_seeds - len(axes.seeds)))
            most = Extension(seeds=seeds, segments=self.most_segments(name))
            groups = product(axes.models, axes.temperatures, axes.supercells)
            extensions[name] = dict.fromkeys(groups, most)
        return self.extended(extensions)

    def atom_count(self, study: str, cells: Cells) -> int:
        """Atoms of a study's runs with such a supercell."""
        return self.atoms[self.recipes[study].material_name, cells]

    def sample_bytes(self, study: str) -> int:
        """What the samples of a study take in memory; on disk they are compressed."""
        rows = sum(self.recipe_of(run).rows for run in self.runs(study))
        return rows * len(self.recipes[study].channels) * 8

    def segmentation(self) -> dict[str, Segmentation]:
        """How the runs are cut, by study: what a store records and `make_plan` takes again."""
        return {name: Segmentation.of(recipe) for name, recipe in self.recipes.items()}


def make_plan(
    campaign: Campaign,
    files: CampaignFiles,
    *,
    recorded: Mapping[str, Segmentation] | None = None,
) -> Plan:
    """Plan a campaign. Potentials and structure files are read, nothing is built or measured.

    Parameters
    ----------
    campaign
        What is asked for.
    files
        What `find_files` found for it.
    recorded
        How a store that exists has cut the runs of its studies.

    Raises
    ------
    CampaignError
        A potential or a structure cannot be used, lacks a species or has no room for a vacancy; or
        the frames of a ``rerun`` do not fit into the segments of its source.
    OSError
        A file cannot be read.
    """
    problems: list[Problem] = []
    examined = examine_models(campaign, files)
    atoms = count_atoms(campaign, files, problems)
    structures = {name: hash_of_structure(path) for name, path in files.structures.items()}
    return assemble(campaign, examined, atoms, structures, recorded or {}, problems)


def assemble(
    campaign: Campaign,
    examined: dict[str, Examined],
    atoms: dict[tuple[str, Cells], int],
    structures: dict[str, str],
    recorded: Mapping[str, Segmentation],
    problems: Sequence[Problem] = (),
) -> Plan:
    """The plan of a campaign whose files are known.

    Parameters
    ----------
    examined
        Its models.
    atoms
        Of every supercell, by material and cells.
    structures
        Fingerprint of the structure file of each material that has one.
    recorded
        How a store that exists has cut the runs of its studies.
    problems
        That were found on the way here.

    Raises
    ------
    CampaignError
        There were problems, or are some now.
    """
    found = list(problems)
    recipes = _Planner(campaign, examined, atoms, recorded, found).recipes()
    if found:
        raise CampaignError(campaign.path, found)
    return Plan(
        campaign=campaign,
        recipes=recipes,
        axes={name: _axes(recipe) for name, recipe in recipes.items()},
        atoms=atoms,
        seconds_per_atom_step={
            name: model.seconds_per_atom_step for name, model in examined.items()
        },
        fingerprints=Fingerprints(
            models={name: model.fingerprint for name, model in examined.items()},
            structures=structures,
        ),
    )


def _axes(recipe: Recipe) -> Axes:
    study, trajectory = recipe.study, recipe.trajectory
    own_seeds = study.seeds if isinstance(study, Rerun) else None
    return Axes(
        models=study.models or tuple(recipe.models),
        temperatures=trajectory.temperatures,
        supercells=trajectory.supercells,
        seeds=own_seeds or trajectory.seeds,
    )


@dataclass
class _Planner:
    """The recipes of a campaign, and the problems on the way to them."""

    campaign: Campaign
    examined: dict[str, Examined]
    atoms: dict[tuple[str, Cells], int]
    recorded: Mapping[str, Segmentation]
    problems: list[Problem]

    def recipes(self) -> dict[str, Recipe]:
        """By study, in the campaign's order; incomplete where there are problems."""
        made: dict[str, Recipe] = {}
        for study in self.campaign.studies:
            if isinstance(study, Emd | Nemd):
                made[study.name] = self._trajectory(study)
        for study in self.campaign.studies:
            if isinstance(study, Rerun):
                source = replace(made[study.source.study], keeps_restarts=True)
                made[source.study.name] = source
                made[study.name] = self._rerun(study, source)
        return {study.name: made[study.name] for study in self.campaign.studies}

    def _trajectory(self, study: Emd | Nemd) -> Recipe:
        models = self._models(study.models or tuple(self.examined), study.material)
        scale = self.campaign.fs_per_ps
        stages = stages_of(study, scale)
        segmentation = self.recorded.get(study.name)
        # Another number of stages is another run: what is recorded is of no use for it.
        if segmentation is None or len(segmentation.parts) != len(stages):
            segmentation = self._cut(study)
        rows = segmentation.rows_per_segment
        material = self.campaign.materials[study.material]
        return Recipe(
            study=study,
            trajectory=study,
            units=self.campaign.units,
            material_name=study.material,
            material=material,
            models=models,
            engine=self.campaign.engine_of(study),
            channels=channels_of(study, material.species, self.campaign.units),
            stages=planned(stages, segmentation.parts),
            steps_per_row=row_steps(study, study, scale),
            rows_per_segment=rows,
            sample_segments=ceil(row_count(study, scale) / rows),
        )

    def _models(self, names: tuple[str, ...], material: str) -> dict[str, Model]:
        return {
            name: model_for(self.campaign, self.examined[name], material, self.problems)
            for name in names
        }

    def _cut(self, study: Emd | Nemd) -> Segmentation:
        names, scale = study.models or tuple(self.examined), self.campaign.fs_per_ps
        slowest = max(self.examined[name].seconds_per_atom_step for name in names)
        atoms = max(self.atoms.get((study.material, cells), 1) for cells in study.supercells)
        most = self._rows_that_can_be_kept(study, atoms)
        return cut(study, scale, slowest * atoms, self._rows_that_fit(study), most)

    def _rows_that_can_be_kept(self, source: Emd | Nemd, atoms: int) -> int:
        """How many rows a segment may have for a ``rerun`` to write its frames down."""
        scale, most = self.campaign.fs_per_ps, MOST_ROWS
        for study in self._followers(source):
            frames = max(1, int(MOST_FRAME_BYTES / (FRAME_BYTES * atoms)))
            rows = frames * row_steps(study, source, scale) // row_steps(source, source, scale)
            most = min(most, max(1, rows))
        return most

    def _followers(self, source: Emd | Nemd) -> Iterator[Rerun]:
        """The studies that go through the trajectories of another one again."""
        for study in self.campaign.studies:
            if isinstance(study, Rerun) and study.source.study == source.name:
                yield study

    def _rows_that_fit(self, source: Emd | Nemd) -> int:
        """Of how many rows a segment has to be a multiple, so that it is whole frames of every
        ``rerun`` that follows the study.
        """
        scale, multiple = self.campaign.fs_per_ps, 1
        steps = row_steps(source, source, scale)
        for study in self._followers(source):
            frame = row_steps(study, source, scale)
            multiple = lcm(multiple, frame // gcd(frame, steps))
        return multiple

    def _rerun(self, study: Rerun, source: Recipe) -> Recipe:
        names = study.models or tuple(self.examined)
        if study.source.model not in names:
            names = (*names, study.source.model)
        steps = row_steps(study, source.trajectory, self.campaign.fs_per_ps)
        segment_steps = source.rows_per_segment * source.steps_per_row
        if segment_steps % steps:
            self.problems.append(self._misfit(study, source, segment_steps))
        return replace(
            source,
            study=study,
            models=self._models(names, source.material_name),
            engine=self.campaign.engine_of(study),
            channels=channels_of(study, source.material.species, source.units),
            stages=(),
            steps_per_row=steps,
            rows_per_segment=max(1, segment_steps // steps),
            keeps_restarts=False,
            source_equilibration_segments=source.equilibration_segments,
        )

    def _misfit(self, study: Rerun, source: Recipe, segment_steps: int) -> Problem:
        name, segment = source.study.name, segment_steps * source.trajectory.timestep
        given = source.trajectory.segment is not None
        why = f"by study.{name}.segment" if given else "in the store"
        unit = "τ" if self.campaign.units == "lj" else "fs"
        finding = f"found {show(study.every)}"
        allowed = f"a whole fraction of {segment:.12g} {unit}, a segment of study {name} {why}"
        return Problem(f"study.{study.name}.every", finding, allowed)
