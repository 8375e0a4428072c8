"""From start values to a maximum: climb, look again, and climb on where that helps."""

from dataclasses import replace

import numpy as np

from skcoin._em import EMStep, climb
from skcoin._likelihood import expect
from skcoin._newton import NewtonStep, quadratic
from skcoin._second_look import best_trial, off_the_boundary, off_the_saddle, regrouped
from skcoin._starts import bins


def ascend(start, evidence, *, solver, tol, max_iter, regroup):
    """Climb to a maximum.

    Newton leaves a saddle on which a climb has come to rest, but coins that start equal are left
    equal: that is what the textbooks show, and what no step of EM can change.

    Parameters
    ----------
    start : Coins of shape (n_starts, n_coins)
    evidence : Evidence
    solver : {"em", "em-newton"}
    tol : float
        Bound on the estimated remaining gain in the objective.
    max_iter : int
        Steps at most, at least one.
    regroup : bool
        Whether Newton may try, from the best coins, all that have one coin elsewhere.

    Returns
    -------
    best : Climb
    """

    best = _climb_on(start, evidence, solver, tol, max_iter)
    if not (regroup and solver == "em-newton"):
        return best
    rows, heads, tails = bins(evidence)
    while best.ended:
        starts = regrouped(best.last[0], heads / rows, tails / rows, rows)
        other = _climb_on(starts, evidence, solver, tol, max_iter)
        if other.objective[-1] <= best.objective[-1] + tol:
            break
        best = other
    return best


def _climb_on(start, evidence, solver, tol, max_iter):
    """Climb from all starts, and from where the best ends as long as a second look helps."""

    def climb_from(start, max_iter):
        step = NewtonStep(tol) if solver == "em-newton" else EMStep(tol)
        return climb(step, start, evidence, max_iter)

    best = climb_from(start, max_iter)
    while best.ended:
        differ = len(np.unique(best.theta[0])) == best.theta.shape[1]
        obstacle, better = _obstacle(best, evidence, tol, use_tied=differ)
        may_climb_on = solver == "em-newton" and (differ or obstacle == "boundary")
        steps_left = max_iter - best.n_iter - 1
        if obstacle is None or not may_climb_on or steps_left < 1:
            return replace(best, obstacle=obstacle)
        best = _append(best, climb_from(better[None], steps_left))
    return best


def _obstacle(best, evidence, tol, use_tied):
    """What kept the climb from going on, and coins that are past it; or None and the same coins."""
    coins = best.last[0]
    trials = off_the_saddle(coins, _model_of(best, evidence))
    better, gain = best_trial(coins, trials, evidence)
    if gain > tol:
        return "saddle", better
    trials = off_the_boundary(coins, evidence, use_tied=use_tied)
    better, gain = best_trial(coins, trials, evidence)
    return ("boundary", better) if gain > tol else (None, coins)


def _append(first, second):
    joined = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("theta", "weights", "objective")
    }
    return replace(second, **joined)


def _model_of(best, evidence):
    expected = best.expected
    if not isinstance(expected.missing_information, np.ndarray):
        expected = expect(best.last, evidence, curvature=True)
    return quadratic(expected, best.last, evidence)
