"""What is kept: used again while nothing changed, and not a moment longer."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ensemble.plan.recipe import Run
from ensemble.results import Settings, cache, open_results

if TYPE_CHECKING:
    from conftest import Planted

MakeStore = Callable[..., "Planted"]

STUDY = {"study": "gk", "model": "a", "temperature": 600}


def series(run: Run, rows: int) -> dict[str, np.ndarray | float]:
    generator = np.random.default_rng([run.seed, int(run.temperature)])
    columns = ("heat_flux", "heat_flux_convective", "heat_flux_conductive")
    noise = {
        f"{name}_{axis}": generator.standard_normal(rows) for name in columns for axis in "xyz"
    }
    return {**noise, "temperature": 600.0, "volume": 1e4}


@pytest.fixture
def store(planted: MakeStore) -> Planted:
    found = planted()
    found.each("gk", lambda run: series(run, found.rows("gk")))
    return found


def kappa(store: Planted, **settings: object) -> float:
    table = open_results(store.paths.root).kappa(**STUDY, **settings)
    return float(table.kappa[0])


def kept(store: Planted) -> Path:
    return store.paths.results("gk") / "a-T600-3x3x3-window.json"


def mark(store: Planted, value: float = 123.0) -> None:
    """Put a number into what is kept that no computation would give."""
    content = json.loads(kept(store).read_text())
    content["reduced"]["findings"][0]["kappa"]["mean"] = value
    kept(store).write_text(json.dumps(content))


def test_what_is_kept_is_used(store: Planted) -> None:
    computed = kappa(store)
    assert kappa(store) == computed
    mark(store)
    assert kappa(store) == 123


def test_all_that_is_known_comes_back(store: Planted) -> None:
    run = store.run("gk")
    store.chunks(run)[0].unlink()
    first, again = (open_results(store.paths.root).tables() for _ in range(2))
    assert repr(again) == repr(first)  # nan is not nan, but looks like it


def other_samples(store: Planted) -> None:
    store.plant(store.run("gk", seed=2), series(store.run("gk", seed=5), store.rows("gk")))


def one_run_less(store: Planted) -> None:
    store.chunks(store.run("gk", seed=2))[-1].unlink()


def another_window(store: Planted) -> None:
    path = store.paths.metadata
    path.write_text(path.read_text().replace("window = [1, 2]", "window = [1, 3]"))


def damaged(store: Planted) -> None:
    kept(store).write_bytes(kept(store).read_bytes()[:-20])


def something_else(store: Planted) -> None:
    kept(store).write_text('["no", "result"]')


@pytest.mark.parametrize(
    "change", [other_samples, one_run_less, another_window, damaged, something_else]
)
def test_what_changed_is_computed_again(store: Planted, change: Callable[[Planted], None]) -> None:
    before = kappa(store)
    mark(store)
    change(store)
    after = kappa(store)
    assert after != 123
    assert (after == before) == (change in (damaged, something_else))
    mark(store)  # and kept again
    assert kappa(store) == 123


def unreadable(chunk: Path) -> None:
    chunk.unlink()
    chunk.mkdir()


def garbage(chunk: Path) -> None:
    chunk.write_bytes(b"garbage")


@pytest.mark.parametrize("harm", [unreadable, garbage])
def test_what_could_not_be_read_is_not_kept(store: Planted, harm: Callable[[Path], None]) -> None:
    harm(store.chunks(store.run("gk", seed=2))[0])
    table = open_results(store.paths.root).kappa(**STUDY)
    assert np.isnan(table.kappa[0])
    assert not kept(store).exists()


def test_what_the_numbers_forbid_is_kept(store: Planted) -> None:
    store.plant(store.run("gk", seed=2), {"volume": 1e4})
    assert np.isnan(kappa(store))
    assert kept(store).exists()


@pytest.mark.parametrize(
    "name", ["plan/channels.py", "plan/segments.py", "reduction/direct.py", "store/commit.py"]
)
def test_code_that_decides_a_result_is_in_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = tmp_path / "ensemble"
    shutil.copytree(cache.PACKAGE, package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    monkeypatch.setattr(cache, "PACKAGE", package)
    before = cache._code.__wrapped__()
    with (package / name).open("a") as file:
        file.write("# something else\n")
    assert cache._code.__wrapped__() != before


def test_other_code_computes_again(store: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kappa(store)
    mark(store)
    monkeypatch.setattr(cache, "_code", lambda: "another version")
    assert kappa(store) == before


def test_settings_are_kept_apart(store: Planted) -> None:
    window = kappa(store)
    spectrum = kappa(store, estimator="spectrum")
    assert spectrum != window
    mark(store)
    assert kappa(store, estimator="spectrum") == spectrum
    assert len(open_results(store.paths.root).kappa(**STUDY, components=True)) == 3
    assert kappa(store, estimator="window") == 123
    assert len(list(store.paths.results("gk").iterdir())) == 3


def test_a_comment_in_the_campaign_changes_nothing(store: Planted) -> None:
    kappa(store)
    mark(store)
    path = store.paths.metadata
    path.write_text(path.read_text().replace("[campaign]", "# a comment\\n[campaign]", 1))
    assert kappa(store) == 123


def test_a_store_that_cannot_be_written(store: Planted, caplog: pytest.LogCaptureFixture) -> None:
    (store.paths.work / "results").write_text("in the way of a folder")
    with caplog.at_level(logging.INFO, logger="ensemble"):
        table = open_results(store.paths.root).kappa(study="gk")
    assert table.kappa.notna().all()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"results are not kept: {store.paths.results('gk')}: ")


def test_two_threads_that_cannot_write_say_it_once(
    store: Planted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)

    def mkdir(*_: object, **__: object) -> None:
        both.wait(timeout=60)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(Path, "mkdir", mkdir)
    with caplog.at_level(logging.INFO, logger="ensemble"):
        table = open_results(store.paths.root).kappa(study="gk")
    assert table.kappa.notna().all()
    assert len(caplog.messages) == 1


def test_nothing_is_left_beside(store: Planted) -> None:
    open_results(store.paths.root).tables(settings=Settings(estimator="spectrum"))
    names = sorted(path.name for path in store.paths.results("gk").iterdir())
    assert names == [f"{model}-T{t}-3x3x3-spectrum.json" for model in "ab" for t in (300, 600)]
