"""A step repeated from several starts, of one problem or of many, until each start is done.

Every start is a row of the parameter arrays, so that one E-step serves all that still go on.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from skcoin._em.e_step import EStep
from skcoin._em.parameters import Parameters, concatenate
from skcoin._em.problem import Problem, batch
from skcoin._em.steps import first_state


@dataclass(frozen=True)
class Run:
    """The iterates of one start and their objective; the start itself in row 0.

    Attributes
    ----------
    problem : Problem
        What was maximised.
    path : Parameters of shape (n_iter + 1, n_components)
    objective : ndarray of shape (n_iter + 1,)
    e_step : EStep
        At the last iterate, with an axis of one start.
    status : {"converged", "max_iter", "saddle", "boundary"}
        Whether it ended by itself, at a local maximum as far as that was looked into: not where
        the objective curves up, nor where it would rise if what stands at 0 or 1 were moved.
    """

    problem: Problem
    path: Parameters
    objective: np.ndarray
    e_step: EStep
    status: str

    @property
    def height(self):
        """The objective of the data as they were given, at any scale."""
        return self.objective / self.problem.scale

    @property
    def n_iter(self):
        return len(self.objective) - 1

    @property
    def converged(self):
        return self.status == "converged"

    @property
    def last(self):
        """The last iterate, as a single start."""
        return self.path[-1:]

    def followed_by(self, other):
        """This run and another that starts near its end, as one."""
        return replace(
            other,
            path=concatenate([self.path, other.path]),
            objective=np.concatenate([self.objective, other.objective]),
        )


def repeat(step, problems, starts, *, tol, max_iter):
    """Repeat a step from every start until it says that it is done.

    Parameters
    ----------
    step : callable
        As in ``skcoin._em.steps``.
    problems : list of Problem
        Of one family and specification.
    starts : list of Parameters of shape (n_starts, n_components)
        Of each problem; their number may differ.
    tol : float
        Of the step.
    max_iter : int
        Steps at most, at least one.

    Returns
    -------
    best : list of Run
        For each problem, that of the start which ends highest, the first of equals.
    """
    n_starts = [len(start.weights) for start in starts]
    if len(starts) == 1:
        trace, last, done = _repeat_all(step, problems[0], starts[0], tol, max_iter)
    else:
        together = batch(problems, n_starts)
        trace, last, done = _repeat_all(step, together, concatenate(starts), tol, max_iter)
    height = np.array([expected.objective[0] for expected in last])
    first = np.cumsum([0, *n_starts[:-1]])
    best = [i + int(height[i : i + n].argmax()) for i, n in zip(first, n_starts, strict=True)]
    paths = _paths(trace)
    return [
        Run(problem, *paths[i], last[i], "converged" if i in done else "max_iter")
        for problem, i in zip(problems, best, strict=True)
    ]


def climb(step, problems, starts, *, tol, max_iter):
    """The same of every start: where it ends, and the objective there.

    Returns
    -------
    ends : list of (Parameters of shape (n_starts, n_components), ndarray of shape (n_starts,))
    """
    n_starts = [len(start.weights) for start in starts]
    problem = problems[0] if len(problems) == 1 else batch(problems, n_starts)
    start = concatenate(starts)
    weights, components = start.weights.copy(), start.components.copy()
    objective = np.empty(len(weights))
    active, state = np.arange(len(weights)), first_state(problem, start)
    _report(step, problem, state)
    for i in range(max_iter):
        state, done = step(problem, state, tol)
        at_end = i == max_iter - 1
        _report(step, problem, state, i + 1, done, at_end)
        done = done | at_end
        if done.any():
            at, last = active[done], state[done]
            weights[at], components[at] = last.parameters.weights, last.parameters.components
            objective[at] = last.e_step.objective
            if done.all():
                break
            active, state, problem = active[~done], state[~done], problem.at(~done)
    ends = Parameters(weights, components)
    first = np.cumsum([0, *n_starts])
    return [(ends[i:j], objective[i:j]) for i, j in pairwise(first)]


def _repeat_all(step, problem, start, tol, max_iter):
    """Every iterate with the starts that it is of, each start's last E-step, and which are done."""
    n_starts = len(start.weights)
    active, state = np.arange(n_starts), first_state(problem, start)
    _report(step, problem, state)
    trace = [(active, state.parameters, state.e_step.objective)]
    last, ended = [state.e_step] * n_starts, set()
    for i in range(max_iter):
        state, done = step(problem, state, tol)
        trace.append((active, state.parameters, state.e_step.objective))
        at_end = i == max_iter - 1
        _report(step, problem, state, i + 1, done, at_end)
        if not (at_end or done.any()):
            continue
        for place in np.flatnonzero(done | at_end):
            last[active[place]] = state.e_step[place : place + 1]
        ended.update(active[done].tolist())
        if done.all():
            break
        active, state, problem = active[~done], state[~done], problem.at(~done)
    return trace, last, ended


def _report(step, problem, state, n=0, done=None, at_end=False):
    """Tell whoever follows the problem of the ``n``-th step of the starts that still go on."""
    if problem.report is not None:
        problem.report(step, problem, state, n, done, at_end)


def _paths(trace):
    """Parameters and objective, step by step, of each start."""
    start = np.concatenate([active for active, _, _ in trace])
    by_start = np.argsort(start, kind="stable")
    ends = np.cumsum(np.bincount(start))[:-1]
    path = concatenate([parameters for _, parameters, _ in trace])[by_start]
    objective = np.concatenate([objective for _, _, objective in trace])[by_start]
    weights, components = np.split(path.weights, ends), np.split(path.components, ends)
    paths = map(Parameters, weights, components)
    return list(zip(paths, np.split(objective, ends), strict=True))
