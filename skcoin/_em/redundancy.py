"""Components that the objective does without: copies of another, and what has faded."""

from itertools import pairwise

import numpy as np

from skcoin._em.e_step import e_step
from skcoin._em.parameters import stack
from skcoin._em.place import merge

NEAR = 0.01  # in arcsin sqrt of the first parameter; what is further apart has no merged likeness
LIGHT = 1.0  # rows


def redundant_pairs(run, tol):
    """Neighbours that could be one: with their weights added up, nothing is lost.

    Where weights are learned from hidden rows alone, all mixtures that share these weights out
    between the two are then as high.

    Parameters
    ----------
    run : Run
    tol : float
        Of the run; ten times as much in the objective counts as nothing.

    Returns
    -------
    pairs : list of (int, int)
        By rising first parameter.
    """
    problem, parameters = run.problem, run.last[0]
    if not (run.converged and problem.specification.free_weights and len(problem.multiplicity)):
        return []
    x = np.arcsin(np.sqrt(parameters.components[:, 0]))
    # A component that is held and without weight is known in full.
    light = problem.specification.free.any(axis=-1)
    light &= parameters.weights * problem.multiplicity.sum() < LIGHT
    pairs = [
        (int(j), int(k))
        for j, k in pairwise(np.argsort(parameters.components[:, 0], kind="stable"))
        if not problem.pseudo_rows[[j, k]].any() and (x[k] - x[j] < NEAR or light[j] or light[k])
    ]
    if not pairs:
        return []
    heavier_first = [sorted(pair, key=lambda k: -parameters.weights[k]) for pair in pairs]
    merged = stack([merge(*pair, problem, parameters) for pair in heavier_first])
    highest = run.objective[-1]
    lost = highest - e_step(problem, merged).objective
    nothing = 10 * tol + 10 * np.finfo(float).eps * abs(highest)
    return [pair for pair, loss in zip(pairs, lost, strict=True) if loss <= nothing]
