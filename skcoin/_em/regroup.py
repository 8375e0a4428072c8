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
from skcoin._em.place import (
    best_place,
    divided,
    gains_of,
    merge,
    place,
    place_beside,
    places_for,
    some_places,
    some_shares,
    without,
)
from skcoin._em.quadratic import quadratic_at
from skcoin._em.specification import INSIDE, warm_start
from skcoin._em.steps import em_step, newton_step, step_of_many

MOST_PLACES = 64
STEPS_APART = 5  # of EM on the coarse table, without the component
SOME_STEPS, MANY_STEPS = 10, 30  # of Newton there, for all trials and for the best
MOST_ALIKE = 4  # of the trials with the same component taken out, that go on
STEPS_ON_ALL = 6  # of Newton on all rows, for
MOST_NUMBERS = 2**20  # in an E-step of all trials
MOST_ON_ALL = 4  # ends at most, which are lower on the coarse table by no more than
MOST_OFF = 3.0
MOST_TRIALS = 2
MOST_IN_PASSING = 16  # places to look at
LEAST_GAIN, SAME = 1e-5, 1e-6
LOWEST, TRACE = -1e300, 1e-12


def settle(ends):
    """Where the coarse tables lead from each end, and from trials with components elsewhere.

    Parameters
    ----------
    ends : list of End
        Of problems of one family and specification.

    Returns
    -------
    settled : list of (Parameters of shape (n_trials, n_components), ndarray of shape (n_trials,))
        And the objective there; that of the end comes first.
    """
    coarse = [end.problem.coarse for end in ends]
    groups = [
        [[end.parameters], *_few(end.problem.coarse, [_exchanged(end), *of_end])]
        for end, of_end in zip(ends, _put_elsewhere(ends), strict=True)
    ]
    starts = [
        stack([warm_start(trial, end.problem.specification) for trial in chain(*of_end)])
        for of_end, end in zip(groups, ends, strict=True)
    ]
    step, n_steps = step_of_many(coarse[0].family, SOME_STEPS)
    climbed = climb(step, coarse, starts, tol=LEAST_GAIN, max_iter=n_steps)
    starts = [
        parameters[_best_of_each(of_end, objective, _outlook(problem, parameters)[0])]
        for problem, of_end, (parameters, objective) in zip(coarse, groups, climbed, strict=True)
    ]
    return climb(newton_step, coarse, starts, tol=LEAST_GAIN, max_iter=MANY_STEPS)


def _few(problem, groups):
    """Groups of trials, but where all would be very many numbers, fewer: the highest of each."""
    groups = [of_group for of_group in groups if of_group]
    size = problem.multiplicity.size * problem.specification.n_components
    most = max(MOST_ALIKE, MOST_NUMBERS // size)
    if sum(map(len, groups)) <= most:
        return groups
    height = [e_step(problem, stack(of_group)).objective for of_group in groups]
    best = sorted(range(len(groups)), key=lambda i: -height[i].max())[: most // MOST_ALIKE]
    each = most // len(best)
    return [
        [groups[i][j] for j in np.argsort(-height[i], kind="stable")[:each]] for i in sorted(best)
    ]


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
            places = some_places(problem, MOST_PLACES)
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
    return [
        (goes, merge(stays, goes, problem, parameters))
        for pair in _neighbours(problem, parameters)
        for stays, goes in _ways(problem, pair)
        if is_open[goes]
    ]


def _neighbours(problem, parameters):
    """Pairs of components next to each other, on a line; else all pairs."""
    if problem.family.n_axes == 1:
        return pairwise(np.argsort(parameters.components[:, 0]))
    return combinations(range(len(parameters.weights)), 2)


def _put_back(problem, places, k, rest):
    """Parameters with component ``k`` where it helps, for all that may be guessed of its weight."""
    specification = problem.specification
    rest = without(k, _inside(rest, problem))  # of what is known to be its, some has come back
    if rest is None:
        return []
    trials = [
        place_beside(k, j, pair[[*way]], rest, specification)
        for j, pair in divided(problem, rest)
        for way in _ways(problem, (j, k), (0, 1))
    ]
    shares = some_shares(problem)
    if not specification.free_weights:
        shares = specification.start_weights[k : k + 1]
        trials = [Parameters(specification.start_weights, trial.components) for trial in trials]
    places = places_for(problem, k, rest, places)
    best = gains_of(problem, k, places, rest, shares).argmax(axis=1)
    return trials + [place(k, c, s, rest) for c, s in zip(places[best], shares, strict=True)]


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


def _ways(problem, components, pair=None):
    """A pair that stands for two components, and turned round if that makes a difference."""
    pair = components if pair is None else pair
    matters = ~problem.specification.is_open | _told_apart(problem)
    return (pair, pair[::-1]) if matters[list(components)].any() else (pair,)


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


def _best_of_each(groups, objective, height):
    """Indices of the highest few of consecutive groups, one of those that are the same.

    The first, and those whose way may not lead far below it.
    """
    ends = np.cumsum([0, *map(len, groups)])
    chosen = [i + _distinct(objective[i:j])[:MOST_ALIKE] for i, j in pairwise(ends) if i < j]
    chosen = np.concatenate(chosen)
    return chosen[(height[chosen] > objective[0] - MOST_OFF) | (chosen == 0)]


def _distinct(objective):
    """Indices by falling objective, one of those that are the same."""
    order = np.argsort(-objective, kind="stable")
    height = np.maximum(objective[order], LOWEST)  # of what excludes a row, minus infinity
    return order[np.diff(-height, prepend=-np.inf) > SAME]


def promising(end, parameters, objective):
    """Which of the settled trials of an end lead higher, the best first. Each has to be run.

    Where the coarse table is not all rows, these judge, after some steps. Higher is what is so to
    second order, and what is on a saddle not far below.

    Parameters
    ----------
    end : End
    parameters : Parameters of shape (n_trials, n_components)
    objective : ndarray of shape (n_trials,)
        On the coarse table.

    Returns
    -------
    trials : list of Parameters of shape (n_components,)
    """
    problem, others, now = end.problem, _distinct(objective), objective[0]
    others = others[(others > 0) & (objective[others] > now - MOST_OFF)]
    trials = [parameters[i] for i in others]
    if problem.coarse is not problem:
        trials = [*_exchanged_near(end), *_lightest_elsewhere(end), *trials][:MOST_ON_ALL]
        now = end.objective
    if not trials:
        return []
    trials = stack(trials)
    if problem.coarse is not problem:
        trials = _after_some_steps(problem, trials)
    height, is_saddle = _outlook(problem, trials)
    leads_higher = (height > now + LEAST_GAIN) | (is_saddle & (height > now - MOST_OFF))
    best = np.argsort(-height, kind="stable")
    return [trials[i] for i in best[leads_higher[best]][:MOST_TRIALS]]


def look_at(problem, trials):
    """That of some trials which leads highest on all rows, after some steps; as a single start."""
    trials = _after_some_steps(problem, stack(trials))
    best = _outlook(problem, trials)[0].argmax()
    return trials[best : best + 1]


def _after_some_steps(problem, trials):
    starts = stack([warm_start(trial, problem.specification) for trial in trials])
    options = {"tol": LEAST_GAIN, "max_iter": STEPS_ON_ALL}
    return climb(newton_step, [problem], [starts], **options)[0][0]


def _outlook(problem, trials):
    """How high each trial leads, to second order, and which stand on a saddle."""
    quadratic = quadratic_at(problem, trials, expected := e_step(problem, trials, information=True))
    return expected.objective + quadratic.remaining_gain(), quadratic.is_saddle()


def is_outdone(end):
    """Whether the lightest component would do better where it helps the others most."""
    trials = _lightest_elsewhere(end, MOST_IN_PASSING)
    if not trials:
        return False
    return bool(e_step(end.problem, stack(trials)).objective[0] > end.objective)


def _exchanged_near(end):
    """Those exchanges that cost next to nothing, which a coarse table may not see."""
    trials = _exchanged(end)
    if not trials:
        return []
    objective = e_step(end.problem, stack(trials)).objective
    best = np.argsort(-objective, kind="stable")[: MOST_ON_ALL // 2]
    return [trials[i] for i in best[objective[best] > end.objective - MOST_OFF]]


def _lightest_elsewhere(end, most=None):
    """Parameters with the lightest component where it helps most on all rows."""
    problem, parameters = end.problem, end.parameters
    specification = problem.specification
    if not specification.free_weights or not specification.is_open.any():
        return []
    k = np.where(specification.is_open, parameters.weights, np.inf).argmin()
    rest = without(k, parameters)
    return (
        []
        if rest is None
        else [place(k, *best_place(problem, k, rest, some_shares(problem), most), rest)]
    )
