"""The conversions follow from CODATA, agree with published numbers, and with LAMMPS' own."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from scipy import constants

from ensemble.units import UNIT_SYSTEMS, UnitSystem, unit_system

METAL, REAL, LJ = (unit_system(style) for style in ("metal", "real", "lj"))
BY_STYLE = pytest.mark.parametrize("units", UNIT_SYSTEMS.values(), ids=UNIT_SYSTEMS)
IN_SI = pytest.mark.parametrize("units", [METAL, REAL], ids=["metal", "real"])

VOLUME = 30.0
ONE_ATOM = """\
units {style}
region box block 0 2 0 3 0 5
create_box 1 box
create_atoms 1 single 1 1 1
mass 1 1.0
pair_style zero 0.5
pair_coeff * *
velocity all set 1 0 0
compute_modify thermo_temp extra/dof 0
thermo_style custom step ke temp press
thermo_modify norm no
run 0
print "$(ke:%.16g) $(temp:%.16g) $(press:%.16g)" file found.txt
"""


@BY_STYLE
def test_lammps_constants_are_those_of_the_installed_lammps(
    units: UnitSystem, tmp_path: Path
) -> None:
    """One atom of mass 1 and speed 1 in a known volume: its energy, temperature and pressure."""
    (tmp_path / "in.lammps").write_text(ONE_ATOM.format(style=units.style))
    lmp = Path(sys.prefix) / "bin" / "lmp"
    subprocess.run(
        [lmp, "-in", "in.lammps", "-log", "none"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    kinetic, temperature, pressure = map(float, (tmp_path / "found.txt").read_text().split())
    assert kinetic == pytest.approx(units.lammps_mvv2e / 2, rel=1e-13)
    assert temperature == pytest.approx(2 * kinetic / 3 / units.lammps_boltzmann, rel=1e-13)
    expected = temperature * units.lammps_boltzmann / VOLUME * units.lammps_nktv2p
    assert pressure == pytest.approx(expected, rel=1e-13)


@BY_STYLE
def test_lammps_constants_are_rounded_ones_of_ours(units: UnitSystem) -> None:
    assert units.lammps_boltzmann == pytest.approx(units.boltzmann, rel=2e-6)
    assert units.lammps_mvv2e == pytest.approx(units.mvv2e, rel=1e-6)
    assert units.lammps_nktv2p == pytest.approx(units.nktv2p, rel=1e-6)


def test_prefactors_are_the_published_ones() -> None:
    assert pytest.approx(1.85925e7, rel=3e-6) == METAL.green_kubo
    assert pytest.approx(3.49622e7, rel=3e-6) == REAL.green_kubo
    assert pytest.approx(1602.177, rel=3e-7) == METAL.mueller_plathe
    assert pytest.approx(1e-4, rel=1e-14) == METAL.diffusivity
    assert pytest.approx(0.1, rel=1e-14) == REAL.diffusivity


@IN_SI
def test_conductivities_by_way_of_si(units: UnitSystem) -> None:
    """Each quantity is taken to SI by itself, and the formula evaluated there with SI's k_B."""
    integral, volume, temperature = 3.0, 7e3, 600.0
    flux = units.energy * units.length / units.time
    expected = (
        integral * flux**2 * units.time
        / (constants.k * volume * units.length**3 * temperature**2)
    )  # fmt: skip
    found = units.green_kubo * integral / (volume * temperature**2)
    assert found == pytest.approx(expected, rel=1e-13)

    exchanged, area, time, gradient = 11.0, 400.0, 50.0, 0.5
    power = exchanged * units.energy / (time * units.time)
    expected = power / (2 * area * units.length**2 * gradient / units.length)
    found = units.mueller_plathe * exchanged / (2 * area * time * gradient)
    assert found == pytest.approx(expected, rel=1e-13)


def test_metal_and_real_describe_the_same_world() -> None:
    """The numbers of one state in both systems give one conductivity and one diffusivity."""
    energy = METAL.energy / REAL.energy
    assert energy == pytest.approx(23.060548, rel=1e-7)
    flux = energy / 1e3  # eV Å/ps in kcal/mol Å/fs
    in_metal = METAL.green_kubo * 1.0
    in_real = REAL.green_kubo * flux**2 * REAL.picosecond
    assert in_real == pytest.approx(in_metal, rel=1e-13)
    exchange = REAL.mueller_plathe * energy / REAL.picosecond
    assert exchange == pytest.approx(METAL.mueller_plathe, rel=1e-13)
    slope = REAL.diffusivity / REAL.picosecond
    assert slope == pytest.approx(METAL.diffusivity, rel=1e-13)


@IN_SI
def test_dimensional_identities(units: UnitSystem) -> None:
    assert units.boltzmann * units.energy == pytest.approx(constants.k, rel=1e-14)
    assert units.mass * constants.N_A == pytest.approx(1e-3, rel=1e-14)
    assert units.picosecond * units.time == pytest.approx(1e-12, rel=1e-14)
    assert units.femtosecond * units.time == pytest.approx(1e-15, rel=1e-14)
    # k_B T / V of one atom in one cubic unit of length at 1 K, in Pa.
    pressure = units.boltzmann * units.nktv2p * units.pressure
    assert pressure == pytest.approx(constants.k / units.length**3, rel=1e-13)
    # <JJ> t / (k_B V) over E / (t A dT/dz): one k_B in each unit of energy.
    assert units.green_kubo * units.boltzmann == pytest.approx(units.mueller_plathe, rel=1e-13)


def test_nothing_is_converted_in_lj() -> None:
    assert LJ.reduced
    assert not METAL.reduced
    assert not REAL.reduced
    numbers = [
        getattr(LJ, field.name)
        for field in dataclasses.fields(LJ)
        if isinstance(getattr(LJ, field.name), float)
    ]
    derived = [LJ.mvv2e, LJ.nktv2p, LJ.green_kubo, LJ.mueller_plathe, LJ.diffusivity]
    assert {*numbers, *derived} == {1.0}


def test_what_things_are_called() -> None:
    assert METAL.heat_flux_symbol == "eV angstrom/ps"
    assert REAL.heat_flux_symbol == "kcal/mol angstrom/fs"
    assert LJ.heat_flux_symbol == "epsilon sigma/tau"
    assert METAL.momentum_symbol == "g/mol angstrom/ps"


@pytest.mark.parametrize("style", ["si", "Metal", "", "reel"])
def test_other_styles_are_refused(style: str) -> None:
    with pytest.raises(ValueError, match="must be one of metal, real, lj") as refusal:
        unit_system(style)
    near = {"Metal": "did you mean 'metal'", "reel": "did you mean 'real'"}.get(style, "")
    assert near in str(refusal.value)
