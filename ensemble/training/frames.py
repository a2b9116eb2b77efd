"""Labelled configurations in files: extended XYZ, every number read back bit by bit.

A frame is an `ase.Atoms`, periodic in all directions, with its labels in a
`SinglePointCalculator`: energy in eV, forces in eV/Å, stress in eV/Å³ with the sign and the Voigt
order (xx yy zz yz xz xy) of ASE. All three are needed: without stresses a potential does not learn
the lattice constant. ``info`` says where it is from:

``frame``
    A name that no other frame has.
``teacher``
    Who labelled it, see `ensemble.training.teacher.Teacher.identity`.
``trajectory``, ``temperature``, ``time``
    Of which trajectory it is, at how many K, and how many ps after its start.

A file that is appended to grows by whole frames. What a killed process left of its last one is
recognised, since a frame says how many lines it has and ends in a line feed.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.extxyz import XYZError, key_val_dict_to_str, key_val_str_to_dict, read_xyz
from ase.stress import voigt_6_to_full_3x3_stress

from ensemble.store.errors import explained
from ensemble.store.files import make_folder, write_atomically
from ensemble.training.labels import FrameError, check_names, labels_of, name_of

__all__ = [
    "append_frame",
    "drop_cut_frame",
    "read_frames",
    "write_frames",
]

LABELS = ("energy", "forces", "stress")
NAMES = ("frame", "teacher", "trajectory")
"""Entries of ``info`` that are text, even where they look like numbers."""

_PROPERTIES = "species:S:1:pos:R:3"


def read_frames(
    path: Path, *, species: Sequence[str] | None = None, labelled: bool = True
) -> list[Atoms]:
    """Read all frames of a file; it is decompressed if its name ends in ``.gz``.

    Parameters
    ----------
    path
        Extended XYZ. A frame without a name is called after the file and its number in there; one
        without a trajectory is one of its own.
    species
        Chemical symbols that may occur; any, where not given.
    labelled
        Whether the frames must have labels. Where they need not, what labels there are is left out.

    Raises
    ------
    FrameError
        The file is not extended XYZ, its last frame is cut off, a frame is not periodic, has other
        species, lacks labels, has a temperature that is no number, or the name of another.
    OSError
        It cannot be read.
    """
    text = _text_of(path)
    frames = []
    for number, (start, end) in enumerate(_whole_frames(text, path)):
        frame = _parse(text[start:end], f"{path}: frame {number}")
        frame.info.setdefault("frame", f"{_stem(path)}-{number:04d}")
        frame.info.setdefault("trajectory", frame.info["frame"])
        for key in NAMES:
            if key in frame.info:
                frame.info[key] = str(frame.info[key])
        if "temperature" in frame.info:
            frame.info["temperature"] = _temperature(frame, path)
        if not labelled:
            frame.calc = None
        _check(frame, f"{path}: frame {frame.info['frame']}", species, labelled)
        frames.append(frame)
    check_names(frames, f"{path}: ")
    return frames


def write_frames(path: Path, frames: Sequence[Atoms]) -> None:
    """Write frames, labelled or not, in place of what the file held; there is never a part of it.

    The same frames give the same bytes, also where they are compressed, which they are if the
    name ends in ``.gz``.

    Raises
    ------
    FrameError
        Two frames have the same name, or one has none.
    DiskFull, ReadOnly
        As they say. The old file is as it was.
    """
    check_names(frames)
    data = "".join(map(_format, frames)).encode()
    write_atomically(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def append_frame(path: Path, frame: Atoms) -> None:
    """Put a frame at the end of a file that is not compressed, and down to the disk.

    Raises
    ------
    FrameError
        The file is a compressed one.
    DiskFull, ReadOnly
        As they say. Half a frame may be at the end, see `drop_cut_frame`.
    """
    if path.suffix == ".gz":
        raise FrameError(f"{path}: a compressed file is not appended to; write it whole")
    data = memoryview(_format(frame).encode())
    with explained(path):
        make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def drop_cut_frame(path: Path) -> str | None:
    """Cut off the frame that a killed process left half-written, so that appending goes on.

    Returns
    -------
    str or None
        What was done, for the user; None where the file is whole or there is none.

    Raises
    ------
    FrameError
        It is not extended XYZ before its end either.
    OSError
        It cannot be read or written.
    """
    if not path.exists():
        return None
    text = path.read_bytes().decode(errors="surrogateescape")
    spans = list(_spans(text, path))
    end = spans[-1][1] if spans else 0
    if end == len(text):
        return None
    os.truncate(path, len(text[:end].encode(errors="surrogateescape")))
    return f"{path}: frame {len(spans)} was cut off while it was written and is dropped"


def _text_of(path: Path) -> str:
    data = path.read_bytes()
    try:
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise FrameError(f"{path}: not extended XYZ that is whole: {error}") from error


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".xyz").removesuffix(".ext")


def _whole_frames(text: str, path: Path) -> Iterator[tuple[int, int]]:
    end = 0
    for start, end in _spans(text, path):
        yield start, end
    if end < len(text):
        line = text.count("\n", 0, end) + 1
        raise FrameError(
            f"{path}: line {line}: the last frame, which begins there, is cut off; remove it"
        )


def _spans(text: str, path: Path) -> Iterator[tuple[int, int]]:
    """Where in the text each whole frame begins and ends; what is behind them is cut off."""
    start = line = 0
    while (end := text.find("\n", start)) >= 0:
        count = text[start:end].strip()
        if not count.isdecimal():
            found = count[:40] or "an empty line"
            raise FrameError(
                f"{path}: line {line + 1}: the number of atoms expected, found {found}"
            )
        for _ in range(int(count) + 1):
            end = text.find("\n", end + 1)
            if end < 0:
                return
        yield start, end + 1
        start, line = end + 1, line + int(count) + 2


def _parse(text: str, where: str) -> Atoms:
    try:
        (frame,) = read_xyz(StringIO(text), index=slice(None))
    except (XYZError, ValueError, KeyError, IndexError, TypeError) as error:
        raise FrameError(f"{where}: not extended XYZ: {error}") from error
    return _with_plain_labels(frame)


def _with_plain_labels(frame: Atoms) -> Atoms:
    """Labels as floats, without what else a file may say of the frame's atoms."""
    results = frame.calc.results if frame.calc else {}
    plain = Atoms(frame.symbols, frame.positions, cell=frame.cell, pbc=frame.pbc, info=frame.info)
    if results:
        values = {key: np.asarray(results[key], float) for key in LABELS if key in results}
        plain.calc = SinglePointCalculator(plain, **values)
        if "energy" in values:
            plain.calc.results["energy"] = float(values["energy"])
    return plain


def _temperature(frame: Atoms, path: Path) -> float:
    """As a number of one type, however it was written."""
    found = frame.info["temperature"]
    if not isinstance(found, int | float | np.integer) or not np.isfinite(found):
        raise FrameError(
            f"{path}: frame {frame.info['frame']}: temperature={found}; a number of K is needed"
        )
    return float(found)


def _check(frame: Atoms, where: str, species: Sequence[str] | None, labelled: bool) -> None:
    if not all(frame.pbc) or frame.cell.rank < 3:
        found = "".join("FT"[bool(periodic)] for periodic in frame.pbc)
        raise FrameError(f"{where}: not periodic (pbc {found}); a cell and pbc TTT are needed")
    others = sorted(set(frame.symbols) - set(species or frame.symbols))
    if others:
        allowed = " and ".join(species or ())
        raise FrameError(f"{where}: has {' and '.join(others)}; only {allowed} may occur")
    missing = [key for key in LABELS if not frame.calc or key not in frame.calc.results]
    if labelled and missing:
        raise FrameError(f"{where}: no {' and no '.join(missing)}; have a teacher label it")


def _format(frame: Atoms) -> str:
    """A frame as text. Python's floats are written so that the same ones are read back."""
    _check_texts(frame)
    columns = [frame.positions]
    header = {"Lattice": np.asarray(frame.cell).T, "Properties": _PROPERTIES, "pbc": frame.pbc}
    if frame.calc:
        energy, forces, stress = labels_of(frame)
        columns.append(forces)
        header["Properties"] = f"{_PROPERTIES}:forces:R:3"
        header |= {"energy": energy, "stress": voigt_6_to_full_3x3_stress(stress)}
    lines = [str(len(frame)), key_val_dict_to_str({**header, **frame.info})]
    for symbol, row in zip(frame.symbols, np.hstack(columns).tolist(), strict=True):
        lines.append(" ".join([symbol, *map(repr, row)]))
    return "\n".join(lines) + "\n"


def _check_texts(frame: Atoms) -> None:
    """Extended XYZ has no types: a text that reads like a number comes back as one."""
    for key, value in frame.info.items():
        if isinstance(value, str):
            back = key_val_str_to_dict(key_val_dict_to_str({key: value})).get(key)
            if not isinstance(back, str) or back != value or "\n" in value:
                raise FrameError(
                    f"frame {name_of(frame)}: {key} = {value!r} cannot be kept in extended XYZ; "
                    "write it with letters, and without backslashes and line breaks"
                )
