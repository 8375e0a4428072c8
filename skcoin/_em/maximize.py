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
from skcoin._em.parameters import stack
from skcoin._em.regroup import is_outdone, look_at, promising, settle
from skcoin._em.steps import ROUNDING, em_step, newton_step

STEPS = {"em": em_step, "em-newton": newton_step}
# Tried in turn, and each with the status of a run that it can raise. A trial of these that is
# higher is enough to run on from; those of ``regroup`` have to be run to be judged.
MOVES = {"saddle": (leave_saddle,), "boundary": (leave_boundary, reseed)}
TOL_OF_COARSE = 1e-3
LOOSEST = 1e-6  # tolerance of Newton, whose last steps are few; with more to gain, it guesses
LOOSEST_OF_SEVERAL = 1e-10  # the same where some may be next to unknown, and far off for little
STEPS_AHEAD = 100  # of Newton, to see what EM has left
MOST_TIGHTENED = 6  # times, to a tenth each


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
    if solver == "em-newton":
        several = len(problems[0].family.names) > 1
        tol = min(tol, LOOSEST_OF_SEVERAL if several else LOOSEST)
    options = {"solver": solver, "tol": tol, "max_iter": max_iter}
    if may_regroup and solver == "em-newton":
        return _search(problems, starts, options)[0]
    return _run(problems, starts, **options)


def _search(problems, starts, options):
    """Run, and spend components elsewhere as long as that helps.

    Returns
    -------
    best : list of Run
    settled : dict
        By the place of a problem, the trials on its coarse table that have helped no more.
    """
    starts, settled = _found_on_coarse(problems, starts, options["max_iter"])
    best = _run(problems, starts, **options)
    going = [i for i, run in enumerate(best) if _ended(run) and _may_gain(run)]
    while going:
        ends = {i: End(best[i]) for i in going}
        new = [i for i in going if i not in settled]
        settled |= dict(zip(new, settle([ends[i] for i in new]), strict=True)) if new else {}
        trials = [(i, promising(ends[i], *settled[i])) for i in going]
        trials = [(i, stack(of_end)) for i, of_end in trials if of_end]
        others = _run([problems[i] for i, _ in trials], [start for _, start in trials], **options)
        better = [
            (i, other)
            for (i, _), other in zip(trials, others, strict=True)
            if other.objective[-1] > best[i].objective[-1] + options["tol"]
        ]
        for i, other in better:
            best[i] = other
            del settled[i]
        going = [i for i, other in better if _ended(other)]
    return best, settled


def _may_gain(run):
    """Whether it is worth the time to spend components elsewhere.

    Two that nothing tells apart have found their places from their starts, unless one of them would
    be worth more next to a few rows far off; and large tables take long enough in any case.
    """
    problem = run.problem
    specification, is_known = problem.specification, problem.pseudo_rows.any()
    two_alike = specification.n_components == 2 and specification.is_alike.all() and not is_known
    two_alike &= len(specification.tied) == 1  # else one may lie over the other
    if len(problem.multiplicity) == 0 or not two_alike:
        return len(problem.multiplicity) > 0
    return problem.coarse is not problem or is_outdone(End(run))


def _found_on_coarse(problems, starts, max_iter):
    """Where large problems go on from: their coarse tables, or the first start, leads there.

    Returns
    -------
    starts : list of Parameters of shape (n_starts, n_components)
    settled : dict
        As in ``_search``, of the large problems.
    """
    large = [i for i, problem in enumerate(problems) if problem.coarse is not problem]
    if not large:
        return starts, {}
    options = {"solver": "em-newton", "tol": TOL_OF_COARSE, "max_iter": max_iter}
    runs, settled = _search(
        [problems[i].coarse for i in large], [starts[i] for i in large], options
    )
    starts = list(starts)
    for i, run in zip(large, runs, strict=True):
        starts[i] = look_at(problems[i], [run.last[0], starts[i][0]])
    return starts, {large[at]: of_problem for at, of_problem in settled.items()}


def _run(problems, starts, solver, tol, max_iter):
    """Run from all starts, and on from where the best ends as long as a move helps."""
    if not problems:
        return []
    best = repeat(STEPS[solver], problems, starts, tol=tol, max_iter=max_iter)
    if solver == "em":
        best = _run_until_sure(best, tol, max_iter)
    for i in np.flatnonzero(has_trials(best)):
        best[i] = _run_on(best[i], solver, tol, max_iter)
    return best


def _run_until_sure(best, tol, max_iter):
    """Run on with EM where Newton finds more than ``tol`` to gain.

    On a plateau, all that EM can estimate of what remains is too low.
    """
    best, going, tighter = list(best), range(len(best)), tol
    for _ in range(MOST_TIGHTENED):
        going = [i for i in going if best[i].converged and best[i].n_iter < max_iter]
        if not going:
            break
        runs = [best[i] for i in going]
        problems, ends = [run.problem for run in runs], [run.last for run in runs]
        ahead = _run(problems, ends, "em-newton", min(tol, LOOSEST), STEPS_AHEAD)
        going = [
            i
            for i, run in zip(going, ahead, strict=True)
            if run.objective[-1] > best[i].objective[-1] + tol
        ]
        tighter /= 10
        for i in going:
            left = max_iter - best[i].n_iter
            [further] = repeat(
                em_step, [best[i].problem], [best[i].last], tol=tighter, max_iter=left
            )
            best[i] = best[i].followed_by(further)
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
    """What keeps a run from being at a maximum, and parameters past it; or "converged".

    A gain within the rounding of the objective is none.
    """
    tol = max(tol, ROUNDING * abs(end.objective))
    for status, moves in MOVES.items():
        better, gain = best_trial(end, [trial for move in moves for trial in move(end)])
        if gain > tol:
            return status, better
    return "converged", end.parameters
