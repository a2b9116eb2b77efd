"""Whatever is killed, the store comes out the same, and nothing is left behind."""

import sys
from collections import Counter
from pathlib import Path

from kills import Killer, kill_and_compare
from launches import (
    DIRECT,
    HEAD,
    Launcher,
    check_same,
    launch,
    processes_in,
    wait_until,
    write_campaign,
)

KILLS = 32

SEGMENTS = 38
"""Of all runs of the campaign."""


def test_killed_at_random_moments(fluid: Path, reference: Path, tmp_path: Path) -> None:
    killer = Killer({"launcher": 2, "worker": 4, "leash": 3, "LAMMPS": 6}, seed=1)
    kill_and_compare(fluid, reference, tmp_path, killer, KILLS)
    assert killer.killed.total() >= KILLS
    assert len(killer.killed) == 4, killer.killed


def test_killed_with_two_ranks(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path, f"{HEAD}{DIRECT}\n[engine]\nranks = 2\n")
    (tmp_path / "reference").mkdir()
    reference = tmp_path / "reference" / "store"
    assert launch(campaign, reference).returncode == 0
    (tmp_path / "disturbed").mkdir()
    killer = Killer({"mpiexec": 1, "proxy": 1, "leash": 1, "LAMMPS": 2, "worker": 1}, seed=1)
    kill_and_compare(campaign, reference, tmp_path / "disturbed", killer, 6)


COUNTING_LAMMPS = """\
#!/bin/sh
echo "$PWD $*" >> {starts}
exec {lmp} "$@"
"""


def test_two_launchers_at_once(fluid: Path, reference: Path, tmp_path: Path) -> None:
    starts, program = tmp_path / "starts", tmp_path / "counting-lmp"
    program.write_text(COUNTING_LAMMPS.format(starts=starts, lmp=Path(sys.prefix) / "bin" / "lmp"))
    program.chmod(0o755)
    engine = f'\n[engine]\ncommand = "{program}"\n'
    campaign = write_campaign(tmp_path, fluid.read_text() + engine)
    store = tmp_path / "store"
    with Launcher(campaign, store) as one, Launcher(campaign, store) as other:
        assert [one.ended(), other.ended()] == [0, 0], one.log.read_text()
    wait_until(lambda: processes_in(tmp_path) == [])
    # A line is FOLDER -in segment-0007.in -var ...
    segments = Counter(tuple(line.split()[:3:2]) for line in starts.read_text().splitlines())
    assert set(segments.values()) == {1}
    assert len(segments) == SEGMENTS
    check_same(store, reference, besides=("campaign.toml", "data.zarr/zarr.json"))
