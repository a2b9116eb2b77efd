"""Calculators with the faults that a teacher may have, which no real one has on demand."""

import os
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones


class Odd(LennardJones):
    """Lennard-Jones that goes wrong with atoms of one element, and then in the way wanted."""

    def __init__(self, *, fault: str, element: str = "Kr", **arguments: Any) -> None:
        super().__init__(**arguments)
        self.fault, self.element = fault, element

    def calculate(self, atoms: Any = None, properties: Any = None, changes: Any = all_changes):
        super().calculate(atoms, properties, changes)
        if self.element in self.atoms.symbols:
            getattr(self, self.fault)()

    def nan(self) -> None:
        self.results["forces"][3] = np.nan

    def sometimes_nan(self) -> None:
        """By a coin that the configuration tosses."""
        if int(1e6 * abs(self.atoms.positions[0, 0])) % 2:
            self.nan()

    def huge(self) -> None:
        self.results["forces"][3] = (0.0, 3e4, 4e4)

    def raises(self) -> None:
        raise ArithmeticError("no convergence")

    def dies(self) -> None:
        os._exit(9)


class Smeared(LennardJones):
    """Has an energy that its forces are not the gradient of, as with electrons at a temperature."""

    def calculate(self, atoms: Any = None, properties: Any = None, changes: Any = all_changes):
        super().calculate(atoms, properties, changes)
        self.results["energy"] += 1.0


class OneEnergy(LennardJones):
    """Has never heard of another one."""

    def get_potential_energy(self, atoms: Any = None) -> float:
        return super().get_potential_energy(atoms)


class NoFreeEnergy(LennardJones):
    """Has heard of another one, and has none."""

    implemented_properties = ("energy", "forces", "stress")


class NoStress(Calculator):
    """Knows energies and forces only."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms: Any = None, properties: Any = None, changes: Any = all_changes):
        super().calculate(atoms, properties, changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(self.atoms), 3))}


class Broken(Calculator):
    """Cannot be made."""

    def __init__(self) -> None:
        raise OSError("weights not found")
