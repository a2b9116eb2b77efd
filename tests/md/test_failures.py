"""What is said of a failed LAMMPS, from what real ones leave behind."""

import pickle
from pathlib import Path

import pytest
from lj_liquid import LIQUID

from ensemble.campaign.table import Engine
from ensemble.md.engine import lammps_command, lammps_environment
from ensemble.md.failures import Cause, SegmentFailure, diagnose
from ensemble.md.process import run_lammps

FULL = "/dev/full"
"""Every write to it fails as on a full disk."""


def failure_of(script: str, folder: Path, *, ranks: int = 1, log: str = "log") -> SegmentFailure:
    """Of a script that LAMMPS fails at, seen from its log as well as from its screen alone."""
    (folder / "in.lammps").write_text(script)
    engine = Engine(ranks=ranks)
    finished = run_lammps(
        lammps_command(engine, ["-in", "in.lammps", "-log", log]),
        folder,
        lammps_environment(engine),
    )
    assert not finished.ok, finished.screen
    text = (folder / log).read_text() if log == "log" else ""
    failure = finished.failure(text)
    assert diagnose(finished.returncode, finished.signal, text).cause is failure.cause or not text
    assert "\n" not in failure.message
    return failure


@pytest.mark.parametrize("ranks", [1, 2])
def test_unknown_pair_style(ranks: int, tmp_path: Path) -> None:
    failure = failure_of("pair_style nonsense 3.0\n", tmp_path, ranks=ranks)
    assert failure.cause is Cause.LAMMPS_ERROR
    assert failure.message == (
        "LAMMPS: Unrecognized pair style 'nonsense'; input line: pair_style nonsense 3.0"
    )
    assert "pair_style nonsense 3.0" in failure.log_tail


def test_a_lammps_without_the_plugin_is_told_of_it(tmp_path: Path) -> None:
    (tmp_path / "in.lammps").write_text(LIQUID.replace("lj\n", "metal\n", 1) + "pair_style mtp\n")
    environment = lammps_environment(Engine()) | {"LAMMPS_PLUGIN_PATH": ""}
    command = lammps_command(Engine(), ["-in", "in.lammps", "-log", "none"])
    failure = run_lammps(command, tmp_path, environment).failure("")
    assert "Unrecognized pair style 'mtp'" in failure.message
    assert "ensemble potential build-plugin" in failure.message


@pytest.mark.parametrize(
    ("script", "file"),
    [
        ("read_restart no.restart\n", "no.restart"),
        ("read_data no.data\n", "no.data"),
        (f"{LIQUID}pair_style table linear 100\npair_coeff 1 1 no.table X\n", "no.table"),
        (f"{LIQUID}write_restart no/such/folder\n", "no/such/folder"),
    ],
)
def test_missing_file(script: str, file: str, tmp_path: Path) -> None:
    failure = failure_of(script, tmp_path)
    assert failure.cause is Cause.MISSING_FILE
    assert file in failure.message
    assert "No such file or directory" in failure.message


def test_missing_potential(tmp_path: Path) -> None:
    script = LIQUID.replace("lj\n", "metal\n", 1) + "pair_style mtp\npair_coeff * * no.mtp\n"
    failure = failure_of(script, tmp_path)
    assert failure.cause is Cause.MISSING_FILE
    assert "cannot read the potential file no.mtp" in failure.message


@pytest.mark.parametrize("ranks", [1, 2])
def test_lost_atoms(ranks: int, tmp_path: Path) -> None:
    failure = failure_of(f"{LIQUID}timestep 0.05\nrun 1000\n", tmp_path, ranks=ranks)
    assert failure.cause is Cause.LOST_ATOMS
    assert failure.message.startswith("LAMMPS: Lost atoms: original 256 current ")
    assert ", after step " in failure.message
    assert failure.message.endswith("; try a smaller timestep, or look at the potential")
    last_row = failure.log_tail.splitlines()[-3].split()
    assert f", after step {last_row[0]};" in failure.message


def test_numbers_that_are_none(tmp_path: Path) -> None:
    """A barostat on an infinite pressure."""
    script = f"{LIQUID}velocity all set 1e200 0 0\nunfix nve\nfix npt all nph iso 0 0 1\nrun 10\n"
    failure = failure_of(script, tmp_path)
    assert failure.cause is Cause.NUMBERS
    assert failure.message.startswith("LAMMPS: Non-numeric")


@pytest.mark.parametrize(
    "command",
    [
        f"write_restart {FULL}",
        f"dump 1 all custom 1 {FULL} id x y z\nrun 10",
    ],
)
def test_full_disk(command: str, tmp_path: Path) -> None:
    assert failure_of(f"{LIQUID}{command}\n", tmp_path).cause is Cause.DISK_FULL


def test_full_disk_that_took_the_log_as_well(tmp_path: Path) -> None:
    failure = failure_of(f"{LIQUID}write_restart {FULL}\n", tmp_path, log=FULL)
    assert failure.cause is Cause.DISK_FULL
    assert failure.message == (
        "LAMMPS: I/O error while writing restart; make room and launch again"
    )


def test_memory(tmp_path: Path) -> None:
    (tmp_path / "in.lammps").write_text(LIQUID.replace("0 4 0 4 0 4", "0 300 0 300 0 300"))
    command = lammps_command(Engine(), ["-in", "in.lammps", "-log", "none"])
    limited = ["sh", "-c", 'ulimit -v 500000; exec "$@"', "sh", *command]
    failure = run_lammps(limited, tmp_path, lammps_environment(Engine())).failure("")
    assert failure.cause is Cause.MEMORY
    assert failure.message.endswith("; use fewer workers, or a machine with more memory")


def test_shared_library_that_is_not_there(tmp_path: Path) -> None:
    environment = lammps_environment(Engine()) | {"LD_LIBRARY_PATH": ""}
    finished = run_lammps(lammps_command(Engine(), []), tmp_path, environment)
    failure = finished.failure("")
    assert failure.cause is Cause.MISSING_FILE
    assert "libmpi.so.12: cannot open shared object file" in failure.message


@pytest.mark.parametrize(
    ("number", "out_of_memory", "cause"),
    [
        (9, False, Cause.KILLED),
        (9, True, Cause.MEMORY),
        (15, False, Cause.TERMINATED),
        (15, True, Cause.TERMINATED),
        (2, False, Cause.TERMINATED),
        (1, False, Cause.TERMINATED),
        (11, False, Cause.LAMMPS_ERROR),
        (6, False, Cause.LAMMPS_ERROR),
    ],
)
def test_signals(number: int, out_of_memory: bool, cause: Cause) -> None:
    for failure in (
        diagnose(-number, number, "", out_of_memory=out_of_memory),
        diagnose(128 + number, None, "", out_of_memory=out_of_memory),
        diagnose(1, None, "", f"EXIT STRING: ... (signal {number})", out_of_memory=out_of_memory),
        diagnose(1, None, "", f"exited on signal {number} (...)", out_of_memory=out_of_memory),
    ):
        assert failure.cause is cause
        assert "SIG" in failure.message


def test_silence_is_told() -> None:
    failure = diagnose(3, None, "", "")
    assert failure.cause is Cause.LAMMPS_ERROR
    assert failure.message == "LAMMPS ended with status 3: it wrote nothing"


def test_the_first_error_counts() -> None:
    """Other ranks complain of what the first has caused."""
    screen = "ERROR on proc 1: Non-numeric atom coords (a.cpp:1)\nERROR: Lost atoms: 1 (b.cpp:2)\n"
    assert diagnose(1, None, "", screen).cause is Cause.NUMBERS


def test_every_cause_is_of_one_kind() -> None:
    for cause in Cause:
        assert not (cause.environment and cause.real)
        assert cause.real or not cause.final
    assert not Cause.KILLED.real
    assert not Cause.TERMINATED.real
    assert not Cause.MEMORY.real
    assert Cause.LAMMPS_ERROR.real
    assert not Cause.LAMMPS_ERROR.final
    assert Cause.LOST_ATOMS.final


def test_a_failure_travels() -> None:
    failure = SegmentFailure(Cause.DRIFT, "the energy drifts", "log")
    copy = pickle.loads(pickle.dumps(failure))
    assert (copy.cause, copy.message, copy.log_tail) == (Cause.DRIFT, "the energy drifts", "log")
    assert str(copy) == "drift: the energy drifts"
