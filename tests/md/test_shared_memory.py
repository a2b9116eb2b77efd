"""What a killed MPI leaves in the machine's memory is removed, and nothing else."""

import os
import signal
import subprocess
import time
from pathlib import Path

from ensemble.campaign.table import Engine
from ensemble.md.engine import lammps_command, lammps_environment
from ensemble.md.shared_memory import FOLDER, SETTLED, remove_abandoned

ENDLESS = """\
units lj
region box block 0 1 0 1 0 1
create_box 1 box
shell touch started
shell sleep 3600
"""


def grow_old(path: Path) -> None:
    long_ago = time.time() - 2 * SETTLED
    os.utime(path, (long_ago, long_ago))


def test_only_old_segments_that_nobody_has_open(tmp_path: Path) -> None:
    for name in ("mpich_shm_1_0", "mpich_shar_tmpAAAAAA", "mpich_shm_2_0", "mpich_shm_3_0", "mine"):
        (tmp_path / name).write_bytes(b"\0")
    for name in ("mpich_shm_1_0", "mpich_shar_tmpAAAAAA", "mpich_shm_3_0", "mine"):
        grow_old(tmp_path / name)
    with (tmp_path / "mpich_shm_3_0").open():
        remove_abandoned(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["mine", "mpich_shm_2_0", "mpich_shm_3_0"]
    remove_abandoned(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["mine", "mpich_shm_2_0"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "none")


def test_of_lammps(tmp_path: Path) -> None:
    """LAMMPS has its segment open while it runs, and leaves it behind when it is killed."""
    (tmp_path / "in.endless").write_text(ENDLESS)
    engine = Engine()
    command = lammps_command(engine, ["-in", "in.endless", "-log", "none"])
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=lammps_environment(engine),
        stdout=subprocess.DEVNULL,
        process_group=0,
    ) as process:
        segment = FOLDER / f"mpich_shm_{process.pid:x}_0"
        # Until MPI has started, it still gives its segment a size, and with it a new age.
        while not (tmp_path / "started").exists():
            assert process.poll() is None
            time.sleep(0.01)
        grow_old(segment)
        remove_abandoned()
        assert segment.exists()
        os.killpg(process.pid, signal.SIGKILL)
    assert segment.exists()
    remove_abandoned()
    assert not segment.exists()
