"""Rows divided into groups of neighbouring rates, each with one theta, so that these fit best.

With the rows in the order of their rates, a division into ``K`` runs has the complete-data
log-likelihood

    sum_k [ H_k log theta_k + T_k log(1 - theta_k) ],

with the heads and tails of each run, and its own rate as theta where that is not held. It is
largest over all divisions of whatever rows when the runs are consecutive [1]_, so that dynamic
programming over the end of each run finds the best one; and the best start of a last run moves up
with its end, which makes it ``O(K n log n)`` by divide and conquer.

References
----------
.. [1] Fisher, W. D. (1958). On grouping for maximum homogeneity. Journal of the American
   Statistical Association, 53(284), 789-798.
"""

import numpy as np
from scipy.special import xlog1py, xlogy

from skcoin._families.rates import by_falling_rate, log_at_own_rate

NEAR_END = 1e-12  # a theta of 0 or 1 would exclude rows
MOST_ORDERED = 12  # coins, of which all sets fit into memory


def divide(heads, tails, multiplicity, n_open, held=()):
    """The best division of rows into groups, some of which have a theta that is held.

    Parameters
    ----------
    heads, tails, multiplicity : ndarray of shape (n_rows,)
        Of rows with at least one toss.
    n_open : int
        Groups with a theta of their own.
    held : array-like of shape (n_held,), default=()
        Thetas of further groups.

    Returns
    -------
    theta : ndarray of shape (n_open,)
        Falling; the pooled rates with half a head and half a tail more.
    share : ndarray of shape (n_open,)
        The share of the rows in each group.
    share_of_held : ndarray of shape (n_held,)
    """
    if n_open == 1 and len(held) == 0:  # nothing to divide, so that no order is needed
        heads, tails = heads @ multiplicity, tails @ multiplicity
        return np.array([(heads + 0.5) / (heads + tails + 1)]), np.ones(1), np.empty(0)
    before = _before(heads, tails, multiplicity)
    falling = np.argsort(-np.asarray(held, dtype=float), kind="stable")
    edges, is_open = _runs(before[1:], n_open, np.asarray(held, dtype=float)[falling])
    n, heads, tails = np.diff(before[:, edges])
    share = n / n.sum()
    share_of_held = np.empty(len(falling))
    share_of_held[falling] = share[~is_open]
    return ((heads + 0.5) / (heads + tails + 1))[is_open], share[is_open], share_of_held


def slices(heads, tails, multiplicity, weights, most):
    """The best slices of given shares, in which each coin has as many rows as its weight says.

    Of all orders of the coins, those in which their rates fit best: by dynamic programming over
    the sets of coins that come before, ``O(2^K K)``.

    Parameters
    ----------
    heads, tails, multiplicity : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_coins,)
        ``MOST_ORDERED`` of them at most.

    Returns
    -------
    theta : ndarray of shape (n_orders, n_coins)
        At most as many as asked for, the best first.
    """
    n_coins = len(weights)
    n, *before = _before(heads, tails, multiplicity)
    members = (np.arange(2**n_coins)[:, None] >> np.arange(n_coins)) & 1
    edges = members @ weights / weights.sum() * n[-1]
    heads, tails = np.array([np.interp(edges, n, column) for column in before])
    # Of each set of coins the best orders: how well they fit, their last coin, and which of the
    # orders of the set without it comes before.
    best = [np.zeros(1)] + [None] * (2**n_coins - 1)
    last, before_last = [None] * 2**n_coins, [None] * 2**n_coins
    for coins in range(1, 2**n_coins):
        among = np.flatnonzero(members[coins])
        others = coins - (1 << among)
        own = log_at_own_rate(heads[coins] - heads[others], tails[coins] - tails[others])
        value = np.concatenate([best[o] + fit for o, fit in zip(others, own, strict=True)])
        n_orders = [len(best[o]) for o in others]
        order = np.argsort(-value, kind="stable")[:most]
        best[coins] = value[order]
        last[coins] = np.repeat(among, n_orders)[order]
        before_last[coins] = np.concatenate([np.arange(n) for n in n_orders])[order]
    theta = np.empty((len(best[-1]), n_coins))
    for i in range(len(theta)):
        coins, at = 2**n_coins - 1, i
        while coins:
            k, at = last[coins][at], before_last[coins][at]
            others = coins - (1 << k)
            own = heads[coins] - heads[others], tails[coins] - tails[others]
            theta[i, k] = (own[0] + 0.5) / (own[0] + own[1] + 1)
            coins = others
    return theta


def _before(heads, tails, multiplicity):
    """Sums of rows, heads and tails before each row, by falling rate, and of all at the end."""
    order = by_falling_rate(heads, tails)
    columns = multiplicity[order] * np.stack([np.ones(len(order)), heads[order], tails[order]])
    return np.pad(np.cumsum(columns, axis=1), ((0, 0), (1, 0)))


def _runs(before, n_open, held):
    """Edges of the best runs, and which of them have a theta of their own.

    ``best[a, b][j]`` is the largest log-likelihood of the first ``j`` rows in ``a`` open runs and
    the first ``b`` that are held, ``start[a, b][j]`` where the last of these runs starts, and
    ``opened[a, b][j]`` whether it is open.
    """
    n_rows, final = before.shape[1] - 1, (n_open, len(held))
    theta = np.clip(held, NEAR_END, 1 - NEAR_END)[:, None]
    of_held = xlogy(before[0], theta) + xlog1py(before[1], -theta)
    best, start, opened = {(0, 0): np.append(0.0, np.full(n_rows, -np.inf))}, {}, {}
    for a, b in np.ndindex(n_open + 1, len(held) + 1):
        ends = np.arange(n_rows + 1) if (a, b) != final else np.array([n_rows])
        options = []
        if a > 0:
            options.append((*_open_run(best[a - 1, b], before, ends), True))
        if b > 0:
            options.append((*_held_run(best[a, b - 1], of_held[b - 1]), False))
        if options:
            values, starts, kinds = zip(*options, strict=True)
            which = np.argmax(values, axis=0)
            best[a, b] = np.max(values, axis=0)
            start[a, b] = np.choose(which, starts)
            opened[a, b] = np.array(kinds)[which]
    edges, is_open = [n_rows], []
    while final != (0, 0):
        j = edges[0]
        edges.insert(0, int(start[final][j]))
        is_open.insert(0, bool(opened[final][j]))
        final = (final[0] - is_open[0], final[1] - (not is_open[0]))
    return np.array(edges), np.array(is_open)


def _held_run(best, of_rows):
    """For each end, the largest ``best[i] + of_rows[end] - of_rows[i]``, and ``i``."""
    ahead = best - of_rows
    highest = np.maximum.accumulate(ahead)
    start = np.maximum.accumulate(np.where(ahead == highest, np.arange(len(best)), 0))
    return highest + of_rows, start


def _open_run(best, before, ends):
    """For each end, the largest ``best[i]`` plus the log-likelihood of the rows from ``i``."""
    value, start = np.full(len(best), -np.inf), np.zeros(len(best), dtype=int)
    if np.isneginf(best[1]) and best[0] == 0:  # it is the first
        value[ends] = log_at_own_rate(*before[:, ends])
        return value, start
    if len(ends) == 1:
        levels = [(ends, np.zeros(1, dtype=int), ends)]
    else:
        levels = _levels(start, len(best) - 1)
    for j, low, high in levels:
        length = high - low + 1
        first = np.cumsum(length) - length
        i = np.arange(length.sum()) + np.repeat(low - first, length)
        heads, tails = before[:, np.repeat(j, length)] - before[:, i]
        total = best[i] + log_at_own_rate(heads, tails)
        value[j] = np.maximum.reduceat(total, first)
        at_top = np.flatnonzero(total == np.repeat(value[j], length))
        start[j] = i[at_top[np.searchsorted(at_top, first)]]
    return value, start


def _levels(start, last):
    """Ends in the order of bisection, each between the starts that its neighbours have found."""
    stride = 1 << last.bit_length()
    yield np.array([0]), np.array([0]), np.array([0])
    while stride:
        j = np.arange(stride, last + 1, 2 * stride)
        if len(j):
            above = j + stride
            high = np.where(above <= last, start[np.minimum(above, last)], j)
            yield j, start[j - stride], np.minimum(high, j)
        stride //= 2
