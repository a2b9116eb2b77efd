"""How many atoms there are, and the data files that LAMMPS starts from."""

import re
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write
from small_campaigns import CU2SE, LJ, Folder, changed

from ensemble.campaign import CampaignError
from ensemble.plan.crystals import build_structure
from ensemble.plan.plan import Plan
from ensemble.prototypes import PROTOTYPES

FROM_FILE = LJ.replace('prototype = "fcc"', 'structure = "cell.xyz"').replace(
    "lattice = 1.882", "vacancies = { species = 'Ar', fraction = 0.1 }"
)


def with_cells(*cells: str) -> str:
    return CU2SE.replace("[[2, 2, 2], [3, 3, 3]]", f"[{', '.join(cells)}]")


def atoms_in(data: str) -> int:
    return int(re.findall(r"^(\d+) atoms$", data, re.MULTILINE)[0])


def build(plan: Plan, structure: Path | None = None) -> dict[str, int]:
    """Atoms of the files of all supercells; those that were planned are the same."""
    built = {}
    for (material, cells), planned in plan.atoms.items():
        (recipe, *_) = [r for r in plan.recipes.values() if r.material_name == material]
        data = build_structure(recipe, cells, structure)
        assert atoms_in(data) == planned
        assert len(re.findall(r"^\d+ \d+ \S+ \S+ \S+$", data, re.MULTILINE)) == planned
        built["x".join(map(str, cells))] = planned
    return built


def test_cu195se(folder: Folder) -> None:
    """Twelve atoms a cell; a fortieth of the eight Cu sites is empty."""
    built = build(folder.plan(with_cells("[3, 3, 3]", "[5, 5, 5]", "[3, 2, 4]")))
    # 324 − 5.4, 1500 − 25, 288 − 4.8, and in the direct study 576 − 9.6
    assert built == {"3x3x3": 319, "5x5x5": 1475, "3x2x4": 283, "2x2x12": 566}


def test_large_cells_are_counted_and_not_built(folder: Folder) -> None:
    plan = folder.plan(with_cells("[1000, 1000, 1000]"))
    assert plan.atoms["beta", (1000, 1000, 1000)] == 11_800_000_000


@pytest.mark.parametrize("prototype", sorted(PROTOTYPES))
def test_every_prototype(folder: Folder, prototype: str) -> None:
    kind = PROTOTYPES[prototype]
    species = ["Ar", "Kr", "Xe"][: kind.species_count]
    lattice = "[2, 3.2]" if 2 in kind.constants else "2"
    text = changed(LJ, prototype=f'"{prototype}"', species=str(species), lattice=lattice)
    plan = folder.plan(text.replace("[[10, 10, 10]]", "[[3, 2, 4]]"))
    assert build(plan) == {"3x2x4": 24 * sum(kind.site_counts)}


def test_masses(folder: Folder) -> None:
    """Under lj a mass is 1 unless given; in the other unit styles it is the element's."""
    data = build_structure(folder.plan(LJ).recipes["gk"], (2, 2, 2))
    assert "\n1 1.0 # Ar\n" in data
    text = LJ.replace("lattice = 1.882", "lattice = 1.882\nmasses = { Ar = 2.5 }")
    data = build_structure(folder.plan(text).recipes["gk"], (2, 2, 2))
    assert "\n1 2.5 # Ar\n" in data
    text = CU2SE.replace("lattice = 5.85", "lattice = 5.85\nmasses = { Se = 80 }")
    data = build_structure(folder.plan(text).recipes["gk"], (2, 2, 2))
    assert "\n1 63.546 # Cu\n2 80.0 # Se\n" in data


def test_the_same_bytes_each_time(folder: Folder) -> None:
    recipe = folder.plan().recipes["gk"]
    first, second = (build_structure(recipe, (3, 3, 3)) for _ in range(2))
    assert first == second
    other = folder.plan(CU2SE.replace("fraction = 0.025", "fraction = 0.025, seed = 2"))
    assert build_structure(other.recipes["gk"], (3, 3, 3)) != first


def test_structure_file(folder: Folder) -> None:
    file = folder.path / "cell.xyz"
    write(file, bulk("Ar", "fcc", a=2, cubic=True))
    plan = folder.plan(FROM_FILE.replace("[[10, 10, 10]]", "[[2, 2, 2], [3, 3, 5]]"))
    # 32 − 3.2 and 180 − 18
    assert build(plan, file) == {"2x2x2": 29, "3x3x5": 162}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nothing", r"material.fluid.structure: found .*cell.xyz: ASE cannot read it"),
        (
            '2\nLattice="2 0 0 0 2 0 0 0 2"\nAr 0 0 0\nKr 1 1 1\n',
            r'material.fluid.species: found \["Ar"\], and .*cell.xyz has Kr as well',
        ),
        (
            '1\nLattice="2 0 0 0 2 0 0 0 2"\nAr 0 0 0\n',
            r"study.gk.supercells: found \[2, 2, 1\] with 4 Ar sites, 0 of them empty; "
            "allowed: room for one vacancy",
        ),
    ],
)
def test_structure_files_that_will_not_do(folder: Folder, content: str, message: str) -> None:
    (folder.path / "cell.xyz").write_text(content)
    with pytest.raises(CampaignError, match=message):
        folder.plan(FROM_FILE.replace("[[10, 10, 10]]", "[[2, 2, 1]]"))
