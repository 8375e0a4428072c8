"""The climb: one kind of step, repeated from several starts at once until each has ended.

Every start is a row of the parameter arrays, so that one E-step serves all climbs that still go
on. A *step* is a callable that takes the coins, their E-step and the evidence to the next coins;
this file has that of EM, ``_newton`` the safeguarded one.
"""

from dataclasses import dataclass

import numpy as np

from skcoin._likelihood import Coins, Expectation, concatenate, em_step, expect, side_by_side
from skcoin._newton import quadratic


@dataclass(frozen=True)
class Climb:
    """The best of the climbs: iterate ``i`` and its objective in row ``i``, the start in row 0.

    Attributes
    ----------
    theta, weights : ndarray of shape (n_iter + 1, n_coins)
    objective : ndarray of shape (n_iter + 1,)
    expected : Expectation
        The E-step at the last iterate.
    ended : bool
        Whether it ended by itself.
    obstacle : {None, "saddle", "boundary"}
        What keeps the last iterate from being a local maximum, as far as that was looked into:
        the objective curves up there, or would rise if what stands at 0 or 1 were moved.
    """

    theta: np.ndarray
    weights: np.ndarray
    objective: np.ndarray
    expected: Expectation
    ended: bool
    obstacle: str | None = None

    @property
    def n_iter(self):
        return len(self.objective) - 1

    @property
    def converged(self):
        """Whether it ended by itself, and where nothing is known to lead on."""
        return self.ended and self.obstacle is None

    @property
    def last(self):
        """The last iterate, as a single start."""
        return Coins(self.theta[-1:], self.weights[-1:])


def climb_each(step, starts, evidence, max_iter):
    """Repeat a step from every start until it says that it is done.

    Several pieces of evidence are climbed side by side, in the same calls.

    Parameters
    ----------
    step : callable
        ``step(i, coins, expected, evidence)`` returns the next coins, their E-step and a bool
        for each start, whether it is done; ``step.keep(mask)`` forgets the others.
    starts : list of Coins of shape (n_starts, n_coins)
        Of each piece of evidence; their number may differ.
    evidence : list of Evidence
    max_iter : int
        Steps at most, at least one.

    Returns
    -------
    best : list of Climb
        For each piece, of the start that ends highest, the first of equals.
    """
    n_starts = [len(start.theta) for start in starts]
    if len(starts) == 1:
        trace, last, ended = _climb_all(step, starts[0], evidence[0], max_iter)
    else:
        together = side_by_side(evidence, n_starts)
        trace, last, ended = _climb_all(step, concatenate(starts), together, max_iter)
    height = np.array([expected.objective[0] for expected in last])
    first = np.cumsum([0, *n_starts[:-1]])
    best = [i + int(height[i : i + n].argmax()) for i, n in zip(first, n_starts, strict=True)]
    paths = _paths(trace)
    return [Climb(*paths[i], last[i], i in ended) for i in best]


def _climb_all(step, start, evidence, max_iter):
    """Every iterate with the starts that it is of, each start's last E-step, and which ended."""
    n_starts = len(start.theta)
    active, coins, expected = np.arange(n_starts), start, expect(start, evidence)
    trace, last, ended = [(active, coins, expected.objective)], [expected] * n_starts, set()
    for i in range(max_iter):
        coins, expected, done = step(i, coins, expected, evidence)
        trace.append((active, coins, expected.objective))
        at_end = i == max_iter - 1
        if not (at_end or done.any()):
            continue
        for place in np.flatnonzero(done | at_end):
            last[active[place]] = expected[place : place + 1]
        ended.update(active[done].tolist())
        if done.all():
            break
        active, coins, expected = active[~done], coins[~done], expected[~done]
        evidence = evidence.at(~done)
        step.keep(~done)
    return trace, last, ended


class EMStep:
    """One EM step; done when Aitken's estimate says so and Newton's decrement does not object.

    Aitken's alone can be far too low while a fast mode of the climb hides a slow one. With a
    tolerance of zero, done when nothing moves any more.
    """

    def __init__(self, tol):
        self._tol = tol
        self._gain = np.nan

    def keep(self, mask):
        self._gain = self._gain[mask]

    def __call__(self, i, coins, expected, evidence):
        moved, after = em_step(expected, coins, evidence)
        gain = after.objective - expected.objective
        stands = ((moved.theta == coins.theta) & (moved.weights == coins.weights)).all(axis=-1)
        slow = remaining_gain(self._gain, gain) < self._tol
        if np.any(slow & ~stands):
            after = expect(moved, evidence, curvature=True)
            slow &= quadratic(after, moved, evidence).remaining_gain() < self._tol
        self._gain = gain
        return moved, after, stands | slow


def remaining_gain(last_gain, gain):
    """Aitken's estimate of what a linearly convergent climb has still to gain.

    Gains that shrink by the factor ``r = gain / last_gain`` add up to ``gain * r / (1 - r)``. A
    climb that gains more than before is leaving a plateau: infinite. One that gains nothing is at
    the end of what rounding lets it see: zero.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = gain / last_gain
        shrinks = (ratio >= 0) & (ratio < 1)
        estimate = np.where(shrinks, gain * ratio / (1 - ratio), np.inf)
    return np.where(gain <= 0, 0.0, estimate)


def _paths(trace):
    """Theta, weights and objective, step by step, of each start."""
    start = np.concatenate([active for active, _, _ in trace])
    by_start = np.argsort(start, kind="stable")
    ends = np.cumsum(np.bincount(start))[:-1]
    coins = concatenate([coins for _, coins, _ in trace])[by_start]
    objective = np.concatenate([objective for _, _, objective in trace])[by_start]
    columns = coins.theta, coins.weights, objective
    return list(zip(*(np.split(column, ends) for column in columns), strict=True))
