"""``--study``: some studies of a campaign now, the others later."""

from pathlib import Path

from launches import check_same, chunks_of, ensemble, launch

from ensemble.store.status import State, read_status


def states(store: Path) -> dict[str, tuple[int, int]]:
    """By study, how many runs are done, and of how many."""
    return {
        study.name: (study.states[State.DONE], study.runs) for study in read_status(store).studies
    }


def test_a_study_and_what_it_reads(fluid: Path, reference: Path, tmp_path: Path) -> None:
    """The trajectories that it reads again come first; the store is that of the whole campaign."""
    store = tmp_path / "store"
    some = launch(fluid, store, "--study", "fixed", "--quiet")
    assert some.returncode == 0, some.stderr
    assert states(store) == {"gk": (2, 2), "direct": (0, 1), "fixed": (2, 2)}
    rest = launch(fluid, store, "--quiet")
    assert rest.returncode == 0, rest.stderr
    check_same(store, reference)


def test_what_is_done_is_not_done_again(fluid: Path, reference: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in chunks_of(reference)}
    again = launch(fluid, reference, "--study", "gk", "--study", "direct")
    assert again.returncode == 0, again.stderr
    assert "3 of 3 runs done" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in chunks_of(reference)} == before


def test_a_study_that_is_not_there(fluid: Path, tmp_path: Path) -> None:
    """Before there is a store."""
    store = tmp_path / "store"
    refused = ensemble(tmp_path, "launch", fluid, "--store", store, "--study", "gk", "fixde")
    assert refused.returncode == 1
    assert f'{fluid}: --study: found "fixde"; allowed: "gk", "direct" or "fixed"' in refused.stderr
    assert 'did you mean "fixed"?' in refused.stderr
    assert not store.exists()
