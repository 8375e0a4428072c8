"""A second look at where a climb has ended, for gains that no step from there can see.

A theta at exactly 0 or 1 and a weight of exactly 0 never move again; on a saddle there is no slope
to follow; of two equal coins one is to spare, and two coins may share what one could explain while
a third is missed elsewhere.
"""

from itertools import pairwise

import numpy as np

from skcoin._gradient import best_place
from skcoin._likelihood import Coins, expect, stack
from skcoin._newton import move

SHARES = 0.5 ** np.arange(1, 31)  # of weight, or of the way into (0, 1), or of a logit
FEW_SHARES = np.array([0.3, 0.03, 0.003])
TIED = 1e-3  # closer than this in arcsin sqrt theta, relative to the distance from 0 or 1


def has_trials(coins, evidence, model):
    """Which starts have what ``off_the_saddle`` or ``off_the_boundary`` would try to move.

    Parameters
    ----------
    coins : Coins of shape (n_starts, n_coins)
    evidence : Evidence
    model : Quadratic

    Returns
    -------
    has : ndarray of shape (n_starts,), bool
    """
    suspect = _at_boundary(coins, evidence) | _faded(coins, evidence)
    _, tied = _tied(coins)
    return suspect.any(axis=1) | tied.any(axis=1) | model.curves_up()


def best_trial(coins, trials, evidence):
    """The best of some coins near ``coins``, and how much higher their objective is.

    Parameters
    ----------
    coins : Coins of shape (n_coins,)
    trials : list of the same
    evidence : Evidence

    Returns
    -------
    best : Coins of shape (n_coins,)
    gain : float
        Zero, with ``coins`` themselves, where no trial is better.
    """
    if not trials:
        return coins, 0.0
    trial = stack([coins, *trials])
    objective = expect(trial, evidence).objective
    best = int(np.nanargmax(objective))
    return trial[best], float(objective[best] - objective[0])


def off_the_saddle(coins, model):
    """Trials to both sides along the line that curves up most, if one does."""
    if not model.curves_up()[0]:
        return []
    step = model.upward()[0]
    return [move(coins, side * share * step) for share in SHARES for side in (1, -1)]


def off_the_boundary(coins, evidence, *, use_tied):
    """Trials that move what stands at or near 0 or 1, or one of two equal coins."""
    trials = _into_the_inside(coins, evidence)
    for k, twin in _spare(coins, evidence, use_tied):
        trials += _placed_anew(k, twin, coins, evidence)
    return trials


def regrouped(coins, heads, tails, rows):
    """Starts that spend a coin elsewhere: each two neighbours as one, and one where it helps most.

    Parameters
    ----------
    coins : Coins of shape (n_coins,)
    heads, tails, rows : ndarray of shape (n_rows,)
        Roughly those of the data.

    Returns
    -------
    starts : Coins of shape (n_coins - 1, n_coins)
    """
    order = np.argsort(coins.theta)
    starts = []
    for j, k in pairwise(order):
        merged = _merge(j, k, coins)
        theta, share = best_place(merged, heads, tails, rows, FEW_SHARES)
        starts.append(_place(k, theta, share, merged))
    return stack(starts)


def _into_the_inside(coins, evidence):
    """Trials that move each learned theta at 0 or 1 inside, by many lengths."""
    trials = []
    for k in np.flatnonzero(_at_boundary(coins, evidence)):
        for share in SHARES:
            theta = coins.theta.copy()
            theta[k] = abs(theta[k] - share)
            trials.append(Coins(theta, coins.weights))
    return trials


def _spare(coins, evidence, use_tied):
    """Pairs of a coin that the likelihood does without and one that takes its weight.

    Less than a hidden row is its own, which may be a plateau far from where it would gain, or it
    is equal to another.
    """
    if not evidence.learn_weights or len(coins.weights) == 1:
        return
    heaviest = coins.weights.argmax()
    for k in np.flatnonzero(_faded(coins, evidence)):
        if k != heaviest:
            yield k, heaviest
    if use_tied:
        order, tied = _tied(coins)
        for i in np.flatnonzero(tied):
            learned = sorted(order[[i, i + 1]], key=lambda k: not evidence.learn_theta[k])
            yield tuple(learned)


def _at_boundary(coins, evidence):
    """Learned thetas of 0 or 1, shape (..., n_coins)."""
    return (coins.theta == np.rint(coins.theta)) & (coins.weights > 0) & evidence.learn_theta


def _faded(coins, evidence):
    """Coins of less than a hidden row, shape (..., n_coins)."""
    n_rows = evidence.rows.sum(axis=-1) + evidence.sure_rows.sum(axis=-1)
    return coins.weights * n_rows[..., None] - evidence.sure_rows < 1


def _tied(coins):
    """The coins in rising order, and where one is equal to the next, (..., n_coins - 1)."""
    order = np.argsort(coins.theta, axis=-1)
    x = np.arcsin(np.sqrt(np.take_along_axis(coins.theta, order, axis=-1)))
    return order, np.diff(x) < TIED * np.sin(2 * x[..., 1:])


def _placed_anew(k, twin, coins, evidence):
    """Trials that give coin ``k``, whose weight its twin takes over, many shares elsewhere."""
    rest = _merge(twin, k, coins)
    rest = Coins(np.where(evidence.learn_theta, rest.theta, coins.theta), rest.weights)
    theta = coins.theta[k]
    if evidence.learn_theta[k]:
        theta, _ = best_place(rest, evidence.heads, evidence.tails, evidence.rows, SHARES[::3])
    return [_place(k, theta, share, rest) for share in SHARES]


def _merge(j, k, coins):
    """Coin ``j`` takes the weight of coin ``k``, and the theta between, in their proportion."""
    theta, weights = coins.theta.copy(), coins.weights.copy()
    weights[j], weights[k] = weights[j] + weights[k], 0
    if coins.weights[k] > 0:
        theta[j] = coins.weights[[j, k]] @ coins.theta[[j, k]] / weights[j]
    return Coins(theta, weights)


def _place(k, theta, share, coins):
    """Coin ``k``, which has no weight, at ``theta`` with a share of the weight of the others."""
    moved = Coins(coins.theta.copy(), coins.weights * (1 - share))
    moved.theta[k], moved.weights[k] = theta, share
    return moved
