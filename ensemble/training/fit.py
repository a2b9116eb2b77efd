"""Fits of moment tensor potentials by the method of Levenberg and Marquardt.

The steps are those of `ensemble.training.marquardt`.

The data leave some directions open. At a fixed composition they do not decide how the energy is
split between the species: a weak pull keeps the species coefficients near those that the fit
started with. Radial functions can be scaled against moment coefficients, and from level 16 on some
moments follow from others: the cost has no slope along these, and no step goes there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ensemble.mtp.calculator import resolve_species
from ensemble.mtp.potential import Potential
from ensemble.training.errors import Errors, errors_of
from ensemble.training.marquardt import FIRST_DAMPING, best_linear, next_step, updated_curvature
from ensemble.training.potentials import blocks, coefficients, with_coefficients
from ensemble.training.problem import FitProblem, NormalEquations, Weights

__all__ = ["Fitted", "Step", "best_start", "fit"]

Floats = NDArray[np.float64]

SPECIES_PULL = 1e-8
"""In 1/eV^2: cost of a species coefficient that is 1 eV away from the start, without effect where
the data say anything."""

PATIENCE = 10
"""Steps over which the gain is judged."""

TRIAL_FRAMES = 40
"""Frames that starting points are compared on, about."""


@dataclass(frozen=True)
class Step:
    """How far a fit is."""

    number: int
    """0 is the start, with the best species and moment coefficients."""

    cost: float
    """See `ensemble.training.problem`."""

    damping: float
    """Lambda."""

    energy_rmse: float
    """In meV/atom, on the frames of the fit."""

    force_rmse: float
    """By component, in meV/Angstrom: root of the mean over frames, weighted as
    `Weights.scale_by_force` says."""


@dataclass(frozen=True)
class Fitted:
    """A finished fit."""

    potential: Potential
    """Name and tag are those of the start."""

    history: tuple[Step, ...]
    """Every step."""

    errors: Errors
    """On the frames of the fit."""


def fit(
    start: Potential,
    frames: Sequence[Atoms],
    *,
    species: Sequence[str] | None = None,
    weights: Weights | None = None,
    steps: int = 200,
    tolerance: float = 2e-4,
    workers: int = 1,
    on_step: Callable[[Step], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Fitted:
    """Fit a potential to labelled frames.

    Parameters
    ----------
    start
        Of `starting_potential`, or one that has been fitted before.
    frames
        With energy and forces, and a stress where there is one.
    species
        Chemical symbols in the potential's order; None takes them from its tag.
    weights
        Of energies, forces and stresses.
    steps
        At most.
    tolerance
        The fit is over when steps gain less than this part of the cost, on average over ten.
    workers
        Threads.
    on_step
        Called after every step.
    checkpoint
        File that every step is written to. A fit that finds its own there goes on from it, and one
        that finds another fit's begins anew and writes over it.

    Raises
    ------
    ValueError
        No frames; labels are missing or not finite; the species do not match; the start does not
        give finite numbers on the frames; the checkpoint is something else.
    OSError
        The checkpoint cannot be written.
    """
    names = resolve_species(start, species)
    problem = FitProblem(frames, names, start.max_dist, weights, workers=workers)
    weights = weights or Weights()
    objective = _Objective(problem, weights, start)
    file = None if checkpoint is None else Path(checkpoint)
    state = _resumed(file, objective) or _State(coefficients(start))

    def done(step: Step) -> None:
        if file is not None:
            state.save(file, objective.identity)
        if on_step is not None:
            on_step(step)

    _descend(objective, state, steps, tolerance, done)
    potential = with_coefficients(start, state.values)
    return Fitted(potential, tuple(state.history), errors_of(potential, frames, names))


def best_start(
    starts: Sequence[Potential],
    frames: Sequence[Atoms],
    *,
    species: Sequence[str] | None = None,
    weights: Weights | None = None,
    steps: int = 30,
    workers: int = 1,
) -> Potential:
    """The starting point that gets farthest in a short fit to a part of the frames, fitted so far.

    A random start ends in one of many minima, and which are bad shows early.

    Parameters
    ----------
    starts
        Potentials with the same species and cutoff.
    steps
        Of each.
    frames, species, weights, workers
        As in `fit`.

    Raises
    ------
    ValueError
        As `fit`.
    """
    names = resolve_species(starts[0], species)
    problem = FitProblem(frames, names, starts[0].max_dist, weights, workers=workers)
    part = problem.every(max(1, len(problem) // TRIAL_FRAMES))
    found = []
    for start in starts:
        objective = _Objective(part, weights or Weights(), start)
        state = _State(coefficients(start))
        _descend(objective, state, steps, 0.0, lambda step: None)
        found.append((state.history[-1].cost, with_coefficients(start, state.values)))
    return min(found, key=lambda pair: pair[0])[1]


class _Objective:
    """The cost as a function of the coefficients, with the pull on those of the species."""

    def __init__(self, problem: FitProblem, weights: Weights, start: Potential) -> None:
        self.problem, self.weights, self.start = problem, weights, start
        self.origin = coefficients(start)
        where = blocks(start)
        self.pull = np.zeros(len(self.origin))
        self.pull[where.species] = SPECIES_PULL
        self.linear = np.r_[where.species.start : where.moments.stop]

    @cached_property
    def identity(self) -> str:
        """Of everything that decides the fit."""
        both = f"{self.problem.digest} {self.start.content_hash}"
        return hashlib.sha256(both.encode()).hexdigest()

    def cost(self, values: Floats) -> float:
        """Infinite where the potential does not give finite numbers."""
        cost = sum(self.problem.costs(with_coefficients(self.start, values)))
        cost += float(self.pull @ (values - self.origin) ** 2)
        return cost if np.isfinite(cost) else np.inf

    def normal_equations(self, values: Floats) -> NormalEquations:
        cost, gradient, matrix = self.problem.normal_equations(
            with_coefficients(self.start, values)
        )
        away = values - self.origin
        return NormalEquations(
            cost + float(self.pull @ away**2),
            gradient + self.pull * away,
            matrix + np.diag(self.pull),
        )

    def step(self, number: int, state: _State) -> Step:
        """What there is to say about the state."""
        costs = self.problem.costs(with_coefficients(self.start, state.values))
        return Step(
            number=number,
            cost=self.cost(state.values),
            damping=state.damping,
            energy_rmse=1e3 * float(np.sqrt(costs.energy / self.weights.energy)),
            force_rmse=1e3 * float(np.sqrt(costs.forces / self.weights.forces / 3)),
        )


@dataclass
class _State:
    """What a fit goes on from."""

    values: Floats
    """The coefficients: shape ``(n,)``."""

    damping: float = FIRST_DAMPING
    curvature: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """What J^T J misses of half the Hessian: shape ``(n, n)``."""

    history: list[Step] = field(default_factory=list)

    def save(self, file: Path, identity: str) -> None:
        aside = file.with_name(f".{file.name}.new")
        with aside.open("wb") as stream:
            np.savez(
                stream,
                identity=identity,
                values=self.values,
                damping=self.damping,
                curvature=self.curvature,
                history=[tuple(vars(step).values()) for step in self.history],
            )
        aside.replace(file)

    @classmethod
    def load(cls, file: Path, identity: str) -> Self | None:
        """None of another fit."""
        try:
            with np.load(file) as saved:
                if saved["identity"] != identity:
                    return None
                values, curvature = saved["values"], saved["curvature"]
                damping, rows = float(saved["damping"]), saved["history"].tolist()
        except (ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ValueError(f"{file}: not the checkpoint of a fit; remove it") from error
        history = [Step(int(number), *rest) for number, *rest in rows]
        return cls(values, damping, curvature, history)


def _resumed(file: Path | None, objective: _Objective) -> _State | None:
    if file is None or not file.exists():
        return None
    return _State.load(file, objective.identity)


def _descend(
    objective: _Objective,
    state: _State,
    steps: int,
    tolerance: float,
    done: Callable[[Step], None],
) -> None:
    """Move the state step by step, until nothing is gained any more."""

    def note() -> None:
        state.history.append(objective.step(len(state.history), state))
        done(state.history[-1])

    equations = objective.normal_equations(state.values)
    if not np.isfinite(equations.matrix).all():
        raise ValueError("the potential to start from does not give finite numbers on the frames")
    if not state.history:
        state.values = state.values + best_linear(equations, objective.linear)
        state.curvature = np.zeros_like(equations.matrix)
        equations = objective.normal_equations(state.values)
        note()
    while len(state.history) <= steps and not _settled(state.history, tolerance):
        found = next_step(
            lambda step: objective.cost(state.values + step),
            equations,
            state.curvature,
            objective.linear,
            state.damping,
        )
        if found is None:
            return
        state.values, state.damping = state.values + found.step, found.damping
        before, equations = equations, objective.normal_equations(state.values)
        state.curvature = updated_curvature(state.curvature, found.step, before, equations)
        note()


def _settled(history: Sequence[Step], tolerance: float) -> bool:
    if len(history) <= PATIENCE:
        return False
    before, now = history[-1 - PATIENCE].cost, history[-1].cost
    return before - now <= PATIENCE * tolerance * before
