"""A whole training, with the Lennard-Jones potential as the teacher: real MD, real Dask workers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ensemble.mtp.potential import read_potential
from ensemble.training.frames import read_frames, write_frames

FILE = """
[training]
name = "argon"
species = ["Ar"]

[material.solid]
prototype = "fcc"
species = ["Ar"]
lattice = 5.4

[teacher]
calculator = "ase.calculators.lj:LennardJones"
arguments = { sigma = 3.4, epsilon = 0.0104, rc = 7.0, smooth = true }

[explore]
temperatures = [30, 60]
supercells = [[2, 2, 2]]
time = 2.0
every = 200.0
disagreement = [0.0005, 0.5]
start = 8
frames = 4
even = 2
relaxed = true
rounds = 1

[committee]
levels = [2, 4]
steps = 4

[fit]
cutoff = 7.0
min_dist = 2.8
steps = 15
starts = 2

[test]
level = 4
temperatures = [40]
frames = 4
every = 200.0
ensemble = "nvt"

[[model]]
name = "small"
level = 4
seed = 1

[[model]]
name = "part"
level = 4
seed = 2
share = 0.7
"""


HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
"""Where the odd calculators are."""


INTERRUPTED = "ensemble: interrupted; what is done is kept, and the same command goes on\n"


def written(folder: Path, text: str = FILE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "train.toml"
    file.write_text(text)
    return file


def command(file: Path, *options: str | Path) -> list[str]:
    work = ["--work", str(file.parent / "work"), "--workers", "2"]
    return [
        sys.executable,
        "-P",
        "-m",
        "ensemble.cli",
        "train",
        str(file),
        *work,
        *map(str, options),
    ]


def trained(file: Path, *options: str | Path) -> str:
    """Run it to its end; what it said."""
    done = subprocess.run(
        command(file, *options), check=True, capture_output=True, text=True, env=HERE
    )
    return done.stderr


def refused(file: Path, *options: str | Path) -> str:
    """The one line that it ends with."""
    done = subprocess.run(
        command(file, *options), check=False, capture_output=True, text=True, env=HERE
    )
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ensemble: error: ")
    return message


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a training that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("argon")
    trained(written(folder))
    return folder


def test_what_was_made_as_json(done: Path) -> None:
    said = subprocess.run(
        command(done / "train.toml", "--json"), check=True, capture_output=True, text=True, env=HERE
    )
    for model in json.loads(said.stdout)["models"]:
        assert model["file"] == str(done / f"{model['name']}.mtp")
        assert model["errors"] == json.loads((done / f"{model['name']}.json").read_text())["errors"]


def test_a_training_ends_with_models_that_know_their_errors(done: Path) -> None:
    frames, test = read_frames(done / "training.xyz.gz"), read_frames(done / "test.xyz.gz")
    assert len(frames) > 8
    assert len(test) == 4
    rounds = json.loads((done / "rounds.json").read_text())
    assert [one["round"] for one in rounds] == [0, 1]
    assert rounds[0]["even"] == 2
    assert rounds[0]["chosen"] + rounds[0]["even"] == len(frames) - 8
    record = json.loads((done / "small.json").read_text())
    assert record["errors"]["force_mae"] < 4  # meV/Å, of forces of 50
    assert list(record["errors"]["groups"]) == ["40.0"]
    assert read_potential(done / "small.mtp").species_names == ("Ar",)
    assert read_potential(done / "part.mtp").level == 4


def test_what_is_there_is_not_made_again(done: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.glob("*.*")}
    trained(done / "train.toml")
    assert {path: path.stat().st_mtime_ns for path in done.glob("*.*")} == before


def test_a_shipped_set_is_enough_for_the_same_model(done: Path, tmp_path: Path) -> None:
    """No work folder, no teacher: the class that it names does not even exist."""
    text = FILE.replace("ase.calculators.lj:LennardJones", "no_such_package:Teacher")
    file = written(tmp_path / "shipped", text)
    for name in ("training.xyz.gz", "test.xyz.gz"):
        (file.parent / name).write_bytes((done / name).read_bytes())
    trained(file, "--model", "small", "--output", tmp_path / "refit")
    made = [path.name for path in (tmp_path / "refit").iterdir()]
    assert sorted(made) == ["small.json", "small.mtp"]
    refit = tmp_path / "refit" / "small.mtp"
    assert refit.read_bytes() == (done / "small.mtp").read_bytes()


def test_a_training_that_is_stopped_goes_on(done: Path, tmp_path: Path) -> None:
    """By whatever; Ctrl-C goes to all processes of a terminal."""
    file = written(tmp_path)
    work = tmp_path / "work"
    stages = [
        (work / "round-00" / "labelled.xyz", signal.SIGINT),
        (work / "round-00" / "member-1.mtp", signal.SIGKILL),
        (work / "round-01" / "chosen.xyz", signal.SIGKILL),
        (tmp_path / "training.xyz.gz", signal.SIGKILL),
        (work / "test" / "driver.partial", signal.SIGINT),
        (work / "small.partial", signal.SIGINT),
    ]
    for stage, end in stages:
        process = subprocess.Popen(
            command(file, "--quiet"), start_new_session=True, stderr=subprocess.PIPE, text=True
        )
        while not stage.exists() and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, end)
        _, said = process.communicate()
        assert stage.exists()
        if end is signal.SIGINT:
            assert process.returncode == 130
            assert said == INTERRUPTED
    trained(file)
    for name in ("small.mtp", "part.mtp", "training.xyz.gz", "test.xyz.gz"):
        assert (tmp_path / name).read_bytes() == (done / name).read_bytes()


def test_labels_of_two_teachers_are_refused(done: Path, tmp_path: Path) -> None:
    file = written(tmp_path)
    frames = read_frames(done / "training.xyz.gz")
    frames[3].info["teacher"] = "somebody 1.0"
    write_frames(tmp_path / "training.xyz.gz", frames)
    (tmp_path / "test.xyz.gz").write_bytes((done / "test.xyz.gz").read_bytes())
    message = refused(file)
    assert "labels of two teachers" in message
    assert '"somebody 1.0"' in message


def test_a_test_that_gave_way_goes_on_with_another(done: Path, tmp_path: Path) -> None:
    """The model that drove it is fitted anew, and the table may say something else."""
    folder = tmp_path / "hot"
    shutil.copytree(done, folder)
    (folder / "test.xyz.gz").unlink()
    shutil.rmtree(folder / "work" / "test")
    boiling = FILE.replace("temperatures = [40]", "temperatures = [2000]")
    message = refused(written(folder, boiling.replace('ensemble = "nvt"', 'ensemble = "npt"')))
    assert "the model that drives the trajectories gave way, solid-2x2x2 at 2000 K" in message
    assert not (folder / "work" / "test" / "driver.mtp").exists()
    assert not (folder / "test.xyz.gz").exists()
    trained(written(folder))
    assert (folder / "test.xyz.gz").read_bytes() == (done / "test.xyz.gz").read_bytes()


def test_a_model_that_was_made_otherwise_is_not_written_over(done: Path, tmp_path: Path) -> None:
    file = written(tmp_path, FILE.replace("seed = 1\n", "seed = 3\n", 1))
    for path in done.glob("*.*"):
        if path.name != "train.toml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    message = refused(file)
    assert "small.json: the model was made with another model" in message
    assert "--refit" in message
    trained(file, "--model", "small", "--refit")
    assert (tmp_path / "small.mtp").read_bytes() != (done / "small.mtp").read_bytes()


def test_a_record_from_before_a_key_was_there(done: Path, tmp_path: Path) -> None:
    file = written(tmp_path, FILE)
    for path in done.glob("*.*"):
        if path.name != "train.toml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    record = json.loads((tmp_path / "small.json").read_text())
    for key in ("chebyshev", "steps"):
        assert record["model"].pop(key) is None
    (tmp_path / "small.json").write_text(json.dumps(record))
    before = (tmp_path / "small.mtp").stat().st_mtime_ns
    trained(file, "--model", "small")
    assert (tmp_path / "small.mtp").stat().st_mtime_ns == before


def test_a_model_with_steps_of_its_own(done: Path, tmp_path: Path) -> None:
    file = written(tmp_path, FILE.replace("seed = 1\n", "seed = 1\nsteps = 3\n", 1))
    for path in done.glob("*.xyz.gz"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    trained(file, "--model", "small")
    assert json.loads((tmp_path / "small.json").read_text())["steps"] == 3
    assert json.loads((done / "small.json").read_text())["steps"] > 3


def test_absurd_labels_and_no_labels(tmp_path: Path) -> None:
    """Frames are rejected by name; a teacher that never answers is no reason to give up frames."""
    odd = FILE.replace("ase.calculators.lj:LennardJones", "odd_calculators:Odd")
    never = odd.replace("{ sigma", '{ fault = "raises", element = "Ar", sigma')
    file = written(tmp_path, never)
    message = refused(file)
    assert "no frame of 8 could be labelled: frame seed-solid-2x2x2-0001" in message
    assert "no convergence" in message
    assert not (tmp_path / "work" / "round-00" / "rejected.json").exists()
    strange = odd.replace("{ sigma", '{ fault = "sometimes_nan", element = "Ar", sigma')
    file = written(tmp_path / "strange", strange)
    said = trained(file)
    rejected = json.loads((file.parent / "work" / "round-00" / "rejected.json").read_text())
    assert 0 < len(rejected) < 8
    for name, reason in rejected.items():
        assert f"rejected: frame {name}: {reason}" in said
        assert reason == "forces not a finite number"


def test_labels_that_are_given_are_looked_at(done: Path, tmp_path: Path) -> None:
    file = written(tmp_path, FILE.replace("start = 8", 'start = 8\nlabelled = "given.xyz"'))
    frames = read_frames(done / "training.xyz.gz")[:3]
    frames[1].calc.results["forces"][4] = 500.0
    write_frames(tmp_path / "given.xyz", frames)
    assert f"frame {frames[1].info['frame']}: force of 866 eV/Å on atom 4" in refused(file)


def test_a_half_done_folder_is_of_one_file(done: Path) -> None:
    """What was begun is not gone on with by other rules, and nothing of it is lost."""
    file = done / "train.toml"
    file.write_text(FILE.replace("[30, 60]", "[30, 70]").replace("[2, 4]", "[4, 4]"))
    message = refused(file)
    assert "begun with another explore.temperatures and committee.levels" in message
    file.write_text(FILE)


def test_more_rounds_go_on_where_the_search_ended(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    shutil.copytree(done, folder)
    file = written(folder, FILE.replace("rounds = 1", "rounds = 2"))
    for model in ("small", "part"):
        (folder / f"{model}.mtp").unlink()
    said = trained(file, "--model", "small")
    assert "explore.rounds is 2, training.xyz.gz is of 1: the search goes on" in said
    before, after = (read_frames(one / "training.xyz.gz") for one in (done, folder))
    assert len(after) > len(before)
    assert [f.info["frame"] for f in after[: len(before)]] == [f.info["frame"] for f in before]
    rounds = json.loads((folder / "rounds.json").read_text())
    assert [one["round"] for one in rounds] == [0, 1, 2]
    assert rounds[:2] == json.loads((done / "rounds.json").read_text())
    assert (folder / "test.xyz.gz").read_bytes() == (done / "test.xyz.gz").read_bytes()
    # As a kill between the two files leaves them.
    (folder / "rounds.json").write_bytes((done / "rounds.json").read_bytes())
    assert "training.xyz.gz is of 1: the search goes on" in trained(file, "--model", "small")
    assert json.loads((folder / "rounds.json").read_text()) == rounds


def test_more_rounds_need_the_folder_of_the_first_ones(done: Path, tmp_path: Path) -> None:
    for path in done.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = (tmp_path / "training.xyz.gz").read_bytes()
    said = trained(written(tmp_path, FILE.replace("rounds = 1", "rounds = 2")))
    assert "training.xyz.gz is of 1, and is used as it is: more rounds need the folder" in said
    said = trained(written(tmp_path, FILE.replace("frames = 4\neven", "frames = 9\neven")))
    assert "explore.frames is for rounds to come" in said
    assert (tmp_path / "training.xyz.gz").read_bytes() == before


def test_a_card_at_the_end(done: Path, tmp_path: Path) -> None:
    """Of a crystal of 32 atoms, at both temperatures for a moment."""
    checks = """
[checks]
phonon = { supercell = [2, 2, 2], mesh = [2, 2, 2] }
hot = { temperatures = [60], time = 0.4 }
long = { temperatures = [20, 40], time = 0.8 }
supercell = [2, 2, 2]
settle = 0.4
"""
    for path in done.glob("*.*"):
        if path.stem != "part":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    file = written(tmp_path, FILE.replace("[[model]]", f"{checks}\n[[model]]", 1))
    said = trained(file, "--model", "small", "--check")
    card = (tmp_path / "README.md").read_text()
    assert card.startswith("# argon: potentials\n\n1 moment tensor potential of Ar; the labels")
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Models",
        "## Errors",
        "## Crystal at 0 K",
        "## Molecular dynamics",
        "## Site energies",
        "## How to make them again",
    ]
    teacher, small = json.loads((tmp_path / "card.json").read_text())
    assert (teacher["name"], small["name"]) == ("teacher", "small")
    lattices = [one["crystal"]["found"]["lattice"]["a"] for one in (teacher, small)]
    assert lattices[1] == pytest.approx(lattices[0], rel=1e-2)
    assert [one["failure"] for one in small["dynamics"]["found"]] == ["", "", ""]
    assert "| small | 20 | 0.8 | yes |" in card
    assert said == ""


def test_two_at_once_in_one_folder(done: Path) -> None:
    with (done / "work" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another training works there" in refused(done / "train.toml")


def test_a_model_that_there_is_not(tmp_path: Path) -> None:
    assert "no model 'larg'; it has small, part" in refused(written(tmp_path), "--model", "larg")
