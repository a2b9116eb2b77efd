"""What is read from potentials, and what LAMMPS is told of them."""

import re
from dataclasses import replace

import pytest
from lmp import lammps
from small_campaigns import CU2SE, LJ, ROOT, Folder, changed

from ensemble.campaign import CampaignError
from ensemble.mtp.graph import untrained_potential
from ensemble.mtp.potential import read_potential, write_potential
from ensemble.plan.crystals import build_structure
from ensemble.plan.models import mtp_seconds_per_atom_step
from ensemble.plan.plan import Plan


def pair_coeff(plan: Plan, model: str = "level10") -> str:
    found = plan.recipes["gk"].models[model]
    assert found.commands[0] == "pair_style mtp"
    assert found.needs_plugin
    assert found.files == (f"{model}.mtp",)
    return found.commands[1]


def name_species(folder: Folder, names: str, model: str = "level10") -> None:
    """Write the species' names into a potential."""
    path = folder.path / f"{model}.mtp"
    write_potential(path, replace(read_potential(path), tag=f"species = {names}"))


def refusal(folder: Folder, text: str) -> str:
    with pytest.raises(CampaignError) as caught:
        folder.plan(text)
    return str(caught.value)


def test_nameless_species_are_those_of_the_material(folder: Folder) -> None:
    assert pair_coeff(folder.plan()) == "pair_coeff * * level10.mtp"


def test_species_that_the_file_names(folder: Folder) -> None:
    name_species(folder, "Se Cu")
    assert pair_coeff(folder.plan()) == "pair_coeff * * level10.mtp Cu Se"
    assert pair_coeff(folder.plan(), "level12") == "pair_coeff * * level12.mtp"


def test_species_that_the_campaign_names(folder: Folder) -> None:
    name_species(folder, "Cu Se")
    text = changed(CU2SE, files='"level*.mtp"\nspecies = ["Se", "Cu"]')
    assert pair_coeff(folder.plan(text)) == "pair_coeff * * level10.mtp 1 0"


def test_material_with_some_of_the_species(folder: Folder) -> None:
    name_species(folder, "Cu Se")
    text = changed(CU2SE, prototype='"fcc"', species='["Se"]', lattice="4")
    text = re.sub("vacancies.*\n", "", text).replace('"level*.mtp"', '"level10.mtp"')
    text = text[: text.index('[[study]]\nname = "direct"')]
    assert pair_coeff(folder.plan(text)) == "pair_coeff * * level10.mtp Se"


@pytest.mark.parametrize(
    ("permuted", "tag", "species"),
    [
        (False, "", ""),
        (False, "species = Cu Se", ""),
        (True, "species = Se Cu", ""),
        (True, "", '["Se", "Cu"]'),
        (True, "species = Cu Se", '["Se", "Cu"]'),
    ],
)
def test_lammps_takes_what_it_is_told(
    folder: Folder, permuted: bool, tag: str, species: str
) -> None:
    """A potential with its species in the other order is the same one, if LAMMPS is told so."""
    path = folder.path / "level10.mtp"
    atoms = "start.data"

    def energy(text: str) -> float:
        recipe = folder.plan(text).recipes["gk"]
        (folder.path / atoms).write_text(build_structure(recipe, (2, 2, 2)))
        commands = "\n".join(recipe.models["level10"].commands)
        script = f"units metal\nread_data {atoms}\n{commands}\nthermo_style custom pe\nrun 0\n"
        return float(re.findall(r"PotEng\s+(-?\d+\.\d+)", lammps(folder.path, script))[0])

    expected = energy(CU2SE)
    potential = replace(read_potential(path), tag=tag)
    if permuted:
        potential = replace(
            potential,
            radial_coeffs=potential.radial_coeffs[::-1, ::-1],
            species_coeffs=potential.species_coeffs[::-1],
        )
    write_potential(path, potential)
    text = changed(CU2SE, files=f'"level*.mtp"\nspecies = {species}') if species else CU2SE
    assert energy(text) == pytest.approx(expected, abs=1e-7)


def test_species_that_the_file_has_not(folder: Folder) -> None:
    name_species(folder, "Ag Se")
    message = refusal(folder, CU2SE)
    assert (
        'material.beta.species #1: found "Cu"; allowed: "Ag" or "Se", the species of level10.mtp'
        in message
    )
    assert "errors" not in message  # two studies of the material, one complaint
    text = changed(CU2SE, files='"level*.mtp"\nspecies = ["Cu", "S"]')
    assert "material.beta.species #2" in refusal(folder, text)


def test_as_many_species_as_the_file_has(folder: Folder) -> None:
    three = untrained_potential(6, 3, cutoff=5.0, min_dist=1.9, seed=1)
    write_potential(folder.path / "level10.mtp", three)
    assert (
        "material.beta.species: found 2 species; allowed: 3, as level10.mtp has, or the names of "
        "these by models.species" in refusal(folder, CU2SE)
    )
    text = changed(CU2SE, files='"level*.mtp"\nspecies = ["Cu", "Se"]')
    assert "models.species: found 2; allowed: 3, as level10.mtp has" in refusal(folder, text)
    text = changed(CU2SE, files='"level10.mtp"\nspecies = ["Se", "Ag", "Cu"]', models='["level10"]')
    text = text.replace('"level12"', '"level10"')
    assert pair_coeff(folder.plan(text)) == "pair_coeff * * level10.mtp 2 0"


def test_files_that_are_no_potentials(folder: Folder) -> None:
    for model in ("level10", "level14"):
        (folder.path / f"{model}.mtp").write_text("MTP\nversion = 1.1.0\nscaling = x\n")
    message = refusal(folder, CU2SE)
    assert "2 errors" in message
    for model in ("level10", "level14"):
        assert f"models.files: found {folder.path / model}.mtp:3: " in message


def test_potentials_in_the_words_of_lammps(folder: Folder) -> None:
    model = folder.plan(LJ).recipes["gk"].models["table"]
    assert model.commands == ("pair_style table linear 1000", "pair_coeff 1 1 lj.table ENTRY")
    assert model.files == ("lj.table",)
    assert not model.needs_plugin


def test_cost_of_a_step_is_about_that_of_the_benchmarks() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    table = page[page.index("## Levels") : page.index("## Instruction sets")]
    rows = re.findall(r"^\| (\d) \| \d+ \| (\d+) \| ([\d.]+) \|", table, re.MULTILINE)
    assert len(rows) == 13
    for cutoff, level, microseconds in rows:
        potential = untrained_potential(int(level), 2, cutoff=float(cutoff), min_dist=1.9, seed=1)
        expected = pytest.approx(float(microseconds), rel=0.25)
        assert 1e6 * mtp_seconds_per_atom_step(potential) == expected
