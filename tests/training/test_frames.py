"""Frame files: nothing is lost, and what is wrong with a file is said."""

import gzip
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from argon_frames import argon, labelled
from ase import Atoms
from ase.io import read

from ensemble.store.errors import DiskFull
from ensemble.training.frames import append_frame, drop_cut_frame, read_frames, write_frames
from ensemble.training.labels import FrameError, labels_of

FRAMES = [labelled(number) for number in range(3)]


@pytest.mark.parametrize("name", ["frames.xyz", "frames.xyz.gz"])
def test_all_is_read_back_bit_by_bit(tmp_path: Path, name: str) -> None:
    write_frames(tmp_path / name, FRAMES)
    back = read_frames(tmp_path / name, species=["Ar"])
    assert len(back) == len(FRAMES)
    for one, other in zip(FRAMES, back, strict=True):
        assert_same(one, other)


def assert_same(one: Atoms, other: Atoms) -> None:
    assert list(one.symbols) == list(other.symbols)
    assert one.positions.tobytes() == other.positions.tobytes()
    assert one.cell[:].tobytes() == other.cell[:].tobytes()
    assert all(other.pbc)
    for a, b in zip(labels_of(one), labels_of(other), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert one.info == other.info


def test_a_temperature_is_a_number_of_one_type(tmp_path: Path) -> None:
    file = tmp_path / "frames.xyz"
    write_frames(file, FRAMES)
    text = file.read_text()
    file.write_text(text.replace("temperature=600.0", "temperature=600"))
    assert [type(frame.info["temperature"]) for frame in read_frames(file)] == [float] * 3
    file.write_text(text.replace("temperature=600.0", "temperature=hot", 1))
    with pytest.raises(FrameError, match=r"frame round1-600K-0000: temperature=hot; a number of K"):
        read_frames(file)


def test_ase_reads_the_files(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames.xyz", FRAMES)
    frame = read(tmp_path / "frames.xyz", index=1)
    assert frame.get_potential_energy() == FRAMES[1].get_potential_energy()
    np.testing.assert_array_equal(frame.get_stress(), FRAMES[1].get_stress())


def test_the_same_frames_give_the_same_compressed_bytes(tmp_path: Path) -> None:
    for name in "a.xyz.gz", "b.xyz.gz":
        write_frames(tmp_path / name, FRAMES)
    assert (tmp_path / "a.xyz.gz").read_bytes() == (tmp_path / "b.xyz.gz").read_bytes()


def test_the_old_file_stays_where_new_frames_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "frames.xyz"
    write_frames(path, FRAMES[:1])
    nameless = argon(1)
    del nameless.info["frame"]
    with pytest.raises(FrameError, match=r"Ar8: this frame has no name; give it one"):
        write_frames(path, [FRAMES[0], nameless])
    with pytest.raises(FrameError, match=r"frame round1-600K-0000: 2 frames have this name"):
        write_frames(path, [FRAMES[0], FRAMES[0]])
    assert len(read_frames(path)) == 1


@pytest.mark.parametrize("text", ["007", "T", "1 2", "a\nb", "a\\b"])
def test_a_text_that_would_come_back_as_something_else_is_refused(
    tmp_path: Path, text: str
) -> None:
    frame = labelled(0)
    frame.info["trajectory"] = text
    with pytest.raises(FrameError, match=r"frame round1-600K-0000: trajectory = .* letters"):
        write_frames(tmp_path / "frames.xyz", [frame])


def test_any_other_text_is_kept(tmp_path: Path) -> None:
    frame = labelled(0, teacher="""pkg 1.0 Cls path=/a/b.pt mode="x y" more={'k': [1, 2]} e=é""")
    write_frames(tmp_path / "frames.xyz", [frame])
    assert read_frames(tmp_path / "frames.xyz")[0].info == frame.info


def test_frames_without_names_are_called_after_their_file(tmp_path: Path) -> None:
    path = tmp_path / "found.xyz"
    edit(path, lambda text: text.replace("frame=round1-600K-", "number="))
    assert [frame.info["frame"] for frame in read_frames(path)] == ["found-0000", "found-0001"]


def test_structures_need_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "start.xyz"
    write_frames(path, [argon(1), labelled(2)])
    one, other = read_frames(path, labelled=False)
    assert one.calc is None
    assert other.calc is None
    np.testing.assert_array_equal(one.positions, argon(1).positions)


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Write two frames and put something wrong into the file."""
    write_frames(path, FRAMES[:2])
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace(" energy=", " dft=", 1),
            "round1-600K-0000: no energy; have a teacher",
        ),
        (
            lambda t: t.replace(":forces:", ":f:").replace("stress=", "s="),
            "round1-600K-0000: no forces and no stress; have a teacher label it",
        ),
        (lambda t: t.replace('pbc="T T T"', 'pbc="T F T"'), r"not periodic \(pbc TFT\); a cell"),
        (
            lambda t: t.replace("Ar ", "Xe ", 1),
            "frame round1-600K-0000: has Xe; only Ar and Kr may",
        ),
        (
            lambda t: t.replace("K-0001", "K-0000"),
            "frame round1-600K-0000: 2 frames have this name",
        ),
        (lambda t: t.replace("8\n", "9\n", 1), "frame 0: not extended XYZ: could not assign"),
        (lambda t: t.replace("8\n", "7\n", 1), "line 10: the number of atoms expected, found Ar "),
        (lambda t: t + "\n", "line 21: the number of atoms expected, found an empty line"),
        (lambda t: t.replace("\nAr ", "\nAr x", 1), "frame 0: not extended XYZ: could not convert"),
        (lambda t: t[:-1], "line 11: the last frame, which begins there, is cut off"),
        (lambda t: t[: len(t) * 2 // 3], "line 11: the last frame, which begins there, is cut"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "frames.xyz"
    edit(path, change)
    with pytest.raises(FrameError, match=message) as caught:
        read_frames(path, species=["Ar", "Kr"])
    assert str(caught.value).startswith(f"{path}: ")


def test_a_damaged_compressed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "frames.xyz.gz"
    write_frames(path, FRAMES)
    whole = path.read_bytes()
    for damaged in whole[:-50], b"no gzip", whole[:100] + bytes(50) + whole[150:]:
        path.write_bytes(damaged)
        with pytest.raises(FrameError, match=r"frames.xyz.gz: not extended XYZ that is whole"):
            read_frames(path)


def test_frames_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "frames.xyz"
    assert drop_cut_frame(path) is None
    for frame in FRAMES:
        append_frame(path, frame)
    write_frames(tmp_path / "at once.xyz", FRAMES)
    assert path.read_bytes() == (tmp_path / "at once.xyz").read_bytes()
    assert drop_cut_frame(path) is None
    packed = tmp_path / "frames.xyz.gz"
    with pytest.raises(FrameError, match=r"gz: a compressed file is not appended to"):
        append_frame(packed, FRAMES[0])
    assert not packed.exists()


def test_wherever_it_is_cut_only_the_last_frame_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "frames.xyz"
    frame = labelled(2, teacher="µ 1.0")  # of more than one byte
    write_frames(path, FRAMES[:2])
    kept = path.read_bytes()
    append_frame(path, frame)
    whole = path.read_bytes()
    for length in (*range(len(kept) + 1, len(whole), 7), len(whole) - 1):
        path.write_bytes(whole[:length])
        assert drop_cut_frame(path) == (
            f"{path}: frame 2 was cut off while it was written and is dropped"
        )
        assert path.read_bytes() == kept
        assert drop_cut_frame(path) is None
    append_frame(path, frame)
    assert path.read_bytes() == whole


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from argon_frames import labelled
from ensemble.training.frames import append_frame
for number in range(100000):
    frame = labelled(0)
    frame.info["frame"] = f"frame-{number}"
    append_frame(Path(sys.argv[1]), frame)
    print(number, flush=True)
"""


def test_what_was_appended_before_a_kill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "frames.xyz"
    command = [sys.executable, "-P", "-c", WRITER, str(path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line == "20\n":
                writer.send_signal(signal.SIGKILL)
        told = line
    drop_cut_frame(path)
    names = [frame.info["frame"] for frame in read_frames(path)]
    assert len(names) > int(told)
    assert names == [f"frame-{number}" for number in range(len(names))]


def test_a_file_of_another_kind_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes.\nNo frames.\n")
    with pytest.raises(FrameError, match=r"notes.txt: line 1: the number of atoms expected"):
        drop_cut_frame(path)
    assert path.read_text() == "These are notes.\nNo frames.\n"


def test_a_full_disk_is_said() -> None:
    with pytest.raises(DiskFull, match=r"/dev/full: no space left on device"):
        append_frame(Path("/dev/full"), FRAMES[0])


def test_an_empty_file_holds_no_frames(tmp_path: Path) -> None:
    for name, data in ("a.xyz", b""), ("a.xyz.gz", gzip.compress(b"")):
        (tmp_path / name).write_bytes(data)
        assert read_frames(tmp_path / name) == []
