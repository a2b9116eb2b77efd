"""The direct method: profiles and exchanged energy against inputs written by hand."""

from pathlib import Path

import numpy as np
import pytest
from lmp import lammps
from trajectories import ARGON, CU2SE, Trajectories, sampled, table

from ensemble.campaign import CampaignError
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.nemd import WIDER
from ensemble.structures import crystal

BINS = 8

STUDY = f"""
[[study]]
name = "direct"
method = "nemd"
material = "beta"
models = ["level12"]
temperatures = [600]
supercells = [[2, 2, 4]]
seeds = 1
timestep = 2
equilibrate = [{{ ensemble = "nvt", time = 0.2 }}]
axis = "z"
bins = {BINS}
swap = {{ every = 20, pairs = 2 }}
settle = 0.2
sample = {{ time = 0.8, every = 10, block = 0.1 }}
segment = 0.4
"""


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Trajectories:
    """A run that has been done."""
    trajectories = Trajectories(tmp_path_factory.mktemp("direct"), CU2SE + STUDY)
    trajectories.all_segments(trajectories.run_of("direct"))
    return trajectories


def rows_of(trajectories: Trajectories, number: int) -> dict[str, np.ndarray]:
    """The rows of a segment, which is done again: to the same bytes."""
    run = trajectories.run_of("direct")
    return trajectories.columns(run, trajectories.segment(run, number).rows)


BY_HAND = """\
units metal
atom_style atomic
read_restart {restart}
pair_style mtp
pair_coeff * * ../../../potentials/level12/level12.mtp {types}
timestep 0.002
compute kinetic all ke/atom
compute potential all pe/atom
compute stress all centroid/stress/atom NULL virial
compute J all heat/flux kinetic potential stress
compute p all momentum
fix integrate all nve
fix mean all ave/time 5 10 50 c_J[3] c_p[1] c_p[2] c_p[3] c_thermo_temp c_thermo_press
fix exchange all thermal/conductivity 10 z {bins} swap 2
thermo 50
thermo_style custom step f_mean[1] f_mean[2] f_mean[3] f_mean[4] f_mean[5] f_mean[6] f_exchange &
    etotal vol
thermo_modify norm no format float %.17g
run 200
"""


def test_blocks_equal_an_input_written_by_hand(direct: Trajectories) -> None:
    """The slabs' heat flux makes compute heat/flux; energy is exchanged as LAMMPS counts it."""
    run, recipe = direct.run_of("direct"), direct.plan.recipes["direct"]
    last = recipe.segments - 1
    found = rows_of(direct, last)
    types = recipe.models["level12"].commands[1].partition("level12.mtp")[2]
    text = BY_HAND.format(restart=f"segment-{last - 1:04d}.restart", types=types, bins=BINS)
    expected = table(direct.by_hand(run, text), 10)
    assert len(expected) == 5
    blocks = expected[1:]
    flux = sum(found[f"heat_flux_{k}"] for k in range(BINS))
    np.testing.assert_allclose(flux, blocks[:, 1], rtol=0, atol=1e-9 * abs(blocks[:, 1]).max())
    np.testing.assert_allclose(found["temperature"], blocks[:, 5], rtol=1e-10)
    np.testing.assert_allclose(found["pressure"], blocks[:, 6], rtol=1e-9)
    np.testing.assert_allclose(found["exchanged_energy"], np.diff(expected[:, 7]), rtol=1e-9)
    np.testing.assert_allclose(found["volume"], blocks[:, 9], rtol=1e-12)
    assert (found["exchanged_energy"] > 0).all()


def test_profiles_add_up(direct: Trajectories) -> None:
    """Every atom is in one layer; the layers' kinetic energies make the temperature."""
    rows = rows_of(direct, direct.plan.recipes["direct"].segments - 1)
    atoms = np.array([rows[f"atoms_{k}"] for k in range(BINS)])
    temperatures = np.array([rows[f"temperature_{k}"] for k in range(BINS)])
    natoms = 12 * 16 - 3
    np.testing.assert_allclose(atoms.sum(axis=0), natoms, rtol=1e-12)
    mean = (atoms * temperatures).sum(axis=0) / natoms
    np.testing.assert_allclose(mean, rows["temperature"], rtol=1e-9)
    np.testing.assert_allclose(rows["length"], 4 * 5.87, rtol=1e-9)
    np.testing.assert_allclose(rows["area"] * rows["length"], rows["volume"], rtol=1e-12)


def layer_momenta(dump: str, masses: tuple[float, float], first: int) -> np.ndarray:
    """Momentum along z of each species in each layer, of every frame of a dump from a step on.

    A line of the dump is type, place along the axis in parts of the cell, velocity.
    """
    found = []
    for frame in dump.split("ITEM: TIMESTEP\n")[1:]:
        step, _, atoms = frame.partition("\n")
        if int(step) <= first:
            continue
        lines = atoms.split("ITEM: ATOMS ")[1].splitlines()[1:]
        types, places, velocities = np.loadtxt(lines, unpack=True)
        layers = np.floor(places * BINS).astype(int) % BINS
        momenta = np.zeros((2, BINS))
        for k, mass in enumerate(masses):
            of_type = types == k + 1
            np.add.at(momenta[k], layers[of_type], mass * velocities[of_type])
        found.append(momenta)
    return np.array(found)


DUMP_BY_HAND = """\
units metal
atom_style atomic
read_restart {restart}
pair_style mtp
pair_coeff * * ../../../potentials/level12/level12.mtp {types}
timestep 0.002
fix integrate all nve
fix seen all store/state 5 zs vz
fix exchange all thermal/conductivity 10 z {bins} swap 2
dump atoms all custom 5 momenta.dump type f_seen[1] f_seen[2]
dump_modify atoms format float %.17g
run 200
"""


def test_momenta_of_the_layers_equal_those_of_a_dump(direct: Trajectories) -> None:
    """The atoms are seen before each exchange, as ``fix store/state`` comes before it."""
    run, recipe = direct.run_of("direct"), direct.plan.recipes["direct"]
    last = recipe.segments - 1
    rows = rows_of(direct, last)
    found = np.array([[rows[f"momentum_{s}_{k}"] for k in range(BINS)] for s in ("Cu", "Se")])
    types = recipe.models["level12"].commands[1].partition("level12.mtp")[2]
    restart = f"segment-{last - 1:04d}.restart"
    direct.by_hand(run, DUMP_BY_HAND.format(restart=restart, types=types, bins=BINS))
    dump = (direct.run_folder(run) / "momenta.dump").read_text()
    first = recipe.segment(last).steps * (last - recipe.equilibration_segments)
    momenta = layer_momenta(dump, (63.546, 78.971), first)
    assert len(momenta) == 4 * 10
    blocks = momenta.reshape(4, 10, 2, BINS).mean(axis=1)
    np.testing.assert_allclose(
        found, np.moveaxis(blocks, 0, -1), rtol=0, atol=1e-8 * abs(found).max()
    )


def test_momenta_of_layers_and_species_add_up_to_nothing(direct: Trajectories) -> None:
    rows = rows_of(direct, direct.plan.recipes["direct"].segments - 1)
    momenta = np.array([rows[f"momentum_{s}_{k}"] for s in ("Cu", "Se") for k in range(BINS)])
    assert abs(momenta).max() > 1
    np.testing.assert_allclose(momenta.sum(axis=0), rows["momentum_z"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(momenta.sum(axis=0), 0, rtol=0, atol=1e-8)


def test_first_layer_gets_cold_and_the_middle_one_hot(direct: Trajectories) -> None:
    rows = rows_of(direct, direct.plan.recipes["direct"].segments - 1)
    means = [rows[f"temperature_{k}"].mean() for k in range(BINS)]
    assert means[0] < 0.8 * 600
    assert means[BINS // 2] > 1.2 * 600


def test_energy_and_momentum_are_conserved(direct: Trajectories) -> None:
    """Velocities change hands as in an elastic collision, also of atoms with other masses."""
    recipe = direct.plan.recipes["direct"]
    first = recipe.equilibration_segments
    assert recipe.segments - first == 2
    rows = [rows_of(direct, number) for number in (first, first + 1)]
    energies = np.concatenate([row["energy"] for row in rows])
    exchanged = np.concatenate([row["exchanged_energy"] for row in rows])
    assert np.ptp(energies) < 1e-2 * exchanged.sum()
    for x in "xyz":
        assert max(abs(row[f"momentum_{x}"]).max() for row in rows) < 1e-9 * 63.5 * 3 * 16


def test_every_number_of_layers_is_the_one_asked_for(tmp_path: Path) -> None:
    """Also those whose reciprocals are not exact, in a cell that is not either."""
    numbers = [*range(8, 64, 2), 98, 110, 142, 196, 300]
    script = """\
units metal
atom_style atomic
region cell prism -0.3 9.71 0 10.13 0 37.777777 1.1 -0.7 2.3
create_box 1 cell
create_atoms 1 random 200 1 NULL
mass 1 1
pair_style zero 3
pair_coeff * *
"""
    for bins in numbers:
        width = f"{WIDER / bins:.15g}"
        for axis in "xyz":
            name = f"{axis}{bins}"
            script += f"compute {name} all chunk/atom bin/1d {axis} lower {width} units reduced\n"
            script += f"fix {name} all ave/chunk 1 1 1 {name} temp file {name}.txt\n"
    lammps(tmp_path, script + "run 0\n")
    for bins in numbers:
        for axis in "xyz":
            lines = (tmp_path / f"{axis}{bins}.txt").read_text().splitlines()
            assert lines[3].split()[1:] == [str(bins), "200"]


HEXAGONAL = """
[[study]]
name = "direct"
method = "nemd"
material = "crystal"
temperatures = [40]
supercells = [[8, 8, 8]]
seeds = 1
timestep = 5
equilibrate = [{ ensemble = "nvt", time = 0.1 }]
axis = "y"
bins = 8
swap = { every = 50 }
settle = 0.1
sample = { time = 0.2, every = 50, block = 0.1 }
"""


@pytest.fixture
def hexagonal() -> str:
    """A cell with an angle of 120° between a and b."""
    material = ARGON.replace('"fcc"', '"hcp"').replace("lattice = 5.3", "lattice = 3.75")
    return material + HEXAGONAL


def test_layers_across_y_of_a_hexagonal_cell(tmp_path: Path, hexagonal: str) -> None:
    trajectories = Trajectories(tmp_path, hexagonal)
    run = trajectories.run_of("direct")
    rows = trajectories.columns(run, sampled(trajectories.all_segments(run)))
    np.testing.assert_allclose(rows["length"], 8 * 3.75 * 0.75**0.5, rtol=1e-6)
    np.testing.assert_allclose(sum(rows[f"atoms_{k}"] for k in range(8)), 2 * 8**3)
    np.testing.assert_allclose(rows["atoms_3"], 2 * 8**3 / 8, rtol=0.1)


def test_layers_across_x_of_a_hexagonal_prototype_are_refused(
    tmp_path: Path, hexagonal: str
) -> None:
    """Before anything is done."""
    with pytest.raises(CampaignError, match=r'axis: found "x" in a hexagonal cell \(hcp\)'):
        Trajectories(tmp_path, hexagonal.replace('axis = "y"', 'axis = "x"'))


def test_layers_across_x_of_a_hexagonal_cell_are_refused(tmp_path: Path, hexagonal: str) -> None:
    """They would not close upon themselves. Of a structure file's cell it is LAMMPS that knows."""
    crystal("hcp", ["Ar"], 3.75).write(tmp_path / "hexagonal.xyz")
    text = hexagonal.replace('axis = "y"', 'axis = "x"').replace("lattice = 3.75", "")
    text = text.replace('prototype = "hcp"', 'structure = "hexagonal.xyz"')
    trajectories = Trajectories(tmp_path, text)
    run = trajectories.run_of("direct")
    with pytest.raises(SegmentFailure, match="axis = x needs a cell whose tilt xy is 0") as failure:
        trajectories.segment(run, 0)
    assert failure.value.cause is Cause.LAMMPS_ERROR
