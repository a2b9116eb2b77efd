"""Malformed potentials: each refused in one clear message, and no crash on any bytes."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from potential_files import LEVEL10, TEXT, parse, small

from ensemble.mtp import _core
from ensemble.mtp.potential import FormatError, read_potential

# What is malformed


def line_of(start: str) -> int:
    """Number of the first line of the good file that begins so."""
    return next(k for k, line in enumerate(TEXT.splitlines(), 1) if line.strip().startswith(start))


def sub(pattern: str, by: str) -> str:
    changed, count = re.subn(pattern, lambda _: by, TEXT, count=1)
    assert count == 1
    return changed


TIMES, BASIC, RADIAL = map(line_of, ("alpha_index_times =", "alpha_index_basic =", "radial_coeffs"))
MAPPING, SPECIES = line_of("alpha_moment_mapping"), line_of("species_coeffs")

MALFORMED = {
    "empty": ("", 0, "MTP"),
    "not a potential": ("hello\n" + TEXT, 1, "expected a first line 'MTP', found 'hello'"),
    "binary": ("\x00\x01\x7f" * 99, 1, "expected a first line 'MTP'"),
    "version": (sub("1.1.0", "1.2.0"), 2, "only 1.1.0"),
    "no species": (sub("species_count.*\n", ""), 0, "species_count is missing"),
    "no cutoff": (sub("max_dist.*\n", "\n"), 0, "max_dist is missing"),
    "untrained": (sub("species_coeffs.*\n", ""), 0, "untrained"),
    "no coefficients": (TEXT[: TEXT.index("moment_coeffs")], 0, "moment_coeffs is missing"),
    "unknown key": (sub("potential_name", "potential_nome"), 3, "unknown key 'potential_nome'"),
    "no key": (sub("potential_name = ", ""), 3, "expected 'key = value', found 'MTP1m'"),
    "magnetic": (
        sub("alpha_moments_count", "magnetic_basis_type = BChebyshev\nalpha_moments_count"),
        line_of("alpha_moments_count"),
        "magnetic",
    ),
    "radial basis": (
        sub("RBChebyshev", "RBShapeev"),
        line_of("radial_basis_type"),
        "'RBShapeev' is not supported, use RBChebyshev or RBChebyshev_repuls",
    ),
    "twice": (
        sub("species_coeffs", "min_dist = 2\nspecies_coeffs"),
        SPECIES,
        f"min_dist is given twice, first in line {line_of('min_dist')}",
    ),
    "too many species": (sub("species_count = 2", "species_count = 9"), 5, "must be 1 to 8"),
    "no species at all": (sub("species_count = 2", "species_count = 0"), 5, "must be 1 to 8"),
    "more species": (sub("species_count = 2", "species_count = 3"), RADIAL + 9, "expected 0-2"),
    "fewer species": (sub("species_count = 2", "species_count = 1"), RADIAL + 5, "no more"),
    "overflow": (sub("species_count = 2", "species_count = 99999999999"), 5, "out of range"),
    "fraction": (sub("species_count = 2", "species_count = 2.5"), 5, "found '.5'"),
    "word": (sub("species_count = 2", "species_count = two"), 5, "an integer, found 'two'"),
    "huge count": (
        sub("alpha_moments_count = 41", "alpha_moments_count = 2147483647"),
        line_of("alpha_moments_count"),
        "found 2147483647",
    ),
    "negative count": (
        sub("alpha_moments_count = 41", "alpha_moments_count = -1"),
        line_of("alpha_moments_count"),
        "found -1",
    ),
    "nan": (sub("max_dist = 5.0", "max_dist = nan"), line_of("max_dist"), "must be finite"),
    "infinite": (sub("max_dist = 5.0.*", "max_dist = inf"), line_of("max_dist"), "must be finite"),
    "too large": (sub("5.000.*", "1e999"), line_of("max_dist"), "'1e999' is out of range"),
    "nan among coefficients": (
        sub(r"\{-1.911586644226413e-01", "{NaN"),
        RADIAL + 2,
        "radial_coeffs: found 'NaN', must be finite",
    ),
    "distances": (sub("5.000.*", "1.9"), line_of("max_dist"), "greater than min_dist"),
    "cutoff": (sub("5.000.*", "5e9"), line_of("max_dist"), "must be at most 100 Angstrom"),
    "negative distance": (sub("1.900", "-1.900"), line_of("min_dist"), "must not be negative"),
    "basis size": (
        sub("radial_basis_size = 8", "radial_basis_size = 7"),
        RADIAL + 2,
        "the row has 8 numbers, but radial_basis_size is 7",
    ),
    "functions": (
        sub("radial_funcs_count = 3", "radial_funcs_count = 4"),
        RADIAL + 1,
        "the pair 0-0 has 3 rows, but radial_funcs_count is 4",
    ),
    "pair": (sub("0-1", "0-2"), RADIAL + 5, "found the pair 0-2, expected 0-1"),
    "no pair": (sub("0-0\n", "\n"), RADIAL + 2, "expected the pair '0-0'"),
    "pair missing": (sub("1-1\n(.*\n){3}", ""), RADIAL, "the pair 1-1 is missing"),
    "row missing": (sub(r"0-1\n.*\n", "0-1\n"), RADIAL + 5, "has 2 rows"),
    "separator": (
        sub(", 1.446005176640430e-01", "; 1.446005176640430e-01"),
        RADIAL + 2,
        "expected ',' or '}', found '; 1.446",
    ),
    "open list": (sub(r"e-02\}", "e-02"), RADIAL + 2, "found the end of the line"),
    "behind a list": (sub(r"e-02\}", "e-02} 1"), RADIAL + 2, "found '1' behind"),
    "basic count": (
        sub("alpha_index_basic_count = 25", "alpha_index_basic_count = 24"),
        BASIC,
        "has 25 entries, but alpha_index_basic_count = 24",
    ),
    "product count": (
        sub("alpha_index_times_count = 42", "alpha_index_times_count = -42"),
        TIMES,
        "has 42 entries, but alpha_index_times_count = -42",
    ),
    "scalar count": (
        sub("alpha_scalar_moments = 16", "alpha_scalar_moments = 17"),
        MAPPING,
        "has 16 entries, but alpha_scalar_moments = 17",
    ),
    "radial function": (sub("{0, 1, 0, 0}", "{3, 1, 0, 0}"), BASIC, "moment 1 uses radial func"),
    "negative function": (sub("{0, 1, 0, 0}", "{-1, 1, 0, 0}"), BASIC, "radial function -1"),
    "negative power": (sub("{0, 1, 0, 0}", "{0, 1, -1, 0}"), BASIC, "moment 1 has the power -1"),
    "large power": (sub("{0, 1, 0, 0}", "{0, 2147483647, 0, 0}"), BASIC, "must be 0 to 16"),
    "large rank": (sub("{0, 1, 0, 0}", "{0, 9, 9, 0}"), BASIC, "rank 18, at most 16"),
    "basic moment twice": (sub("{0, 1, 0, 0}", "{0, 0, 1, 0}"), BASIC, "{0, 0, 1, 0} is listed"),
    "short entry": (sub("{0, 1, 0, 0}", "{0, 1, 0}"), BASIC, "entry 1 has 3 numbers"),
    "product index": (sub("{0, 0, 1, 25}", "{0, 41, 1, 25}"), TIMES, "product 0 names moment 41"),
    "negative index": (sub("{0, 0, 1, 25}", "{0, -1, 1, 25}"), TIMES, "product 0 names moment -1"),
    "product onto basic": (sub("{0, 0, 1, 25}", "{0, 0, 1, 7}"), TIMES, "which is a basic one"),
    "cycle": (sub("{0, 0, 1, 25}", "{25, 0, 1, 25}"), TIMES, "product 0 uses moment 25 before"),
    "order": (sub("{0, 0, 1, 25}", "{0, 27, 1, 25}"), TIMES, "product 0 uses moment 27 before"),
    "never made": (sub("{0, 0, 1, 25}", "{0, 0, 1, 26}"), TIMES, "no product makes moment 25"),
    "scalar index": (sub("{0, 20, 24", "{0, 20, 41"), MAPPING, "found moment 41"),
    "tensor as scalar": (sub("{0, 20, 24", "{0, 20, 1"), MAPPING, "moment 1 is a tensor"),
    "species coefficients": (
        sub("species_coeffs = {", "species_coeffs = {1, "),
        SPECIES,
        "found 3 numbers, must be 2",
    ),
    "moment coefficients": (
        sub("moment_coeffs = {", "moment_coeffs = {1, "),
        SPECIES + 1,
        "found 17 numbers, must be 16",
    ),
    "control character": (sub("MTP1m", "M\x07P"), 3, "control characters"),
}


@pytest.mark.parametrize(("text", "line", "message"), MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_files_are_refused(text: str, line: int, message: str) -> None:
    place = f"x.mtp:{line}: " if line else "x.mtp: "
    with pytest.raises(FormatError, match=f"^{re.escape(place)}.*{re.escape(message)}"):
        parse(text)


def test_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.mtp"
    path.write_text(TEXT.replace("RBChebyshev", "RBTaylor"))
    with pytest.raises(FormatError, match=re.escape(f"{path}:7: radial_basis_type: 'RBTaylor'")):
        read_potential(path)


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        read_potential("nowhere.mtp")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"min_dist": np.nan}, "min_dist: .* must be finite"),
        ({"max_dist": 1.5}, "max_dist: found 1.5.*greater than min_dist"),
        ({"name": "two\nlines"}, "potential_name: must be one line"),
        ({"radial_basis": "RBShapeev"}, "'RBShapeev' is not supported"),
        ({"moment_count": 3}, "alpha_moments_count: found 3"),
        ({"scalars": [0, 2]}, "alpha_moment_mapping: found moment 2"),
        ({"moment_coeffs": [1.0]}, "moment_coeffs: found 1 numbers, must be 2"),
        ({"species_coeffs": [1.0, 2.0]}, "species_coeffs: found 2 numbers, must be 1"),
        ({"radial_coeffs": np.full((1, 1, 1, 4), np.inf)}, "radial_coeffs: .* must be finite"),
        ({"radial_coeffs": np.ones((1, 2, 1, 4))}, r"radial_coeffs: the shape is \(1, 2, 1, 4\)"),
        ({"radial_coeffs": np.ones((9, 9, 1, 4))}, "species_count: found 9, must be 1 to 8"),
        ({"radial_coeffs": np.ones((1, 1, 17, 4))}, "radial_funcs_count: found 17"),
        ({"radial_coeffs": np.ones((1, 1, 1, 65))}, "radial_basis_size: found 65"),
        ({"radial_coeffs": np.ones((0, 0, 1, 4))}, "species_count: found 0"),
        ({"basic": np.zeros((0, 4), int)}, "at least one basic moment"),
        ({"basic": np.array([[0, 0, 0]])}, r"basic: the shape is \(1, 3\), must be \(n, 4\)"),
        ({"products": np.array([[0, 1, 1, 1]])}, "product 0 uses moment 1 before it is complete"),
        ({"products": np.array([[0, 2**40, 1, 1]])}, "products: entry 1 is 1099511627776"),
    ],
)
def test_malformed_parts_are_refused(parts: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**{key: np.asarray(v) if isinstance(v, list) else v for key, v in parts.items()})


def test_parts_of_a_wrong_type_are_refused() -> None:
    with pytest.raises(TypeError, match="products: integers are needed"):
        small(products=np.array([[0.0, 0.0, 1.0, 1.0]]))
    with pytest.raises(TypeError, match="moment_coeffs: real numbers are needed"):
        small(moment_coeffs=np.array(["a", "b"]))


# Random damage: whatever the bytes, there is a potential or a FormatError


def survives(data: bytes) -> bool:
    """Whether `data` is still a potential; any end but a FormatError fails the test."""
    try:
        potential = parse(data)
    except FormatError as error:
        message = str(error)
        assert message.startswith("x.mtp:")
        assert "\n" not in message
        assert len(message) < 300
        return False
    evaluate(potential)
    return True


def evaluate(potential: _core.Potential) -> None:
    """Run the kernel on a triangle of atoms: it has to take whatever the parser lets through."""
    positions = np.array([[0.0, 0.0, 0.0], [2.5, 0.0, 0.0], [0.3, 2.6, 0.1]])
    lists = np.array([0, 2, 4, 6]), np.array([1, 2, 0, 2, 0, 1])
    _core.Kernel(potential).compute(*lists, positions, np.zeros(3, dtype=int))


def test_truncation_at_any_byte() -> None:
    data = TEXT.rstrip().encode()
    assert survives(data)
    assert not any(survives(data[:end]) for end in range(0, len(data), 7))


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for at in rng.integers(len(data), size=rng.integers(1, 4)):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(len(data)))
    return data[:at] + rng.bytes(int(rng.integers(1, 20))) + data[at + 8 :]


def delete(data: bytes, rng: np.random.Generator) -> bytes:
    begin = int(rng.integers(len(data)))
    return data[:begin] + data[begin + int(rng.integers(1, 200)) :]


def repeat(data: bytes, rng: np.random.Generator) -> bytes:
    begin, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    return data[: begin + length] + data[begin:]


def swap_tokens(data: bytes, rng: np.random.Generator) -> bytes:
    tokens = re.split(rb"([\s,{}=-]+)", data)
    a, b = rng.integers(len(tokens) // 2, size=2) * 2
    tokens[a], tokens[b] = tokens[b], tokens[a]
    return b"".join(tokens)


def swap_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.integers(len(lines), size=2)
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


HOSTILE = [b"-1", b"2147483648", b"1e400", b"nan", b"-inf", b"{", b"}", b"=", b"#MVS", b"0x10", b""]


def plant(data: bytes, rng: np.random.Generator) -> bytes:
    tokens = re.split(rb"([\s,{}=-]+)", data)
    tokens[int(rng.integers(len(tokens)))] = HOSTILE[int(rng.integers(len(HOSTILE)))]
    return b"".join(tokens)


@pytest.mark.parametrize(
    "mutate", [flip, overwrite, delete, repeat, swap_tokens, swap_lines, plant]
)
def test_random_damage(mutate: Callable[[bytes, np.random.Generator], bytes]) -> None:
    rng = np.random.default_rng(20)
    data = TEXT.encode()
    verdicts = [survives(mutate(data, rng)) for _ in range(3000)]
    assert not all(verdicts)


def test_random_damage_of_the_lists() -> None:
    """One number of the integer lists at a time: the damage that parses best and indexes worst."""
    rng = np.random.default_rng(21)
    potential = read_potential(LEVEL10)
    for _ in range(3000):
        lists = {part: getattr(potential, part).copy() for part in ("basic", "products", "scalars")}
        damaged = lists[str(rng.choice(list(lists)))].reshape(-1)
        damaged[rng.integers(damaged.size)] = rng.integers(-2, 60)
        try:
            changed = replace(potential, **lists)
        except FormatError:
            continue
        evaluate(changed.core)
