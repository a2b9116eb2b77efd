"""Model cards: what shows that a model is good, in numbers from real runs.

``settings``
    What is looked at: a table of the training file.
``card``
    The checks of one model, each kept as soon as it is done; those of the teacher at 0 K.
``crystal``, ``elastic``, ``phonons``
    At 0 K: lattice constants, elastic constants, frequencies.
``dynamics``
    Trajectories: survival, drift of the energy, diffusion, site energies.
``compare``
    How far models are apart.
``markdown``
    All of it as tables.
"""

from __future__ import annotations

from ensemble.training.checks.card import run, run_teacher
from ensemble.training.checks.compare import Difference, compare
from ensemble.training.checks.markdown import markdown
from ensemble.training.checks.settings import Checks, Phonon, Stretch

__all__ = [
    "Checks",
    "Difference",
    "Phonon",
    "Stretch",
    "compare",
    "markdown",
    "run",
    "run_teacher",
]
