"""Who labels the frames: any ASE calculator, by name, in worker processes.

A teacher's package is imported where it labels and nowhere else, so that `ensemble` itself never
needs it.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, PropertyNotImplementedError
from ase.calculators.mixing import SumCalculator
from ase.calculators.singlepoint import SinglePointCalculator

from ensemble.campaign.errors import nearest
from ensemble.training.labels import (
    BadLabel,
    Limits,
    NoLabel,
    References,
    check_labels,
    check_names,
    name_of,
)

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Labelling", "Teacher", "TeacherError", "label_frames", "telling_arguments"]

EXTRA = ("dftd3", "sevenn", "torch")
"""Packages that come with the extra ``train``."""

SILENT = frozenset({"device", "directory", "label", "logfile", "txt", "verbose"})
"""Arguments of calculators that say where they compute and write, and not what."""


class TeacherError(ValueError):
    """A teacher that cannot label anything."""


def telling_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a calculator that decide its numbers, in the order of their names.

    Those of `SILENT` are left out. Of a file, such as one of weights, its content counts and not
    where it is: in place of its path there is a digest.
    """
    return {key: _content(value) for key, value in sorted(arguments.items()) if key not in SILENT}


def _content(value: Any) -> Any:
    """A digest of a file's content, where the value is the path of one; else the value."""
    if not isinstance(value, str) or not Path(value).is_file():
        return value
    with Path(value).open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """An ASE calculator by name.

    Raises
    ------
    TeacherError
        From `identity` and `make`: there is no such package or class, or it does not take the
        arguments.
    """

    calculator: str
    """``module:Class``, such as ``sevenn.calculator:SevenNetCalculator``."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the class."""

    plus: tuple[Teacher, ...] = ()
    """Others whose energies, forces and stresses are added, such as a dispersion correction."""

    key: str = field(default="teacher", compare=False)
    """Of its table in the training file, for what is wrong with it."""

    threads: int = 1
    """Of PyTorch, if the calculator uses it."""

    @cached_property
    def identity(self) -> str:
        """Package, version, class and arguments: ``sevenn 0.13.0 SevenNetCalculator model=7net-0``.

        Labels of teachers with the same identity may be mixed. Of the arguments there are those
        of `telling_arguments`. What is added stands behind a plus sign.
        """
        return " + ".join([self._own_identity(), *(other.identity for other in self.plus)])

    def _own_identity(self) -> str:
        package, cls = self._module.partition(".")[0], self._class
        found = packages_distributions().get(package)
        if not found:
            self._import()  # a module of the user's own has no version
        named = [f"{found[0]} {version(found[0])}" if found else package, cls]
        telling = telling_arguments(self.arguments)
        return " ".join([*named, *(f"{key}={value}" for key, value in telling.items())])

    def make(self) -> BaseCalculator:
        """The calculator; a foundation potential takes seconds to load."""
        own = self._make_own()
        return SumCalculator([own, *(other.make() for other in self.plus)]) if self.plus else own

    @property
    def names(self) -> str:
        """Of the classes, as the training file has them."""
        return " + ".join([self.calculator, *(other.names for other in self.plus)])

    def _make_own(self) -> BaseCalculator:
        with warnings.catch_warnings():
            # Those of a model's package are for its developers: what is slow, what is deprecated.
            warnings.simplefilter("ignore")
            cls = self._import()
            try:
                calculator = cls(**self.arguments)
            except TypeError as error:
                raise TeacherError(f"{self.key}.arguments: {self.calculator}: {error}") from error
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                raise TeacherError(
                    f"{self.key}: {self.calculator} does not start: {what}"
                ) from error
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(self.threads)
        return calculator

    @property
    def _module(self) -> str:
        return self.calculator.partition(":")[0]

    @property
    def _class(self) -> str:
        return self.calculator.partition(":")[2]

    def _import(self) -> Callable[..., BaseCalculator]:
        try:
            module = import_module(self._module)
        except ImportError as error:
            raise TeacherError(f"{self.key}.calculator: {self._missing(error)}") from error
        cls = getattr(module, self._class, None)
        if not isinstance(cls, type):
            meant = nearest(self._class, vars(module))
            hint = f"; did you mean {meant}?" if meant else ""
            raise TeacherError(
                f"{self.key}.calculator: {self._module} has no class {self._class}{hint}"
            )
        return cls

    def _missing(self, error: ImportError) -> str:
        package = self._module.partition(".")[0]
        if not (isinstance(error, ModuleNotFoundError) and error.name == package):
            return f"{self._module} cannot be imported: {error}"
        how = "pip install '.[train]' in its clone" if package in EXTRA else "install it"
        return f"there is no package {package} here; {how}"


@dataclass(frozen=True)
class Labelling:
    """What became of frames that were to be labelled."""

    frames: tuple[Atoms, ...]
    """Those that have labels now, in the order in which they were given."""

    rejected: tuple[BadLabel, ...]
    """The others, by name and reason."""


Outcome = Atoms | BadLabel


def label_frames(
    teacher: Teacher,
    frames: Sequence[Atoms],
    *,
    client: Client | None = None,
    limits: Limits | None = None,
    references: References | None = None,
    on_done: Callable[[Outcome], None] | None = None,
) -> Labelling:
    """Have a teacher label frames. Those that it cannot are rejected, and the others go on.

    Parameters
    ----------
    teacher
        Made once in every process that labels.
    frames
        Each with a name; what they are labelled with already is of no account.
    client
        Of Dask workers to label on; in this process where not given.
    limits, references
        Of plausible labels, see `check_labels`.
    on_done
        Is called here with each labelled frame, or with why it was rejected, as soon as it is
        there. What is written down by it is not lost when this process is killed.

    Raises
    ------
    TeacherError
        The teacher cannot be made, or does not give energies, forces and stresses.
    FrameError
        A frame without a name of its own.
    """
    check_names(frames)
    task = _Task(teacher, teacher.identity, limits, references)
    done = _on_workers(client, task, frames) if client else _here(task, frames)
    outcomes: dict[str, Outcome] = {}
    with closing(done):  # what an interrupt leaves waiting is given up while there is a client
        for name, outcome in done:
            outcomes[name] = outcome
            if on_done:
                on_done(outcome)
    ordered = [outcomes[name_of(frame)] for frame in frames]
    return Labelling(
        tuple(one for one in ordered if isinstance(one, Atoms)),
        tuple(one for one in ordered if isinstance(one, BadLabel)),
    )


@dataclass(frozen=True)
class _Task:
    """How to label."""

    teacher: Teacher
    identity: str
    limits: Limits | None
    references: References | None

    def label(self, frame: Atoms, calculator: BaseCalculator) -> Outcome:
        bare = Atoms(frame.symbols, frame.positions, cell=frame.cell, pbc=frame.pbc)
        bare.calc = calculator
        try:
            labels = {
                "energy": _energy(bare),
                "forces": np.asarray(bare.get_forces(), np.float64),
                "stress": np.asarray(bare.get_stress(), np.float64),
            }
        except PropertyNotImplementedError as error:
            raise TeacherError(
                f"teacher.calculator: {self.teacher.names} does not give energy, forces and "
                f"stress: {error}; take one that does"
            ) from error
        except Exception as error:
            return NoLabel(name_of(frame), f"the teacher failed: {type(error).__name__}: {error}")
        bare.info = {**frame.info, "teacher": self.identity}
        bare.calc = SinglePointCalculator(bare, **labels)
        try:
            check_labels(bare, self.limits, self.references)
        except BadLabel as bad:
            return bad
        return bare


def _energy(atoms: Atoms) -> float:
    """The energy that the forces are the gradient of, eV: with electrons at a temperature it is not
    the one at 0 K, which calculators of density functional theory give where not asked.
    """
    calculator = atoms.calc
    parts = calculator.mixer.calcs if isinstance(calculator, SumCalculator) else [calculator]
    return sum(_energy_of(part, atoms) for part in parts)


def _energy_of(calculator: BaseCalculator, atoms: Atoms) -> float:
    try:
        return float(calculator.get_potential_energy(atoms, force_consistent=True))
    except (PropertyNotImplementedError, TypeError):  # it knows of one energy, or not that word
        return float(calculator.get_potential_energy(atoms))


def _here(task: _Task, frames: Sequence[Atoms]) -> Generator[tuple[str, Outcome], None, None]:
    calculator = task.teacher.make()
    for frame in frames:
        yield name_of(frame), task.label(frame, calculator)


def _on_workers(
    client: Client, task: _Task, frames: Sequence[Atoms]
) -> Generator[tuple[str, Outcome], None, None]:
    from distributed import KilledWorker, as_completed

    def submit(frame: Atoms) -> Future[Outcome]:
        return client.submit(_label_on_worker, task, frame, pure=False)

    waiting = {submit(frame): frame for frame in frames}
    suspects = []
    try:
        for future in as_completed(list(waiting)):
            frame = waiting.pop(future)
            try:
                yield name_of(frame), future.result()
            except KilledWorker:
                suspects.append(frame)
    finally:
        client.cancel(list(waiting))
    # A worker takes frames that only wait on it along when it dies. Who kills it alone is the one.
    for frame in suspects:
        try:
            yield name_of(frame), submit(frame).result()
        except KilledWorker:
            reason = "the worker process died of it; it may need more memory"
            yield name_of(frame), NoLabel(name_of(frame), reason)


_calculators: dict[str, BaseCalculator] = {}
"""Of this worker process, by all that the teacher is made of."""

_one_at_a_time = threading.Lock()
"""A calculator keeps its last result: no two threads of a worker may use it at once."""


def _label_on_worker(task: _Task, frame: Atoms) -> Outcome:
    key = repr(task.teacher)
    with _one_at_a_time:
        if key not in _calculators:
            _calculators[key] = task.teacher.make()
        return task.label(frame, _calculators[key])
