"""What the tests of potential files share: a good file, the parser, a tiny potential."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ensemble.mtp import _core
from ensemble.mtp.potential import Potential

LEVEL10 = Path(__file__).parents[1] / "potentials" / "level10.mtp"
TEXT = LEVEL10.read_text()


def parse(text: str | bytes) -> _core.Potential:
    return _core.parse_potential(text.encode() if isinstance(text, str) else text, "x.mtp")


def small(**parts: object) -> Potential:
    """Two scalars of one species: the pair term and its square."""
    default = Potential(
        min_dist=1.5,
        max_dist=5.0,
        moment_count=2,
        basic=np.array([[0, 0, 0, 0]]),
        products=np.array([[0, 0, 1, 1]]),
        scalars=np.array([0, 1]),
        radial_coeffs=np.ones((1, 1, 1, 4)),
        species_coeffs=np.array([-1.0]),
        moment_coeffs=np.array([0.5, 0.25]),
    )
    return replace(default, **parts)
