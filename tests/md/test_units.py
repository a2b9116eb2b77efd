"""The same argon in the unit styles metal, real and lj: the same heat flux and conductivity."""

from pathlib import Path

import numpy as np
import pytest
from scipy import constants
from trajectories import Trajectories, sampled

from ensemble.md.segment import script_of
from ensemble.units import unit_system

EPSILON = 119.8 * constants.k
SIGMA = 3.405 * constants.angstrom
MASS = 39.948 * constants.gram / constants.N_A
TAU = SIGMA * (MASS / EPSILON) ** 0.5
TEMPERATURE = 40.0  # K
CUTOFF = 2.5 * SIGMA
LATTICE = 5.3 * constants.angstrom
TIMESTEP = 4 * constants.femto
ROWS = 10

CAMPAIGN = """
[campaign]
name = "argon"
units = "{units}"

[material.crystal]
prototype = "fcc"
species = ["Ar"]
lattice = {lattice!r}
masses = {{ Ar = {mass!r} }}

[models]
style = "lammps"

[[models.model]]
name = "lj"
commands = ["pair_style lj/cut {cutoff!r}", "pair_coeff * * {epsilon!r} {sigma!r}"]

[[study]]
name = "gk"
method = "emd"
material = "crystal"
temperatures = [{temperature!r}]
supercells = [[4, 4, 4]]
seeds = 1
timestep = {timestep!r}
equilibrate = [{{ ensemble = "nvt", time = {stage!r} }}]
sample = {{ time = {sample!r}, every = {every!r} }}
"""


def campaign(units: str) -> str:
    """The argon in one unit style."""
    system = unit_system(units)
    if units == "lj":
        energy, length, mass, temperature = EPSILON, SIGMA, MASS, EPSILON / constants.k
        short = long = TAU
    else:
        energy, length, mass, temperature = system.energy, system.length, system.mass, 1.0
        short, long = constants.femto, constants.pico
    return CAMPAIGN.format(
        units=units,
        lattice=LATTICE / length,
        mass=MASS / mass,
        cutoff=CUTOFF / length,
        epsilon=EPSILON / energy,
        sigma=SIGMA / length,
        temperature=TEMPERATURE / temperature,
        timestep=TIMESTEP / short,
        stage=50 * TIMESTEP / long,
        sample=2 * ROWS * TIMESTEP / long,
        every=2 * TIMESTEP / short,
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """The channels of the same run in each unit style."""
    found = {}
    for units in ("metal", "real", "lj"):
        trajectories = Trajectories(tmp_path_factory.mktemp(units), campaign(units))
        run = trajectories.run_of("gk")
        found[units] = trajectories.columns(run, sampled(trajectories.all_segments(run)))
    return found


SI = {
    "metal": (constants.eV, constants.angstrom, constants.pico, constants.bar, 1.0),
    "real": (
        constants.kilo * constants.calorie_th / constants.N_A,
        constants.angstrom,
        constants.femto,
        constants.atm,
        1.0,
    ),
    "lj": (EPSILON, SIGMA, TAU, EPSILON / SIGMA**3, EPSILON / constants.k),
}
"""Energy, length, time, pressure and temperature of each unit style."""


@pytest.mark.parametrize("units", ["real", "lj"])
def test_the_same_in_si(samples: dict[str, dict[str, np.ndarray]], units: str) -> None:
    """To the seven digits of LAMMPS's constants, and what the trajectories make of them."""

    def in_si(units: str) -> dict[str, np.ndarray]:
        energy, length, time, pressure, temperature = SI[units]
        rows = samples[units]
        flux = energy * length / time
        return {
            **{x: rows[f"heat_flux_{x}"] * flux for x in "xyz"},
            **{f"conductive {x}": rows[f"heat_flux_conductive_{x}"] * flux for x in "xyz"},
            "energy": rows["energy"] * energy,
            "temperature": rows["temperature"] * temperature,
            "pressure": rows["pressure"] * pressure,
            "volume": rows["volume"] * length**3,
            "msd": rows["msd_Ar"] * length**2,
        }

    found, expected = in_si(units), in_si("metal")
    for name, values in expected.items():
        scale = abs(values).max()
        np.testing.assert_allclose(
            found[name], values, rtol=0, atol=2e-5 * scale, err_msg=f"{name} in {units}"
        )


@pytest.mark.parametrize("units", ["metal", "real", "lj"])
def test_conductivity_of_the_same_flux(
    samples: dict[str, dict[str, np.ndarray]], units: str
) -> None:
    """∫<JJ>dt with the prefactor of each unit style, against the formula in SI."""

    def integral(units: str) -> float:
        """<J·J>/3 times a row's time, over V T², in the style's own units."""
        rows, system = samples[units], unit_system(units)
        square = sum(np.square(rows[f"heat_flux_{x}"]).mean() for x in "xyz") / 3
        time = 2 * TIMESTEP / (TAU if units == "lj" else system.time)
        temperature = TEMPERATURE / SI[units][4]
        return float(square * time / (rows["volume"][0] * temperature**2))

    energy, length, time, _, _ = SI["metal"]
    rows = samples["metal"]
    square = sum(np.square(rows[f"heat_flux_{x}"]).mean() for x in "xyz") / 3
    flux_squared = square * (energy * length / time) ** 2
    volume = rows["volume"][0] * length**3
    expected = flux_squared * 2 * TIMESTEP / (constants.k * volume * TEMPERATURE**2)
    found = unit_system(units).green_kubo * integral(units)
    if units == "lj":
        found *= constants.k / (SIGMA * TAU)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("units", "pressure"), [("metal", "1000"), ("real", "986.923266716"), ("lj", "1000")]
)
def test_pressure_is_in_bar(tmp_path: Path, units: str, pressure: str) -> None:
    """LAMMPS counts in bar, atm and ε/σ³."""
    stage = '{ ensemble = "npt", pressure = 1000, time'
    text = campaign(units).replace('{ ensemble = "nvt", time', stage)
    trajectories = Trajectories(tmp_path, text)
    run = trajectories.run_of("gk")
    script = script_of(trajectories.assignment(run, 0))
    (line,) = (line for line in script.splitlines() if " npt " in line)
    assert f" iso {pressure}" in line
