"""Whether files are what they were."""

import hashlib
from dataclasses import replace
from pathlib import Path

from small_campaigns import LJ, MODELS, Folder

from ensemble.mtp.potential import read_potential, write_potential
from ensemble.plan.fingerprint import (
    hash_of_files,
    hash_of_potential,
    hash_of_structure,
)


def test_potentials_count_by_their_numbers(folder: Folder) -> None:
    before = folder.plan().fingerprints
    assert list(before.models) == ["level10", "level12", "level14"]
    assert len(set(before.models.values())) == 3
    path = folder.path / "level10.mtp"
    potential = read_potential(path)
    write_potential(path, replace(potential, name="another"))  # another layout, too
    assert path.read_bytes() != (MODELS / "level10.mtp").read_bytes()
    assert folder.plan().fingerprints == before
    write_potential(path, replace(potential, moment_coeffs=potential.moment_coeffs * (1 + 1e-15)))
    after = folder.plan().fingerprints
    assert after.models["level10"] != before.models["level10"]
    assert after.models["level12"] == before.models["level12"]


def test_the_order_of_the_elements_counts() -> None:
    """It decides which numbers belong to which atoms."""
    potential = read_potential(MODELS / "level10.mtp")
    one, other = (replace(potential, tag=f"species = {names}") for names in ("Cu Se", "Se Cu"))
    assert hash_of_potential(one) == f"{potential.content_hash}-Cu-Se"
    assert hash_of_potential(other) == f"{potential.content_hash}-Se-Cu"
    assert hash_of_potential(potential) == potential.content_hash


def test_listed_files_count_by_name_and_bytes(tmp_path: Path) -> None:
    for name, content in {"a/x": "1", "b/x": "1", "a/y": "1", "a/z": "11"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)

    def found(*names: str) -> str:
        return hash_of_files([tmp_path / name for name in names])

    assert found("a/x") == found("b/x") == hashlib.sha256(b"x 1\n1").hexdigest()
    assert found("a/x") != found("a/y")
    assert found("a/x", "a/y") == found("a/y", "b/x")
    assert len({found(), found("a/x"), found("a/x", "a/y"), found("a/x", "a/z")}) == 4


def test_structures_count_by_their_bytes(folder: Folder) -> None:
    (folder.path / "fluid.xyz").write_text('1\nLattice="2 0 0 0 2 0 0 0 2"\nAr 0 0 0\n')
    text = LJ.replace('prototype = "fcc"', 'structure = "fluid.xyz"')
    text = text.replace("lattice = 1.882", "")
    found = folder.plan(text).fingerprints
    assert found.structures == {"fluid": hash_of_structure(folder.path / "fluid.xyz")}
    assert folder.plan().fingerprints.structures == {}
