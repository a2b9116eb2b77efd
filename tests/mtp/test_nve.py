"""Molecular dynamics keeps its energy: forces are the gradient of the energy, step after step."""

from pathlib import Path

import pytest
from lmp import MODELS

from ensemble.quickstart import run_constant_energy


def test_energy_is_kept_over_50_ps(tmp_path: Path) -> None:
    run = run_constant_energy(MODELS / "level12.mtp", tmp_path, cells=3, time=50.0, timestep=0.001)
    assert run.time == pytest.approx(50.0)
    assert run.natoms == 319
    assert 500 < run.temperature < 700
    assert abs(run.drift) < 1e-5  # eV/atom
