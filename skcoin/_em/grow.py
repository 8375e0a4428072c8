"""Starts from smaller models, of which a fit with several parameters a component is never below.

Random starts miss most of what such mixtures hide: a component with next to no rows, or one that
lies over a narrower one. So components are added one after the other, each where it helps most, and
parameters are shared first and go apart afterwards.
"""

from dataclasses import replace

import numpy as np

from skcoin._em.loop import climb
from skcoin._em.maximize import LOOSEST, maximize
from skcoin._em.parameters import Parameters, joined
from skcoin._em.place import best_place, place, some_shares
from skcoin._em.quadratic import is_logit
from skcoin._em.specification import all_free
from skcoin._em.steps import newton_step, step_of_many

MOST_KEPT = 6  # starts, of very many, after some steps
FIRST_STEPS, MORE_STEPS = 6, 14  # of Newton, the first of them for all
SHARE_KEPT, SHARE_KEPT_BY_EM = 1 / 8, 1 / 3  # after the first
LEAST_GAIN, SAME = 1e-3, 1e-3


def grown_starts(problems, plain, max_iter):
    """Starts for several problems of one specification, in which nothing is given or held.

    Parameters
    ----------
    problems : list of Problem
    plain : callable
        Takes a number of components and returns starts of so many, for each problem.
    max_iter : int

    Returns
    -------
    starts : list of Parameters of shape (n_starts, n_components)
    """
    asked = problems[0].specification
    shared = ~is_logit(problems[0].family)
    kinds = [shared, asked.tied] if shared.any() and not asked.tied.any() else [asked.tied]
    fewer = [None] * len(kinds)  # the fits of one component less
    for n in range(1, asked.n_components + 1):
        first, more_shared = plain(n), None
        for i, tied in enumerate(kinds):
            smaller = [_with(problem, n, tied) for problem in problems]
            starts = first
            if fewer[i] is not None:
                starts = joined(starts, map(_with_one_more, smaller, fewer[i]))
            starts = screened(smaller, starts)
            if more_shared is not None:
                starts = joined(starts, (run.last for run in more_shared))
            if n == asked.n_components and i == len(kinds) - 1:
                return starts
            options = {"solver": "em-newton", "tol": LOOSEST, "max_iter": max_iter}
            more_shared = maximize(smaller, starts, may_regroup=n > 1, **options)
            fewer[i] = more_shared
    return None  # not reached: there is one component at least


def screened(problems, starts):
    """Those of very many starts that are highest after some steps, the first of equals."""
    n_starts = max(len(start.weights) for start in starts)
    if n_starts <= MOST_KEPT:
        return starts
    step, n_steps = step_of_many(problems[0].family, FIRST_STEPS)
    share = SHARE_KEPT if step is newton_step else SHARE_KEPT_BY_EM
    most = max(MOST_KEPT, int(share * n_starts))
    starts = _highest(step, problems, starts, n_steps, most)
    return _highest(newton_step, problems, starts, MORE_STEPS, MOST_KEPT)


def _highest(step, problems, starts, n_steps, most):
    """So many at most of where these starts are after some steps, one of those that are equal."""
    kept = []
    for end, objective in climb(step, problems, starts, tol=LEAST_GAIN, max_iter=n_steps):
        order = np.argsort(-objective, kind="stable")
        differs = np.diff(-objective[order], prepend=-np.inf) > SAME
        kept.append(end[order[differs][:most]])
    return kept


def _with(problem, n, tied):
    """The same rows for another number of components, of which nothing is known."""
    return replace(
        problem,
        specification=all_free(n, len(tied), tied),
        pseudo_rows=problem.pseudo_rows[:n],
        pseudo_statistics=problem.pseudo_statistics[:n],
        labelled=problem.labelled[:n],
    )


def _with_one_more(problem, run):
    """A start with one component more than a run ended with, where it helps most."""
    parameters, k = run.last[0], run.last.weights.shape[-1]
    rest = Parameters(
        np.append(parameters.weights, 0.0),
        np.concatenate([parameters.components, parameters.components[:1]]),
    )
    return place(k, *best_place(problem, k, rest, some_shares(problem)), rest)[None]
