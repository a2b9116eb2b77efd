"""The trajectory of one model in the eyes of another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trajectories import CU2SE, Trajectories, sampled, table

from ensemble.md import site_energies
from ensemble.md.failures import Cause, SegmentFailure

STUDIES = """
[[study]]
name = "gk"
method = "emd"
material = "beta"
models = ["level12"]
temperatures = [600]
supercells = [[2, 2, 2]]
seeds = 1
timestep = 2
equilibrate = [{ ensemble = "npt", time = 0.2 }]
sample = { time = 0.4, every = 10 }
segment = 0.2

[[study]]
name = "fixed"
method = "rerun"
source = { study = "gk", model = "level12" }
every = 20

[[study]]
name = "symmetric"
method = "rerun"
source = { study = "gk", model = "level12" }
every = 20
virial = "symmetric"
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trajectories, np.ndarray]:
    """A trajectory, and its rows."""
    trajectories = Trajectories(tmp_path_factory.mktemp("rerun"), CU2SE + STUDIES)
    return trajectories, sampled(trajectories.all_segments(trajectories.run_of("gk")))


def test_in_its_own_eyes_it_is_what_it_was(both: tuple[Trajectories, np.ndarray]) -> None:
    """Every other row, in every segment; the frames lose no digit."""
    trajectories, rows = both
    run = trajectories.run_of("fixed", "level12")
    again = trajectories.columns(run, sampled(trajectories.all_segments(run)))
    source = trajectories.columns(trajectories.run_of("gk"), rows[1::2])
    assert len(again["energy"]) == 20
    for name, values in again.items():
        atol = 1e-11 * abs(source[name]).max()
        np.testing.assert_allclose(values, source[name], rtol=0, atol=atol, err_msg=name)


BY_HAND = """\
units metal
atom_style atomic
read_restart ../../gk/level12-T600-2x2x2-s1/{restart}
pair_style mtp
pair_coeff * * ../../../potentials/level10/level10.mtp {types}
compute kinetic all ke/atom
compute potential all pe/atom
compute stress all centroid/stress/atom NULL virial
compute J all heat/flux kinetic potential stress
thermo_style custom step c_J[1] c_J[2] c_J[3] c_J[4] c_J[5] c_J[6] temp press etotal
thermo_modify norm no format float %.17g
run 0
"""


def test_other_models_see_the_same_atoms(both: tuple[Trajectories, np.ndarray]) -> None:
    """At the ends of the segments, where there is a restart file to look at."""
    trajectories, rows = both
    run, recipe = trajectories.run_of("fixed", "level10"), trajectories.plan.recipes["gk"]
    types = recipe.models["level12"].commands[1].partition("level12.mtp")[2]
    results = trajectories.all_segments(run)
    first = recipe.equilibration_segments
    for number, result in enumerate(results, first):
        text = BY_HAND.format(restart=f"segment-{number:04d}.restart", types=types)
        (expected,) = table(trajectories.by_hand(run, text), 10)
        found = trajectories.columns(run, result.rows)
        names = [f"heat_flux{kind}_{x}" for kind in ("", "_convective") for x in "xyz"]
        for name, value in zip(
            [*names, "temperature", "pressure", "energy"], expected[1:], strict=True
        ):
            assert found[name][-1] == pytest.approx(value, rel=1e-9, abs=1e-9), name
    own = trajectories.columns(trajectories.run_of("gk"), rows[1::2])
    seen = trajectories.columns(run, sampled(results))
    np.testing.assert_allclose(seen["momentum_Cu_x"], own["momentum_Cu_x"], rtol=1e-9, atol=1e-6)
    assert abs(seen["heat_flux_x"] - own["heat_flux_x"]).max() > 1


def test_a_symmetric_virial(both: tuple[Trajectories, np.ndarray]) -> None:
    """The heat that atoms carry stays; what they do to one another is the symmetric part's."""
    trajectories, _ = both
    run, recipe = trajectories.run_of("symmetric", "level10"), trajectories.plan.recipes["gk"]
    types = recipe.models["level12"].commands[1].partition("level12.mtp")[2]
    last = recipe.segments - 1
    text = BY_HAND.format(restart=f"segment-{last:04d}.restart", types=types)
    text = text.replace("centroid/stress/atom", "stress/atom")
    found = trajectories.columns(run, sampled(trajectories.all_segments(run)))
    (expected,) = table(trajectories.by_hand(run, text), 10)
    names = [f"heat_flux{kind}_{x}" for kind in ("", "_convective") for x in "xyz"]
    for name, value in zip(names, expected[1:7], strict=True):
        assert found[name][-1] == pytest.approx(value, rel=1e-9, abs=1e-9), name
    right = trajectories.run_of("fixed", "level10")
    right_rows = trajectories.columns(right, sampled(trajectories.all_segments(right)))
    np.testing.assert_array_equal(found["energy"], right_rows["energy"])
    assert abs(found["heat_flux_x"] - right_rows["heat_flux_x"]).max() > 1


def test_site_energies_are_those_of_the_other_model(
    both: tuple[Trajectories, np.ndarray],
) -> None:
    """Every other row of the ten of a segment, and a segment adds to the one before."""
    trajectories, _ = both
    run = trajectories.run_of("fixed", "level10")
    results = [trajectories.segment(run, number) for number in range(2)]
    # A store gives the record of the segment before.
    last = replace(trajectories.assignment(run, 1), previous=results[0].record)
    found = site_energies.counted(replace(last, files=trajectories.files(run, "attempt-1")))
    assert found["frames"] == 10
    counts = [[(int(k), n) for k, n in found["counts"][symbol].items()] for symbol in ("Cu", "Se")]
    assert [sum(n for _, n in species) for species in counts] == [620, 320]
    rows = trajectories.columns(run, sampled(results))
    kinetic = 1.5 * (94 - 1) * 8.617343e-5 * rows["temperature"]
    potential = (rows["energy"] - kinetic)[1::2].mean()
    mean = sum((k + 0.5) * 0.01 * n for species in counts for k, n in species) / 10
    assert mean == pytest.approx(potential, abs=94 * 0.001)


def test_a_trajectory_that_is_another_is_refused(both: tuple[Trajectories, np.ndarray]) -> None:
    """What the store has of the source is compared with what comes out now."""
    trajectories, rows = both
    run, source = trajectories.run_of("fixed", "level10"), trajectories.run_of("gk")
    half = len(rows) // 2
    trajectories.segment(run, 1, source_rows=rows[half:])
    other = rows[half:].copy()
    names = list(trajectories.columns(source, rows))
    other[7, names.index("temperature")] += 1e-3
    with pytest.raises(SegmentFailure, match="came out differently from row 8 of 20") as failure:
        trajectories.segment(run, 1, source_rows=other)
    assert failure.value.cause is Cause.LAMMPS_ERROR


def test_no_restart_file_and_no_frames_are_left_in_the_run_folder(
    both: tuple[Trajectories, np.ndarray],
) -> None:
    trajectories, _ = both
    run = trajectories.run_of("fixed", "level12")
    result = trajectories.segment(run, 0)
    assert result.restart is None
    left: set[str] = {path.name for path in Path(trajectories.run_folder(run)).iterdir()}
    assert not {name for name in left if name.startswith(("frames", "source", "by-hand"))}
