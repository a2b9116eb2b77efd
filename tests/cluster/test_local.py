"""The cluster on this machine."""

import subprocess
import sys
from pathlib import Path

TWICE = """
from ensemble.campaign.clusters import Local
from ensemble.cluster.local import local_cluster

if __name__ == "__main__":
    for _ in range(2):
        with local_cluster(Local(dashboard_address="127.0.0.1:0"), 1) as client:
            assert client.submit(abs, -1).result() == 1
    print("twice")
"""


def test_one_process_may_start_several(tmp_path: Path) -> None:
    """One after the other; Dask is imported by the first."""
    script = tmp_path / "twice.py"
    script.write_text(TWICE)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "twice\n", done.stderr
