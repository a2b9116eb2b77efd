"""Types of the compiled module; see src/bindings.cpp."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

class FormatError(ValueError):
    """A potential is malformed: the message names the file, the line, and what would do."""

class Evaluation(TypedDict):
    energy: float
    site_energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]
    virials9: NDArray[np.float64]

class Jacobian(TypedDict):
    energy: NDArray[np.float64]
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]

class Potential:
    def __init__(
        self,
        *,
        name: str,
        tag: str,
        radial_basis: str,
        scaling: float,
        min_dist: float,
        max_dist: float,
        moment_count: int,
        basic: NDArray[np.int32],
        products: NDArray[np.int32],
        scalars: NDArray[np.int32],
        radial_coeffs: NDArray[np.float64],
        species_coeffs: NDArray[np.float64],
        moment_coeffs: NDArray[np.float64],
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def radial_basis(self) -> str: ...
    @property
    def scaling(self) -> float: ...
    @property
    def min_dist(self) -> float: ...
    @property
    def max_dist(self) -> float: ...
    @property
    def moment_count(self) -> int: ...
    @property
    def basic(self) -> NDArray[np.int32]: ...
    @property
    def products(self) -> NDArray[np.int32]: ...
    @property
    def scalars(self) -> NDArray[np.int32]: ...
    @property
    def radial_coeffs(self) -> NDArray[np.float64]: ...
    @property
    def species_coeffs(self) -> NDArray[np.float64]: ...
    @property
    def moment_coeffs(self) -> NDArray[np.float64]: ...
    @property
    def species_names(self) -> tuple[str, ...]: ...

class Kernel:
    def __init__(self, potential: Potential, isa: str = "auto") -> None: ...
    def compute(
        self,
        offsets: NDArray[np.integer],
        neighbors: NDArray[np.integer],
        positions: NDArray[np.float64],
        species: NDArray[np.integer],
    ) -> Evaluation: ...
    def jacobian(
        self,
        offsets: NDArray[np.integer],
        neighbors: NDArray[np.integer],
        positions: NDArray[np.float64],
        species: NDArray[np.integer],
    ) -> Jacobian: ...
    def operations_per_atom(self, neighbors: float) -> float: ...
    @property
    def cutoff(self) -> float: ...
    @property
    def species_count(self) -> int: ...
    @property
    def coefficient_count(self) -> int: ...
    @property
    def isa(self) -> str: ...

def parse_potential(text: bytes, file: str) -> Potential: ...
def available_isas() -> list[str]: ...
