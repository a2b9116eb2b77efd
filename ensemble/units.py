"""Unit styles of LAMMPS, ``metal``, ``real`` and ``lj``, and every conversion the package makes.

Numbers keep the units of the simulation they come from until they are shown; then one factor, taken
from here, makes a thermal conductivity W/m/K or a diffusion coefficient cm²/s. All factors follow
from the units themselves and CODATA's constants. Only what has to agree with LAMMPS' own
arithmetic to the last digit uses the rounded constants that LAMMPS is built with (``lammps_*``).

In ``lj`` there is nothing to convert: all factors are one, and so is k_B.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from scipy import constants

__all__ = ["UNIT_SYSTEMS", "UnitSystem", "unit_system"]


@dataclass(frozen=True, kw_only=True)
class UnitSystem:
    """A unit style of LAMMPS: the size of its units, what they are called, what follows from them.

    Velocities are `length` / `time`; extensive heat flux is energy times velocity; the temperature
    is in K, in ``lj`` in ε/k_B.
    """

    style: str
    """The word behind LAMMPS' ``units`` command."""

    mass: float
    """One unit of mass in kg; 1 in ``lj``."""

    length: float
    """One unit of length in m; 1 in ``lj``."""

    time: float
    """One unit of time in s; 1 in ``lj``."""

    energy: float
    """One unit of energy in J; 1 in ``lj``."""

    pressure: float
    """One unit of pressure in Pa; 1 in ``lj``."""

    boltzmann: float
    """k_B in units of energy per unit of temperature."""

    picosecond: float
    """A picosecond in units of time. 1 in ``lj``: times given in ps are meant in τ there."""

    femtosecond: float
    """A femtosecond in units of time. 1 in ``lj``: times given in fs are meant in τ there."""

    mass_symbol: str
    """What the unit of mass is called."""

    length_symbol: str
    """What the unit of length is called."""

    time_symbol: str
    """What the unit of time is called."""

    energy_symbol: str
    """What the unit of energy is called."""

    temperature_symbol: str
    """What the unit of temperature is called."""

    pressure_symbol: str
    """What the unit of pressure is called."""

    conductivity_symbol: str
    """What a thermal conductivity is in, once `green_kubo` or `mueller_plathe` was applied."""

    diffusivity_symbol: str
    """What a diffusion coefficient is in, once `diffusivity` was applied."""

    lammps_boltzmann: float
    """``boltz`` of LAMMPS: k_B as its temperatures have it."""

    lammps_mvv2e: float
    """``mvv2e`` of LAMMPS: mass times velocity squared to energy, as in its kinetic energies."""

    lammps_nktv2p: float
    """``nktv2p`` of LAMMPS: energy per volume to pressure, as in its stresses and pressures."""

    @property
    def reduced(self) -> bool:
        """Whether nothing has a size in SI: ``lj``."""
        return self.style == "lj"

    @property
    def mvv2e(self) -> float:
        """Mass times velocity squared, in units of energy."""
        return self.mass * (self.length / self.time) ** 2 / self.energy

    @property
    def nktv2p(self) -> float:
        """Energy per volume, in units of pressure."""
        return self.energy / self.length**3 / self.pressure

    @property
    def green_kubo(self) -> float:
        """Prefactor of κ = green_kubo · ∫ <J_a(0) J_b(t)> dt / (V T²).

        With the extensive heat flux J, the volume V, the time t and the temperature T in this
        system's units, κ is in W/m/K, in ``lj`` in reduced units. 1/k_B is part of it.
        """
        joule_per_kelvin = self.boltzmann * self.energy
        return self.energy**2 / (self.time * self.length * joule_per_kelvin)

    @property
    def mueller_plathe(self) -> float:
        """Prefactor of ``κ = mueller_plathe · E / (2 A Δt |dT/dz|)``.

        E is the energy exchanged in the time Δt through the area A, twice since heat flows both
        ways in a periodic cell, all in this system's units. κ as for `green_kubo`. (Müller-Plathe,
        J. Chem. Phys. 106, 6082 (1997).)
        """
        return self.energy / (self.length * self.time)

    @property
    def diffusivity(self) -> float:
        """Prefactor of D = diffusivity · slope of the mean square displacement / 6, in cm²/s.

        In ``lj`` it is 1, and D in σ²/τ.
        """
        return 1.0 if self.reduced else 1e4 * self.length**2 / self.time

    @property
    def heat_flux_symbol(self) -> str:
        """What the extensive heat flux is in, as LAMMPS' ``compute heat/flux`` gives it."""
        return f"{self.energy_symbol} {self.length_symbol}/{self.time_symbol}"

    @property
    def momentum_symbol(self) -> str:
        """What a momentum is in."""
        return f"{self.mass_symbol} {self.length_symbol}/{self.time_symbol}"


_GRAM_PER_MOLE = constants.gram / constants.N_A
_KILOCALORIE_PER_MOLE = constants.kilo * constants.calorie_th / constants.N_A

_METAL = UnitSystem(
    style="metal",
    mass=_GRAM_PER_MOLE,
    length=constants.angstrom,
    time=constants.pico,
    energy=constants.eV,
    pressure=constants.bar,
    boltzmann=constants.k / constants.eV,
    picosecond=1.0,
    femtosecond=1e-3,
    mass_symbol="g/mol",
    length_symbol="angstrom",
    time_symbol="ps",
    energy_symbol="eV",
    temperature_symbol="K",
    pressure_symbol="bar",
    conductivity_symbol="W/m/K",
    diffusivity_symbol="cm^2/s",
    lammps_boltzmann=8.617343e-5,
    lammps_mvv2e=1.0364269e-4,
    lammps_nktv2p=1.6021765e6,
)

_REAL = UnitSystem(
    style="real",
    mass=_GRAM_PER_MOLE,
    length=constants.angstrom,
    time=constants.femto,
    energy=_KILOCALORIE_PER_MOLE,
    pressure=constants.atm,
    boltzmann=constants.k / _KILOCALORIE_PER_MOLE,
    picosecond=1e3,
    femtosecond=1.0,
    mass_symbol="g/mol",
    length_symbol="angstrom",
    time_symbol="fs",
    energy_symbol="kcal/mol",
    temperature_symbol="K",
    pressure_symbol="atm",
    conductivity_symbol="W/m/K",
    diffusivity_symbol="cm^2/s",
    lammps_boltzmann=0.0019872067,
    lammps_mvv2e=48.88821291**2,
    lammps_nktv2p=68568.415,
)

_LJ = UnitSystem(
    style="lj",
    mass=1.0,
    length=1.0,
    time=1.0,
    energy=1.0,
    pressure=1.0,
    boltzmann=1.0,
    picosecond=1.0,
    femtosecond=1.0,
    mass_symbol="m",
    length_symbol="sigma",
    time_symbol="tau",
    energy_symbol="epsilon",
    temperature_symbol="epsilon/kB",
    pressure_symbol="epsilon/sigma^3",
    conductivity_symbol="kB/sigma/tau",
    diffusivity_symbol="sigma^2/tau",
    lammps_boltzmann=1.0,
    lammps_mvv2e=1.0,
    lammps_nktv2p=1.0,
)

UNIT_SYSTEMS = MappingProxyType({system.style: system for system in (_METAL, _REAL, _LJ)})
"""The unit systems by the name of their LAMMPS style."""


def unit_system(style: str) -> UnitSystem:
    """The unit system of a LAMMPS unit style.

    Raises
    ------
    ValueError
        The style is none of `UNIT_SYSTEMS`; the message lists them.
    """
    if style in UNIT_SYSTEMS:
        return UNIT_SYSTEMS[style]
    near = get_close_matches(style.lower(), UNIT_SYSTEMS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"units {style!r}: must be one of {', '.join(UNIT_SYSTEMS)}{hint}")
