"""From start values to a maximum: climb, look again, and climb on where that helps."""

from dataclasses import replace

import numpy as np

from skcoin._em import EMStep, climb_each
from skcoin._likelihood import concatenate, expect, gather, side_by_side
from skcoin._newton import NewtonStep, quadratic
from skcoin._second_look import (
    best_trial,
    has_trials,
    off_the_boundary,
    off_the_saddle,
    regrouped,
)
from skcoin._starts import bins


def ascend(starts, evidence, *, regroup, **options):
    """Climb to a maximum for each of several pieces of evidence, side by side.

    Newton leaves a saddle on which a climb has come to rest, but coins that start equal are left
    equal: that is what the textbooks show, and what no step of EM can change.

    Parameters
    ----------
    starts : list of Coins of shape (n_starts, n_coins)
        For each piece of evidence.
    evidence : list of Evidence
        In which the same is held.
    regroup : bool
        Whether Newton may try, from the best coins, all that have one coin elsewhere.
    **options
        ``solver``, "em" or "em-newton"; ``tol``, a bound on the estimated remaining gain in the
        objective; ``max_iter``, steps at most, at least one.

    Returns
    -------
    best : list of Climb
    """
    best = _climb_on(starts, evidence, **options)
    going = [i for i, climb in enumerate(best) if climb.ended]
    if not regroup or options["solver"] != "em-newton":
        going = []
    binned = {i: bins(evidence[i]) for i in going}
    while going:
        elsewhere = [_regrouped(best[i], *binned[i]) for i in going]
        others = _climb_on(elsewhere, [evidence[i] for i in going], **options)
        better = [
            (i, other)
            for i, other in zip(going, others, strict=True)
            if other.objective[-1] > best[i].objective[-1] + options["tol"]
        ]
        for i, other in better:
            best[i] = other
        going = [i for i, other in better if other.ended]
    return best


def _regrouped(best, rows, heads, tails):
    return regrouped(best.last[0], heads / rows, tails / rows, rows)


def _climb_on(starts, evidence, **options):
    """Climb from all starts, and from where the best ends as long as a second look helps."""
    best = _climb(starts, evidence, **options)
    for i in np.flatnonzero(_may_help(best, evidence)):
        best[i] = _look_again(best[i], evidence[i], **options)
    return best


def _climb(starts, evidence, solver, tol, max_iter):
    step = NewtonStep(tol) if solver == "em-newton" else EMStep(tol)
    return climb_each(step, starts, evidence, max_iter)


def _may_help(best, evidence):
    """Which climbs a second look may help, as far as one can tell without its trials."""
    last = concatenate([climb.last for climb in best])
    together = side_by_side(evidence, [1] * len(evidence)) if len(evidence) > 1 else evidence[0]
    return has_trials(last, together, _model(last, [climb.expected for climb in best], together))


def _look_again(best, evidence, solver, tol, max_iter):
    while best.ended:
        differ = len(np.unique(best.theta[0])) == best.theta.shape[1]
        obstacle, better = _obstacle(best, evidence, tol, use_tied=differ)
        may_climb_on = solver == "em-newton" and (differ or obstacle == "boundary")
        steps_left = max_iter - best.n_iter - 1
        if obstacle is None or not may_climb_on or steps_left < 1:
            return replace(best, obstacle=obstacle)
        best = _append(best, *_climb([better[None]], [evidence], solver, tol, steps_left))
    return best


def _obstacle(best, evidence, tol, use_tied):
    """What kept the climb from going on, and coins that are past it; or None and the same coins."""
    coins = best.last[0]
    trials = off_the_saddle(coins, _model(best.last, [best.expected], evidence))
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


def _model(coins, expected, evidence):
    """The objective to second order, from E-steps of one start each."""
    if all(isinstance(e.missing_information, np.ndarray) for e in expected):
        expected = gather(expected)
    else:
        expected = expect(coins, evidence, curvature=True)
    return quadratic(expected, coins, evidence)
