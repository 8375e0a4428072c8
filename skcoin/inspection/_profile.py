"""Profile likelihood: how high the objective stays while one probability is held and moved.

With ``p`` one theta or one weight and ``l_p(v)`` the objective at its maximum over coins whose
``p`` is ``v``, the interval holds the ``v`` at which ``2 (l_max - l_p(v))`` does not exceed a
quantile of chi-square with one degree of freedom. It is the local maximum that is followed from
the fit outwards, a step at a time, so that the interval belongs to this fit and not to one in
which coins have taken each other's roles.
"""

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit, softmax

from skcoin._likelihood import Coins, expect

MOST_STEPS = 500
FIRST_STEP = 0.3  # where a standard error is at least 0.5, times the root of the number of tosses
SHORTEST = 1e-4  # of the first step
MOST_OFF = 0.14  # of the root of the drop, a tenth of what 95 % allow
INSIDE = 1e-4  # where the search for what stands at 0 or 1 begins
LOWEST = 1e100  # below the maximum; what root finding takes for an infinite drop


def profile_interval(part, k, coins, evidence, drop):
    """The interval of ``coins.theta[k]`` or ``coins.weights[k]``.

    Parameters
    ----------
    part : {"theta", "weights"}
    k : int
    coins : Coins of shape (n_coins,)
        At a maximum.
    evidence : Evidence
    drop : float
        What the objective may lose inside the interval.

    Returns
    -------
    lower, upper : float
        In [0, 1].
    """
    expected = expect(coins[None], evidence)
    top = expected.objective[0]
    size = expected.rows.sum() if part == "weights" else (expected.heads + expected.tails)[0, k]
    step = FIRST_STEP / np.sqrt(max(size, 1.0))  # in arcsin sqrt p

    def root_drop(x, start):
        objective, moved = _highest(_Surface(part, k, np.sin(x) ** 2, start, evidence))
        return np.sqrt(min(max(top - objective, 0.0), LOWEST)), moved

    x = np.arcsin(np.sqrt(getattr(coins, part)[k]))
    ends = (
        _where_dropped(root_drop, np.sqrt(drop), x, end, step, coins) for end in (0.0, np.pi / 2)
    )
    return tuple(float(np.sin(end) ** 2) for end in ends)


def _where_dropped(root_drop, allowed, x, end, step, coins):
    """Where on the way from ``x`` to ``end`` the profile has dropped; ``end`` if nowhere.

    The root of the drop is nearly a line. A step is taken again, shorter, where it is not, so that
    none leads over values that have dropped further to where coins have swapped their roles. The
    steps do not depend on what is allowed, so that intervals of higher levels hold the others.
    """
    shortest = step * SHORTEST
    here, slope = root_drop(x, coins)[0], None
    if here >= allowed:  # by rounding
        return x
    for _ in range(MOST_STEPS):
        further = x + np.clip(end - x, -step, step)
        there, moved = root_drop(further, coins)
        rise = there - here
        off = abs(rise) / 3 if slope is None else abs(rise - slope * abs(further - x))
        if max(off, abs(rise) / 3) > MOST_OFF and step > shortest:
            step /= 3
            continue
        if there > allowed:
            return brentq(
                lambda x, start: root_drop(x, start)[0] - allowed, x, further, (coins,), xtol=1e-11
            )
        if further == end:
            break
        slope = rise / abs(further - x)
        step *= 2 if max(off, abs(rise) / 6) < MOST_OFF / 4 else 1
        x, coins, here = further, moved, there
    return end


def _highest(surface):
    """The highest objective on a surface, and the coins there."""
    x = surface.start
    if len(x) and np.isfinite(surface.look(x)[0]):
        x = minimize(
            lambda x: surface.look(x)[:2],
            x,
            jac=True,
            hess=lambda x: surface.look(x)[2],
            method="trust-exact",
            options={"gtol": surface.flat, "maxiter": 500},
        ).x
    return -surface.look(x)[0], surface.coins(x)


class _Surface:
    """The objective of coins of which one theta or weight is held at a value.

    Its coordinates are the logarithms of the weights that share what is left, relative to the
    heaviest of them, and the logits of the learned thetas.
    """

    def __init__(self, part, k, value, coins, evidence):
        n_coins = len(coins.theta)
        theta, weights = coins.theta.copy(), coins.weights.copy()
        learns = evidence.learn_theta.copy()
        shares = np.full(n_coins, evidence.learn_weights)
        if part == "theta":
            theta[k], learns[k] = value, False
        else:
            weights[k], shares[k] = value, False
        self._held = Coins(theta, weights)
        self._learns, self._shares, self._evidence = learns, shares, evidence
        inside = np.maximum(weights, INSIDE)
        log_share = np.where(shares, np.log(inside), -np.inf)
        free = np.concatenate([shares, learns])
        free[log_share.argmax()] &= not shares.any()
        self._free = np.flatnonzero(free)
        self._x = np.concatenate([log_share, logit(np.clip(theta, INSIDE, 1 - INSIDE))])
        self._seen = None, None
        self.start = self._x[self._free]
        self.flat = 1e-8 * np.sqrt(evidence.rows.sum() + evidence.sure_rows.sum())  # slope

    def coins(self, x):
        """The coins at ``x``."""
        full = self._x.copy()
        full[self._free] = x
        log_share, logits = np.split(full, 2)
        weights = self._held.weights
        if self._shares.any():
            left = 1 - weights[~self._shares].sum()
            weights = np.where(self._shares, left * softmax(log_share), weights)
        return Coins(np.where(self._learns, expit(logits), self._held.theta), weights)

    def look(self, x):
        """Minus the objective, with gradient and Hessian, at ``x``."""
        if self._seen[0] is None or not np.array_equal(self._seen[0], x):
            self._seen = x.copy(), self._derivatives(self.coins(x))
        return self._seen[1]

    def _derivatives(self, coins):
        expected = expect(coins[None], self._evidence, curvature=True)[0]
        theta, shares = coins.theta, self._shares
        slope = expected.heads * (1 - theta) - expected.tails * theta
        bend = (expected.heads + expected.tails) * theta * (1 - theta)
        # As if the logarithms of weights were free: Louis' formula with no more complete
        # information than that of the logits.
        n_coins = len(theta)
        gradient = np.concatenate([expected.rows, slope])
        hessian = expected.missing_information - np.diag(np.concatenate([np.zeros(n_coins), bend]))
        # They share what is left: d log w = dx - 1 s^T dx, with s the shares.
        s = np.where(shares, coins.weights, 0)
        s = s / (s.sum() or 1)
        chain = np.eye(2 * n_coins)
        chain[:n_coins, :n_coins] -= np.outer(shares, s)
        hessian = chain.T @ hessian @ chain
        hessian[:n_coins, :n_coins] -= expected.rows[shares].sum() * (np.diag(s) - np.outer(s, s))
        free = self._free
        return (
            -expected.objective,
            -(chain.T @ gradient)[free],
            -hessian[np.ix_(free, free)],
        )
