"""Components spent elsewhere: what no step finds, since the way there leads down.

Two neighbours share what one could explain while a third is missed elsewhere; or, where weights
are given or rows are labelled, two stand at each other's place. So a component is taken out, the
rest climbs on, and the one is put back wherever it may help [1]_; and those that can be told apart
change places. All of it is done on coarse tables, many trials side by side; what ends high there is
looked at on all rows.

References
----------
.. [1] Ueda, N., Nakano, R., Ghahramani, Z. and Hinton, G. E. (2000). SMEM algorithm for mixture
   models. Neural Computation, 12(9), 2109-2128.
"""

from itertools import chain, combinations, pairwise

import numpy as np

from skcoin._em.e_step import e_step
from skcoin._em.loop import climb
from skcoin._em.parameters import Parameters, stack
from skcoin._em.place import Places, merge, place, place_beside, without
from skcoin._em.quadratic import quadratic_at
from skcoin._em.specification import INSIDE, warm_start
from skcoin._em.steps import em_step, newton_step

SHARES = (0.3, 0.03)  # of the weight, with which a component is put back; and that of one row
MOST_PLACES = 64
STEPS_APART = 5  # of EM on the coarse table, without the component
SOME_STEPS, MANY_STEPS = 10, 30  # of Newton there, for all trials and for the best
MOST_ALIKE = 2  # of the trials with the same component taken out, that go on
STEPS_ON_ALL = 6  # of Newton on all rows, for
MOST_ON_ALL = 4  # ends at most, which are lower on the coarse table by no more than
MOST_OFF = 3.0
MOST_TRIALS = 2
LEAST_GAIN, SAME = 1e-5, 1e-6
LOWEST, TRACE = -1e300, 1e-12


def regroup(ends):
    """Parameters with components spent elsewhere that lead higher.

    Parameters
    ----------
    ends : list of End
        Of problems of one family and specification.

    Returns
    -------
    trials : list of list of Parameters of shape (n_components,)
        For each end, the best first. Each has to be run.
    """
    coarse = [end.problem.coarse for end in ends]
    groups = [
        [[end.parameters], _exchanged(end), *of_end]
        for end, of_end in zip(ends, _put_elsewhere(ends), strict=True)
    ]
    starts = [
        stack([warm_start(trial, end.problem.specification) for trial in chain(*of_end)])
        for of_end, end in zip(groups, ends, strict=True)
    ]
    options = {"tol": LEAST_GAIN, "max_iter": SOME_STEPS}
    climbed = climb(newton_step, coarse, starts, **options)
    starts = [
        parameters[_best_of_each(of_end, objective)]
        for of_end, (parameters, objective) in zip(groups, climbed, strict=True)
    ]
    climbed = climb(newton_step, coarse, starts, tol=LEAST_GAIN, max_iter=MANY_STEPS)
    return [_promising(end, *of_end) for end, of_end in zip(ends, climbed, strict=True)]


def _put_elsewhere(ends):
    """For each end and component taken out, parameters with it put back elsewhere."""
    apart = [_taken_out(end) for end in ends]
    trials = [[] for _ in ends]
    at = [i for i, pairs in enumerate(apart) if pairs]
    if at:
        coarse = [ends[i].problem.coarse for i in at]
        starts = [stack([_inside(rest, ends[i].problem) for _, rest in apart[i]]) for i in at]
        climbed = climb(em_step, coarse, starts, tol=LEAST_GAIN, max_iter=STEPS_APART)
        for i, problem, (rests, _) in zip(at, coarse, climbed, strict=True):
            places = Places(problem, MOST_PLACES)
            for (k, _), rest in zip(apart[i], rests, strict=True):
                trials[i].append(_put_back(problem, places, k, rest))
    return trials


def _taken_out(end):
    """Pairs of an open component and the parameters without it.

    Its weight goes to a neighbour, or, where weights are given, to all.
    """
    problem, parameters = end.problem, end.parameters
    specification = problem.specification
    is_open = specification.is_open
    if not specification.free_weights:
        apart = [(k, without(k, parameters)) for k in np.flatnonzero(is_open)]
        return [(k, rest) for k, rest in apart if rest is not None]
    pairs, matters = [], ~is_open | _told_apart(problem)
    for j, k in pairwise(np.argsort(parameters.components[:, 0])):
        both_ways = ((j, k), (k, j)) if matters[j] or matters[k] else ((j, k),)
        pairs += [
            (goes, merge(stays, goes, problem, parameters))
            for stays, goes in both_ways
            if is_open[goes]
        ]
    return pairs


def _put_back(problem, places, k, rest):
    """Parameters with component ``k`` where it helps, for all that may be guessed of its weight."""
    specification = problem.specification
    rest = without(k, _inside(rest, problem))  # of what is known to be its, some has come back
    if rest is None:
        return []
    trials = [
        place_beside(k, j, either, rest, specification)
        for j, pair in places.beside(k, rest)
        for either in (pair, pair[::-1])
    ]
    shares = np.array([*SHARES, 1 / (1 + problem.multiplicity.sum())])
    if not specification.free_weights:
        shares = specification.start_weights[k : k + 1]
        trials = [Parameters(specification.start_weights, trial.components) for trial in trials]
    anywhere, _ = places.anywhere(k, rest, shares)
    return trials + [place(k, c, s, rest) for c, s in zip(anywhere, shares, strict=True)]


def _exchanged(end):
    """Parameters with two components at each other's place, if it makes a difference."""
    problem, parameters = end.problem, end.parameters
    specification, told_apart = problem.specification, _told_apart(problem)
    trials = []
    for j, k in combinations(np.flatnonzero(specification.is_open), 2):
        if told_apart[j] or told_apart[k]:
            order = np.arange(specification.n_components)
            order[[j, k]] = k, j
            weights = parameters.weights[order if specification.free_weights else slice(None)]
            trials.append(Parameters(weights, parameters.components[order]))
    return trials


def _told_apart(problem):
    """Which components are not as good as any other: by rows known to be theirs, or by weight."""
    specification = problem.specification
    given = not specification.free_weights and np.ptp(specification.start_weights) > 0
    return (problem.labelled > 0) | given


def _inside(parameters, problem):
    """A trial that can leave 0 and 1, where it may come from, and excludes no row that it need not.

    Of a component that is taken out next to nothing stays, for the rows known to be its.
    """
    free = problem.specification.free
    inside = np.clip(parameters.components, INSIDE, 1 - INSIDE)
    components = np.where(free, inside, parameters.components)
    return Parameters(np.maximum(parameters.weights, TRACE), components)


def _best_of_each(groups, objective):
    """Indices of the highest few of consecutive groups, one of those that are the same."""
    ends = np.cumsum([0, *map(len, groups)])
    chosen = [i + _distinct(objective[i:j])[:MOST_ALIKE] for i, j in pairwise(ends) if i < j]
    return np.concatenate(chosen)


def _distinct(objective):
    """Indices by falling objective, one of those that are the same."""
    order = np.argsort(-objective, kind="stable")
    height = np.maximum(objective[order], LOWEST)  # of what excludes a row, minus infinity
    return order[np.diff(-height, prepend=-np.inf) > SAME]


def _promising(end, parameters, objective):
    """What is higher than the first on the coarse table, which is where the end leads there.

    Where that table is not all rows, these judge: after some steps, to second order.
    """
    found = _distinct(objective)
    if end.problem.coarse is end.problem:
        found = found[objective[found] > objective[0] + LEAST_GAIN]
        return [parameters[i] for i in found[:MOST_TRIALS]]
    near = found[(found > 0) & (objective[found] > objective[0] - MOST_OFF)]
    trials = [*_exchanged_near(end), *(parameters[i] for i in near)][:MOST_ON_ALL]
    if not trials:
        return []
    starts = stack([warm_start(trial, end.problem.specification) for trial in trials])
    options = {"tol": LEAST_GAIN, "max_iter": STEPS_ON_ALL}
    [(trials, height)] = climb(newton_step, [end.problem], [starts], **options)
    expected = e_step(end.problem, trials, information=True)
    height = height + quadratic_at(end.problem, trials, expected).remaining_gain()
    best = np.argsort(-height, kind="stable")
    return [trials[i] for i in best[height[best] > end.objective + LEAST_GAIN][:MOST_TRIALS]]


def _exchanged_near(end):
    """Those exchanges that cost next to nothing, which a coarse table may not see."""
    trials = _exchanged(end)
    if not trials:
        return []
    objective = e_step(end.problem, stack(trials)).objective
    best = np.argsort(-objective, kind="stable")[: MOST_ON_ALL // 2]
    return [trials[i] for i in best[objective[best] > end.objective - MOST_OFF]]
