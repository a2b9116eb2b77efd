"""Commands about a store and its runs, on a store that LAMMPS has made."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from launches import COMMAND

from ensemble.cli import main

if TYPE_CHECKING:
    from conftest import Launched

DONE = "gk/first-T40-3x3x3-s1"
FAILED = "too-fast/second-T300-3x3x3-s1"
COLOUR = re.compile(r"\x1b\[(?:\d+;)*3[0-7]m")


def run(folder: Path, *words: str | Path) -> tuple[int, str, str]:
    """A command in a folder: its exit status and what it said on stdout and stderr."""
    with (
        chdir(folder),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        try:
            status = main([str(word) for word in words])
        except SystemExit as exit:
            status = int(exit.code or 0)
    return status, out.getvalue(), err.getvalue()


def asked(launched: Launched, *words: str | Path) -> str:
    """What a command says where the campaign was launched; it finds the store by itself."""
    status, out, err = run(launched.home, *words)
    assert status == 0, err
    return out


def told(launched: Launched, *words: str | Path) -> Any:
    """The same as JSON."""
    return json.loads(asked(launched, *words, "--json"))


def refused(folder: Path, *words: str | Path, code: int = 1) -> str:
    """The one line of a message, and nothing else."""
    status, out, err = run(folder, *words)
    assert (status, out) == (code, "")
    assert err.count("\n") == 1, err
    return err


# launch


def test_launch_sums_up(launched: Launched) -> None:
    summary = launched.summary
    assert summary["store"] == str(launched.store)
    assert (summary["runs"], summary["done"]) == (3, 2)
    assert (summary["complete"], summary["interrupted"]) == (False, False)
    (failed,) = summary["failed"]
    assert failed["run"] == f"emd-{FAILED}"
    assert failed["message"] in launched.told
    assert "argon: 1 run to do on 2 workers" in launched.told


# status


def test_status_lists_runs_by_the_ids_that_others_take(launched: Launched) -> None:
    text = asked(launched, "status", "--runs")
    assert re.search(rf"^failed: {FAILED}: ", text, re.MULTILINE)
    states = dict(re.findall(r"^(\S+/\S+) +\d/\d  (\w+)$", text, re.MULTILINE))
    assert (states[DONE], states[FAILED], len(states)) == ("done", "failed", 3)
    table = told(launched, "status", "--runs")
    assert {run["run"]: run["state"] for run in table["runs"]} == states
    assert "runs" not in told(launched, "status")


def test_status_is_watched_until_all_is_done(launched: Launched) -> None:
    watched = launched.watched
    assert watched.returncode == 0, watched.stderr
    looks = [json.loads(line) for line in watched.stdout.splitlines()]
    segments = [look["studies"][0]["sampling_segments"] for look in looks]
    assert segments == sorted(segments)
    assert (segments[0], segments[-1]) == (0, 8)
    assert [look["complete"] for look in looks] == [False] * (len(looks) - 1) + [True]
    assert len(looks) > 1
    assert all(before != after for before, after in pairwise(looks))


def test_watching_is_interrupted(launched: Launched) -> None:
    command = [*COMMAND, "status", str(launched.store), "--watch"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("study ")
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=60)
    assert (watching.returncode, said) == (130, "ensemble: interrupted\n")


def test_a_store_is_found_from_within(launched: Launched) -> None:
    status, within, _ = run(launched.store / "work" / "runs", "status", "--json")
    assert status == 0
    assert json.loads(within)["studies"] == told(launched, "status")["studies"]


def test_several_stores_are_named(launched: Launched, tmp_path: Path) -> None:
    assert "no store in this folder" in refused(tmp_path, "status")
    for name in ("one", "two"):
        metadata = Path("data.zarr") / "zarr.json"
        (tmp_path / "runs" / name / metadata).parent.mkdir(parents=True)
        shutil.copy(launched.store / metadata, tmp_path / "runs" / name / metadata)
    message = refused(tmp_path, "results")
    assert "runs: 2 stores, name one: runs/one, runs/two" in message


# results


@pytest.mark.parametrize(
    "filters",
    [
        ["--model", "first"],
        ["--study", "gk", "--model", "first", "--supercell", "3x3x3"],
        ["--method", "emd", "--temperature", "40", "--model", "first"],
    ],
)
def test_results_are_filtered(launched: Launched, filters: list[str]) -> None:
    rows = told(launched, "results", *filters)["kappa"]
    assert [(row["study"], row["model"], row["estimate"]) for row in rows] == [
        ("gk", "first", "raw")
    ]


def test_what_no_filter_lets_through(launched: Launched) -> None:
    words = ["--study", "too-fast", "--temperature", "40"]
    assert "--study too-fast, --temperature 40" in refused(launched.home, "results", *words)
    message = refused(launched.home, "results", "--method", "nemd")
    assert "method 'nemd': the store has emd" in message


def test_results_in_json_say_all(launched: Launched) -> None:
    table = told(launched, "results")
    assert table.keys() == {"kappa", "infinite_length", "diffusion", "advice"}
    text = asked(launched, "results")
    assert table["advice"]
    assert all(sentence in text for sentence in table["advice"])
    assert "--csv" in refused(launched.home, "results", "--csv", "--json", code=2)


# logs


def test_log_of_a_run_that_is_done(launched: Launched) -> None:
    status, log, heading = run(launched.home, "logs", DONE)
    assert status == 0
    assert "Total wall time" in log
    name, file = heading.rstrip("\n").split(": ")
    assert name == DONE
    assert (launched.home / file).read_text() == log
    last = asked(launched, "logs", DONE, "--lines", "2")
    assert last == "".join(log.splitlines(keepends=True)[-2:])


def test_log_of_a_run_that_failed(launched: Launched) -> None:
    table = told(launched, "logs", FAILED)
    (failed,) = launched.summary["failed"]
    assert table["failure"]["message"] == failed["message"]
    assert table["lines"] == (launched.home / table["file"]).read_text().splitlines()
    _, _, heading = run(launched.home, "logs", FAILED)
    assert failed["message"] in heading


def test_a_log_is_followed(launched: Launched) -> None:
    """From segment to segment, until nobody is at work."""
    assert launched.followed.count("Total wall time") > 1
    assert launched.followed.endswith(asked(launched, "logs", DONE))


def test_a_log_that_is_followed_is_no_document(launched: Launched) -> None:
    assert "--follow" in refused(launched.home, "logs", DONE, "--follow", "--json")


# inspect


def test_a_run_that_is_done(launched: Launched) -> None:
    table = told(launched, "inspect", DONE)
    assert (table["run"], table["state"], table["problem"]) == (DONE, "done", "")
    inputs = table["inputs"]
    assert (inputs["model"], inputs["atoms"], inputs["temperature"]) == ("first", 108, 40.0)
    assert table["units"]["temperature"] == "K"
    for name in ("structure", "script", "log", "folder"):
        assert (launched.home / inputs[name]).exists()
    assert [segment["part"] for segment in table["segments"]] == ["nvt", "nve"] + ["sampling"] * 4
    assert {segment["state"] for segment in table["segments"]} == {"done"}
    assert 20 < table["segments"][-1]["temperature"] < 60
    assert table["segments"][-1]["seconds"] > 0
    assert [(one["kind"], one["segment"]) for one in table["attempts"]] == [("done", 5)]
    temperature, energy, correlation, kappa = table["curves"]
    assert (temperature["x"][0], temperature["x"][-1]) == (0.04, 8.0)
    assert energy["y"][0] == 0
    assert (correlation["x"][0], correlation["y"][0]) == (0, 1)
    assert (kappa["x"][0], kappa["y"][0], kappa["y_unit"]) == (0, 0, "W/m/K")


def test_a_run_that_failed(launched: Launched) -> None:
    table = told(launched, "inspect", FAILED)
    assert (table["state"], table["curves"]) == ("failed", [])
    assert [segment["state"] for segment in table["segments"]] == ["failed", "waiting"]
    (failed,) = launched.summary["failed"]
    assert table["attempts"][-1]["cause"] == failed["cause"]
    text = asked(launched, "inspect", FAILED)
    assert failed["message"] in text
    assert f"{FAILED}  failed\n" in text


def test_figures_in_the_terminal(launched: Launched) -> None:
    text = asked(launched, "inspect", DONE)
    for title in ("temperature (K)", "drift of the energy (", "Green–Kubo κ (W/m/K)"):
        assert title in text
    assert text.count("╭") == 4
    assert len(re.findall("[\u2801-\u28ff]", text)) > 100  # dots


def test_a_run_that_has_only_begun(launched: Launched, tmp_path: Path) -> None:
    """Half of its chunks and no record: as in a launch that was killed."""
    store = tmp_path / "store"
    shutil.copytree(launched.store, store)
    for part in (2, 3):
        (store / "data.zarr" / "gk" / "samples" / f"c.0.0.0.0.{part}.0").unlink()
    table = told(launched, "inspect", DONE, "--store", store)
    states = [segment["state"] for segment in table["segments"]]
    assert (table["state"], states) == ("partial", ["done"] * 4 + ["waiting"] * 2)
    assert table["curves"][0]["x"][-1] == 4.0


def test_samples_that_are_damaged(launched: Launched, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(launched.store, store)
    chunk = store / "data.zarr" / "gk" / "samples" / "c.0.0.0.0.1.0"
    chunk.write_bytes(b"nonsense")
    table = told(launched, "inspect", DONE, "--store", store)
    assert str(chunk) in table["problem"]
    assert (table["state"], table["curves"]) == ("done", [])
    assert f"no figures: {chunk}" in asked(launched, "inspect", DONE, "--store", store)


# Which run


@pytest.mark.parametrize("name", [DONE, "first-T40-3x3x3-s1", f"emd-{DONE}"])
def test_names_of_a_run(launched: Launched, name: str) -> None:
    assert told(launched, "inspect", name)["run"] == DONE


@pytest.mark.parametrize("command", ["logs", "inspect"])
def test_a_wrong_run_is_answered_with_the_nearest(launched: Launched, command: str) -> None:
    message = refused(launched.home, command, "gk/frist-T40-3x3x3-s1")
    assert f"no run 'gk/frist-T40-3x3x3-s1'; the nearest: {DONE}, " in message


# Colours


def in_a_terminal(folder: Path, *words: str, **environment: str) -> str:
    """What a command says to a terminal of 100 columns."""
    master, terminal = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    variables |= {"TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(
        [*COMMAND, *words], cwd=folder, env=variables | environment, stdout=terminal
    ) as process:
        os.close(terminal)
        said = b""
        while part := _read(master):
            said += part
    os.close(master)
    assert process.returncode == 0
    return said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # so says Linux when nobody is at the other end
        return b""


@pytest.mark.parametrize("words", [("status", "--runs"), ("inspect", FAILED)])
def test_colours_are_for_terminals(launched: Launched, words: tuple[str, ...]) -> None:
    assert COLOUR.search(in_a_terminal(launched.home, *words))
    assert not COLOUR.search(in_a_terminal(launched.home, *words, NO_COLOR="1"))
    assert "\x1b" not in asked(launched, *words)


def test_watching_in_a_terminal(launched: Launched, tmp_path: Path) -> None:
    """In place, without a cursor; the study that failed is left out, so that all is done."""
    store = tmp_path / "store"
    shutil.copytree(launched.store, store)
    metadata = store / "data.zarr" / "zarr.json"
    table = json.loads(metadata.read_bytes())
    del table["attributes"]["studies"]["too-fast"]
    metadata.write_text(json.dumps(table))
    text = in_a_terminal(tmp_path, "status", str(store), "--watch")
    assert text.startswith("\x1b[?25l")
    assert "100.0%" in text


def test_json_has_no_colours_in_a_terminal(launched: Launched) -> None:
    text = in_a_terminal(launched.home, "status", "--json")
    assert "\x1b" not in text
    assert json.loads(text)["studies"]
