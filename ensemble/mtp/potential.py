"""Moment tensor potentials and their files: MLIP-2 ``.mtp`` and MLIP-3 ``.almtp``.

Files are read and checked by the compiled parser alone, the one that the LAMMPS pair style uses;
this module gives the result a Python face and writes it out again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.mtp import _core
from ensemble.mtp._core import FormatError

__all__ = ["FormatError", "Potential", "read_potential", "write_potential"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Potential:
    """A moment tensor potential as its file gives it.

    The energy of atom i is ``species_coeffs[z_i] + sum_k moment_coeffs[k] * M[scalars[k]]``, where
    the moments M are the basic ones and what the products make of them (Shapeev, Multiscale Model.
    Simul. 14, 1153 (2016)). Arrays are copied and cannot be written to; make a changed potential
    with `dataclasses.replace`.

    Raises
    ------
    FormatError
        The parts do not make a potential; the message names the part and what would do.
    """

    name: str = ""
    """``potential_name``."""

    tag: str = ""
    """``potential_tag``; ``species = Cu Se`` in it names the elements."""

    radial_basis: str = "RBChebyshev"
    """``RBChebyshev``, or ``RBChebyshev_repuls`` with its wall below `min_dist`."""

    scaling: float = 1.0
    """Factor of every radial function."""

    min_dist: float
    """Where the Chebyshev interval begins, in Angstrom."""

    max_dist: float
    """The cutoff, in Angstrom."""

    basic: Ints
    """Basic moments as ``mu, x, y, z``, powers of the unit vector: shape ``(nbasic, 4)``."""

    products: Ints
    """``left, right, multiplicity, target``, each ready when used: shape ``(nproducts, 4)``."""

    scalars: Ints
    """Moments that enter the energy: shape ``(nscalars,)``."""

    radial_coeffs: Floats
    """By centre, neighbour, mu and Chebyshev degree: shape ``(nspecies, nspecies, nmu, ncheb)``."""

    species_coeffs: Floats
    """Energy of a lone atom in eV: shape ``(nspecies,)``."""

    moment_coeffs: Floats
    """In eV: shape ``(nscalars,)``."""

    moment_count: int
    """Basic moments and products' targets."""

    core: _core.Potential = field(init=False, repr=False)
    """The same for the compiled code."""

    def __post_init__(self) -> None:
        core = _core.Potential(**{part.name: getattr(self, part.name) for part in _parts()})
        _adopt(self, core)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, ({part.name: getattr(self, part.name) for part in _parts()},)

    @property
    def species_count(self) -> int:
        """Number of species."""
        return int(self.radial_coeffs.shape[0])

    @property
    def radial_count(self) -> int:
        """Number of radial functions f_mu of each pair of species."""
        return int(self.radial_coeffs.shape[2])

    @property
    def chebyshev_count(self) -> int:
        """Number of Chebyshev polynomials in a radial function."""
        return int(self.radial_coeffs.shape[3])

    @property
    def species_names(self) -> tuple[str, ...]:
        """Elements that the tag lists; empty where it lists none, or not one for each species."""
        return self.core.species_names

    @cached_property
    def level(self) -> int:
        """Highest level of a scalar: that of M_{mu,nu} is 2 + 4 mu + nu, a product's is the sum.

        The level that the potential was generated with, unless somebody has changed its lists.
        """
        levels = np.zeros(self.moment_count, dtype=np.int64)
        levels[: len(self.basic)] = self.basic @ np.array([4, 1, 1, 1]) + 2
        for left, right, _, target in self.products.tolist():
            levels[target] = max(levels[target], levels[left] + levels[right])
        return int(levels[self.scalars].max(initial=0))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what decides the energy: not of the name, the tag or the file's layout."""
        digest = hashlib.sha256()
        for part in _parts():
            if part.name in {"name", "tag"}:
                continue
            value = getattr(self, part.name)
            array = np.asarray(value)
            if array.dtype.kind in "iuf":
                array = array.astype("<f8" if array.dtype.kind == "f" else "<i8")
                value = array.tobytes()
            else:
                value = str(value).encode()
            digest.update(f"{part.name}{array.shape}{len(value)}:".encode())
            digest.update(value)
        return digest.hexdigest()


def _parts() -> list[Field[object]]:
    """The fields that make a potential."""
    return [part for part in fields(Potential) if part.init]


def _adopt(potential: Potential, core: _core.Potential) -> None:
    """Take every part from the checked `core`: plain numbers, and arrays that nobody else holds."""
    for part in _parts():
        value = getattr(core, part.name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        object.__setattr__(potential, part.name, value)
    object.__setattr__(potential, "core", core)


def _rebuild(parts: dict[str, Any]) -> Potential:
    return Potential(**parts)


def read_potential(path: str | os.PathLike[str]) -> Potential:
    """Read an MLIP-2 ``.mtp`` or MLIP-3 ``.almtp`` file; an active set in it is passed over.

    Raises
    ------
    FormatError
        The file is not a potential, or one that cannot be computed: an untrained one, a magnetic
        one, or one with another radial basis. The message names the file and the line.
    OSError
        The file cannot be read.
    """
    printable = os.fspath(path).encode(errors="replace").decode()  # a name may be any bytes
    core = _core.parse_potential(Path(path).read_bytes(), printable)
    potential = object.__new__(Potential)
    _adopt(potential, core)
    return potential


def write_potential(path: str | os.PathLike[str], potential: Potential) -> None:
    """Write a file that MLIP-2, MLIP-3 and motep read; ours reads back the same bits.

    The file appears whole or not at all. Equals signs in the tag become blanks, ``species Cu Se``,
    which means the same to us: motep takes no second one in a line.

    Raises
    ------
    ValueError
        The name is more than one word: MLIP reads no other.
    OSError
        The file cannot be written.
    """
    if potential.name.split() not in ([], [potential.name]) or "=" in potential.name:
        raise ValueError(
            f"{os.fspath(path)}: the potential_name {potential.name!r} must be one word without '='"
        )
    target = Path(path)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with aside.open("x", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in _lines(potential))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError):
            error.filename = os.fspath(path)
        raise


def _lines(potential: Potential) -> Iterator[str]:
    """The file in MLIP-2's layout, which is also what its reader insists on."""
    yield "MTP"
    yield "version = 1.1.0"
    if potential.name:
        yield f"potential_name = {potential.name}"
    yield f"scaling = {_real(potential.scaling)}"
    yield f"species_count = {potential.species_count}"
    yield f"potential_tag = {' '.join(potential.tag.replace('=', ' ').split())}"
    yield f"radial_basis_type = {potential.radial_basis}"
    yield f"\tmin_dist = {_real(potential.min_dist)}"
    yield f"\tmax_dist = {_real(potential.max_dist)}"
    yield f"\tradial_basis_size = {potential.chebyshev_count}"
    yield f"\tradial_funcs_count = {potential.radial_count}"
    yield "\tradial_coeffs"
    for i, neighbors in enumerate(potential.radial_coeffs):
        for j, functions in enumerate(neighbors):
            yield f"\t\t{i}-{j}"
            for coefficients in functions:
                yield f"\t\t\t{_reals(coefficients)}"
    yield f"alpha_moments_count = {potential.moment_count}"
    yield f"alpha_index_basic_count = {len(potential.basic)}"
    yield f"alpha_index_basic = {_rows(potential.basic)}"
    yield f"alpha_index_times_count = {len(potential.products)}"
    yield f"alpha_index_times = {_rows(potential.products)}"
    yield f"alpha_scalar_moments = {len(potential.scalars)}"
    yield f"alpha_moment_mapping = {_braces(map(str, potential.scalars))}"
    yield f"species_coeffs = {_reals(potential.species_coeffs)}"
    yield f"moment_coeffs = {_reals(potential.moment_coeffs)}"


def _real(value: float) -> str:
    """Seventeen significant digits: enough for every double to be read back as it was."""
    return f"{value:.16e}"


def _braces(items: Iterable[str]) -> str:
    return "{" + ", ".join(items) + "}"


def _reals(values: Floats) -> str:
    return _braces(map(_real, values.tolist()))


def _rows(rows: Ints) -> str:
    return _braces(_braces(map(str, row)) for row in rows.tolist())
