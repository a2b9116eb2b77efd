"""Reading what LAMMPS has written, whole and torn."""

from pathlib import Path

import numpy as np
import pytest

from ensemble.md import failures
from ensemble.md.failures import Cause, SegmentFailure
from ensemble.md.rows import read_frames, read_profile, read_series

SERIES = """\
# Time-averaged data for fix rows
# step a b
0 9 9
5 0.5 -1.5
10 1.25e-3 2
15 nan 4
"""

PROFILE = """\
# Chunk-averaged data for fix profile and group all
# Timestep Number-of-chunks Total-count
# Chunk Coord1 Ncount temp v_heat_flux
100 2 7
  1 0.25 3 300.5 -1
  2 0.75 4 299.5 1
200 2 7
  1 0.25 3.5 310 -2
  2 0.75 3.5 290 2
"""


def test_series(tmp_path: Path) -> None:
    """The wanted steps, and not the one that LAMMPS begins with."""
    (tmp_path / "rows").write_text(SERIES)
    found = read_series(tmp_path / "rows", 2, np.array([5, 10, 15]))
    np.testing.assert_array_equal(found, [[0.5, -1.5], [0.00125, 2], [np.nan, 4]])


@pytest.mark.parametrize("cut", [1, 2, 5, 9])
def test_torn_series(tmp_path: Path, cut: int) -> None:
    """As after a full disk: the last line is not taken for a row."""
    (tmp_path / "rows").write_text(SERIES[:-cut])
    steps = np.array([5, 10, 15])
    with pytest.raises(SegmentFailure, match="no row for step 15") as failure:
        read_series(tmp_path / "rows", 2, steps)
    assert failure.value.cause is Cause.INTERNAL


def test_series_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk here has room, which is made too little."""
    monkeypatch.setattr(failures, "NO_ROOM", 2**80)
    (tmp_path / "rows").write_text(SERIES[:-1])
    for name in ("rows", "nothing"):
        with pytest.raises(SegmentFailure, match="no space left on device; make room") as failure:
            read_series(tmp_path / name, 2, np.array([5, 10, 15]))
        assert failure.value.cause is Cause.DISK_FULL


def test_series_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("# Time-averaged data\n0 one two\n5 1 2\n")
    with pytest.raises(SegmentFailure, match="rows is no table of numbers"):
        read_series(tmp_path / "rows", 2, np.array([5]))
    (tmp_path / "short").write_text("0 1 2\n5 1 2\n")
    with pytest.raises(SegmentFailure, match="has 3 columns where there should be 4"):
        read_series(tmp_path / "short", 3, np.array([5]))
    with pytest.raises(SegmentFailure, match="wrote no file nothing"):
        read_series(tmp_path / "nothing", 2, np.array([5]))


def test_profile(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(PROFILE)
    found = read_profile(tmp_path / "profile", 2, 2, np.array([100, 200]))
    expected = [[[3, 300.5, -1], [4, 299.5, 1]], [[3.5, 310, -2], [3.5, 290, 2]]]
    np.testing.assert_array_equal(found, expected)


def test_torn_profile(tmp_path: Path) -> None:
    whole = "\n".join(PROFILE.splitlines()[:-1])
    (tmp_path / "profile").write_text(whole)
    with pytest.raises(SegmentFailure, match="no row for step 200"):
        read_profile(tmp_path / "profile", 2, 2, np.array([100, 200]))


def test_profile_with_other_layers(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(PROFILE)
    with pytest.raises(SegmentFailure, match="profile has other than 3 layers"):
        read_profile(tmp_path / "profile", 3, 2, np.array([100]))


FRAME = """\
ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0 1
0 1
0 1
ITEM: ATOMS type c_pe_atom
2 -0.5
1 {energy}
"""


def test_frames(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.write_text("".join(FRAME.format(step=s, energy=s / 8) for s in (0, 10, 20)))
    found = read_frames(path, 2, np.array([10, 20]))
    np.testing.assert_array_equal(found, [[[2, -0.5], [1, 1.25]], [[2, -0.5], [1, 2.5]]])


@pytest.mark.parametrize("cut", [1, 3, 60, 130])
def test_torn_frames(tmp_path: Path, cut: int) -> None:
    """Wherever the disk got full, down to nothing at all."""
    path = tmp_path / "frames"
    path.write_text(FRAME.format(step=10, energy=1.5)[:-cut])
    with pytest.raises(SegmentFailure, match="frames has") as failure:
        read_frames(path, 2, np.array([10]))
    assert failure.value.cause is Cause.INTERNAL


def test_frames_of_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.write_text(FRAME.format(step=10, energy=1.5))
    with pytest.raises(SegmentFailure, match="frames has no 3 numbers for each atom"):
        read_frames(path, 3, np.array([10]))
