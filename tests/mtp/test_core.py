"""The door of the compiled module: what Python hands it is checked, and every limit works."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.mtp import _core
from ensemble.mtp.potential import Potential, read_potential

LEVEL10 = Path(__file__).parents[1] / "potentials" / "level10.mtp"

TRIANGLE: dict[str, Any] = {
    "offsets": np.array([0, 2, 4, 6]),
    "neighbors": np.array([1, 2, 0, 2, 0, 1]),
    "positions": np.array([[0.0, 0.0, 0.0], [2.5, 0.0, 0.0], [0.3, 2.6, 0.1]]),
    "species": np.array([0, 0, 1]),
}


@pytest.fixture(scope="module")
def kernel() -> _core.Kernel:
    return _core.Kernel(read_potential(LEVEL10).core)


@pytest.mark.parametrize("method", ["compute", "jacobian"])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"neighbors": [1, 2, 0, 3, 0, 1]}, ValueError, "neighbors: entry 3 is 3, must be 0 to 2"),
        ({"neighbors": [1, 2, 0, -1, 0, 1]}, ValueError, "neighbors: entry 3 is -1"),
        ({"neighbors": [1, 2, 0, 2**32, 0, 1]}, ValueError, "neighbors: entry 3 is 4294967296"),
        ({"neighbors": [1, 2, 1, 2, 0, 1]}, ValueError, "atom 1 is its own neighbor"),
        ({"neighbors": [1, 2, 0, 2, 0]}, ValueError, "offsets: entry 3 is 6, must be 0 to 5"),
        ({"neighbors": [1.0, 2, 0, 2, 0, 1]}, TypeError, "neighbors: integers are needed"),
        ({"neighbors": [[1, 2, 0], [2, 0, 1]]}, ValueError, r"neighbors: the shape is \(2, 3\)"),
        ({"offsets": [0, 4, 2, 6]}, ValueError, "offsets: must rise from 0"),
        ({"offsets": [1, 2, 4, 6]}, ValueError, "offsets: must rise from 0"),
        ({"offsets": [0, 2, 4, 5]}, ValueError, "offsets: must rise from 0 to .* 6"),
        ({"offsets": []}, ValueError, "offsets: must rise from 0"),
        ({"offsets": [0, 2, 4, 6, 6]}, ValueError, "4 central atoms, but 3 positions"),
        ({"species": [0, 0, 2]}, ValueError, "species: entry 2 is 2, must be 0 to 1"),
        ({"species": [0, 0]}, ValueError, r"species: the shape is \(2,\), must be \(3,\)"),
        ({"positions": np.zeros((3, 2))}, ValueError, r"positions: .*must be \(n, 3\)"),
        ({"positions": np.full((3, 3), np.nan)}, ValueError, "atom 0 must have finite coord"),
        ({"positions": np.eye(3) * 1e9}, ValueError, "atom 0 must have .* within 1e8 Angstrom"),
        ({"positions": np.zeros((3, 3), complex)}, TypeError, "positions: real numbers"),
    ],
)
def test_bad_arrays_are_refused(
    kernel: _core.Kernel,
    method: str,
    changes: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    arrays = TRIANGLE | {key: np.asarray(value) for key, value in changes.items()}
    with pytest.raises(error, match=message):
        getattr(kernel, method)(**arrays)


def test_layout_and_type_of_arrays_do_not_matter(kernel: _core.Kernel) -> None:
    wanted = kernel.compute(**TRIANGLE)
    got = kernel.compute(
        offsets=TRIANGLE["offsets"].astype(np.uint8),
        neighbors=np.repeat(TRIANGLE["neighbors"], 2)[::2].astype(np.int16),
        positions=np.asfortranarray(TRIANGLE["positions"]),
        species=TRIANGLE["species"].astype(np.int64)[::1],
    )
    np.testing.assert_array_equal(got["forces"], wanted["forces"])


def test_shapes(kernel: _core.Kernel) -> None:
    result = kernel.compute(**TRIANGLE)
    assert isinstance(result["energy"], float)
    assert result["site_energies"].shape == (3,)
    assert result["forces"].shape == (3, 3)
    assert result["virial"].shape == (9,)
    assert result["virials9"].shape == (3, 9)
    derivatives = kernel.jacobian(**TRIANGLE)
    count = kernel.coefficient_count
    assert count == 4 * 3 * 8 + 2 + 16
    assert derivatives["energy"].shape == (count,)
    assert derivatives["forces"].shape == (count, 3, 3)
    assert derivatives["virial"].shape == (count, 9)


def test_no_atoms_and_no_neighbors(kernel: _core.Kernel) -> None:
    nothing = np.zeros(0, dtype=int)
    assert kernel.compute(np.array([0]), nothing, np.zeros((0, 3)), nothing)["energy"] == 0.0
    lone = kernel.compute(np.array([0, 0]), nothing, np.zeros((1, 3)), np.array([1]))
    assert lone["energy"] == pytest.approx(-3.681353365671434, rel=1e-12)


def test_instruction_sets() -> None:
    potential = read_potential(LEVEL10).core
    available = _core.available_isas()
    assert available[0] == "plain"
    assert _core.Kernel(potential).isa == available[-1]
    assert [_core.Kernel(potential, isa).isa for isa in available] == available
    with pytest.raises(ValueError, match="unknown instruction set 'sse9': auto, plain, avx2"):
        _core.Kernel(potential, "sse9")


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize(("mu", "degrees"), [(1, 1), (1, 64), (16, 1), (16, 64)])
@pytest.mark.parametrize("rank", [0, 1, 16])
def test_limits_of_a_potential_work(isa: str, mu: int, degrees: int, rank: int) -> None:
    """The square of one tensor component, at the corners of what a file may ask for."""
    rng = np.random.default_rng([mu, degrees, rank])
    potential = Potential(
        min_dist=1.5,
        max_dist=5.0,
        moment_count=2,
        basic=np.array([[mu - 1, rank, 0, 0]]),
        products=np.array([[0, 0, 1, 1]]),
        scalars=np.array([1]),
        radial_coeffs=rng.normal(size=(8, 8, mu, degrees)) / degrees,
        species_coeffs=np.zeros(8),
        moment_coeffs=np.array([1.0]),
    )
    kernel = _core.Kernel(potential.core, isa)
    arrays = TRIANGLE | {"species": np.array([7, 0, 3])}
    result = kernel.compute(**arrays)

    def moment(center: int) -> float:
        """sum_j f_mu(r_ij) x^rank, with x of the unit vector."""
        total = 0.0
        for j in {0, 1, 2} - {center}:
            d = arrays["positions"][j] - arrays["positions"][center]
            r = np.linalg.norm(d)
            c = potential.radial_coeffs[arrays["species"][center], arrays["species"][j], mu - 1]
            chebyshev = np.polynomial.chebyshev.chebval((2 * r - 6.5) / 3.5, c)
            total += chebyshev * (r - 5) ** 2 * (d[0] / r) ** rank
        return total

    expected = [moment(i) ** 2 for i in range(3)]
    np.testing.assert_allclose(result["site_energies"], expected, rtol=1e-11, atol=1e-14)
    assert np.isfinite(result["forces"]).all()
