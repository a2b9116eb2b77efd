"""What two keys of a campaign file have to do with each other.

Each check yields the problems that it finds; types and ranges have been settled before (`schema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from pydantic import BaseModel

from ensemble.campaign.clusters import Cluster, Existing, Queue, Sge
from ensemble.campaign.errors import Problem, nearest, one_of, show
from ensemble.campaign.schema import Campaign, LammpsModels, Material, MtpModels
from ensemble.campaign.studies import Emd, Nemd, Npt, Rerun, Study, Trajectory
from ensemble.campaign.types import Unit
from ensemble.prototypes import PROTOTYPES

MOST_STEPS = 2**53
"""Longer runs could not be counted in floating point; LAMMPS counts to 2**63."""

PATHS = ("/", "./", "../", "~")
"""How a file is named that is not listed."""


def check(campaign: Campaign) -> Iterator[Problem]:
    """All that is wrong with a campaign whose every key is right by itself."""
    for name, material in campaign.materials.items():
        yield from check_material(f"material.{name}", material)
    yield from check_models(campaign)
    yield from check_distinct("study", [study.name for study in campaign.studies])
    if campaign.units == "lj":
        yield from check_reduced_units(campaign)
    for study in campaign.studies:
        yield from check_subset(campaign, study)
        if isinstance(study, Rerun):
            yield from check_rerun(campaign, study)
        else:
            yield from check_trajectory(campaign, study)
    yield from check_cluster(campaign.cluster)
    yield from check_room(campaign)
    yield from check_convergence(campaign)
    for number, experiment in enumerate(campaign.experiments, 1):
        key = f"experiment #{number}.material"
        yield from unknown(key, experiment.material, campaign.materials)


def check_distinct(key: str, names: list[str]) -> Iterator[Problem]:
    """Every name once; the key is that of the list of tables."""
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            earlier = f"{key} #{names.index(name) + 1}"
            finding = f"found {show(name)}, which is the name of {earlier} too"
            yield Problem(f"{key} #{number}.name", finding, "a name of its own")


def unknown(key: str, name: str, choices: Iterable[str]) -> Iterator[Problem]:
    """A problem if the name is not among the choices."""
    choices = list(choices)
    if name not in choices:
        yield Problem(key, f"found {show(name)}", one_of(choices), nearest(name, choices))


# Materials


def check_material(key: str, material: Material) -> Iterator[Problem]:
    """A cell of one origin, with as many species as it has kinds of sites."""
    if (material.prototype is None) == (material.structure is None):
        found = "neither" if material.prototype is None else "both"
        yield Problem(key, f"found {found} of prototype and structure", "one of the two")
    elif material.prototype is not None:
        yield from _check_prototype(key, material)
    elif material.lattice is not None:
        yield Problem(f"{key}.lattice", "found together with structure", "none: the file has it")
    if material.vacancies is not None:
        yield from unknown(f"{key}.vacancies.species", material.vacancies.species, material.species)
    for number, symbol in enumerate(material.host or (), 1):
        yield from unknown(f"{key}.host #{number}", symbol, material.species)
    for symbol in material.masses:
        yield from unknown(f"{key}.masses.{symbol}", symbol, material.species)


def _check_prototype(key: str, material: Material) -> Iterator[Problem]:
    assert material.prototype is not None
    prototype, name = PROTOTYPES[material.prototype], show(material.prototype)
    count, constants = prototype.species_count, prototype.constants
    if len(material.species) != count:
        allowed = f"{count} for prototype {name}, in the order of {prototype.example}"
        yield Problem(f"{key}.species", f"found {len(material.species)} species", allowed)
    wanted = f"{' or '.join({1: 'a', 2: '[a, c]'}[n] for n in constants)}, for prototype {name}"
    if material.lattice is None:
        yield Problem(f"{key}.lattice", "missing", wanted)
    elif len(material.lattice) not in constants:
        found = material.lattice if len(material.lattice) > 1 else material.lattice[0]
        yield Problem(f"{key}.lattice", f"found {show(found)}", wanted)


# Models


def check_models(campaign: Campaign) -> Iterator[Problem]:
    """Distinct names, ``pair_style`` first; pair style ``mtp`` needs real units."""
    models = campaign.models
    if isinstance(models, MtpModels):
        if campaign.units == "lj":
            allowed = '"metal" or "real" with models of style "mtp"'
            yield Problem("campaign.units", 'found "lj"', allowed)
        return
    yield from check_distinct("models.model", [model.name for model in models.model])
    for model in models.model:
        key = f"models.model.{model.name}.commands"
        if model.commands[0].split()[0] != "pair_style":
            yield Problem(f"{key} #1", f"found {show(model.commands[0])}", "pair_style first")
        for number, line in enumerate(model.commands, 1):
            yield from check_bare_names(f"{key} #{number}", line)


def check_bare_names(key: str, line: str) -> Iterator[Problem]:
    """No file by a path: a store has its own copy of each, so that it can be moved, and is told
    when one has changed.
    """
    for word in line.replace('"', " ").replace("'", " ").split():
        if word.startswith(PATHS):
            allowed = "files by their bare names, listed in the model's `files`"
            yield Problem(key, f"found {show(word)}", allowed)


def check_subset(campaign: Campaign, study: Study) -> Iterator[Problem]:
    """The models of a study are among the campaign's. Those of style ``mtp`` are known only when
    their files are found (`ensemble.campaign.files`).
    """
    if not isinstance(campaign.models, LammpsModels):
        return
    names = [model.name for model in campaign.models.model]
    for name in study.models or ():
        yield from unknown(f"study.{study.name}.models", name, names)
    if isinstance(study, Rerun):
        yield from unknown(f"study.{study.name}.source.model", study.source.model, names)


# Studies


def check_trajectory(campaign: Campaign, study: Emd | Nemd) -> Iterator[Problem]:
    """Times that fit into one another, a material that is there, a supercell with room."""
    key = f"study.{study.name}"
    yield from unknown(f"{key}.material", study.material, campaign.materials)
    yield from check_vacancies(campaign, study)
    yield from check_times(campaign, study)
    if isinstance(study, Emd):
        yield from check_window(f"{key}.window", study.window, study.sample.time)
    else:
        yield from check_bins(campaign, study)
        yield from check_axis(campaign, study)


def check_times(campaign: Campaign, study: Emd | Nemd) -> Iterator[Problem]:
    """Every time that is counted is a whole multiple of what it is counted in."""
    key, step, ps = f"study.{study.name}", study.timestep, campaign.fs_per_ps
    settle = 0.0
    if isinstance(study, Nemd):
        settle = study.settle
        yield from multiple(f"{key}.swap.every", study.swap.every, step, "timestep")
    yield from check_rows(key, study, ps)
    total = sum((stage.time for stage in study.equilibrate), settle + study.sample.time) * ps / step
    if total > MOST_STEPS:
        yield Problem(key, f"found {total:.3g} time steps for a run", f"{MOST_STEPS} at most")


def check_rows(key: str, study: Emd | Nemd, ps: float) -> Iterator[Problem]:
    """A row is some steps, the sampling and a segment are some rows; the first of these that does
    not fit is named.
    """
    sample, name = study.sample, "sample.every"
    row = sample.every
    problems = [*multiple(f"{key}.{name}", row, study.timestep, "timestep")]
    if isinstance(study, Nemd) and not problems:
        block = study.sample.block * ps
        # LAMMPS tells of the exchanged energy only at the time of an exchange.
        for unit, other in ((row, name), (study.swap.every, "swap.every")):
            problems += multiple(f"{key}.sample.block", block, unit, other, ps)
        row, name = block, "sample.block"
    if not problems:
        problems += multiple(f"{key}.sample.time", sample.time * ps, row, name, ps)
        if study.segment is not None:
            problems += multiple(f"{key}.segment", study.segment * ps, row, name, ps)
    yield from problems


def multiple(
    key: str, value: float, unit: float, name: str, scale: float = 1.0
) -> Iterator[Problem]:
    """A problem if the value is not a whole multiple of the unit, to what floating point allows.

    `scale` is what the file's number was multiplied with to be in the unit's own unit.
    """
    ratio = value / unit
    if ratio > MOST_STEPS or abs(ratio - round(ratio)) > 1e-9 * ratio or ratio < 0.5:
        amount = unit / scale
        allowed = f"a whole multiple of {name}, here {amount:g}"
        near = f"{round(ratio) * amount:.12g}" if 0.5 < ratio < MOST_STEPS else ""
        yield Problem(key, f"found {value / scale:.12g}", allowed, near)


def check_window(key: str, window: tuple[float, float] | None, time: float) -> Iterator[Problem]:
    """The window lies inside the sampling time."""
    if window is not None and not window[0] < window[1] <= time:
        allowed = f"[from, to] with from < to <= {time:g}, the sampling time"
        yield Problem(key, f"found {show(window)}", allowed)


def check_vacancies(campaign: Campaign, study: Trajectory) -> Iterator[Problem]:
    """The smallest supercell has room for one vacancy, where the material has any."""
    material = campaign.materials.get(study.material)
    if material is None or material.prototype is None or material.vacancies is None:
        return
    sites = dict(zip(material.species, PROTOTYPES[material.prototype].site_counts, strict=False))
    species, fraction = material.vacancies.species, material.vacancies.fraction
    for cells in study.supercells:
        count = prod(cells) * sites.get(species, 0)
        if round(fraction * count) == 0 and species in sites:
            finding = f"found {show(cells)} with {count} {species} sites, {fraction} of them empty"
            yield Problem(f"study.{study.name}.supercells", finding, "room for one vacancy")


def check_bins(campaign: Campaign, study: Nemd) -> Iterator[Problem]:
    """No layer is thinner than half a cell: it would have no atoms. The cell of a structure file
    may be of any size, so only prototypes are looked at.
    """
    material = campaign.materials.get(study.material)
    if material is None or material.prototype is None:
        return
    axis = "xyz".index(study.axis)
    shortest = min(study.supercells, key=lambda cells: cells[axis])
    if study.bins > 2 * shortest[axis]:
        finding = f"found {study.bins} along {study.axis} of {show(shortest)}"
        allowed = f"two for each of the {shortest[axis]} cells along {study.axis}, at most"
        yield Problem(f"study.{study.name}.bins", finding, allowed)


def check_axis(campaign: Campaign, study: Nemd) -> Iterator[Problem]:
    """Planes across the axis fit the periodic cell: across z they do in any cell, across x and y
    only where no edge leans the wrong way. LAMMPS looks at the cells of structure files.
    """
    key = f"study.{study.name}.axis"
    leaning = [stage for stage in study.equilibrate if isinstance(stage, Npt)]
    if study.axis != "z" and any(stage.coupling == "tri" for stage in leaning):
        yield Problem(key, f'found {show(study.axis)} with coupling = "tri"', '"z"')
        return
    material = campaign.materials.get(study.material)
    if material is None or material.prototype is None:
        return
    if study.axis == "x" and PROTOTYPES[material.prototype].hexagonal:
        finding = f'found "x" in a hexagonal cell ({material.prototype})'
        yield Problem(key, finding, '"y" or "z"')


def check_rerun(campaign: Campaign, study: Rerun) -> Iterator[Problem]:
    """The trajectory is that of an equilibrium study."""
    key = f"study.{study.name}"
    sources = {other.name: other for other in campaign.studies if isinstance(other, Emd)}
    source = sources.get(study.source.study)
    if source is None:
        names = one_of(sources) or "none, there is no such study"
        allowed, near = f"an emd study: {names}", nearest(study.source.study, sources)
        yield Problem(f"{key}.source.study", f"found {show(study.source.study)}", allowed, near)
        return
    yield from multiple(f"{key}.every", study.every, source.timestep, "the source's timestep")
    if study.every > (longest := source.sample.time * campaign.fs_per_ps):
        allowed = f"{longest:g} or less, the sampling time of the source"
        yield Problem(f"{key}.every", f"found {study.every:g}", allowed)
    yield from check_window(f"{key}.window", study.window, source.sample.time)
    yield from check_same_engine(campaign, study, source)
    if strange := sorted(set(study.seeds or ()) - set(source.seeds)):
        allowed = f"{', '.join(map(str, source.seeds))}, the seeds of the source"
        yield Problem(f"{key}.seeds", f"found {strange[0]}", allowed)
    if source.models is not None and study.source.model not in source.models:
        allowed = f"{one_of(source.models)}, the models of the source"
        near = nearest(study.source.model, source.models)
        yield Problem(f"{key}.source.model", f"found {show(study.source.model)}", allowed, near)


def check_same_engine(campaign: Campaign, study: Rerun, source: Emd) -> Iterator[Problem]:
    """The trajectory is made again: only the same LAMMPS on as many ranks makes the same one."""
    mine, theirs = campaign.engine_of(study), campaign.engine_of(source)
    for key in ("command", "ranks"):
        found, wanted = getattr(mine, key), getattr(theirs, key)
        if found != wanted:
            allowed = f"{show(wanted)} as in study {source.name}, whose trajectory is made again"
            yield Problem(f"study.{study.name}.engine.{key}", f"found {show(found)}", allowed)


def check_reduced_units(campaign: Campaign) -> Iterator[Problem]:
    """Under ``lj`` no time may be left to a default, which is in fs or ps."""
    for study in campaign.studies:
        for path in _defaulted_times(study):
            allowed = "a time in units of τ: there is no default under units lj"
            yield Problem(".".join(("study", study.name, *path)), "missing", allowed)


def _defaulted_times(table: BaseModel) -> Iterator[tuple[str, ...]]:
    for name, information in type(table).model_fields.items():
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            yield from ((name, *path) for path in _defaulted_times(value))
        elif value is not None and name not in table.model_fields_set:
            units = [said.symbol for said in information.metadata if isinstance(said, Unit)]
            if units and units[-1] in ("fs", "ps"):
                yield (name,)


# How it is run


def check_cluster(cluster: Cluster) -> Iterator[Problem]:
    """Jobs within their bounds, slots that belong together, a certificate and who made it."""
    if isinstance(cluster, Existing):
        given = [cluster.tls_ca_file is None, cluster.tls_cert is None]
        if any(given) and not all(given):
            key = "tls_ca_file" if given[0] else "tls_cert"
            yield Problem(f"cluster.{key}", "missing", "both of tls_ca_file and tls_cert, or none")
    if isinstance(cluster, Queue) and cluster.minimum_jobs > cluster.maximum_jobs:
        allowed = f"{cluster.maximum_jobs} or less, as maximum_jobs"
        yield Problem("cluster.minimum_jobs", f"found {cluster.minimum_jobs}", allowed)
    if isinstance(cluster, Sge) and cluster.cores > 1 and cluster.parallel_environment is None:
        allowed = 'the site\'s name for slots on one host, such as "smp", since cores is not 1'
        yield Problem("cluster.parallel_environment", "missing", allowed)


def check_room(campaign: Campaign) -> Iterator[Problem]:
    """A job has the cores for the ranks of every run."""
    cluster = campaign.cluster
    if isinstance(cluster, Queue) and cluster.cores < (ranks := campaign.most_ranks):
        allowed = f"{ranks} or more, the MPI ranks of a run"
        yield Problem("cluster.cores", f"found {cluster.cores}", allowed)


def check_convergence(campaign: Campaign) -> Iterator[Problem]:
    """The limits are not below what the studies ask for to begin with."""
    limits = campaign.convergence
    if limits is None:
        return
    runs = [study for study in campaign.studies if not isinstance(study, Rerun)]
    most = max(runs, key=lambda study: len(study.seeds), default=None)
    if most is not None and len(most.seeds) > limits.max_seeds:
        allowed = f"{len(most.seeds)} or more, the seeds of study {most.name}"
        yield Problem("convergence.max_seeds", f"found {limits.max_seeds}", allowed)
    longest = max(runs, key=lambda study: study.sample.time, default=None)
    if longest is None or limits.max_time is None or longest.sample.time <= limits.max_time:
        return
    allowed = f"{longest.sample.time:g} or more, the sampling time of study {longest.name}"
    yield Problem("convergence.max_time", f"found {limits.max_time:g}", allowed)
