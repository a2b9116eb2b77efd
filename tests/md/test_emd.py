"""Equilibrium runs: what the rows hold, against input scripts written by hand; stages; restarts."""

from pathlib import Path

import numpy as np
import pytest
from trajectories import ARGON, CU2SE, Trajectories, sampled, table

from ensemble.md.equilibrate import WATCHED
from ensemble.md.record import energy_at, mean_of
from ensemble.md.segment import script_of
from ensemble.plan.segments import rows_per_origin
from ensemble.reduction.site_energies import count
from ensemble.units import unit_system

STUDY = """
[[study]]
name = "gk"
method = "emd"
material = "beta"
models = ["level12"]
temperatures = [600]
supercells = [[2, 2, 2]]
seeds = 1
timestep = 2
equilibrate = [{ ensemble = "npt", time = 0.4 }, { ensemble = "nve", time = 0.1 }]
sample = { time = 0.4, every = 10 }
segment = 0.2
"""


@pytest.fixture(scope="module")
def cu2se(tmp_path_factory: pytest.TempPathFactory) -> Trajectories:
    """A run that has been done."""
    trajectories = Trajectories(tmp_path_factory.mktemp("cu2se"), CU2SE + STUDY)
    trajectories.all_segments(trajectories.run_of("gk"))
    return trajectories


def rows_of(trajectories: Trajectories, number: int, attempt: str = "") -> dict[str, np.ndarray]:
    """The rows of a segment that has been done, by channel."""
    run = trajectories.run_of("gk")
    folder = trajectories.run_folder(run) / (attempt or f"attempt-{number}")
    return trajectories.columns(run, np.loadtxt(folder / "rows")[1:, 1:])


def sampling_segments(trajectories: Trajectories) -> tuple[int, int]:
    recipe = trajectories.plan.recipes["gk"]
    first = recipe.equilibration_segments
    return first, first + 1


BY_HAND = """\
units metal
atom_style atomic
read_restart {restart}
pair_style mtp
pair_coeff * * ../../../potentials/level12/level12.mtp Cu Se
timestep 0.002
group copper type 1
group selenium type 2
compute kinetic all ke/atom
compute potential all pe/atom
compute stress all centroid/stress/atom NULL virial
compute J all heat/flux kinetic potential stress
compute p1 copper momentum
compute p2 selenium momentum
fix integrate all nve
thermo 5
thermo_style custom step c_J[1] c_J[2] c_J[3] c_J[4] c_J[5] c_J[6] c_p1[1] c_p1[2] c_p1[3] &
    c_p2[1] c_p2[2] c_p2[3] temp press etotal vol
thermo_modify norm no format float %.17g
run 100
"""


def test_channels_equal_an_input_written_by_hand(cu2se: Trajectories) -> None:
    """The second segment, as it needs no change of box or velocities."""
    run, (_, second) = cu2se.run_of("gk"), sampling_segments(cu2se)
    text = BY_HAND.format(restart=f"segment-{second - 1:04d}.restart")
    if "Cu Se" not in cu2se.plan.recipes["gk"].models["level12"].commands[1]:
        text = text.replace(" Cu Se", "")
    expected = table(cu2se.by_hand(run, text), 17)[1:]
    found = rows_of(cu2se, second)
    names = [f"heat_flux{kind}_{x}" for kind in ("", "_convective") for x in "xyz"]
    names += [f"momentum_{symbol}_{x}" for symbol in ("Cu", "Se") for x in "xyz"]
    names += ["temperature", "pressure", "energy", "volume"]
    assert len(expected) == 20
    for name, column in zip(names, expected[:, 1:].T, strict=True):
        np.testing.assert_allclose(
            found[name], column, rtol=1e-10, atol=1e-10 * abs(column).max(), err_msg=name
        )


def test_conductive_and_convective_make_the_whole(cu2se: Trajectories) -> None:
    for number in sampling_segments(cu2se):
        rows = rows_of(cu2se, number)
        for x in "xyz":
            parts = rows[f"heat_flux_convective_{x}"] + rows[f"heat_flux_conductive_{x}"]
            scale = abs(rows[f"heat_flux_convective_{x}"]).max()
            np.testing.assert_allclose(rows[f"heat_flux_{x}"], parts, rtol=0, atol=1e-12 * scale)


def test_momentum_stays_zero(cu2se: Trajectories) -> None:
    for number in sampling_segments(cu2se):
        rows = rows_of(cu2se, number)
        for x in "xyz":
            total = rows[f"momentum_Cu_{x}"] + rows[f"momentum_Se_{x}"]
            assert abs(total).max() < 1e-9 * abs(rows[f"momentum_Cu_{x}"]).max()


def test_rows_follow_one_another(cu2se: Trajectories) -> None:
    """A row every ten femtoseconds, none of them twice, also across segments."""
    run = cu2se.run_of("gk")
    steps = []
    for number in sampling_segments(cu2se):
        written = np.loadtxt(cu2se.run_folder(run) / f"attempt-{number}" / "rows")[:, 0]
        steps += list(written[1:])  # the first is where the segment before ended
    np.testing.assert_array_equal(steps, 5 * np.arange(1, 41))


DISPLACED = """\
units metal
atom_style atomic
read_restart {first}
pair_style zero 5.0
pair_coeff * *
write_dump all custom first.txt id type xu yu zu modify sort id format float %.17g
clear
units metal
atom_style atomic
read_restart {last}
pair_style zero 5.0
pair_coeff * *
write_dump all custom last.txt id type xu yu zu modify sort id format float %.17g
"""


def test_displacements_go_on_across_segments(cu2se: Trajectories) -> None:
    """From the positions when the sampling began, relative to each species' centre of mass."""
    run, (first, second) = cu2se.run_of("gk"), sampling_segments(cu2se)
    folder = cu2se.run_folder(run)
    script = DISPLACED.format(
        first=f"segment-{first - 1:04d}.restart", last=f"segment-{second:04d}.restart"
    )
    cu2se.by_hand(run, script)
    before, after = (np.loadtxt(folder / f"{name}.txt", skiprows=9) for name in ("first", "last"))
    for kind, symbol in enumerate(("Cu", "Se"), 1):
        own = before[:, 1] == kind
        moved = after[own, 2:] - before[own, 2:]
        expected = np.square(moved - moved.mean(axis=0)).sum(axis=1).mean()
        assert rows_of(cu2se, second)[f"msd_{symbol}"][-1] == pytest.approx(expected, rel=1e-9)


FRAMES = """\
dump check all custom 5 check.txt id type xu yu zu c_pe_atom
dump_modify check sort id format float %.17g
"""


@pytest.fixture(scope="module")
def frames(cu2se: Trajectories) -> list[np.ndarray]:
    """Types, unwrapped positions and site energies at every row of the sampling segments, and where
    they begin: done again by hand, in their own words.
    """
    run, found = cu2se.run_of("gk"), []
    for number in sampling_segments(cu2se):
        script = script_of(cu2se.assignment(run, number))
        cu2se.by_hand(run, script.replace("\nrun 100\n", f"\n{FRAMES}run 100\n"))
        lines = (cu2se.run_folder(run) / "check.txt").read_text().splitlines()
        atoms = int(lines[3])
        blocks = [lines[k + 9 : k + 9 + atoms] for k in range(0, len(lines), 9 + atoms)]
        found.append(np.array([[line.split()[1:] for line in block] for block in blocks], float))
    return found


def test_displacements_from_several_origins(cu2se: Trajectories, frames: list[np.ndarray]) -> None:
    """Ten rows long, then from the next; also where a segment goes on from a restart file."""
    assert rows_per_origin(20) == 10
    for number, seen in zip(sampling_segments(cu2se), frames, strict=True):
        rows = rows_of(cu2se, number)
        for kind, symbol in enumerate(("Cu", "Se"), 1):
            positions = seen[:, seen[0, :, 0] == kind, 1:4]
            for row in range(20):
                moved = positions[row + 1] - positions[row // 10 * 10]
                expected = np.square(moved - moved.mean(axis=0)).sum(axis=1).mean()
                found = rows[f"square_displacement_{symbol}"][row]
                assert found == pytest.approx(expected, rel=1e-9), (number, symbol, row)


def test_site_energies_are_counted(cu2se: Trajectories, frames: list[np.ndarray]) -> None:
    """In four frames of a segment, on top of those of the segments before."""
    run, counted = cu2se.run_of("gk"), []
    for number, seen in zip(sampling_segments(cu2se), frames, strict=True):
        counted += [seen[row] for row in (5, 10, 15, 20)]
        record = cu2se.record(run, number)
        assert record is not None
        found = record["site_energies"]
        assert (found["width"], found["frames"]) == (0.01, len(counted))
        every = np.concatenate(counted)
        for kind, symbol in enumerate(("Cu", "Se"), 1):
            expected = count(every[every[:, 0] == kind, 4], 0.01)
            assert {int(k): n for k, n in found["counts"][symbol].items()} == expected


def test_site_energies_make_the_potential_energy(
    cu2se: Trajectories, frames: list[np.ndarray]
) -> None:
    rows = rows_of(cu2se, sampling_segments(cu2se)[0])
    atoms = frames[0].shape[1]
    kinetic = 1.5 * (atoms - 1) * 8.617343e-5 * rows["temperature"]
    np.testing.assert_allclose(frames[0][1:, :, 4].sum(axis=1), rows["energy"] - kinetic, rtol=1e-9)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_segment_done_again_gives_the_same_bytes(cu2se: Trajectories, ranks: int) -> None:
    run, (first, _) = cu2se.run_of("gk"), sampling_segments(cu2se)
    for number in (0, first):
        again = [
            cu2se.segment(run, number, ranks=ranks, attempt=f"again-{ranks}-{number}-{k}")
            for k in range(2)
        ]
        if number == first:
            assert again[0].record["site_energies"] == again[1].record["site_energies"]
            one, other = (result.rows for result in again)
            assert one is not None
            assert other is not None
            assert one.tobytes() == other.tobytes()
        one_bytes, other_bytes = (result.restart.read_bytes() for result in again)
        assert one_bytes == other_bytes


def test_initial_velocities_are_those_of_the_seed_alone(tmp_path: Path) -> None:
    """Not of the number of ranks, and other seeds have others."""
    text = ARGON + ARGON_STUDY.replace("seeds = 1", "seeds = 2")
    argon = Trajectories(tmp_path, text)
    one, two = argon.run_of("gk", seed=1), argon.run_of("gk", seed=2)
    first = [
        argon.segment(one, 0, ranks=1, attempt="a"),
        argon.segment(one, 0, ranks=2, attempt="b"),
        argon.segment(two, 0, ranks=1, attempt="a"),
    ]
    files = [np.loadtxt(result.restart.parent / "watch") for result in first]
    energy = 3
    np.testing.assert_allclose(files[0][0, energy], files[1][0, energy], rtol=1e-12)
    np.testing.assert_allclose(files[0][5], files[1][5], rtol=1e-8, atol=1e-8)
    assert abs(files[0][5, energy] - files[2][5, energy]) > 1e-6


ARGON_STUDY = """
[[study]]
name = "gk"
method = "emd"
material = "crystal"
temperatures = [40]
supercells = [[4, 4, 4]]
seeds = 1
timestep = 5
equilibrate = [{ ensemble = "nvt", time = 5 }]
sample = { time = 5, every = 50 }
"""


def test_box_is_the_mean_of_the_second_half(cu2se: Trajectories) -> None:
    """The mean of what was written of the stage at constant pressure, over all its segments."""
    run, recipe = cu2se.run_of("gk"), cu2se.plan.recipes["gk"]
    stage = recipe.stages[0]
    watched = [
        np.loadtxt(cu2se.run_folder(run) / f"attempt-{number}" / "watch")[1:]
        for number in range(stage.parts)
    ]
    rows = np.concatenate(watched)
    late = rows[rows[:, 0] > stage.steps / 2]
    assert stage.parts > 1
    assert len(late) == len(rows) // 2
    lengths = [late[:, 1 + list(WATCHED).index(edge)].mean() for edge in ("lx", "ly", "lz")]
    first, _ = sampling_segments(cu2se)
    np.testing.assert_allclose(rows_of(cu2se, first)["volume"], np.prod(lengths), rtol=1e-12)
    record = cu2se.record(run, stage.parts - 1)
    assert record is not None
    assert mean_of(record)["lx"] == pytest.approx(lengths[0], rel=1e-12)


def test_energy_is_that_of_the_target_temperature(cu2se: Trajectories) -> None:
    """Mean energy of the stage with a thermostat, and 3 (N − 1) k_B for what it missed by."""
    run, recipe = cu2se.run_of("gk"), cu2se.plan.recipes["gk"]
    parts = recipe.stages[0].parts
    record = cu2se.record(run, parts - 1)
    assert record is not None
    mean, atoms = mean_of(record), 96 - 2
    assert record["atoms"] == atoms
    expected = mean["energy"] + 3 * (atoms - 1) * 8.617333e-5 * (600 - mean["temperature"])
    # LAMMPS's k_B is rounded in the seventh digit.
    assert energy_at(record, 600, unit_system("metal")) == pytest.approx(expected, rel=1e-7)
    watched = np.loadtxt(cu2se.run_folder(run) / f"attempt-{parts}" / "watch")
    energies = watched[:, 1 + list(WATCHED).index("energy")]
    assert energies[0] == pytest.approx(expected, rel=1e-8)


def test_constant_energy_has_the_target_temperature(tmp_path: Path) -> None:
    """The mean over seeds within its statistical error, and each near it: without the scaling they
    would be apart by T/√(3N) = 3.6 %.
    """
    argon = Trajectories(tmp_path, ARGON + ARGON_STUDY.replace("seeds = 1", "seeds = 8"))
    means = np.array(
        [
            argon.columns(run, sampled(argon.all_segments(run)))["temperature"].mean()
            for run in argon.plan.runs("gk")
        ]
    )
    error = means.std(ddof=1) / len(means) ** 0.5
    assert error < 0.01 * 40
    assert abs(means.mean() - 40) < 4 * error
    assert means.std(ddof=1) < 0.02 * 40
