"""Profile likelihood: how high the objective stays while one probability is held and moved.

With ``p`` one parameter or weight and ``l_p(v)`` the objective at its maximum over parameters whose
``p`` is ``v``, the interval holds the ``v`` at which ``2 (l_max - l_p(v))`` does not exceed a
quantile of chi-square with one degree of freedom. It is the local maximum that is followed from
the fit outwards, a step at a time, so that the interval belongs to this fit and not to one in
which coins have taken each other's roles.
"""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit, softmax

from skcoin._em.e_step import e_step
from skcoin._em.parameters import Parameters
from skcoin._em.quadratic import as_coordinates, block_diagonal, is_logit

MOST_STEPS = 500
FIRST_STEP = 0.3  # where a standard error is at least 0.5, times the root of the number of tosses
SHORTEST = 1e-4  # of the first step
MOST_OFF = 0.14  # of the root of the drop, a tenth of what 95 % allow
INSIDE = 1e-4  # where the search for what stands at 0 or 1 begins
INSIDE_LINEAR = 1e-8  # the same where the search can reach the end itself
ROUNDING = 4 * np.finfo(float).eps  # of the objective, relative to its size
LOWEST = 1e100  # below the maximum; what root finding takes for an infinite drop


def profile_interval(part, k, parameters, problem, drop):
    """The interval of a parameter or the weight of component ``k``.

    Parameters
    ----------
    part : str
        A name of the family's, or "weights".
    k : int
    parameters : Parameters of shape (n_components,)
        At a maximum.
    problem : Problem
    drop : float
        What the objective may lose inside the interval.

    Returns
    -------
    lower, upper : float
        In [0, 1].
    """
    expected = e_step(problem, parameters[None])
    top = expected.objective[0]
    drop = drop + ROUNDING * abs(top)  # such a drop may be none
    size = expected.n.sum() if part == "weights" else _size_of(problem, expected, k)
    step = FIRST_STEP / np.sqrt(max(size, 1.0))  # in arcsin sqrt p

    def root_drop(x, start):
        objective, moved = _highest(_Surface(part, k, np.sin(x) ** 2, start, problem))
        return np.sqrt(min(max(top - objective, 0.0), LOWEST)), moved

    at = None if part == "weights" else problem.family.names.index(part)
    p = parameters.weights[k] if at is None else parameters.components[k, at]
    x = np.arcsin(np.sqrt(p))
    here = root_drop(x, parameters)[0]  # by rounding not quite zero
    ends = (
        _where_dropped(root_drop, np.sqrt(drop), x, here, end, step, parameters)
        for end in (0.0, np.pi / 2)
    )
    return tuple(float(np.sin(end) ** 2) for end in ends)


def _size_of(problem, expected, k):
    """Observations of a component, or at least its rows."""
    sums = problem.family.has_sufficient_statistics
    return (expected.statistics if sums else expected.n)[0, k].sum()


def _where_dropped(root_drop, allowed, x, here, end, step, start):
    """Where on the way from ``x``, with the drop ``here``, to ``end`` it is what is allowed, or
    ``end`` if nowhere.

    The root of the drop is nearly a line. A step is taken again, shorter, where it is not, so that
    none leads over values that have dropped further to where coins have swapped their roles. The
    steps do not depend on what is allowed, so that intervals of higher levels hold the others.
    """
    shortest, slope = step * SHORTEST, None
    if here >= allowed:
        return x
    for _ in range(MOST_STEPS):
        further = x + np.clip(end - x, -step, step)
        if further == x:  # the interval is narrower than floats are dense
            return x
        there, moved = root_drop(further, start)
        rise = there - here
        off = abs(rise) / 3 if slope is None else abs(rise - slope * abs(further - x))
        if max(off, abs(rise) / 3) > MOST_OFF and step > shortest:
            step /= 3
            continue
        if there > allowed:
            return _crossing(root_drop, allowed, (x, here), (further, there), start)
        if further == end:
            break
        slope = rise / abs(further - x)
        step *= 2 if max(off, abs(rise) / 6) < MOST_OFF / 4 else 1
        x, start, here = further, moved, there
    return end


def _crossing(root_drop, allowed, near, far, start):
    """Where the drop is what is allowed, between two places with their drops."""
    known = dict([near, far])

    def excess(x):
        return (known[x] if x in known else root_drop(x, start)[0]) - allowed

    return brentq(excess, near[0], far[0], xtol=min(1e-11, 1e-5 * abs(far[0] - near[0])))


def _highest(surface):
    """The highest objective on a surface, and the parameters there."""
    x = surface.start
    if len(x) and np.isfinite(surface.value_and_derivatives(x)[0]):
        x = minimize(
            lambda x: surface.value_and_derivatives(x)[:2],
            x,
            jac=True,
            hess=lambda x: surface.value_and_derivatives(x)[2],
            method="trust-exact",
            options={"gtol": surface.flat, "maxiter": 500},
        ).x
    return -surface.value_and_derivatives(x)[0], surface.parameters(x)


class _Surface:
    """The objective of parameters of which one is held at a value.

    Its coordinates are the logarithms of the weights that share what is left, relative to the
    heaviest of them, then, one parameter after another, the logits of what is learned or, where it
    is linear, ``arcsin sqrt``, in which its ends are ordinary points. What is shared is there once.
    """

    def __init__(self, part, k, value, parameters, problem):
        specification, family = problem.specification, problem.family
        components, weights = parameters.components.copy(), parameters.weights.copy()
        learns = specification.free.copy()
        shares = np.full(len(weights), specification.free_weights)
        if part == "weights":
            weights[k], shares[k] = value, False
        else:
            p = family.names.index(part)
            of_all = slice(None) if specification.tied[p] else k
            components[of_all, p], learns[of_all, p] = value, False
        self._held, self._problem = Parameters(weights, components), problem
        self._learns, self._shares, self._logit = learns, shares, is_logit(family)
        log_share = np.where(shares, np.log(np.maximum(weights, INSIDE)), -np.inf)
        moves = shares.copy()
        moves[log_share.argmax()] = False
        spread = replace(specification, free=learns, free_weights=True).matrix
        of_parameters = np.ones(spread.shape[1] - len(weights), dtype=bool)
        self._spread = spread[:, np.concatenate([moves, of_parameters])]
        self._x = np.concatenate([log_share, as_coordinates(self._to_line(components))])
        self._seen = None, None
        self.start = self._x[self._spread.argmax(axis=0)]
        n_rows = problem.multiplicity.sum() + problem.pseudo_rows.sum()
        self.flat = 1e-8 * np.sqrt(n_rows)  # slope

    def _to_line(self, components):
        logits = logit(np.clip(components, INSIDE, 1 - INSIDE))
        linear = np.clip(components, INSIDE_LINEAR, 1 - INSIDE_LINEAR)
        return np.where(self._logit, logits, np.arcsin(np.sqrt(linear)))

    def _full(self, x):
        """Of all coordinates, from those that move: log weights, and a column a parameter."""
        n_coins, moved = len(self._shares), self._spread.any(axis=1)
        full = np.where(moved, self._spread @ x, self._x)
        return full[:n_coins], full[n_coins:].reshape(-1, n_coins).T

    def parameters(self, x):
        """The parameters at ``x``."""
        log_share, line = self._full(x)
        weights = self._held.weights
        if self._shares.any():
            left = 1 - weights[~self._shares].sum()
            weights = np.where(self._shares, left * softmax(log_share), weights)
        components = np.where(self._logit, expit(line), np.sin(line) ** 2)
        return Parameters(weights, np.where(self._learns, components, self._held.components))

    def value_and_derivatives(self, x):
        """Minus the objective, with gradient and Hessian, at ``x``."""
        if self._seen[0] is None or not np.array_equal(self._seen[0], x):
            self._seen = x.copy(), self._derivatives(x)
        return self._seen[1]

    def _derivatives(self, x):
        parameters = self.parameters(x)
        family, shares, n_coins = self._problem.family, self._shares, len(self._shares)
        expected = e_step(self._problem, parameters[None], information=True)[0]
        slope = as_coordinates(family.gradient(parameters.components, expected.statistics))
        bend = family.information(parameters.components, expected.statistics)
        # As if the logarithms of weights were free: Louis' formula with no more complete
        # information than that of the components.
        gradient = np.concatenate([expected.n, slope])
        hessian = expected.missing - block_diagonal(np.zeros(n_coins), bend)
        # The weights share what is left: d log w = dx - 1 s^T dx, with s the shares. What is
        # linear is sin^2 x: d = sin 2x dx, and once more 2 cos 2x.
        s = np.where(shares, parameters.weights, 0)
        s = s / (s.sum() or 1)
        chain, twice = np.eye(len(gradient)), 2 * self._full(x)[1]
        chain[:n_coins, :n_coins] -= np.outer(shares, s)
        along = as_coordinates(np.where(self._logit, 1.0, np.sin(twice)))
        chain[n_coins:, n_coins:] *= along
        hessian = chain.T @ hessian @ chain
        hessian[:n_coins, :n_coins] -= expected.n[shares].sum() * (np.diag(s) - np.outer(s, s))
        bent = as_coordinates(np.where(self._logit, 0.0, 2 * np.cos(twice)))
        hessian[n_coins:, n_coins:] += np.diag(bent * slope)
        spread = self._spread
        return (
            -expected.objective,
            -(spread.T @ (chain.T @ gradient)),
            -(spread.T @ hessian @ spread),
        )
