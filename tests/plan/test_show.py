"""The plan in words and in JSON."""

import json

import pytest
from rich.console import Console
from small_campaigns import CU2SE, LJ, ROOT, Folder, changed

from ensemble.campaign import find_files, load_campaign
from ensemble.plan.cost import estimate
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.show import as_json, bytes_text, describe, duration_text


def text_of(plan: Plan, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(describe(plan, estimate(plan, workers=2)))
    return capture.get()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (4.07e6, "4.07 MB"), (1.2e12, "1.2 TB")],
)
def test_bytes(count: float, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.31, "0.31 s"),
        (7.24, "7.2 s"),
        (42.4, "42 s"),
        (59.9, "1 min"),
        (754, "13 min"),
        (3599, "1 h"),
        (13_080, "3 h 38 min"),
        (48 * 3600 - 40, "47 h 59 min"),
        (48 * 3600, "2 d"),
        (98.4 * 3600, "4 d 2 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_table() -> None:
    campaign = load_campaign(ROOT / "campaigns" / "cu195se.toml")
    files = find_files(campaign)
    count, plan = len(files.models), make_plan(campaign, files)
    lines = text_of(plan).splitlines()
    assert all(len(line) <= 80 for line in lines)
    (sweep, work) = [line.split() for line in lines if line.startswith("gk-600K")]
    assert sweep == ["gk-600K", "emd", f"{count}", "600", "5x5x5", "1,475", "5", f"{5 * count}"]
    # How many segments equilibration takes depends on the speed of the largest model.
    assert work[:2] == ["gk-600K", "2,600,000"]
    assert work[3:6] == ["+", "40", "200,000"]
    assert any(line.split() == ["3x80x3", "8,496"] for line in lines)
    (total,) = [line for line in lines if line.startswith(f"{65 * count} runs, ")]
    assert "with 2 workers" in total


def test_many_labels_are_shortened(folder: Folder) -> None:
    temperatures = str(list(range(100, 1100, 100)))
    shown = text_of(folder.plan(changed(CU2SE, temperatures=temperatures)))
    assert " 400 " in shown
    assert " 500 " not in shown
    assert " 1000 " in shown


def test_json(folder: Folder) -> None:
    plan = folder.plan()
    cost = estimate(plan, workers=2)
    found = json.loads(json.dumps(as_json(plan, cost)))
    assert (found["campaign"], found["runs"], found["workers"]) == ("small", 49, 2)
    assert found["core_hours"] == pytest.approx(sum(s["core_hours"] for s in found["studies"]))
    assert found["makespan_hours"] == cost.makespan_seconds / 3600
    assert found["speeds"] == "modelled"
    gk, direct, fixed = found["studies"]
    assert gk["atoms"] == {"2x2x2": 94, "3x3x3": 319}
    assert (gk["temperatures_K"], gk["seeds"], gk["runs"]) == ([300, 600], [1, 2], 24)
    assert (gk["steps_per_run"], gk["rows_per_run"], gk["timestep_fs"]) == (21_500, 4000, 2)
    assert gk["channels"][0] == "heat_flux_x"
    assert (direct["models"], direct["equilibration_segments"]) == (["level12"], 2)
    assert (fixed["method"], fixed["sampling_segments"]) == ("rerun", 1)
    total = sum(study["sample_bytes_uncompressed"] for study in found["studies"])
    assert found["sample_bytes_uncompressed"] == total


def test_limits_of_convergence(folder: Folder) -> None:
    limits = "\n[convergence]\nrelative_error = 0.05\nmax_seeds = 5\nmax_time = 100\n"
    plan = folder.plan(CU2SE + limits)
    cost, most = estimate(plan, workers=2), estimate(plan.at_most(), workers=2)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(describe(plan, cost, most))
    lines = capture.get().splitlines()
    assert all(len(line) <= 80 for line in lines)
    text = " ".join(lines[-3:])
    assert "κ is not known to ± 5 %: up to 5 seeds and 100 ps each." in " ".join(text.split())
    assert "At most 125 runs, " in text
    found = as_json(plan, cost, most)
    assert (found["runs"], found["at_most"]["runs"]) == (49, 125)
    assert found["at_most"]["core_hours"] == most.core_seconds / 3600 > 2 * found["core_hours"]
    assert "at_most" not in as_json(plan, cost)


def test_reduced_units_have_names_of_their_own(folder: Folder) -> None:
    plan = folder.plan(LJ)
    (study,) = as_json(plan, estimate(plan, workers=1))["studies"]
    assert study["temperatures_epsilon_kB"] == [1.35]
    assert study["timestep_tau"] == 0.005
    assert " T (K) " not in text_of(plan)
