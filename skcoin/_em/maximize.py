"""From start values to a maximum: run, look whether a move leads on, and run on from there."""

from dataclasses import replace

import numpy as np

from skcoin._em.escape import (
    End,
    best_trial,
    has_trials,
    leave_boundary,
    leave_saddle,
    reseed,
)
from skcoin._em.loop import repeat
from skcoin._em.parameters import concatenate, stack
from skcoin._em.regroup import regroup
from skcoin._em.specification import warm_start
from skcoin._em.steps import em_step, newton_step

STEPS = {"em": em_step, "em-newton": newton_step}
# Tried in turn, and each with the status of a run that it can raise. A trial of these that is
# higher is enough to run on from; those of ``regroup`` have to be run to be judged.
MOVES = {"saddle": (leave_saddle,), "boundary": (leave_boundary, reseed)}
TOL_OF_COARSE = 1e-3


def maximize(problems, starts, *, solver, tol, max_iter, may_regroup=False):
    """Run to a maximum of each of several problems, side by side.

    Newton leaves a saddle on which a run has come to rest, but components that start equal are
    left equal: that is what the textbooks show, and what no step of EM can change.

    Parameters
    ----------
    problems : list of Problem
        Of one family and specification.
    starts : list of Parameters of shape (n_starts, n_components)
        For each problem.
    solver : {"em", "em-newton"}
    tol : float
        Bound on the estimated remaining gain in the objective.
    max_iter : int
        Steps at most, at least one.
    may_regroup : bool
        Whether Newton may spend components elsewhere, as long as that helps. Large problems are
        then first looked at by their coarse tables.

    Returns
    -------
    best : list of Run
    """
    options = {"solver": solver, "tol": tol, "max_iter": max_iter}
    may_regroup = may_regroup and solver == "em-newton"
    if may_regroup:
        starts = _found_on_coarse(problems, starts, max_iter)
    best = _run(problems, starts, **options)
    has_hidden = [len(problem.multiplicity) > 0 for problem in problems]
    going = [i for i, run in enumerate(best) if may_regroup and has_hidden[i] and _ended(run)]
    while going:
        elsewhere = regroup([End(best[i]) for i in going])
        trials = [(i, stack(of_end)) for i, of_end in zip(going, elsewhere, strict=True) if of_end]
        others = _run([problems[i] for i, _ in trials], [start for _, start in trials], **options)
        better = [
            (i, other)
            for (i, _), other in zip(trials, others, strict=True)
            if other.objective[-1] > best[i].objective[-1] + tol
        ]
        for i, other in better:
            best[i] = other
        going = [i for i, other in better if _ended(other)]
    return best


def _found_on_coarse(problems, starts, max_iter):
    """Where the coarse tables of large problems lead, and the first start beside it."""
    large = [i for i, problem in enumerate(problems) if problem.coarse is not problem]
    if not large:
        return starts
    options = {"solver": "em-newton", "tol": TOL_OF_COARSE, "max_iter": max_iter}
    coarse = [problems[i].coarse for i in large]
    runs = maximize(coarse, [starts[i] for i in large], may_regroup=True, **options)
    starts = list(starts)
    for i, run in zip(large, runs, strict=True):
        found = warm_start(run.last[0], problems[i].specification)
        starts[i] = concatenate([found[None], starts[i][:1]])
    return starts


def _run(problems, starts, solver, tol, max_iter):
    """Run from all starts, and on from where the best ends as long as a move helps."""
    if not problems:
        return []
    best = repeat(STEPS[solver], problems, starts, tol=tol, max_iter=max_iter)
    for i in np.flatnonzero(has_trials(best)):
        best[i] = _run_on(best[i], solver, tol, max_iter)
    return best


def _ended(run):
    return run.status != "max_iter"


def _run_on(best, solver, tol, max_iter):
    while _ended(best):
        end = End(best)
        status, better = _next_move(end, tol)
        may_run_on = solver == "em-newton" and (end.may_part or status == "boundary")
        steps_left = max_iter - best.n_iter - 1
        if status == "converged" or not may_run_on or steps_left < 1:
            return replace(best, status=status)
        [further] = repeat(
            STEPS[solver], [best.problem], [better[None]], tol=tol, max_iter=steps_left
        )
        best = best.followed_by(further)
    return best


def _next_move(end, tol):
    """What keeps a run from being at a maximum, and parameters past it; or "converged"."""
    for status, moves in MOVES.items():
        better, gain = best_trial(end, [trial for move in moves for trial in move(end)])
        if gain > tol:
            return status, better
    return "converged", end.parameters
