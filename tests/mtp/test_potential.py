"""Potentials and their files: round trips, the dialects of MLIP and motep, the Python object."""

import os
import pickle
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from motep.io.mlip.mtp import read_mtp, write_mtp
from potential_files import LEVEL10, TEXT, parse, small

from ensemble.mtp import _core
from ensemble.mtp.potential import FormatError, Potential, read_potential, write_potential

PARTS = [part.name for part in fields(Potential) if part.init]


def assert_same(first: Potential, second: Potential | _core.Potential, ignore: str = "") -> None:
    for part in PARTS:
        if part not in ignore.split():
            np.testing.assert_array_equal(getattr(first, part), getattr(second, part), part)


# What is read and written


def test_shipped_models_are_read(model: Path) -> None:
    potential = read_potential(model)
    assert potential.level == int(re.sub(r"\D", "", model.stem))
    assert potential.species_count == 2
    assert (potential.min_dist, potential.max_dist, potential.chebyshev_count) == (1.9, 5.0, 8)
    assert potential.radial_coeffs.shape == (2, 2, potential.radial_count, 8)


def test_first_numbers_of_a_model_are_those_of_the_file() -> None:
    potential = read_potential(LEVEL10)
    assert potential.name == "MTP1m"
    assert potential.tag == ""
    assert potential.radial_coeffs[0, 0, 0, 0] == -1.911586644226413e-01
    assert potential.radial_coeffs[0, 1, 2, 7] == -3.869487135384217e-01
    assert potential.radial_coeffs[1, 0, 0, 0] == -9.834925696742970e-02
    assert potential.species_coeffs.tolist() == [-2.431828356201233, -3.681353365671434]
    assert potential.products[0].tolist() == [0, 0, 1, 25]


def test_written_files_are_read_back_bit_for_bit(model: Path, tmp_path: Path) -> None:
    first = read_potential(model)
    write_potential(tmp_path / "again.mtp", first)
    second = read_potential(tmp_path / "again.mtp")
    assert_same(first, second)
    assert second.content_hash == first.content_hash


def test_any_double_survives(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2**64, size=4 * 4 * 6 * 8, dtype=np.uint64).view(np.float64)
    bits[:4] = [5e-324, -0.0, np.finfo(float).max, np.nextafter(1, 2)]
    coefficients = np.where(np.isfinite(bits), bits, 1 / 3).reshape(4, 4, 6, 8)
    potential = small(radial_coeffs=coefficients, species_coeffs=rng.normal(size=4))
    write_potential(tmp_path / "x.mtp", potential)
    again = read_potential(tmp_path / "x.mtp").radial_coeffs
    np.testing.assert_array_equal(again.view(np.uint64), coefficients.view(np.uint64))


def test_smallest_potential(tmp_path: Path) -> None:
    """Level 2 has one moment and no products: an empty list in the file."""
    level2 = small(
        moment_count=1,
        products=np.zeros((0, 4), dtype=int),
        scalars=np.array([0]),
        moment_coeffs=np.array([1.0]),
    )
    assert level2.level == 2
    write_potential(tmp_path / "x.mtp", level2)
    assert_same(level2, read_potential(tmp_path / "x.mtp"))


@pytest.mark.parametrize("tag", ["", "species = Cu Se", "a comment"])
def test_motep_reads_what_we_write(model: Path, tmp_path: Path, tag: str) -> None:
    ours = replace(read_potential(model), tag=tag)
    write_potential(tmp_path / "ours.mtp", ours)
    theirs = read_mtp(tmp_path / "ours.mtp")
    np.testing.assert_array_equal(theirs.radial_coeffs, ours.radial_coeffs)
    np.testing.assert_array_equal(theirs.species_coeffs, ours.species_coeffs)
    np.testing.assert_array_equal(theirs.moment_coeffs, ours.moment_coeffs)
    np.testing.assert_array_equal(theirs.alpha_index_times, ours.products)
    np.testing.assert_array_equal(theirs.alpha_index_basic, ours.basic)
    np.testing.assert_array_equal(theirs.alpha_moment_mapping, ours.scalars)
    assert theirs.alpha_moments_count == ours.moment_count
    assert read_potential(tmp_path / "ours.mtp").species_names == ours.species_names


@pytest.mark.parametrize("legacy", [True, False])
def test_we_read_what_motep_writes(model: Path, tmp_path: Path, legacy: bool) -> None:
    write_mtp(tmp_path / "theirs.mtp", read_mtp(model), legacy=legacy)
    assert_same(read_potential(model), read_potential(tmp_path / "theirs.mtp"))


def test_order_that_mlip2_insists_on(tmp_path: Path) -> None:
    """Its reader takes one key after the other, and the name as one word that must not be empty."""
    write_potential(tmp_path / "x.mtp", replace(read_potential(LEVEL10), name=""))
    lines = (tmp_path / "x.mtp").read_text().splitlines()
    assert lines[:2] == ["MTP", "version = 1.1.0"]
    keys = [line.split("=")[0].strip() for line in lines[2:] if "=" in line]
    assert " ".join(keys) == (
        "scaling species_count potential_tag radial_basis_type min_dist max_dist "
        "radial_basis_size radial_funcs_count alpha_moments_count alpha_index_basic_count "
        "alpha_index_basic alpha_index_times_count alpha_index_times alpha_scalar_moments "
        "alpha_moment_mapping species_coeffs moment_coeffs"
    )


ACTIVE_SET = (
    b"\n#MVS_v1.1\nenergy_weight 1\nforce_weight 0\nstress_weight 0\nsite_en_weight 0\n"
    b"weight_scaling 1\n#" + np.random.default_rng(2).bytes(5000) + b"\n#\n"
)

DIALECTS: dict[str, Callable[[str], str | bytes]] = {
    "leading comment": lambda text: "# fitted to 800 structures\n" + text,
    "active set": lambda text: text.encode() + ACTIVE_SET,
    "active set of text": lambda text: text + "#MVS_v1.1\nenergy_weight = 1\n",
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "no blanks": lambda text: text.replace(" = ", "="),
    "more blanks": lambda text: text.replace(" = ", "\t =  ").replace(",", " , "),
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "no scaling": lambda text: re.sub("scaling.*\n", "", text),
    "no final line end": lambda text: text.rstrip(),
    "plus signs": lambda text: text.replace("{1.", "{+1."),
    "other keys": lambda text: (
        text.replace("min_dist", "min_val")
        .replace("max_dist", "max_val")
        .replace("radial_basis_size", "basis_size")
    ),
    "grouped keys": lambda text: (
        text.replace("min_dist", "min")
        .replace("max_dist", "max")
        .replace("radial_basis_size", "size")
    ),
    "count behind the block": lambda text: (
        text.replace("\tradial_funcs_count = 3\n", "") + "radial_funcs_count = 3\n"
    ),
}


@pytest.mark.parametrize("change", DIALECTS.values(), ids=list(DIALECTS))
def test_dialects(change: Callable[[str], str | bytes]) -> None:
    assert_same(read_potential(LEVEL10), parse(change(TEXT)))


def test_optional_keys_may_be_missing() -> None:
    potential = parse(re.sub("potential_(name|tag).*\n", "", TEXT))
    assert_same(read_potential(LEVEL10), potential, ignore="name")
    assert potential.name == ""


def test_scaling_of_the_basis_multiplies_that_of_the_potential() -> None:
    text = TEXT.replace("scaling = 1.0", "scaling = 3.0")
    text = text.replace("\tmin_dist", "\tscaling = 0.5\n\tmin_dist")
    assert parse(text).scaling == 1.5


def test_names_of_any_encoding() -> None:
    text = TEXT.encode().replace(b"potential_tag = ", b"potential_tag = Universit\xe4t")
    assert parse(text).tag == "Universit\ufffdt"


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("species = Cu Se", ("Cu", "Se")),
        ("species=Cu,Se", ("Cu", "Se")),
        ("species Cu Se", ("Cu", "Se")),
        ("made in May; species = Cu Se", ("Cu", "Se")),
        ("beta species: Cu Se; 800 structures", ("Cu", "Se")),
        ("species = Cu", ()),
        ("species = Cu Se Te", ()),
        ("", ()),
    ],
)
def test_species_names(tag: str, names: tuple[str, ...]) -> None:
    assert replace(read_potential(LEVEL10), tag=tag).species_names == names


# The Python object


def test_arrays_are_its_own_and_cannot_be_changed() -> None:
    coefficients = np.array([0.5, 0.25])
    potential = small(moment_coeffs=coefficients)
    coefficients[0] = 7
    assert potential.moment_coeffs[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        potential.moment_coeffs[0] = 7


def test_it_can_be_pickled() -> None:
    potential = read_potential(LEVEL10)
    again = pickle.loads(pickle.dumps(potential))
    assert_same(potential, again)
    assert again.content_hash == potential.content_hash


def test_hash_is_that_of_the_physics() -> None:
    potential = read_potential(LEVEL10)
    assert (
        replace(potential, name="x", tag="species = Cu Se").content_hash == potential.content_hash
    )
    changes = [
        {"scaling": 2.0},
        {"max_dist": 5.5},
        {"radial_basis": "RBChebyshev_repuls"},
        {"moment_coeffs": np.nextafter(potential.moment_coeffs, 9)},
        {"radial_coeffs": np.swapaxes(potential.radial_coeffs, 0, 1)},
        {"products": potential.products * [1, 1, 2, 1]},
    ]
    hashes = {replace(potential, **change).content_hash for change in changes}
    assert len(hashes | {potential.content_hash}) == len(changes) + 1


def test_error_of_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/\xff.mtp"))
    path.write_text("hello")
    with pytest.raises(FormatError, match=r"\?\.mtp:1: not a moment tensor potential"):
        read_potential(path)


def test_failed_writing_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "x.mtp"
    with pytest.raises(FileNotFoundError) as caught:
        write_potential(path, read_potential(LEVEL10))
    assert caught.value.filename == str(path)


def test_failed_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mtp"
    potential = read_potential(LEVEL10)
    write_potential(path, potential)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="must be one word"):
        write_potential(path, replace(potential, name="two words"))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
