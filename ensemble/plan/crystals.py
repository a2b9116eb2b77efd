"""The crystals of a campaign: how many atoms they have, and the files that LAMMPS starts from.

Atoms are counted without building anything; only structure files have to be read for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

from ensemble.campaign import Campaign, CampaignFiles, Problem
from ensemble.campaign.errors import show
from ensemble.campaign.schema import Material
from ensemble.campaign.studies import Rerun
from ensemble.plan.recipe import Cells, Recipe
from ensemble.prototypes import PROTOTYPES

__all__ = ["build_structure", "composition", "count_atoms"]

Sites = Mapping[str, int]
"""Atoms of each species in the unit cell."""


def count_atoms(
    campaign: Campaign, files: CampaignFiles, problems: list[Problem]
) -> dict[tuple[str, Cells], int]:
    """Atoms of every supercell of every study, by material and cells.

    What is wrong with a structure file joins the `problems`; its cells have no atoms then.
    """
    counts: dict[tuple[str, Cells], int] = {}
    sites: dict[str, Sites] = {}
    for study in campaign.studies:
        if isinstance(study, Rerun):
            continue
        name, material = study.material, campaign.materials[study.material]
        if name not in sites:
            sites[name] = _sites(name, material, files, problems)
        for cells in study.supercells:
            if (name, cells) not in counts and sites[name]:
                problems += _vacancy_problems(study.name, material, sites[name], cells)
                counts[name, cells] = _atom_count(material, sites[name], cells)
    return counts


def _sites(name: str, material: Material, files: CampaignFiles, problems: list[Problem]) -> Sites:
    if material.prototype is not None:
        counts = PROTOTYPES[material.prototype].site_counts
        return dict(zip(material.species, counts, strict=True))
    found, path = _sites_in_file(files.structures[name]), files.structures[name]
    if isinstance(found, str):
        key = f"material.{name}.structure"
        problems.append(Problem(key, f"found {found}", "a file that ASE reads, in Å"))
        return {}
    missing = [symbol for symbol in found if symbol not in material.species]
    if missing:
        finding = f"found {show(material.species)}, and {path} has {', '.join(missing)} as well"
        problems.append(Problem(f"material.{name}.species", finding, "every species of the file"))
    return found


def _sites_in_file(path: Path) -> Sites | str:
    """The atoms in a structure file, or what is wrong with it."""
    from ensemble.structures import read_structure

    try:
        return Counter(read_structure(path).symbols)
    except ValueError as error:
        return str(error)


def composition(material: Material, cells: Cells) -> dict[str, int]:
    """Atoms of each species in a supercell of a material that has a prototype.

    Raises
    ------
    ValueError
        It has a structure file instead.
    """
    if material.prototype is None:
        raise ValueError("composition of a material with a structure file: must have a prototype")
    counts = PROTOTYPES[material.prototype].site_counts
    sites = dict(zip(material.species, counts, strict=True))
    found = {symbol: prod(cells) * number for symbol, number in sites.items()}
    if material.vacancies is not None:
        found[material.vacancies.species] -= _vacancy_count(material, sites, cells)
    return found


def _atom_count(material: Material, sites: Sites, cells: Cells) -> int:
    return prod(cells) * sum(sites.values()) - _vacancy_count(material, sites, cells)


def _vacancy_count(material: Material, sites: Sites, cells: Cells) -> int:
    """Rounded as in `ensemble.vacancies.with_vacancies`."""
    if material.vacancies is None:
        return 0
    count = prod(cells) * sites.get(material.vacancies.species, 0)
    return round(material.vacancies.fraction * count)


def _vacancy_problems(
    study: str, material: Material, sites: Sites, cells: Cells
) -> Iterator[Problem]:
    """A cell without room for one vacancy, or for one atom; `check` knows only the prototypes'."""
    if material.vacancies is None:
        return
    species = material.vacancies.species
    count, empty = prod(cells) * sites.get(species, 0), _vacancy_count(material, sites, cells)
    if not 0 < empty < count:
        finding = f"found {show(cells)} with {count} {species} sites, {empty} of them empty"
        allowed = "room for one vacancy and one atom"
        yield Problem(f"study.{study}.supercells", finding, allowed)


def build_structure(recipe: Recipe, cells: Cells, structure: Path | None = None) -> str:
    """The LAMMPS data file of a supercell, with its vacancies.

    Parameters
    ----------
    recipe
        Of a study of the material.
    cells
        Conventional cells, or cells of the structure file, along each axis.
    structure
        The material's structure file, where it has one.

    Raises
    ------
    ValueError
        The structure file is no crystal of the material.
    OSError
        It cannot be read.
    """
    from ensemble.structures import crystal, lammps_data, read_structure, supercell, with_vacancies

    material = recipe.material
    if structure is not None:
        unit = read_structure(structure)
    else:
        assert material.prototype is not None
        assert material.lattice is not None
        unit = crystal(material.prototype, material.species, material.lattice)
    atoms = supercell(unit, cells)
    if material.vacancies is not None:
        empty = material.vacancies
        atoms = with_vacancies(atoms, empty.species, fraction=empty.fraction, seed=empty.seed)
    masses = dict.fromkeys(material.species, 1.0) if recipe.units == "lj" else {}
    return lammps_data(atoms, material.species, masses=masses | material.masses)
