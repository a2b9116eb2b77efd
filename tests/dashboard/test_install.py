"""The page in schedulers of several kinds, and the process that reads for them."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from distributed import Client
from schedulers import scheduler
from small_stores import SmallStore, make_store

from ensemble.dashboard import feed
from ensemble.dashboard.install import NAME, install


@pytest.fixture
def store(tmp_path: Path) -> SmallStore:
    return make_store(tmp_path)


def fetch(client: Client, page: str) -> str:
    url = client.dashboard_link.replace("/status", page)
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def readers() -> list[psutil.Process]:
    """The processes that read for this one."""
    return [child for child in psutil.Process().children() if _reads(child)]


def _reads(child: psutil.Process) -> bool:
    try:
        return "ensemble.dashboard.reader" in child.cmdline()
    except psutil.NoSuchProcess:  # it has just gone, or has and was not waited for yet
        return False


def test_page_data_and_navigation(client: Client, store: SmallStore) -> None:
    assert client.run_on_scheduler(install, str(store.paths.root), "ensemble")
    assert readers() == []  # nobody looks on
    assert f'href="{NAME}"' in fetch(client, "/status")
    assert "<h2" in fetch(client, f"/{NAME}")
    assert json.loads(fetch(client, f"/{NAME}/json"))["totals"]["runs"] == 2
    assert 'ensemble_runs{state="waiting"} 2.0' in fetch(client, f"/{NAME}/metrics")
    assert "dask_scheduler_workers" in fetch(client, "/metrics")
    assert len(readers()) == 1


def test_workers_are_heard(client: Client, store: SmallStore) -> None:
    """Equilibration leaves no samples: that a segment of it is done is known from its worker."""
    client.run_on_scheduler(install, str(store.paths.root), "ensemble")
    run = store.run()
    store.finish(run, segments=1)
    fetch(client, f"/{NAME}/json")
    store.finish(run, segments=1)
    client.log_event("ensemble", {"key": run.key})
    deadline = time.monotonic() + 60
    while json.loads(fetch(client, f"/{NAME}/json"))["runs"][0]["segments"] != 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_another_launch_at_the_same_scheduler(
    client: Client, store: SmallStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_store(tmp_path_factory.mktemp("other"))
    for each in (store, other):
        assert client.run_on_scheduler(install, str(each.paths.root), "ensemble")
        assert json.loads(fetch(client, f"/{NAME}/json"))["store"] == str(each.paths.root)
    assert fetch(client, "/status").count(f'href="{NAME}"') == 1
    assert len(readers()) == 1


def test_the_scheduler_does_not_see_the_store(client: Client, tmp_path: Path) -> None:
    client.run_on_scheduler(install, str(tmp_path / "elsewhere"), "ensemble")
    problem = json.loads(fetch(client, f"/{NAME}/json"))["problem"]
    assert str(tmp_path / "elsewhere") in problem


def test_a_reader_that_died_is_replaced(client: Client, store: SmallStore) -> None:
    client.run_on_scheduler(install, str(store.paths.root), "ensemble")
    fetch(client, f"/{NAME}/json")
    (before,) = readers()
    before.kill()
    before.wait()
    time.sleep(feed.PERIOD)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        fetch(client, f"/{NAME}/json")
    time.sleep(feed.PERIOD)
    assert json.loads(fetch(client, f"/{NAME}/json"))["totals"]["runs"] == 2
    (after,) = readers()
    assert after.pid != before.pid


def test_the_reader_goes(
    client: Client, store: SmallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some time after the last one has looked on."""
    monkeypatch.setattr(feed, "PATIENCE", 0.1)
    client.run_on_scheduler(install, str(store.paths.root), "ensemble")
    fetch(client, f"/{NAME}/json")
    deadline = time.monotonic() + 60
    while readers():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_reader_goes_with_the_scheduler(store: SmallStore) -> None:
    with scheduler() as client:
        client.run_on_scheduler(install, str(store.paths.root), "ensemble")
        fetch(client, f"/{NAME}/json")
        assert readers()
    assert readers() == []


def test_there_is_no_dashboard(store: SmallStore) -> None:
    with scheduler(dashboard=False) as client:
        assert not client.run_on_scheduler(install, str(store.paths.root), "ensemble")
