"""From start values to a maximum: climb, look again, and climb on where that helps."""

from dataclasses import replace

import numpy as np

from skcoin._em import EMStep, climb
from skcoin._likelihood import expect
from skcoin._newton import NewtonStep, quadratic
from skcoin._second_look import better_coins, regrouped
from skcoin._starts import bins


def ascend(start, evidence, *, solver, tol, max_iter, may_escape, regroup):
    """Climb to a maximum.

    Parameters
    ----------
    start : Coins of shape (n_starts, n_coins)
    evidence : Evidence
    solver : {"em", "em-newton"}
    tol : float
        Bound on the estimated remaining gain in the objective.
    max_iter : int
        Steps at most, at least one.
    may_escape : bool
        Whether Newton may leave a saddle on which a climb has come to rest.
    regroup : bool
        Whether to try, from the best coins, all that have one coin elsewhere.

    Returns
    -------
    best : Climb
    """

    def climb_from(start, max_iter):
        step = NewtonStep(tol, may_escape) if solver == "em-newton" else EMStep(tol)
        return climb(step, start, evidence, max_iter)

    best = climb_from(start, max_iter)
    if regroup and best.ended:
        rows, heads, tails = bins(evidence)
        again = climb_from(regrouped(best.last[0], heads / rows, tails / rows, rows), max_iter)
        if again.objective[-1] > best.objective[-1] + tol:
            best = again
    while best.ended:
        better, gain = better_coins(best.last[0], evidence, use_tied=may_escape)
        if gain <= tol:
            break
        if solver == "em" or best.n_iter >= max_iter - 1:
            return replace(best, obstacle="boundary")
        best = _append(best, climb_from(better[None], max_iter - best.n_iter - 1))
    return replace(best, obstacle="saddle") if best.ended and _curves_up(best, evidence) else best


def _append(first, second):
    joined = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("theta", "weights", "objective")
    }
    return replace(second, **joined)


def _curves_up(climb, evidence):
    expected = climb.expected
    if not isinstance(expected.missing_information, np.ndarray):
        expected = expect(climb.last, evidence, curvature=True)
    return bool(quadratic(expected, climb.last, evidence).curves_up()[0])
