"""The page in a real browser, next to a real launch."""

import json
import re
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from browser import Browser
from crystal import write_crystal
from launches import Launcher

from ensemble.dashboard.runs import NUMBER
from ensemble.store.progress import State

RUNS = 4
DASHBOARD = re.compile(r"dashboard (http://\S+)")


def address_of(launcher: Launcher) -> str:
    """Of the page, as the launch tells it."""

    def told() -> str | None:
        found = DASHBOARD.search(launcher.log.read_text())
        return found and found[1]

    return launcher.wait_for(told)


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_crystal(tmp_path_factory.mktemp("crystal"))
    text = path.read_text().replace("temperatures = [400, 600]", "temperatures = [600]")
    text = text.replace("seeds = 2", "seeds = 1").replace("seeds = 4", "seeds = 3")
    path.write_text(f'{text}dashboard_address = "127.0.0.1:0"\n')
    return path


def test_a_launch_is_followed(campaign: Path, tmp_path: Path, chromium: Browser) -> None:
    """The grid fills and κ(t) becomes more certain, without a reload and without an error."""
    store = tmp_path / "store"
    with Launcher(campaign, store) as launcher:
        page = address_of(launcher)
        chromium.open(page)
        chromium.ask("window.opened = true")
        assert chromium.ask("return document.querySelector('.navbar a[href=ensemble]') !== null")
        counts = [chromium.wait_for(lambda: Counter(chromium.states()))]
        half_widths: list[float] = []
        while launcher.running and counts[-1][NUMBER[State.DONE]] < RUNS - 1:
            counts.append(Counter(chromium.states()))
            low, high = (chromium.column("kappa", name)[0] for name in ("low", "high"))
            if low and sum(high) - sum(low) not in half_widths:
                half_widths.append(sum(high) - sum(low))
        told = json.loads(fetch(f"{page}/json"))
        metrics = fetch(f"{page}/metrics")
        assert chromium.ask("return window.opened")
        assert chromium.errors() == []
        assert launcher.ended() == 0, launcher.log.read_text()
        assert "Traceback" not in launcher.log.read_text()
    assert max(count[NUMBER[State.RUNNING]] for count in counts) == 2
    assert counts[0][NUMBER[State.DONE]] < counts[-1][NUMBER[State.DONE]]
    assert len(half_widths) > 3
    assert half_widths[-1] < half_widths[0]
    assert told["totals"]["runs"] == RUNS
    assert {run["state"] for run in told["runs"]} <= {"done", "running", "partial", "waiting"}
    assert any(run["speed"] > 0 for run in told["runs"] if run["speed"] is not None)
    assert 'ensemble_runs{state="done"}' in metrics
    chromium.wait_for(lambda: chromium.ask("return !document.getElementById('lost').hidden"))
    chromium.leave()
