"""Where to go on from a place that only looks like a maximum.

A probability of exactly 0 or 1 and a weight of exactly 0 never move again; on a saddle there is no
slope to follow; of two equal components one is redundant. Each move proposes parameters to go on
from, *trials*; which of them is better, if any, the objective says.
"""

from functools import cached_property

import numpy as np

from skcoin._em.e_step import concatenate_e_steps, e_step
from skcoin._em.parameters import Parameters, concatenate, stack
from skcoin._em.place import best_place, merge, place, some_shares
from skcoin._em.problem import batch
from skcoin._em.quadratic import move, quadratic_at

SHARES = 0.5 ** np.arange(1, 31)  # of weight, or of the way into (0, 1), or of a step
NEAR = 1e-9  # closer than this to 0 or 1, the slope of a logit is lost
EQUAL = 1e-3  # closer than this in arcsin sqrt, relative to the distance from 0 or 1


class End:
    """Where a run has ended.

    Attributes
    ----------
    problem : Problem
    parameters : Parameters of shape (n_components,)
    objective : float
    """

    def __init__(self, run):
        self._run = run
        self.problem, self.parameters = run.problem, run.last[0]
        self.objective = run.objective[-1]

    @cached_property
    def quadratic(self):
        """The objective around, of one start."""
        return quadratic_around([self._run])

    @cached_property
    def may_part(self):
        """Whether components that are equal may part: not if they were given starts that are."""
        is_given = ~self.problem.specification.is_open
        start = self._run.path.components[0][is_given].tolist()
        return len(set(map(tuple, start))) == len(start)


def quadratic_around(runs):
    """The objective around the ends of runs, a start for each."""
    problem, parameters = together(runs)
    e_steps = [run.e_step for run in runs]
    if all(e.missing is not None for e in e_steps):
        expected = concatenate_e_steps(e_steps)
    else:
        expected = e_step(problem, parameters, information=True)
    return quadratic_at(problem, parameters, expected)


def together(runs):
    """The problems of runs as one, and where each run has ended."""
    problems = [run.problem for run in runs]
    problem = batch(problems, [1] * len(runs)) if len(runs) > 1 else problems[0]
    return problem, concatenate([run.last for run in runs])


def has_trials(runs):
    """Which runs have what the moves would try, as far as one can tell without trials.

    Parameters
    ----------
    runs : list of Run

    Returns
    -------
    has : ndarray of shape (n_runs,), bool
    """
    problem, parameters = together(runs)
    at_boundary = _at_boundary(problem, parameters).any(axis=(1, 2))
    empty = _is_empty(problem, parameters).any(axis=1)
    _, equal = _equal_neighbours(parameters)
    return at_boundary | empty | equal.any(axis=1) | quadratic_around(runs).is_saddle()


def best_trial(end, trials):
    """The best of some trials near an end, and how much higher their objective is.

    Parameters
    ----------
    end : End
    trials : list of Parameters of shape (n_components,)

    Returns
    -------
    best : Parameters of shape (n_components,)
    gain : float
        Zero, with the parameters of the end, where no trial is better.
    """
    if not trials:
        return end.parameters, 0.0
    trial = stack([end.parameters, *trials])
    objective = e_step(end.problem, trial).objective
    best = int(np.nanargmax(objective))
    return trial[best], float(objective[best] - objective[0])


def leave_saddle(end):
    """Trials to both sides along the line that curves up most, if one does."""
    if not end.quadratic.is_saddle()[0]:
        return []
    step, family = end.quadratic.negative_curvature()[0], end.problem.family
    return [
        move(family, end.parameters, side * share * step) for share in SHARES for side in (1, -1)
    ]


def leave_boundary(end):
    """Trials that move each learned parameter next to 0 or 1 inside, by many lengths."""
    specification, trials = end.problem.specification, []
    for k, p in zip(*np.nonzero(_at_boundary(end.problem, end.parameters)), strict=True):
        moving = specification.free[:, p] if specification.tied[p] else k
        for share in SHARES:
            components = end.parameters.components.copy()
            components[moving, p] = abs(components[k, p] - share)
            trials.append(Parameters(end.parameters.weights, components))
    return trials


def reseed(end):
    """Trials that place each component that is empty or redundant elsewhere.

    Redundant is one of two equal components, if they may part.
    """
    problem, parameters, trials = end.problem, end.parameters, []
    for k, twin in _redundant_components(problem, parameters, end.may_part):
        rest = merge(twin, k, problem, parameters)
        component = parameters.components[k]
        if problem.specification.free[k].any():
            component, _ = best_place(problem, k, rest, some_shares(problem))
        trials += [place(k, component, share, rest) for share in SHARES]
    return trials


def _redundant_components(problem, parameters, may_part):
    """Pairs of a component that the likelihood does without and one that takes its weight.

    Less than a hidden row is its own, which may be a plateau far from where it would gain, or it
    is equal to another.
    """
    specification = problem.specification
    if not specification.free_weights or specification.n_components == 1:
        return
    heaviest = parameters.weights.argmax()
    for k in np.flatnonzero(_is_empty(problem, parameters)):
        if k != heaviest:
            yield k, heaviest
    if may_part:
        order, equal = _equal_neighbours(parameters)
        for i in np.flatnonzero(equal):
            yield tuple(sorted(order[[i, i + 1]], key=lambda k: not specification.free[k].any()))


def _at_boundary(problem, parameters):
    """Learned parameters of next to 0 or 1, shape (..., n_components, n_parameters).

    Linear ones, too: the slope there knows nothing of rows whose density is zero.
    """
    at_end = np.abs(parameters.components - np.rint(parameters.components)) < NEAR
    return at_end & (parameters.weights > 0)[..., None] & problem.specification.free


def _is_empty(problem, parameters):
    """Components of less than a hidden row, shape (..., n_components)."""
    n_rows = problem.multiplicity.sum(axis=-1) + problem.pseudo_rows.sum(axis=-1)
    return parameters.weights * n_rows[..., None] - problem.pseudo_rows < 1


def _equal_neighbours(parameters):
    """The components in rising order, and where one equals the next, (..., n_components - 1)."""
    order = np.argsort(parameters.components[..., 0], axis=-1)
    x = np.arcsin(np.sqrt(np.take_along_axis(parameters.components, order[..., None], axis=-2)))
    differ = np.abs(np.diff(x, axis=-2))
    equal = differ[..., 0] < EQUAL * np.sin(2 * x[..., 1:, 0])
    # Further parameters, dispersions say, have no need to be off their ends.
    return order, equal & (differ[..., 1:] <= EQUAL).all(axis=-1)
