"""Fits on Dask's workers: real fits in real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from ase import Atoms
from distributed import Client
from planted import SPECIES, labelled_frames, planted_potential
from rich.console import Console

from ensemble.mtp.potential import write_potential
from ensemble.training.fits import Task, fit_all, threads_each
from ensemble.training.models import Fitting, fitted
from ensemble.training.report import Screen
from ensemble.training.settings import Fit
from ensemble.training.tasks import Workers

STEPS = 6


@dataclass
class Listener:
    """A reporter that keeps what it is told."""

    told: list[tuple[str, int, int, str]] = field(default_factory=list)

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def done(self, what: str, count: int, total: int, remark: str = "") -> None:
        self.told.append((what, count, total, remark))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Workers(2) as workers:
        yield workers.client


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    return labelled_frames(planted_potential(4), 12)


def task(name: str, *, seed: int = 1, steps: int = STEPS, checkpoint: Path | None = None) -> Task:
    job = Fitting(
        level=4,
        species=SPECIES,
        seed=seed,
        settings=Fit(cutoff=4.0, min_dist=1.8, chebyshev=4, starts=1),
        steps=steps,
        checkpoint=checkpoint,
    )
    return Task(name=name, job=job, part=tuple(range(seed, 12)))


def test_a_fit_says_how_far_it_is(client: Client, frames: list[Atoms]) -> None:
    listener = Listener()
    tasks = [task("first"), task("second", seed=2)]
    for one, found in fit_all(client, tasks, frames, listener):
        told = [(count, remark) for what, count, _, remark in listener.told if what == one.name]
        # All of it while the fit went on: nothing is told of it when it is over.
        assert told[0] == (0, "looks for a start")
        steps = told[1:-1]
        assert [count for count, _ in steps] == list(range(STEPS + 1))
        for (_, remark), step in zip(steps, found.history, strict=True):
            assert remark.startswith(f"{step.force_rmse:.1f} meV/Å")
        assert "left" not in steps[0][1]
        assert all(remark.endswith(" left") and ", at most " in remark for _, remark in steps[1:])
        assert told[-1] == (STEPS, "")
    assert {total for _, _, total, _ in listener.told} == {STEPS}


def test_a_fit_is_the_same_alone_and_beside_others(
    client: Client, frames: list[Atoms], tmp_path: Path
) -> None:
    """One on two cores, two on one core each, one in this process: the same bits."""
    one = task("one")
    ((_, alone),) = fit_all(client, [one], frames, Listener())
    beside = {
        each.name: found
        for each, found in fit_all(client, [one, task("other", seed=3)], frames, Listener())
    }
    here = fitted(one.job, [frames[number] for number in one.part])
    texts = set()
    for found in (alone, beside["one"], here):
        write_potential(tmp_path / "found.mtp", found.potential)
        texts.add((tmp_path / "found.mtp").read_bytes())
    assert len(texts) == 1
    assert alone.history == beside["one"].history == here.history


def test_a_fit_that_goes_on_does_not_count_what_was_done_before(
    client: Client, frames: list[Atoms], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "half.partial"
    list(fit_all(client, [task("half", steps=3, checkpoint=checkpoint)], frames, Listener()))
    listener = Listener()
    list(fit_all(client, [task("half", checkpoint=checkpoint)], frames, listener))
    steps = [(count, remark) for _, count, _, remark in listener.told[1:-1]]
    assert [count for count, _ in steps] == [4, 5, 6]
    assert "left" not in steps[0][1]
    assert steps[-1][1].endswith("at most 0 s left")


@pytest.mark.parametrize(
    ("workers", "tasks", "threads"), [(2, 1, 2), (2, 2, 1), (2, 9, 1), (8, 3, 2), (1, 1, 1)]
)
def test_no_core_is_idle_where_models_are_few(workers: int, tasks: int, threads: int) -> None:
    assert threads_each(workers, tasks) == threads


def test_workers_that_die_are_a_sentence(client: Client, frames: list[Atoms]) -> None:
    """With the frames that were sent to them."""
    pids = set(client.run(os.getpid).values())

    class Killer(Listener):
        """Ends all workers when a fit is in its steps."""

        def done(self, what: str, count: int, total: int, remark: str = "") -> None:
            while count == 2 and pids:
                os.kill(pids.pop(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match=r"a worker process died, .* the same command goes on"):
        list(fit_all(client, [task("long", steps=10**6)], frames, Killer()))
    client.wait_for_workers(2)


def test_nothing_to_fit_needs_nobody(client: Client) -> None:
    listener = Listener()
    assert list(fit_all(client, [], [], listener)) == []
    assert listener.told == []


def test_a_terminal_has_a_bar_for_each_fit_and_a_file_a_line_now_and_then() -> None:
    shown = StringIO()
    with Screen(Console(file=shown, force_terminal=True, width=80)).running() as screen:
        screen.done("mtp1", 12, 200, "28.4 meV/Å, at most 12 min left")
        screen.done("round 0: member 2", 3, 25, "101.4 meV/Å, at most 1 h 12 min left")
    text = shown.getvalue()
    assert "mtp1" in text
    assert "12/200" in text
    assert "28.4 meV/Å, at most 12 min left" in text
    assert "101.4 meV/Å" in text
    written = StringIO()
    for pause, expected in ((0.0, "mtp1: 12 of 200, 28.4 meV/Å\nmtp1: 13 of 200\n"), (1e9, "")):
        written.truncate(0)
        written.seek(0)
        with Screen(Console(file=written), pause=pause).running() as screen:
            screen.done("mtp1", 12, 200, "28.4 meV/Å")
            screen.done("mtp1", 13, 200)
            screen.done("mtp1", 200, 200)
        assert written.getvalue() == expected
