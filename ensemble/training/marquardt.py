"""Steps of Levenberg and Marquardt for a cost that is a sum of squares.

A step solves (B + lambda D) step = -J^T r: B approximates half the Hessian of the cost, and D is
the diagonal of J^T J. Three things make fits of moment tensor potentials fast:

*   The cost alone takes a small part of the time of J^T J, so that each step tries many lambda and
    takes the best.
*   The energy is linear in the species and moment coefficients. A fit begins with the best ones for
    its radial functions, and lambda counts less for them afterwards, much as in variable projection
    (Golub, Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)).
*   Residuals do not become small, and J^T J misses their curvature. It is learned from one step to
    the next by a secant formula (Dennis, Gay, Welsch, ACM Trans. Math. Softw. 7, 348 (1981)); each
    step is tried with and without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.training.problem import NormalEquations

__all__ = ["FIRST_DAMPING", "Damped", "best_linear", "next_step", "updated_curvature"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

FIRST_DAMPING = 1e-3
"""Lambda to begin with."""

FACTORS = np.array([1e-3, 1e-2, 0.1, 0.3, 1, 3, 10, 100, 1000])
"""Of the last lambda, to find the next; from the largest on again where none will do."""

LARGEST_DAMPING = 1e6
"""A lambda beyond which no step is looked for."""

LINEAR_DAMPING = 0.01
"""D of the linear coefficients, relative to the diagonal of J^T J."""

SMALLEST = 1e-14
"""Of a scaled matrix: eigenvalues and diagonal elements below are rounding."""


class Damped(NamedTuple):
    """A step that lowers the cost."""

    step: Floats
    """Shape ``(n,)``."""

    damping: float
    """Its lambda."""


def best_linear(equations: NormalEquations, linear: Ints) -> Floats:
    """The step to the best values of the coefficients `linear` with the others as they are.

    Exact where the residuals are linear in them; zero for the others: shape ``(n,)``.
    """
    matrix = equations.matrix[np.ix_(linear, linear)]
    scale = _scales(matrix)
    scaled = matrix / np.outer(scale, scale)
    solution = np.linalg.lstsq(scaled, -equations.gradient[linear] / scale, rcond=1e-12)[0]
    step = np.zeros(len(equations.gradient))
    step[linear] = solution / scale
    return step


def next_step(
    cost_after: Callable[[Floats], float],
    equations: NormalEquations,
    curvature: Floats,
    linear: Ints,
    damping: float,
) -> Damped | None:
    """The best of many damped steps; None where none is an improvement.

    Parameters
    ----------
    cost_after
        The cost after a step.
    equations
        The cost, J^T r and J^T J where the step begins.
    curvature
        Of `updated_curvature`: shape ``(n, n)``.
    linear
        Coefficients that the residuals are linear in.
    damping
        Lambda of the last step.
    """
    scale = _scales(equations.matrix)
    scale[linear] *= np.sqrt(LINEAR_DAMPING)
    models = [_Model(equations.matrix, equations.gradient, scale)]
    if curvature.any():
        models.append(_Model(equations.matrix + curvature, equations.gradient, scale))
    damping = min(damping, LARGEST_DAMPING)
    while damping <= LARGEST_DAMPING:
        used = np.maximum(damping * FACTORS, SMALLEST).tolist()
        steps = [Damped(model.step(one), one) for one in used for model in models]
        costs = [cost_after(one.step) for one in steps]
        if min(costs) < equations.cost:
            return steps[int(np.argmin(costs))]
        damping = used[-1]
    return None


class _Model:
    """A quadratic model of the cost, ready for steps with any damping."""

    def __init__(self, matrix: Floats, gradient: Floats, scale: Floats) -> None:
        self.scale = scale
        self.eigenvalues, self.vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
        self.gradient = self.vectors.T @ (gradient / scale)

    def step(self, damping: float) -> Floats:
        """Downhill also along negative curvature, which counts as positive."""
        stiffness = np.abs(self.eigenvalues) + damping
        return np.asarray(-(self.vectors @ (self.gradient / stiffness)) / self.scale)


def _scales(matrix: Floats) -> Floats:
    """Square roots of the diagonal; of the smallest that means something where there is less."""
    diagonal = np.diag(matrix)
    return np.asarray(np.sqrt(np.maximum(diagonal, SMALLEST * diagonal.max())))


def updated_curvature(
    old: Floats, step: Floats, before: NormalEquations, after: NormalEquations
) -> Floats:
    """What J^T J misses of half the Hessian, after a step: the formula of Dennis, Gay and Welsch.

    The new matrix turns `step` into the change of the gradient that J^T J does not explain. The old
    one is shrunk first where it explains more than there is. Where the cost curves downwards along
    the step there is nothing to build the formula on, and the old one stays.
    """
    change = after.gradient - before.gradient
    along = float(change @ step)
    if along <= 0:
        return old
    missing = change - after.matrix @ step
    explained = float(step @ old @ step)
    if explained:
        old = old * min(1.0, abs(float(step @ missing) / explained))
    rest = missing - old @ step
    outer = np.outer(rest, change) / along
    twice = float(rest @ step) / along**2 * np.outer(change, change)
    return np.asarray(old + outer + outer.T - twice)
