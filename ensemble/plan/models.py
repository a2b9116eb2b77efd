"""The models of a campaign, looked into: what they are, what LAMMPS is told of them, their cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path

from ensemble.campaign import Campaign, CampaignError, CampaignFiles, Problem
from ensemble.campaign.errors import one_of, show
from ensemble.campaign.schema import LammpsModels, Material, MtpModels
from ensemble.mtp.potential import FormatError, Potential, read_potential
from ensemble.plan.fingerprint import hash_of_files, hash_of_potential
from ensemble.plan.recipe import Model

__all__ = ["Examined", "examine_models", "model_for", "mtp_seconds_per_atom_step"]

LAMMPS_SECONDS_PER_ATOM_STEP = 2e-6
"""Of a pair style that nothing is known about: between Lennard-Jones and the slow ones."""

NEIGHBOURS_PER_VOLUME = 0.06
"""In 1/Å³; Cu2Se, and solids within a factor of two."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What the files of a model say of it."""

    name: str
    files: tuple[str, ...]
    """Bare names."""
    fingerprint: str
    """What decides its numbers, in short; see `ensemble.plan.fingerprint`."""
    seconds_per_atom_step: float
    """On one core, by its size alone: nothing is measured."""
    species_count: int = 0
    """Of style ``mtp`` only."""
    species_names: tuple[str, ...] = ()
    """Species of the file in their order where it names them."""


def examine_models(campaign: Campaign, files: CampaignFiles) -> dict[str, Examined]:
    """Read every file of every model.

    Raises
    ------
    CampaignError
        With all the potentials that are none.
    OSError
        A file cannot be read.
    """
    if isinstance(campaign.models, LammpsModels):
        return {name: _examine_listed(name, paths) for name, paths in files.models.items()}
    found, problems = {}, []
    for name, paths in files.models.items():
        try:
            found[name] = _examine_potential(name, paths[0])
        except FormatError as error:
            allowed = "trained potentials as MLIP-2 or MLIP-3 writes them"
            problems.append(Problem("models.files", f"found {error}", allowed))
    if problems:
        raise CampaignError(campaign.path, problems)
    return found


def _examine_listed(name: str, paths: Sequence[Path]) -> Examined:
    return Examined(
        name=name,
        files=tuple(path.name for path in paths),
        fingerprint=hash_of_files(paths),
        seconds_per_atom_step=LAMMPS_SECONDS_PER_ATOM_STEP,
    )


def _examine_potential(name: str, path: Path) -> Examined:
    potential = read_potential(path)
    return Examined(
        name=name,
        files=(path.name,),
        fingerprint=hash_of_potential(potential),
        seconds_per_atom_step=mtp_seconds_per_atom_step(potential),
        species_count=potential.species_count,
        species_names=potential.species_names,
    )


def mtp_seconds_per_atom_step(potential: Potential) -> float:
    """Seconds of one core for one atom and one time step, within a quarter of docs/benchmarks.md.

    Every neighbour costs a little by itself and for each basic moment, every product something
    more. The neighbours are those in a solid of usual density.
    """
    neighbours = NEIGHBOURS_PER_VOLUME * 4 / 3 * pi * potential.max_dist**3
    by_neighbour = 8e-9 + 2e-10 * len(potential.basic)
    return neighbours * by_neighbour + 4.1e-10 * len(potential.products)


def model_for(
    campaign: Campaign, model: Examined, material_name: str, problems: list[Problem]
) -> Model:
    """What LAMMPS is told of a model for a material; what does not fit joins the `problems`."""
    models, material = campaign.models, campaign.materials[material_name]
    if isinstance(models, LammpsModels):
        (own,) = (listed for listed in models.model if listed.name == model.name)
        return Model(name=model.name, commands=own.commands, files=model.files, needs_plugin=False)
    found = list(_species_problems(models, model, material_name, material))
    problems += [problem for problem in found if problem not in problems]
    types = () if found else _species_of_types(models, model, material)
    line = " ".join(["pair_coeff * *", model.files[0], *types])
    return Model(
        name=model.name,
        commands=("pair_style mtp", line),
        files=model.files,
        needs_plugin=True,
    )


def _species_problems(
    models: MtpModels, model: Examined, material_name: str, material: Material
) -> Iterator[Problem]:
    file, count, key = model.files[0], model.species_count, f"material.{material_name}.species"
    if models.species is not None and len(models.species) != count:
        yield Problem("models.species", f"found {len(models.species)}", f"{count}, as {file} has")
        return
    names = models.species or model.species_names
    if not names and len(material.species) != count:
        allowed = f"{count}, as {file} has, or the names of these by models.species"
        yield Problem(key, f"found {len(material.species)} species", allowed)
    for number, symbol in enumerate(material.species if names else (), 1):
        if symbol not in names:
            allowed = f"{one_of(names)}, the species of {file}"
            yield Problem(f"{key} #{number}", f"found {show(symbol)}", allowed)


def _species_of_types(models: MtpModels, model: Examined, material: Material) -> tuple[str, ...]:
    """What stands behind the file in ``pair_coeff`` (docs/mtp.md): for each atom type the number of
    the species in the file, or its symbol where the file itself knows it; nothing if they are the
    same in the same order.
    """
    if models.species is not None:
        return tuple(str(models.species.index(symbol)) for symbol in material.species)
    return material.species if model.species_names else ()
