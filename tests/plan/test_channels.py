"""The names and units of what is sampled."""

import pytest
from small_campaigns import CU2SE, LJ, Folder, changed

from ensemble.plan.channels import channels_of, components, of_species, profile


def test_names() -> None:
    assert components("heat_flux") == ("heat_flux_x", "heat_flux_y", "heat_flux_z")
    assert profile("atoms", 3) == ("atoms_0", "atoms_1", "atoms_2")
    assert components(of_species("momentum", "Cu"))[2] == "momentum_Cu_z"


def test_equilibrium(folder: Folder) -> None:
    plan = folder.plan()
    units = {channel.name: channel.units for channel in plan.recipes["gk"].channels}
    assert list(units) == [
        *("heat_flux_x", "heat_flux_y", "heat_flux_z"),
        *("heat_flux_convective_x", "heat_flux_convective_y", "heat_flux_convective_z"),
        *("heat_flux_conductive_x", "heat_flux_conductive_y", "heat_flux_conductive_z"),
        *("momentum_Cu_x", "momentum_Cu_y", "momentum_Cu_z"),
        *("momentum_Se_x", "momentum_Se_y", "momentum_Se_z"),
        *("temperature", "pressure", "energy", "volume"),
        *("msd_Cu", "msd_Se"),
        *("square_displacement_Cu", "square_displacement_Se"),
    ]
    assert units["heat_flux_convective_y"] == "eV angstrom/ps"
    assert units["momentum_Se_x"] == "g/mol angstrom/ps"
    assert (units["temperature"], units["pressure"]) == ("K", "bar")
    assert (units["energy"], units["volume"]) == ("eV", "angstrom^3")
    assert units["msd_Cu"] == units["square_displacement_Se"] == "angstrom^2"


def test_trajectory_of_another_model_is_the_same_but_for_the_displacements(folder: Folder) -> None:
    plan = folder.plan()
    assert plan.recipes["fixed"].channels == plan.recipes["gk"].channels[:-4]


def test_direct_method(folder: Folder) -> None:
    channels = folder.plan().recipes["direct"].channels
    units = {channel.name: channel.units for channel in channels}
    assert len(channels) == len(units) == (3 + 2) * 12 + 1 + 3 + 4 + 2
    assert units["temperature_0"] == units["temperature_11"] == "K"
    assert (units["heat_flux_11"], units["atoms_11"]) == ("eV angstrom/ps", "1")
    assert units["momentum_Cu_0"] == units["momentum_Se_11"] == "g/mol angstrom/ps"
    assert (units["exchanged_energy"], units["momentum_z"]) == ("eV", "g/mol angstrom/ps")
    assert (units["length"], units["area"]) == ("angstrom", "angstrom^2")
    assert "atoms_12" not in units


@pytest.mark.parametrize(
    ("style", "flux", "length"),
    [("metal", "eV angstrom/ps", "angstrom"), ("real", "kcal/mol angstrom/fs", "angstrom")],
)
def test_units(folder: Folder, style: str, flux: str, length: str) -> None:
    text = changed(CU2SE, name=f'"small"\nunits = "{style}"')
    units = {channel.name: channel.units for channel in folder.plan(text).recipes["gk"].channels}
    assert (units["heat_flux_x"], units["msd_Se"]) == (flux, f"{length}^2")


def test_reduced_units(folder: Folder) -> None:
    units = {channel.name: channel.units for channel in folder.plan(LJ).recipes["gk"].channels}
    assert units["heat_flux_x"] == "epsilon sigma/tau"
    assert units["momentum_Ar_x"] == "m sigma/tau"


def test_any_number_of_species(folder: Folder) -> None:
    study = folder.load()[0].study("gk")
    names = [channel.name for channel in channels_of(study, ("Li", "P", "S"), "metal")]
    assert len(names) == 9 + 3 * 3 + 4 + 2 * 3
    assert names[-6:-3] == ["msd_Li", "msd_P", "msd_S"]
    assert names[-3:] == [f"square_displacement_{symbol}" for symbol in ("Li", "P", "S")]
