"""One step of EM or of Newton: from a state to the next, for many starts at once.

A *step* is a function ``step(problem, state, tol)`` that returns the next state and, for each
start, whether it is done. All that it needs to know of the past stands in the state.
"""

from dataclasses import dataclass, replace

import numpy as np

from skcoin._em.e_step import EStep, e_step
from skcoin._em.parameters import Parameters, inside
from skcoin._em.quadratic import complete_step, move, overshoots, quadratic_at, to_bound

MOST_REJECTED = 4  # Newton steps in a row, then an EM step
LESS_DAMPING = 3  # after a step that climbs; by ten, as after one that does not, it would swing
ROUNDING = 4 * np.finfo(float).eps  # of the objective, relative to its size
MOST_HALVED = 30
STEPS_OF_EM = 4  # in the place of one of Newton
LONGEST_IN_M = 4.0  # step in a coordinate of the M-step's Newton; beyond, a logit would overflow


@dataclass(frozen=True)
class State:
    """Where every start stands.

    Attributes
    ----------
    parameters : Parameters of shape (n_starts, n_components)
    e_step : EStep
        At ``parameters``. Newton's starts without missing information: its first step is EM's.
    damping, rejected : ndarray of shape (n_starts,)
        Of Newton's steps; how many in a row have not climbed.
    last_gain : ndarray of shape (n_starts,)
        What the last step gained; NaN before the first.
    """

    parameters: Parameters
    e_step: EStep
    damping: np.ndarray
    rejected: np.ndarray
    last_gain: np.ndarray

    def __getitem__(self, starts):
        return State(
            self.parameters[starts],
            self.e_step[starts],
            self.damping[starts],
            self.rejected[starts],
            self.last_gain[starts],
        )


def first_state(problem, parameters):
    """The state of starts from which no step has been taken."""
    zeros = np.zeros(len(parameters.weights))
    return State(parameters, e_step(problem, parameters), zeros, zeros, zeros + np.nan)


def m_step(problem, parameters, expected):
    """The M-step: the parameters that maximise the expected complete-data objective.

    ``w_k = n_k / sum_l n_l``, and the family's own step. What is held stays. Where there is no
    such step, or parameters are shared or only some of a component's are held, it is a step of
    Newton that does not lower the objective.
    """
    specification = problem.specification
    if specification.is_separable and problem.family.has_closed_m_step:
        components = problem.family.m_step(parameters.components, expected.statistics)
        if not specification.free.all():
            components = np.where(specification.free, components, parameters.components)
    else:
        components = _newton_m_step(problem, parameters, expected)
    weights = parameters.weights
    if specification.free_weights:
        total = expected.n.sum(axis=-1, keepdims=True)
        weights = np.divide(expected.n, total, out=weights.copy(), where=total > 0)
    return Parameters(weights, components)


def _newton_m_step(problem, parameters, expected):
    """The components after a step of Newton on the expected complete-data objective.

    It is halved until it does not lower that objective: component by component, for which the
    objective is a sum, or together where they share a parameter. Where the objective is not known
    elsewhere, ``_shortened`` does so.
    """
    shared = problem.specification.tied.any()

    def objective(components):
        of_each = problem.family.objective(components, expected.statistics)
        return of_each.sum(axis=-1, keepdims=True) if shared else of_each

    step = complete_step(problem, parameters, expected)
    by_component = step.reshape(*step.shape[:-1], -1, parameters.weights.shape[-1])  # a view
    longest = np.abs(by_component).max(axis=(-2, -1) if shared else -2, keepdims=True)
    by_component *= np.minimum(1, LONGEST_IN_M / np.maximum(longest, LONGEST_IN_M))
    if not problem.family.has_sufficient_statistics:
        return move(problem.family, parameters, step).components
    components, lowest = parameters.components, objective(parameters.components)
    wanting = np.ones(lowest.shape, dtype=bool)
    for _ in range(MOST_HALVED):
        moved = move(problem.family, parameters, step).components
        climbs = wanting & (objective(moved) >= lowest)
        components = np.where(climbs[..., None], moved, components)
        wanting &= ~climbs
        if not wanting.any():
            break
        step = step / 2
    return components


def em_update(problem, parameters, expected, *, information=False):
    """The parameters after an M-step, and the E-step there.

    A parameter nearer to 0 or 1 than any float is rounded to it; where that would exclude a row
    from the component, and lower the objective, it is rounded to the last float before, or stays
    if even that is too far. Where floats are so far apart that the objective falls, all stays.
    Parameters that exclude a row have no posterior: they stay, but for that.
    """
    moved = m_step(problem, parameters, _without_posterior(expected))
    after = e_step(problem, moved, information=information)
    every = np.ones(len(moved.weights), dtype=bool)
    moved, after = _shortened(problem, parameters, moved, after, expected, every, information)
    if _is_lower(after, expected).any():
        nearest = inside(moved.components)
        rounded = problem.specification.free & (moved.components != nearest)
        for instead in (nearest, parameters.components):
            wrong = rounded & _is_lower(after, expected)[:, None, None]
            if wrong.any():
                moved = replace(moved, components=np.where(wrong, instead, moved.components))
                after = e_step(problem, moved, information=information)
        noise = ROUNDING * np.abs(expected.objective)
        if np.any(fell := after.objective < expected.objective - noise):
            moved = parameters.select(fell, moved)
            after = e_step(problem, moved, information=information)
    return moved, after


def _shortened(problem, parameters, moved, after, expected, wanting, information):
    """An M-step of the starts wanted, halved until the objective itself does not fall.

    Of a family whose expected objective is not known elsewhere.
    """
    if problem.family.has_sufficient_statistics:
        return moved, after
    for _ in range(MOST_HALVED):
        wrong = wanting & _is_lower(after, expected)
        if not wrong.any():
            break
        halfway = (parameters.components + moved.components) / 2
        moved = replace(moved, components=np.where(wrong[:, None, None], halfway, moved.components))
        after = e_step(problem, moved, information=information)
    return moved, after


def _is_lower(after, before):
    """Starts at which the objective has fallen, or is minus infinity still."""
    return (after.objective < before.objective) | np.isneginf(after.objective)


def _without_posterior(expected):
    """The same E-step, but of starts that exclude a row with statistics that say nothing."""
    lost = np.isnan(expected.n).any(axis=-1)
    if not lost.any():
        return expected
    n = np.where(lost[:, None], 0.0, expected.n)
    return replace(
        expected, n=n, statistics=np.where(lost[:, None, None], 0.0, expected.statistics)
    )


def em_step(problem, state, tol):
    """One EM step; done when Aitken's estimate says so and Newton's decrement does not object.

    Aitken's alone can be far too low while a fast mode of the run hides a slow one. With a
    tolerance of zero, done when nothing moves any more.
    """
    parameters = state.parameters
    moved, after = em_update(problem, parameters, state.e_step)
    with np.errstate(invalid="ignore"):  # of a start that excludes a row
        gain = after.objective - state.e_step.objective
    stands = (moved.components == parameters.components).all(axis=(-2, -1))
    stands &= (moved.weights == parameters.weights).all(axis=-1)
    slow = aitken_gain(state.last_gain, gain) < tol
    if np.any(slow & ~stands):
        after = e_step(problem, moved, information=True)
        slow &= quadratic_at(problem, moved, after).remaining_gain() < tol
    return replace(state, parameters=moved, e_step=after, last_gain=gain), stands | slow


def rough_em_step(problem, state, tol):
    """One EM step, done when it gains less than ``tol``: at a maximum, or on a plateau."""
    moved, after = em_update(problem, state.parameters, state.e_step)
    gain = after.objective - state.e_step.objective
    return replace(state, parameters=moved, e_step=after), ~(gain >= tol)


def step_of_many(family, n_steps):
    """The step to take for a while from many starts, and how many are like ``n_steps`` of Newton.

    The observed information of many parameters costs far more than EM steps in closed form.
    """
    if family.has_closed_m_step and len(family.names) > 1:
        return rough_em_step, STEPS_OF_EM * n_steps
    return newton_step, n_steps


def remaining_gain(problem, state):
    """Half the squared Newton decrement at each start: what there is to gain, to second order."""
    parameters, expected = state.parameters, state.e_step
    if expected.missing is None:
        expected = e_step(problem, parameters, information=True)
    return quadratic_at(problem, parameters, expected).remaining_gain()


def aitken_gain(last_gain, gain):
    """Aitken's estimate of what a linearly convergent run has still to gain.

    Gains that shrink by the factor ``r = gain / last_gain`` add up to ``gain * r / (1 - r)``. A
    run that gains more than before is leaving a plateau: infinite. One that gains nothing is at
    the end of what rounding lets it see: zero.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = gain / last_gain
        shrinks = (ratio >= 0) & (ratio < 1)
        estimate = np.where(shrinks, gain * ratio / (1 - ratio), np.inf)
    return np.where(gain <= 0, 0.0, estimate)


def newton_step(problem, state, tol):
    """A Newton step where it is safe, else an EM step.

    From afar EM is the better guide: the first step is its own. A step that does not climb is
    rejected and tried again with more damping. A start is done when the gain that the quadratic
    promises is below ``tol``; the step it judges is still taken.
    """
    parameters, expected = state.parameters, state.e_step
    if expected.missing is None:
        moved, after = em_update(problem, parameters, expected, information=True)
        return replace(state, parameters=moved, e_step=after), np.zeros(len(state.damping), bool)
    quadratic = quadratic_at(problem, parameters, expected)
    noise = np.finfo(float).eps * np.abs(expected.objective)
    flat = quadratic.remaining_gain() <= np.maximum(tol, noise)
    given_up = state.rejected >= MOST_REJECTED
    by_em = given_up | _weight_doubles(problem, state, quadratic)
    moved = _newton_update(problem, state, quadratic, by_em)
    after = e_step(problem, moved, information=True)
    moved, after = _shortened(problem, parameters, moved, after, expected, by_em, True)
    climbs = after.objective >= expected.objective
    damping = state.damping / LESS_DAMPING
    if not climbs.all():
        damping = np.where(climbs, damping, quadratic.more_damping(state.damping))
        moved, after = moved.select(climbs, parameters), after.select(climbs, expected)
    rejected = np.where(climbs, 0, state.rejected + 1)
    state = State(moved, after, damping, rejected, state.last_gain)
    return state, flat | (given_up & ~climbs)


def _weight_doubles(problem, state, quadratic):
    """Starts with a weight of next to nothing that grows by more in an EM step than in many
    steps of Newton, which are short in log w.
    """
    doubles = state.e_step.n > 2 * quadratic.n_rows[:, None] * state.parameters.weights
    return doubles.any(axis=-1) & problem.specification.free_weights


def _newton_update(problem, state, quadratic, by_em):
    family, parameters, expected = problem.family, state.parameters, state.e_step
    step = quadratic.step(state.damping)
    over = overshoots(problem, parameters, step)
    if over.any():  # what has come to its bound takes no part in the step of the others
        rest = quadratic_at(problem, parameters, expected, held=over)
        step = rest.step(state.damping)
    moved = move(family, parameters, step)
    if over.any():
        moved = to_bound(moved, parameters, over)
    reaches = quadratic.reaches_bound(problem, parameters, expected)
    if reaches is not None:
        moved = to_bound(moved, parameters, reaches & (state.rejected == 0)[:, None])
    if by_em.any():
        moved = m_step(problem, parameters, expected).select(by_em, moved)
    return moved
