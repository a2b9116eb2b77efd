"""``[convergence]``: who knows κ well enough gets nothing more, who does not gets more."""

import json
import math
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import zarr
from launches import (
    DIRECT,
    FIXED,
    GK,
    HEAD,
    WAIT,
    Launcher,
    ensemble,
    events_of,
    files_in,
    launch,
    write_campaign,
)

from ensemble.campaign import CampaignError, load_campaign
from ensemble.cluster import convergence
from ensemble.cluster.convergence import Judgement, Step, extend, judge
from ensemble.cluster.jobs import Batch
from ensemble.cluster.launch import Workplace
from ensemble.cluster.launch import launch as launch_here
from ensemble.cluster.prepare import Prepared, prepare
from ensemble.cluster.progress import reporter_for
from ensemble.cluster.task import work_on
from ensemble.reduction.verdict import UNCERTAIN
from ensemble.store.info import StudyInfo, read_store
from ensemble.store.layout import StorePaths
from ensemble.store.status import read_status

NOISE = f"{sys.executable} -S {Path(__file__).with_name('noise.py')}"

CAMPAIGN = f"""
[campaign]
name = "noise"
units = "lj"

[material.fluid]
prototype = "fcc"
species = ["Ar"]
lattice = 1.8

[engine]
command = "{NOISE}"

[models]
style = "lammps"

[[models.model]]
name = "lj"
commands = ["pair_style lj/cut 2.5", "pair_coeff * * 1 1"]

[cluster]
workers = 2

[[study]]
name = "gk"
method = "emd"
material = "fluid"
temperatures = [0.5, 4]
supercells = [[1, 1, 1]]
seeds = 4
timestep = 0.002
equilibrate = [{{ ensemble = "nve", time = 0.2 }}]
sample = {{ time = 32, every = 0.02 }}
segment = 8
"""
"""The heat flux is noise with the longer a memory, the higher the temperature."""

TARGET = """
[convergence]
relative_error = 0.1
max_seeds = 16
max_time = 64
"""
"""That the group with the short memory meets at once, and the other one does not."""

SHORT, LONG = "lj-T0.5-1x1x1", "lj-T4-1x1x1"


def changed(text: str, **changes: object) -> str:
    """With other values for keys that stand at the beginnings of lines."""
    lines = text.splitlines()
    for key, value in changes.items():
        (place,) = [n for n, line in enumerate(lines) if line.startswith(f"{key} = ")]
        lines[place] = f"{key} = {value}"
    return "\n".join(lines) + "\n"


def decisions_of(store: Path, group: str) -> list[dict[str, object]]:
    """What the ledger says of a group, in order."""
    return [event for event in events_of(store) if event.get("group") == group]


def steps_of(store: Path, group: str) -> list[object]:
    return [decision["decision"] for decision in decisions_of(store, group)]


def study_of(store: Path, name: str = "gk") -> StudyInfo:
    return read_store(store).studies[name]


def done_in(store: Path) -> dict[str, int]:
    """How many sampling segments there are of each run."""
    found: dict[str, int] = {}
    info = read_store(store)
    for name in info.studies:
        places = dict(info.runs(name))
        for chunk in (store / "data.zarr" / name / "samples").glob("c.*"):
            *place, _, _ = map(int, chunk.name.split(".")[1:])
            run = places[tuple(place)].name
            found[run] = found.get(run, 0) + 1
    return found


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_campaign(tmp_path_factory.mktemp("noise"), CAMPAIGN + TARGET)


@pytest.fixture(scope="module")
def converged(campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its store, of a launch that nobody disturbed."""
    store = tmp_path_factory.mktemp("converged") / "store"
    finished = launch(campaign, store)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"gk {SHORT}: κ = " in finished.stdout
    assert "κ is known well enough in 2 of 2 groups" in finished.stdout
    return store


def test_a_target_can_be_met(tmp_path: Path) -> None:
    """A κ that just meets the largest one is trusted."""
    text = changed(CAMPAIGN + TARGET, relative_error=UNCERTAIN)
    limits = load_campaign(write_campaign(tmp_path, text)).convergence
    assert limits is not None
    assert limits.relative_error == UNCERTAIN
    text = changed(CAMPAIGN + TARGET, relative_error=1.01 * UNCERTAIN)
    with pytest.raises(CampaignError, match=r"convergence\.relative_error: found"):
        load_campaign(write_campaign(tmp_path, text))


def test_only_who_needs_more_gets_more(converged: Path) -> None:
    assert steps_of(converged, SHORT) == ["met"]
    *before, last = decisions_of(converged, LONG)
    assert last["decision"] == "met"
    assert float(str(last["relative_error"])) <= 0.1
    assert before
    for decision in before:
        assert decision["decision"] in ("seeds", "time")
        assert float(str(decision["relative_error"])) > 0.1
    runs, segments = int(str(last["seeds"])), int(str(last["segments"]))
    expected = {f"{SHORT}-s{seed}": 4 for seed in range(1, 5)}
    expected |= {f"{LONG}-s{seed}": segments for seed in range(1, runs + 1)}
    assert runs * segments > 16
    assert done_in(converged) == expected


def test_status_and_results_agree(converged: Path) -> None:
    status = json.loads(ensemble(converged, "status", converged, "--json").stdout)
    assert status["complete"]
    assert status["studies"][0]["runs"] == len(done_in(converged))
    assert status["studies"][0]["sampling_segments"] == sum(done_in(converged).values())
    last = {table["group"]: table for table in status["convergence"]}
    rows = json.loads(ensemble(converged, "results", converged, "--json").stdout)["kappa"]
    assert [f"lj-T{row['temperature']:g}-1x1x1" for row in rows] == [SHORT, LONG]
    for row, decision in zip(rows, (last[SHORT], last[LONG]), strict=True):
        assert row["runs"] == row["runs_asked"] == decision["seeds"]
        assert row["kappa_half_width"] / row["kappa"] == decision["relative_error"]
        assert row["verdict"] == "converged"


def test_all_runs_done_is_not_all(converged: Path, tmp_path: Path) -> None:
    """As long as nobody has judged the groups, or one is to get more, there is something to do."""
    store = tmp_path / "store"
    shutil.copytree(converged, store)
    assert read_status(store).complete
    path = StorePaths(store).ledger
    lines = path.read_text().splitlines(keepends=True)
    judged = [line for line in lines if '"convergence"' in line]
    path.write_text("".join(line for line in lines if line not in judged))
    assert not read_status(store).complete
    more = [line for line in judged if json.loads(line)["decision"] in ("seeds", "time")]
    path.write_text("".join([*lines, more[0]]))
    assert not read_status(store).complete


def test_interrupted_before_anything_is_judged(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, section = tmp_path / "store", tmp_path / "here.toml"
    section.write_text('[cluster]\nworkers = 2\ndashboard_address = "127.0.0.1:0"\n')
    with monkeypatch.context() as patched:
        do = Workplace.do

        def do_and_interrupt(*arguments: Any) -> None:
            do(*arguments)
            os.kill(os.getpid(), signal.SIGINT)

        patched.setattr(Workplace, "do", do_and_interrupt)
        quiet = reporter_for(quiet=True)
        summary = launch_here(campaign, store, cluster=section, reporter=quiet)
    assert (summary.interrupted, summary.done, summary.asked) == (True, 8, 8)
    assert not summary.complete
    assert not read_status(store).complete


def test_a_second_launch_starts_nothing(campaign: Path, converged: Path) -> None:
    before = files_in(converged)
    again = launch(campaign, converged)
    assert (again.returncode, again.stderr) == (0, "")
    assert "to do on" not in again.stdout
    assert files_in(converged) == before


def done_here(folder: Path, text: str, store: Path) -> Prepared:
    """What a campaign asks for done in this process, without Dask and without going on."""
    campaign = load_campaign(write_campaign(folder, text))
    prepared = prepare(campaign, store)
    for item in prepared.items():
        work_on(Batch((prepared.job(item),)))
    return prepare(campaign, store)


def converge_here(folder: Path, text: str, store: Path) -> list[Judgement]:
    """As a launch does, but in this process and without Dask."""
    while True:
        prepared = done_here(folder, text, store)
        judged = judge(prepared)
        if extend(prepared, judged, print) == prepared.plan.extensions:
            return judged


def test_a_fixed_campaign_may_converge_later(converged: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    fixed = done_here(tmp_path, CAMPAIGN, store)
    assert (len(fixed.done), fixed.plan.extensions) == (8, {})
    assert not {"extensions", "seeds"} & study_of(store).as_json().keys()
    chunks = {path.name: path.read_bytes() for path in store.glob("data.zarr/gk/samples/c.*")}
    assert len(chunks) == 32

    converge_here(tmp_path, CAMPAIGN + TARGET, store)
    check_converged(store, converged)
    # What was there before is as it was, and as it is where the campaign was never fixed.
    there = converged / "data.zarr" / "gk" / "samples"
    assert all((there / name).read_bytes() == content for name, content in chunks.items())

    samples = done_in(store)
    fixed = prepare(load_campaign(write_campaign(tmp_path, CAMPAIGN)), store)
    assert (list(fixed.items()), len(fixed.done)) == ([], 8)
    converge_here(tmp_path, CAMPAIGN + TARGET, store)
    assert done_in(store) == samples
    check_converged(store, converged)


def check_converged(store: Path, converged: Path) -> None:
    """A store came out as the one that nobody disturbed, and so did its decisions."""
    mine, theirs = (files_in(where / "data.zarr") for where in (store, converged))
    assert mine == theirs
    for group in (SHORT, LONG):
        mine, theirs = (decisions_of(where, group) for where in (store, converged))
        assert [one | {"time": ""} for one in mine] == [one | {"time": ""} for one in theirs]


def test_killed_after_every_decision(campaign: Path, converged: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    ledger, decided = store / "work" / "ledger.jsonl", 0
    while True:
        with Launcher(campaign, store) as launcher:
            while launcher.running:
                lines = ledger.read_bytes().count(b'"convergence"') if ledger.exists() else 0
                if lines > decided:
                    decided = lines
                    launcher.child.kill()
                time.sleep(WAIT)
            if launcher.ended() == 0:
                break
    assert decided >= 3
    check_converged(store, converged)


def test_killed_before_a_decision_takes_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, said = tmp_path / "store", list[str]()
    prepared = done_here(tmp_path, CAMPAIGN + TARGET, store)
    judged = judge(prepared)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(convergence, "create_or_grow", killed)
        with pytest.raises(KeyboardInterrupt):
            extend(prepared, judged, said.append)
    lines = events_of(store)
    assert steps_of(store, LONG) == ["seeds"]
    assert not study_of(store).extensions
    assert len(said) == 2
    # The next one decides the same; the ledger has it already.
    extend(prepared, judge(prepared), said.append)
    assert events_of(store) == lines
    assert len(said) == 2
    assert list(study_of(store).extensions) == [("lj", 4.0, (1, 1, 1))]


def test_of_two_launchers_the_second_adds_nothing(tmp_path: Path) -> None:
    store = tmp_path / "store"
    one = done_here(tmp_path, CAMPAIGN + TARGET, store)
    other = prepare(one.plan.campaign, store)
    first, second = judge(one), judge(other)
    asked = extend(one, first, print)
    after, lines = study_of(store), events_of(store)
    assert asked["gk"] == after.extensions != {}
    assert extend(other, second, print) == asked
    assert (study_of(store), events_of(store)) == (after, lines)
    # And while the runs are not done there is nothing to judge.
    judged = judge(prepare(one.plan.campaign, store))
    assert [judgement.decision.group for judgement in judged] == [SHORT]


def test_who_looked_before_another_one_decided_adds_nothing(tmp_path: Path) -> None:
    """What it would judge has more runs by now than it knows of, and those are not done."""
    store = tmp_path / "store"
    one = done_here(tmp_path, CAMPAIGN + TARGET, store)
    other = prepare(one.plan.campaign, store)
    asked = extend(one, judge(one), print)
    after, lines = study_of(store), events_of(store)
    assert asked["gk"] == after.extensions != {}
    judged = judge(other)
    assert [judgement.decision.group for judgement in judged] == [SHORT]
    # It is told, and so goes on with what there is to do.
    assert extend(other, judged, print) == asked != other.plan.extensions
    assert (study_of(store), events_of(store)) == (after, lines)


def test_an_error_in_the_samples_is_not_answered_with_more(tmp_path: Path) -> None:
    store = tmp_path / "store"
    text = changed(CAMPAIGN + TARGET, temperatures="[4]")
    prepared = done_here(tmp_path, text, store)
    samples = zarr.open_group(store / "data.zarr", mode="r+")["gk/samples"]
    assert isinstance(samples, zarr.Array)
    samples[0, 0, 0, 1, 7, 0] = math.nan
    (judged,) = judge(prepared)
    assert judged.step is Step.ERROR
    assert f"{LONG}-s2: heat_flux_x is nan in row 7" in judged.decision.message
    assert judged.decision.message.endswith("there is no κ, so no more are tried")
    assert extend(prepared, [judged], print) == prepared.plan.extensions == {}
    assert steps_of(store, LONG) == ["error"]


def test_two_launchers_at_once(campaign: Path, converged: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Launcher(campaign, store) as one, Launcher(campaign, store) as other:
        assert [one.ended(), other.ended()] == [0, 0], one.log.read_text()
    check_converged(store, converged)


def test_the_limits_are_kept(tmp_path: Path) -> None:
    """Seeds first, then time, then the end of it; a higher limit goes on."""
    text = changed(CAMPAIGN + TARGET, temperatures="[0.5]", relative_error=0.01, max_seeds=7)
    store = tmp_path / "store"
    (judged,) = converge_here(tmp_path, changed(text, max_time=48), store)
    assert judged.step is Step.LIMITS
    assert (judged.decision.seeds, judged.decision.segments) == (7, 6)
    assert done_in(store) == {f"{SHORT}-s{seed}": 6 for seed in range(1, 8)}
    assert steps_of(store, SHORT) == ["seeds", "time", "limits"]

    (judged,) = converge_here(tmp_path, changed(text, max_time=64), store)
    assert steps_of(store, SHORT)[3:] == ["time", "limits"]
    assert done_in(store) == {f"{SHORT}-s{seed}": 8 for seed in range(1, 8)}


def broken(text: str, runs: str) -> str:
    """With an error at the beginning of some runs."""
    command = f'command = "{NOISE}"'
    return text.replace(command, f'{command}\nenvironment = {{ NOISE_DEFECT = "{runs}" }}')


def test_runs_that_failed_are_not_waited_for(tmp_path: Path) -> None:
    """κ is made from the others."""
    text = changed(broken(CAMPAIGN + TARGET, "s2"), temperatures="[0.5]")
    store = tmp_path / "store"
    launched = launch(write_campaign(tmp_path, text), store)
    assert launched.returncode == 1
    assert "1 failed, --retry-failed tries again" in launched.stdout
    assert "κ is known well enough in 1 of 1 groups" in launched.stdout
    last = decisions_of(store, SHORT)[-1]
    assert (last["decision"], last["runs"]) == ("met", len(done_in(store)))
    assert f"{SHORT}-s2" not in done_in(store)
    assert "1 run failed: " in str(last["message"])


def test_where_all_runs_fail_there_are_no_more(tmp_path: Path) -> None:
    text = changed(broken(CAMPAIGN + TARGET, "T0.5-"), temperatures="[0.5]")
    store = tmp_path / "store"
    launched = launch(write_campaign(tmp_path, text), store)
    assert launched.returncode == 1
    assert "κ is known well enough in 0 of 1 groups" in launched.stdout
    assert steps_of(store, SHORT) == ["failed"]
    assert not study_of(store).extensions


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of every method, by LAMMPS, with a target that cannot be met."""
    folder = tmp_path_factory.mktemp("real")
    limits = "\n[convergence]\nrelative_error = 0.001\nmax_seeds = 2\nmax_time = 28\n"
    campaign = write_campaign(folder, HEAD + GK + DIRECT + FIXED + limits)
    finished = launch(campaign, folder / "store")
    assert (finished.returncode, finished.stderr) == (0, "")
    return folder / "store"


def test_all_methods(real: Path) -> None:
    """A rerun follows its source, and is not judged."""
    gk, direct, fixed = (study_of(real, name) for name in ("gk", "direct", "fixed"))
    (source,), (driven,) = gk.extensions.values(), direct.extensions.values()
    assert (source.seeds, source.segments) == ((), 7)
    assert driven.seeds or driven.segments
    assert list(fixed.extensions.values()) == [source]
    judged = {event["study"] for event in events_of(real) if event["kind"] == "convergence"}
    assert judged == {"gk", "direct"}
    info, segments = read_store(real), done_in(real)
    for name, study in info.studies.items():
        for _, each in info.runs(name):
            assert segments[each.name] == study.segments_of(each)
    root = zarr.open_group(real / "data.zarr", mode="r")
    assert root["fixed/samples"].shape[3] == root["gk/samples"].shape[3]
