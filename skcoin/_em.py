"""The climb: EM from several starts at once, with an honest end.

Every start is a row of the parameter arrays, so that one E-step serves all climbs that still go
on. The best one is returned with its whole trace.
"""

from dataclasses import dataclass

import numpy as np

from skcoin._likelihood import expect, maximize


@dataclass(frozen=True)
class Climb:
    """The best climb: iterate ``i`` and its objective stand in row ``i``, the start in row 0.

    Attributes
    ----------
    theta, weights : ndarray of shape (n_iter + 1, n_coins)
    objective : ndarray of shape (n_iter + 1,)
    converged : bool
    """

    theta: np.ndarray
    weights: np.ndarray
    objective: np.ndarray
    converged: bool


def climb(start, evidence, *, tol, max_iter):
    """Repeat the EM step from every start until the gain that is left falls below ``tol``.

    Parameters
    ----------
    start : Coins of shape (n_starts, n_coins)
    evidence : Evidence
    tol : float
        Bound on the estimated remaining gain in the objective; with 0, climb until an iterate
        repeats itself.
    max_iter : int
        Steps at most, at least one.

    Returns
    -------
    best : Climb
        Of the start that ends highest, the first of equals.
    """
    coins, expected = start, expect(start, evidence)
    active = np.arange(len(start.theta))
    final, converged = expected.objective.copy(), np.zeros(len(active), dtype=bool)
    trace = [(active, coins, expected.objective)]
    gain = np.full(len(active), np.nan)
    for _ in range(max_iter):
        previous, last_gain = (coins, expected.objective), gain
        coins = maximize(expected, coins, evidence)
        expected = expect(coins, evidence)
        trace.append((active, coins, expected.objective))
        gain = expected.objective - previous[1]
        stands = (coins.theta == previous[0].theta) & (coins.weights == previous[0].weights)
        done = stands.all(axis=-1) | (remaining_gain(last_gain, gain) < tol)
        final[active], converged[active] = expected.objective, done
        if done.all():
            break
        if done.any():
            active, coins, gain = active[~done], coins[~done], gain[~done]
            expected = expected[~done]
    best = int(np.argmax(final))
    return _trace_of(best, trace, bool(converged[best]))


def remaining_gain(last_gain, gain):
    """Aitken's estimate of what a linearly convergent climb has still to gain.

    Gains that shrink by the factor ``r = gain / last_gain`` add up to ``gain * r / (1 - r)``. A
    climb that gains more than before is leaving a plateau: infinite. One that gains nothing is at
    the end of what rounding lets it see: zero.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = gain / last_gain
        estimate = np.where(ratio < 1, gain * ratio / (1 - ratio), np.inf)
    return np.where(gain <= 0, 0.0, estimate)


def _trace_of(start, trace, converged):
    theta, weights, objective = [], [], []
    for active, coins, value in trace:
        for i in np.flatnonzero(active == start):
            theta.append(coins.theta[i])
            weights.append(coins.weights[i])
            objective.append(value[i])
    return Climb(np.array(theta), np.array(weights), np.array(objective), converged)
