"""The checks of one model, and the file that their numbers are kept in.

``card.json`` holds a table for each check: what was found, or why nothing was, and a fingerprint of
the model and of what was asked. A check whose fingerprint is there is not done again: a card that
was interrupted goes on, and one of which a part is changed does only that part.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator

from ensemble.campaign.schema import Material
from ensemble.cluster.progress import Reporter
from ensemble.mtp.calculator import MTPCalculator
from ensemble.plan.fingerprint import hash_of_structure
from ensemble.store.files import write_atomically
from ensemble.training.checks.crystal import CheckFailed, Crystal, relax, unit_cell
from ensemble.training.checks.dynamics import dynamics
from ensemble.training.checks.elastic import bulk_modulus, constants_of, is_stable, stiffness
from ensemble.training.checks.phonons import phonons
from ensemble.training.checks.settings import Checks
from ensemble.training.errors import Errors, errors_of

__all__ = ["run", "run_teacher"]

CARD = "card.json"

Card = dict[str, Any]
"""Of a model, in JSON's types: ``name``, ``level``, ``material`` and the checks by their names."""


def run(
    model: Path,
    material: Material,
    settings: Checks,
    folder: Path,
    *,
    species: Sequence[str] | None = None,
    frames: Sequence[Atoms] = (),
    reporter: Reporter | None = None,
) -> Card:
    """Do the checks of a model that are not done yet, and give what is known of it then.

    Parameters
    ----------
    model
        An ``.mtp`` file.
    material
        What the model is of. Its vacancies are left out at 0 K.
    settings
        What is looked at.
    folder
        For ``card.json`` and the trajectories.
    species
        Of the model, where its ``potential_tag`` does not say.
    frames
        Labelled configurations that the model was not fitted to, with ``info["temperature"]``;
        without any there are no errors.
    reporter
        Shows the progress of the molecular dynamics.

    Raises
    ------
    KeyboardInterrupt
        It was told to stop. The checks that were done are kept.
    ImportError
        phonopy is not installed.
    ValueError, OSError, ensemble.campaign.CampaignError, ensemble.store.StoreError
        A file, the frames or the material cannot be used.
    """
    calculator = MTPCalculator(model, species)
    potential = calculator.potential
    subject = _Subject(calculator, potential.content_hash, material, settings)
    card = _Kept(folder, model.stem, subject)
    card.add("level", potential.level)
    if frames:
        labels = [[_text_of(frame), frame.info.get("temperature")] for frame in frames]
        card.check("errors", labels, lambda _: _errors(calculator, frames))
    _at_zero_kelvin(card, subject)

    def trajectories(fingerprint: str) -> Any:
        own = folder / f"dynamics-{fingerprint[:8]}"
        found = dynamics(model, calculator.species, material, settings, own, reporter=reporter)
        return [asdict(one) for one in found]

    asked = settings.model_dump(mode="json", exclude={"phonon", "workers"})
    card.check("dynamics", [asked, _told(material)], trajectories)
    card.close()
    return card.table


def run_teacher(
    calculator: BaseCalculator,
    identity: str,
    material: Material,
    settings: Checks,
    folder: Path,
) -> Card:
    """The checks at 0 K of the teacher, to compare the models with.

    Parameters
    ----------
    calculator, identity
        The teacher, and who it is: `ensemble.training.teacher.Teacher`.

    Raises
    ------
    ImportError, OSError, ValueError
        As `run`.
    """
    subject = _Subject(calculator, identity, material, settings)
    card = _Kept(folder, "teacher", subject)
    card.add("identity", identity)
    _at_zero_kelvin(card, subject)
    card.close()
    return card.table


@dataclass(frozen=True)
class _Subject:
    """Who is checked, on what."""

    calculator: BaseCalculator
    identity: str
    material: Material
    settings: Checks

    @cached_property
    def unit(self) -> Atoms:
        return unit_cell(self.material)

    @cached_property
    def crystal(self) -> Crystal:
        return relax(self.unit, self.calculator)


def _at_zero_kelvin(card: _Kept, subject: _Subject) -> None:
    cell, phonon = _text_of(subject.unit), subject.settings.phonon
    card.check("crystal", [cell], lambda _: _crystal(subject.crystal))
    card.check("elastic", [cell], lambda _: _elastic(subject.crystal))
    card.check(
        "phonons",
        [cell, phonon.model_dump(mode="json")],
        lambda _: asdict(phonons(subject.crystal, supercell=phonon.supercell, mesh=phonon.mesh)),
    )


class _Kept:
    """A card and its file."""

    def __init__(self, folder: Path, name: str, subject: _Subject) -> None:
        self._path = folder / CARD
        self._identity = subject.identity
        self._before = _read(self._path)
        self.table: Card = {"name": name, "species": list(subject.material.species)}

    def add(self, key: str, value: Any) -> None:
        """A fact that need not be found out."""
        self.table[key] = value

    def check(self, name: str, asked: Sequence[Any], find: Callable[[str], Any]) -> None:
        """Do a check if it is not done yet, and keep what it found.

        Parameters
        ----------
        asked
            All but the model that decides the result, in JSON's types.
        find
            Does the check; it is given the fingerprint.
        """
        fingerprint = _digest([self._identity, *asked])
        done = self._before.get(name)
        if not isinstance(done, dict) or done.get("fingerprint") != fingerprint:
            done = {"fingerprint": fingerprint}
            try:
                done["found"] = find(fingerprint)
            except CheckFailed as failure:
                done["problem"] = str(failure)
        self.table[name] = done
        self._write(self._before | self.table)

    def close(self) -> None:
        """Leave nothing in the file that was not asked for this time."""
        self._write(self.table)

    def _write(self, table: Card) -> None:
        text = json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(self._path, f"{text}\n".encode())


def _read(path: Path) -> Card:
    """What a card's file holds; nothing where it is none, since all can be had again."""
    try:
        table = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _digest(asked: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _told(material: Material) -> dict[str, Any]:
    """What decides a material's crystal, in JSON's types: a structure file by what it says, and not
    by its place.
    """
    table = material.model_dump(mode="json")
    if material.structure is not None:
        table["structure"] = hash_of_structure(Path(material.structure))
    return table


def _text_of(atoms: Atoms) -> str:
    """What decides the numbers that come of a configuration, as a digest."""
    digest = hashlib.sha256()
    arrays = [atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc]
    labels = {} if atoms.calc is None else atoms.calc.results
    for name in sorted(labels):
        arrays.append(np.asarray(labels[name]))
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _crystal(crystal: Crystal) -> dict[str, Any]:
    return {
        "lattice": crystal.lattice,
        "family": crystal.family,
        "energy": crystal.energy,
        "positions": crystal.atoms.get_scaled_positions().tolist(),
    }


def _elastic(crystal: Crystal) -> dict[str, Any]:
    matrix = stiffness(crystal)
    return {
        "constants": constants_of(matrix, crystal.family),
        "bulk_modulus": bulk_modulus(matrix),
        "stable": is_stable(matrix),
        "matrix": matrix.tolist(),
    }


def _errors(calculator: MTPCalculator, frames: Sequence[Atoms]) -> list[dict[str, Any]]:
    """At each temperature and over all; None for what there are no labels of."""
    over_all = errors_of(calculator.potential, frames, calculator.species, by="temperature")
    found: list[tuple[float | None, Errors]]
    found = [(float(group), errors) for group, errors in over_all.groups.items()]
    found.append((None, over_all))
    rows = []
    for temperature, errors in found:
        numbers = errors.as_dict()
        del numbers["groups"]
        plain = {key: None if math.isnan(value) else value for key, value in numbers.items()}
        rows.append({"temperature": temperature, **plain})
    return rows
