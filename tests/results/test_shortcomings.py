"""The table of κ names every shortcoming, and shows the rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_samples import (
    ENERGY,
    GREEN_KUBO,
    TEMPERATURE,
    VOLUME,
    MakeStore,
    Samples,
    driven,
    equilibrium,
    fill,
    integrals_by_hand,
    results_of,
    rows_of,
)

from ensemble.plan.recipe import Run
from ensemble.store.ledger import append, event_of


def test_a_window_behind_the_series(planted: MakeStore) -> None:
    store = planted(window="[30, 40]")
    fill(store, "gk")
    row = rows_of(store, "gk")[0]
    assert row.verdict == "window up to 40 ps: the longest lag of the series is 39.99 ps"
    assert math.isnan(row.found.kappa.mean)


def test_a_window_behind_the_pieces_of_few_runs(planted: MakeStore) -> None:
    """A single run of 4000 rows is cut into three, its components alone into nine."""
    store = planted(window="[10, 15]")
    store.plant(store.run("gk"), equilibrium(store.run("gk"), store.rows("gk")))
    wanted = "window up to 15 ps: the longest lag of the series is {}; {} {} series"
    few = "the runs are few, so each is cut into"
    assert rows_of(store, "gk")[1].verdict == wanted.format("13.32 ps", few, 3)
    alone = rows_of(store, "gk", components=True)[1]
    assert alone.verdict == wanted.format("4.43 ps", few, 9)


def test_a_gradient_that_is_hardly_known(planted: MakeStore) -> None:
    """Two runs that differ by a fifth: Student's t makes that more than κ itself."""
    store = planted(direct_seeds=2)
    rows = store.rows("direct")

    def scattered(run: Run) -> Samples:
        samples = driven(run, rows)
        return samples | {"exchanged_energy": ENERGY * (1 + 0.2 * (run.seed - 1))}

    store.each("direct", scattered)
    row = rows_of(store, "direct")[0]
    assert row.found.kappa.mean > 0
    assert "too few independent samples: the interval is wider than ± 20 %" in row.verdict
    assert not row.trusted


def test_runs_that_are_not_whole_do_not_count(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    store.chunks(store.run("gk", "b", 600, 2))[-1].unlink()
    for path in store.chunks(store.run("gk", "b", 600, 4)):
        path.unlink()
    row = rows_of(store, "gk")[3]
    by_hand = integrals_by_hand(store, "metal", [1, 3, 5])[..., 0, 0]
    scale = GREEN_KUBO["metal"] / (VOLUME * TEMPERATURE**2)
    assert row.found.kappa.mean == pytest.approx(scale * by_hand.mean(), rel=1e-5)
    assert (len(row.group.done), row.group.asked, row.found.kappa.samples) == (3, 5, 9)


def test_a_single_seed(planted: MakeStore) -> None:
    """Is cut into pieces: its three components alone would hardly give an error."""
    store = planted()
    fill(store, "gk")
    for seed in (2, 3, 4, 5):
        store.chunks(store.run("gk", "a", 600, seed))[0].unlink()
    found = rows_of(store, "gk")[1].found
    assert found.kappa.samples == 9
    assert 0 < found.kappa.half_width < math.inf


def test_an_empty_store(planted: MakeStore) -> None:
    rows = results_of(planted()).tables().kappa
    assert len(rows) == 4 + 2 + 4
    assert {row.verdict for row in rows} == {"no run is done"}
    assert {len(row.group.done) for row in rows} == {0}
    assert all(math.isnan(row.found.kappa.mean) for row in rows)
    assert {row.found.kappa.half_width for row in rows} == {math.inf}


def test_failures_are_in_the_verdict_of_their_group(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    unlucky = [store.run("gk", "a", 600, seed) for seed in (2, 3, 4)]
    for run in unlucky:
        append(
            store.paths, event_of(run, "failed", cause="drift", message="energy drifted by 9 eV")
        )
    for run in unlucky[:2]:
        store.chunks(run)[0].unlink()
    rows = rows_of(store, "gk")
    assert rows[1].verdict.endswith("2 runs failed: energy drifted by 9 eV")
    assert not any("failed" in row.verdict for row in (rows[0], *rows[2:]))
    assert len(rows[1].group.done) == 3


def test_a_damaged_chunk_is_named_and_the_others_are_shown(planted: MakeStore) -> None:
    store = planted()
    fill(store, "gk")
    damaged = store.chunks(store.run("gk", "a", 600, 2))[1]
    damaged.write_bytes(b"garbage")
    rows = rows_of(store, "gk")
    assert rows[1].verdict.startswith(f"{damaged}: ")
    assert math.isnan(rows[1].found.kappa.mean)
    assert all(row.found.kappa.mean > 0 for row in (rows[0], *rows[2:]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_none_is_named(planted: MakeStore, value: float) -> None:
    store = planted()
    fill(store, "gk")
    run = store.run("gk", "b", 300, 3)
    samples = equilibrium(run, store.rows("gk"))
    flux = np.array(samples["heat_flux_y"])
    flux[1234] = value
    store.plant(run, {**samples, "heat_flux_y": flux})
    rows = rows_of(store, "gk")
    wanted = f"b-T300-3x3x3-s3: heat_flux_y is {value} in row 1234, not a finite number"
    assert rows[2].verdict == wanted
    assert all(row.found.kappa.mean > 0 for row in (*rows[:2], rows[3]))


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0.0}, {"volume": 0.0}, {f"heat_flux_{x}": 0.0 for x in "xyz"}]
)
def test_what_cannot_be_is_one_verdict(planted: MakeStore, wrong: Samples) -> None:
    store = planted(window='"auto"')
    fill(store, "gk")
    for seed in range(1, 6):
        run = store.run("gk", "a", 600, seed)
        store.plant(run, {**equilibrium(run, store.rows("gk")), **wrong})
    rows = rows_of(store, "gk")
    assert rows[1].verdict != "converged"
    assert "\n" not in rows[1].verdict
    assert not rows[1].found.kappa.mean > 0
    assert all(row.found.kappa.mean > 0 for row in (rows[0], *rows[2:]))
