"""Crystals have the neighbours they should, and LAMMPS reads from their files what was meant."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from numpy.typing import NDArray

from ensemble.structures import PROTOTYPES, crystal, lammps_data, read_structure, supercell
from ensemble.vacancies import PeriodicMetric, with_vacancies

Floats = NDArray[np.float64]

IDEAL = (8 / 3) ** 0.5

# By prototype: species, lattice, atoms in the cell, and for each pair of species the nearest
# distance in units of a with how many neighbours are there.
NEIGHBOURS = {
    "antifluorite": (["Cu", "Se"], 5.85, 12, {"CuSe": (0.75**0.5 / 2, 4),
                     "SeCu": (0.75**0.5 / 2, 8), "CuCu": (0.5, 6), "SeSe": (0.5**0.5, 12)}),
    "bcc": (["W"], 3.16, 2, {"WW": (0.75**0.5, 8)}),
    "cesium-chloride": (["Cs", "Cl"], 4.12, 2, {"CsCl": (0.75**0.5, 8), "ClCs": (0.75**0.5, 8),
                        "CsCs": (1.0, 6)}),
    "diamond": (["Si"], 5.43, 8, {"SiSi": (0.75**0.5 / 2, 4)}),
    "fcc": (["Ar"], 5.3, 4, {"ArAr": (0.5**0.5, 12)}),
    "fluorite": (["Ca", "F"], 5.46, 12, {"CaF": (0.75**0.5 / 2, 8), "FCa": (0.75**0.5 / 2, 4),
                 "FF": (0.5, 6)}),
    "half-heusler": (["Zr", "Ni", "Sn"], 6.11, 12, {"NiZr": (0.75**0.5 / 2, 4),
                     "NiSn": (0.75**0.5 / 2, 4), "ZrSn": (0.5, 6), "ZrZr": (0.5**0.5, 12)}),
    "hcp": (["Mg"], 3.2, 2, {"MgMg": (1.0, 12)}),
    "perovskite": (["Ca", "Ti", "O"], 3.85, 5, {"TiO": (0.5, 6), "CaO": (0.5**0.5, 12),
                   "OTi": (0.5, 2), "CaTi": (0.75**0.5, 8)}),
    "rocksalt": (["Na", "Cl"], 5.64, 8, {"NaCl": (0.5, 6), "ClNa": (0.5, 6),
                 "NaNa": (0.5**0.5, 12)}),
    "wurtzite": (["Zn", "S"], 3.81, 4, {"ZnS": (0.375 * IDEAL, 4), "SZn": (0.375 * IDEAL, 4),
                 "ZnZn": (1.0, 12)}),
    "zincblende": (["Zn", "S"], 5.41, 8, {"ZnS": (0.75**0.5 / 2, 4), "SZn": (0.75**0.5 / 2, 4),
                   "ZnZn": (0.5**0.5, 12)}),
}  # fmt: skip


def distances(atoms: Atoms, centre: int, species: str) -> Floats:
    """From one atom to all of a species within two cells around, in rising order."""
    shifts = np.array(list(product(range(-2, 3), repeat=3))) @ atoms.cell.array
    others = atoms.positions[atoms.symbols == species] - atoms.positions[centre]
    found = np.linalg.norm(others[:, None] + shifts, axis=2).ravel()
    return np.sort(found[found > 1e-9])


def split(pair: str) -> tuple[str, str]:
    """Two chemical symbols written together."""
    second = max(k for k, letter in enumerate(pair) if letter.isupper())
    return pair[:second], pair[second:]


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_neighbours_in_every_prototype(name: str) -> None:
    species, lattice, natoms, pairs = NEIGHBOURS[name]
    atoms = crystal(name, species, lattice)
    assert len(atoms) == natoms
    assert atoms.pbc.all()
    for pair, (distance, coordination) in pairs.items():
        first, second = split(pair)
        for centre in np.flatnonzero(atoms.symbols == first):
            found = distances(atoms, int(centre), second)
            assert found[:coordination] == pytest.approx(distance * lattice, rel=1e-12)
            assert found[coordination] > found[0] * 1.05


def test_mg3sb2() -> None:
    """Bond lengths of Mg3Sb2: four in the tetrahedron, 2.82 (3) and 2.93 Å, six of 3.11 Å."""
    atoms = crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229])
    assert atoms.symbols.formula.count() == {"Mg": 3, "Sb": 2}
    octahedral, *tetrahedral = (distances(atoms, k, "Sb") for k in range(3))
    assert octahedral[:6] == pytest.approx(3.11, abs=0.01)
    assert octahedral[6] > 4
    for found in tetrahedral:
        assert found[:4] == pytest.approx([2.82, 2.82, 2.82, 2.93], abs=0.01)
        assert found[4] > 3.5
    assert len(supercell(atoms, [8, 8, 8])) == 2560


def test_all_prototypes_are_tested() -> None:
    assert {*NEIGHBOURS, "mg3sb2"} == set(PROTOTYPES)


def test_no_atom_outside_the_cell() -> None:
    for name, prototype in PROTOTYPES.items():
        lattice: float | list[float] = [4.0, 7.0] if prototype.hexagonal else 4.0
        atoms = crystal(name, ["Cu", "Se", "O"][: prototype.species_count], lattice)
        scaled = atoms.get_scaled_positions(wrap=False)
        assert scaled.min() >= -1e-12
        assert scaled.max() < 1 - 1e-12


def test_hexagonal_constants() -> None:
    given = crystal("hcp", ["Mg"], [3.2, 5.2])
    assert given.cell.lengths() == pytest.approx([3.2, 3.2, 5.2])
    assert given.cell.angles() == pytest.approx([90, 90, 120])
    ideal = crystal("hcp", ["Mg"], 3.2)
    assert ideal.cell.lengths() == pytest.approx([3.2, 3.2, 3.2 * IDEAL])


def test_sizes_of_the_published_campaigns() -> None:
    tin = supercell(crystal("antifluorite", ["Mg", "Sn"], 6.76), [5, 5, 5])
    assert len(tin) == 1500
    assert tin.symbols.formula.count() == {"Mg": 1000, "Sn": 500}
    assert tin.cell.lengths() == pytest.approx([33.8] * 3)
    assert len(supercell(crystal("antifluorite", ["Cu", "Se"], 5.85), [3, 60, 3])) == 6480


def test_a_supercell_is_the_same_crystal() -> None:
    unit = crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229])
    large = supercell(unit, [2, 3, 1])
    assert len(large) == 30
    assert np.allclose(large.cell.array, unit.cell.array * np.array([[2], [3], [1]]))
    for centre in range(len(large)):
        for species in ("Mg", "Sb"):
            assert distances(large, centre, species)[:8] == pytest.approx(
                distances(unit, centre % 5, species)[:8]
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("antiflorite", ["Cu", "Se"], 5.85), "did you mean 'antifluorite'"),
        (("spinel", ["Cu"], 5.85), "must be one of antifluorite, bcc, cesium-chloride, diamond"),
        (("antifluorite", ["Cu"], 5.85), "has 2, in the order of Cu2Se"),
        (("fcc", ["Cux"], 3.6), "must be the symbol of a chemical element; did you mean 'Cu'"),
        (("fcc", ["cu"], 3.6), "did you mean 'Cu'"),
        (("fcc", ["Cu"], [3.6, 4.0]), "'fcc' takes one number, a"),
        (("mg3sb2", ["Mg", "Sb"], 4.57), r"'mg3sb2' takes \[a, c\]"),
        (("fcc", ["Cu"], -3.6), "lattice -3.6: must be positive lengths"),
        (("fcc", ["Cu"], float("nan")), "lattice nan: must be positive lengths"),
        (("hcp", ["Mg"], []), r"lattice \[\]: "),
    ],
)
def test_crystals_that_make_no_sense(
    arguments: tuple[str, Sequence[str], float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        crystal(*arguments)


@pytest.mark.parametrize("repeats", [[5, 5], [0, 1, 1], [2.5, 1, 1], [1, 1, -1]])
def test_supercells_that_make_no_sense(repeats: list[int]) -> None:
    with pytest.raises(ValueError, match="must be three positive integers"):
        supercell(crystal("fcc", ["Cu"], 3.6), repeats)


@pytest.mark.parametrize("name", ["mg3sb2.cif", "POSCAR", "mg3sb2.extxyz", "mg3sb2.json"])
def test_files_that_ase_reads(name: str, tmp_path: Path) -> None:
    meant = crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229])
    write(tmp_path / name, meant)
    found = read_structure(tmp_path / name)
    assert np.array_equal(found.numbers, meant.numbers)
    assert found.cell.cellpar() == pytest.approx(meant.cell.cellpar(), rel=1e-6)
    assert found.pbc.all()
    metric = PeriodicMetric(meant.cell.array)
    apart = (found.get_scaled_positions() - meant.get_scaled_positions()) @ meant.cell.array
    assert metric.squared(apart).max() < 1e-8


def cif(*sites: str) -> str:
    """A cubic cell with the given sites: label, element, three coordinates, occupancy."""
    keys = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
    head = [f"_cell_length_{x} 5.85" for x in "abc"]
    head += [f"_cell_angle_{x} 90" for x in ("alpha", "beta", "gamma")]
    head += ["_space_group_name_H-M_alt 'P 1'", "_space_group_IT_number 1", "loop_"]
    return "\n".join(["data_x", *head, *(f"_atom_site_{key}" for key in keys), *sites, ""])


def test_files_that_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "beta.cif"
    file.write_text(cif("Cu1 Cu 0.25 0.25 0.25 0.9", "Se1 Se 0 0 0 1"))
    with pytest.raises(ValueError, match=r"beta\.cif: a site is only partly occupied \(Cu 0.9\)"):
        read_structure(file)
    file.write_text(cif("Cu1 Cu 0.25 0.25 0.25 1", "Cu2 Cu 0.30 0.25 0.25 1", "Se1 Se 0 0 0 1"))
    with pytest.raises(ValueError, match=r"atoms 1 \(Cu\) and 2 \(Cu\) are 0.292 Å apart"):
        read_structure(file)
    file.write_text("data_x\nnothing\n")
    with pytest.raises(ValueError, match=r"beta\.cif: "):
        read_structure(file)
    (tmp_path / "free.xyz").write_text("1\n\nCu 0 0 0\n")
    with pytest.raises(ValueError, match=r"free\.xyz: 1 atoms and no three-dimensional cell"):
        read_structure(tmp_path / "free.xyz")
    (tmp_path / "beta.unknown").write_text("hello\n")
    with pytest.raises(ValueError, match=r"beta\.unknown: ASE cannot read it"):
        read_structure(tmp_path / "beta.unknown")
    with pytest.raises(FileNotFoundError):
        read_structure(tmp_path / "missing.cif")


EXPECTED = """\
LAMMPS data file: Cs2Cl2

4 atoms
3 atom types

0.0 8.0000000000 xlo xhi
0.0 4.0000000000 ylo yhi
0.0 4.0000000000 zlo zhi

Masses

1 35.45 # Cl
2 1.5 # Cs
3 78.971 # Se

Atoms # atomic

1 2 0.0000000000 0.0000000000 0.0000000000
2 1 2.0000000000 2.0000000000 2.0000000000
3 2 4.0000000000 0.0000000000 0.0000000000
4 1 6.0000000000 2.0000000000 2.0000000000
"""


def test_a_data_file_byte_by_byte() -> None:
    """Types follow the species' order, also of those that are not there."""
    atoms = supercell(crystal("cesium-chloride", ["Cs", "Cl"], 4.0), [2, 1, 1])
    text = lammps_data(atoms, ["Cl", "Cs", "Se"], masses={"Cs": 1.5})
    assert text.splitlines()[1:] == EXPECTED.splitlines()[1:]
    assert text.startswith("LAMMPS data file: ")
    assert text.endswith("\n")


def test_a_data_file_of_a_hexagonal_crystal() -> None:
    atoms = supercell(crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229]), [8, 8, 8])
    text = lammps_data(atoms, ["Mg", "Sb"])
    assert "2560 atoms\n2 atom types\n" in text
    assert "-18.2720000000 0.0000000000 0.0000000000 xy xz yz\n" in text
    assert "1 24.305 # Mg\n2 121.76 # Sb\n" in text


def test_last_bits_do_not_reach_the_file() -> None:
    atoms = supercell(crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229]), [3, 3, 3])
    noisy = atoms.copy()
    noisy.positions += np.random.default_rng(1).normal(scale=1e-14, size=noisy.positions.shape)
    assert lammps_data(atoms, ["Mg", "Sb"]) == lammps_data(noisy, ["Mg", "Sb"])


ENERGY = """\
units metal
read_data start.data
pair_style morse 6.0
pair_coeff * * 0.5 1.3 2.9
pair_coeff 1 2 0.8 1.1 2.7
thermo_style custom step pe press temp
run 0
print "$(pe:%.16g) $(press:%.16g) $(ke:%.16g)" file found.txt
"""


def in_lammps(directory: Path, text: str) -> tuple[list[float], str]:
    """Potential energy, pressure and kinetic energy of a data file, and LAMMPS' output."""
    (directory / "start.data").write_text(text)
    (directory / "in.lammps").write_text(ENERGY)
    result = subprocess.run(
        [Path(sys.prefix) / "bin" / "lmp", "-in", "in.lammps", "-log", "none"],
        cwd=directory,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [float(x) for x in (directory / "found.txt").read_text().split()], result.stdout


def morse(atoms: Atoms) -> float:
    """The energy of `ENERGY`'s potential, by summing over all images within the cutoff."""
    energy = 0.0
    shifts = np.array(list(product(range(-3, 4), repeat=3))) @ atoms.cell.array
    for k, position in enumerate(atoms.positions):
        apart = np.linalg.norm(atoms.positions[:, None] - position + shifts, axis=2)
        like = (atoms.numbers == atoms.numbers[k])[:, None]
        depth, width, r0 = (np.where(like, *x) for x in ((0.5, 0.8), (1.3, 1.1), (2.9, 2.7)))
        decay = np.exp(-width * (apart - r0))
        inside = (apart < 6.0) & (apart > 1e-9)
        energy += 0.5 * float((depth * (decay**2 - 2 * decay))[inside].sum())
    return energy


def turned(atoms: Atoms, kind: str) -> Atoms:
    """The same crystal, described in another way."""
    atoms = atoms.copy()
    rng = np.random.default_rng(7)
    if kind == "rotated":
        q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        q *= np.sign(np.linalg.det(q))
        atoms.set_cell(atoms.cell.array @ q, scale_atoms=False)
        atoms.positions = atoms.positions @ q
    elif kind == "left-handed":
        atoms.set_cell(atoms.cell.array[[1, 0, 2]], scale_atoms=False)
    elif kind == "skewed":
        change = np.array([[1, 0, 0], [2, 1, 0], [-1, 3, 1]])
        atoms.set_cell(change @ atoms.cell.array, scale_atoms=False)
    elif kind == "outside":
        atoms.positions += rng.integers(-3, 4, size=(len(atoms), 3)) @ atoms.cell.array
    return atoms


@pytest.mark.parametrize("kind", ["as it is", "rotated", "left-handed", "skewed", "outside"])
def test_lammps_has_the_same_crystal(kind: str, tmp_path: Path) -> None:
    """The energy is that of a sum over all pairs: so are the distances. Tilts are small."""
    atoms = supercell(crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229]), [3, 3, 2])
    rng = np.random.default_rng(3)
    atoms.positions += rng.normal(scale=0.1, size=atoms.positions.shape)
    text = lammps_data(turned(atoms, kind), ["Mg", "Sb"])
    found, _ = in_lammps(tmp_path, text)
    assert found[0] == pytest.approx(morse(atoms), rel=1e-9)
    lx, ly, _ = (float(line.split()[1]) for line in text.splitlines() if line.endswith("hi"))
    (tilts,) = (line.split()[:3] for line in text.splitlines() if line.endswith("xy xz yz"))
    xy, xz, yz = map(float, tilts)
    assert max(abs(xy / lx), abs(xz / lx), abs(yz / ly)) <= 0.5 + 1e-9


@pytest.mark.parametrize("kind", ["rotated", "left-handed", "skewed"])
def test_positions_and_velocities_turn_together(kind: str) -> None:
    """One proper rotation takes all velocities and, up to lattice vectors, all positions."""
    atoms = supercell(crystal("mg3sb2", ["Mg", "Sb"], [4.568, 7.229]), [3, 3, 2])
    atoms = turned(atoms, kind)
    atoms.positions += np.random.default_rng(3).normal(scale=0.1, size=atoms.positions.shape)
    velocities = np.random.default_rng(4).normal(size=atoms.positions.shape)
    head, rows = lammps_data(atoms, ["Mg", "Sb"], velocities=velocities).split("Velocities\n\n")
    found = np.array([row.split()[1:] for row in rows.splitlines()], dtype=float)
    rotation, *_ = np.linalg.lstsq(velocities, found)
    assert np.abs(velocities @ rotation - found).max() < 1e-10
    assert np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-10
    assert np.linalg.det(rotation) == pytest.approx(1.0)

    rows = head.split("Atoms # atomic\n\n")[1]
    placed = np.array([row.split()[2:] for row in rows.splitlines() if row], dtype=float)
    moved = np.linalg.solve(atoms.cell.array.T, (placed @ rotation.T - atoms.positions).T).T
    assert np.abs(moved - np.rint(moved)).max() < 1e-9


def test_lammps_reads_the_velocities(tmp_path: Path) -> None:
    atoms = supercell(crystal("rocksalt", ["Na", "Cl"], 5.64), [2, 2, 2])
    velocities = np.random.default_rng(4).normal(size=atoms.positions.shape)
    text = lammps_data(atoms, ["Na", "Cl"], velocities=velocities)
    found, _ = in_lammps(tmp_path, text)
    masses = np.where(atoms.symbols == "Na", 22.98976928, 35.45)
    kinetic = 0.5 * 1.0364269e-4 * float((masses[:, None] * velocities**2).sum())
    assert found[2] == pytest.approx(kinetic, rel=1e-9)


def test_lammps_reads_cu195se(tmp_path: Path) -> None:
    perfect = supercell(crystal("antifluorite", ["Cu", "Se"], 5.85), [5, 5, 5])
    atoms = with_vacancies(perfect, "Cu", fraction=0.025, seed=1)
    _, output = in_lammps(tmp_path, lammps_data(atoms, ["Cu", "Se"]))
    assert "1475 atoms" in output


@pytest.mark.parametrize(
    ("species", "options", "message"),
    [
        (["Cu"], {}, r"species \['Cu'\]: the structure also has Se"),
        (["Cu", "Se", "Cu"], {}, "each must be named once"),
        (["Cu", "Se", "Xx"], {}, "symbol of a chemical element"),
        (["Cu", "Se"], {"masses": {"Cu": 0.0}}, "mass of Cu: 0.0 must be positive"),
        (["Cu", "Se"], {"velocities": np.zeros((3, 3))}, r"must be \(12, 3\)"),
    ],
)
def test_data_files_that_make_no_sense(
    species: list[str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        lammps_data(crystal("antifluorite", ["Cu", "Se"], 5.85), species, **options)


def test_a_flat_cell_is_refused() -> None:
    flat = Atoms("Cu", cell=[[1, 0, 0], [0, 1, 0], [1, 1, 0]], pbc=True)
    with pytest.raises(ValueError, match="it has no volume"):
        lammps_data(flat, ["Cu"])
