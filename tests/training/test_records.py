"""Records: a damaged file is named, and the key that it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble.training.records import RecordError, read_record, read_records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"known": 1', r"record\.json: damaged, no JSON: .*; put the file"),
        ("[1]", r"record\.json: damaged, no table;"),
        ('{"frames": 1}', r"record\.json: damaged, no key known and no chosen; put"),
    ],
)
def test_a_damaged_record(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "record.json"
    file.write_text(text)
    with pytest.raises(RecordError, match=message):
        read_record(file, ("known", "frames", "chosen"))


def test_a_damaged_list(tmp_path: Path) -> None:
    file = tmp_path / "rounds.json"
    file.write_text('[{"frames": 1}, {}]')
    assert read_records(file) == [{"frames": 1}, {}]
    with pytest.raises(RecordError, match=r"rounds\.json: #2: damaged, no key frames"):
        read_records(file, ("frames",))
    file.write_text("{}")
    with pytest.raises(RecordError, match=r"rounds\.json: damaged, no list of tables"):
        read_records(file)
