"""The gradient function: what any further coin could still gain, and where.

``D(theta) = sum_i m_i (f(x_i | theta) / f(x_i | coins) - 1)`` is the gain in log-likelihood, per
share of weight, of a little weight given to a coin ``theta``. No mixture, of any number of coins,
is better than one whose ``D`` is nowhere positive [1]_.

References
----------
.. [1] Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. Annals of
   Statistics, 11(1), 86-94.
"""

import numpy as np
from scipy.special import logsumexp

from skcoin._likelihood import Coins, log_joint, log_likelihood

MOST_POINTS = 2**14
MOST_NEWTON = 12
BLOCK = 2**17  # numbers, 1 MB


def grid_for(heads, tails, per_width):
    """Thetas from 0 to 1, dense enough for the row with the most tosses.

    Even in ``arcsin sqrt theta``, in which the likelihood of ``n`` tosses is ``1 / (2 sqrt n)``
    wide everywhere: ``per_width`` points to each such width. Where that would take too many, the
    rates of the rows are points as well, since only near them can something so narrow stand.
    """
    n_points = per_width * np.pi * np.sqrt(np.max(heads + tails, initial=1)) + 2
    n_even = int(np.clip(n_points, 8 * per_width, MOST_POINTS))
    grid = np.sin(np.linspace(0, np.pi / 2, n_even)) ** 2
    if n_points <= MOST_POINTS:
        return grid
    tossed = heads + tails > 0
    return np.union1d(grid, heads[tossed] / (heads + tails)[tossed])


def best_place(coins, heads, tails, rows, shares):
    """Where a further coin helps most when it gets one of some shares of the weight.

    Returns
    -------
    theta, share : float
        At which ``sum_i m_i log(1 - share + share f(x_i | theta) / f(x_i | coins))`` is largest.
    """
    grid = grid_for(heads, tails, per_width=2)
    blocks = [
        np.stack([np.logaddexp(np.log1p(-s), np.log(s) + log_ratio[0]) @ rows for s in shares])
        for log_ratio in _log_ratios(grid, coins[None], heads[None], tails[None])
    ]
    gain = np.concatenate(blocks, axis=1)
    best_share, best_theta = np.unravel_index(gain.argmax(), gain.shape)
    return grid[best_theta], shares[best_share]


def supremum(coins, heads, tails, rows):
    """The theta at which ``D`` is largest, for each of several mixtures.

    Every local maximum on a grid of eight points to a width is refined by Newton's iteration. It
    is ``log(D + W)`` that is looked at, since of ``D`` itself no float may be large enough.

    Parameters
    ----------
    coins : Coins of shape (n_mixtures, n_coins)
    heads, tails, rows : ndarray of shape (n_mixtures, n_rows)
        Rows of weight zero count for nothing.

    Returns
    -------
    theta, highest : ndarray of shape (n_mixtures,)
        Where ``D`` is largest, and ``log(D + W)`` there.
    grid : ndarray of shape (n_grid,)
    value : ndarray of shape (n_mixtures, n_grid)
        ``log(D + W)`` on the grid.
    """
    grid = grid_for(heads, tails, per_width=8)
    ratios = _log_ratios(grid, coins, heads, tails)
    with np.errstate(divide="ignore"):
        log_rows = np.log(rows)
    value = np.concatenate([logsumexp(r + log_rows[:, None], axis=2) for r in ratios], axis=1)
    padded = np.pad(value, ((0, 0), (1, 1)), constant_values=-np.inf)
    mixture, peak = np.nonzero((value >= padded[:, :-2]) & (value > padded[:, 2:]))
    log_share = log_rows - log_likelihood(coins, heads[:, None], tails[:, None])
    theta, height = grid[peak], value[mixture, peak]
    size = max(1, BLOCK // max(heads.shape[1], 1))
    for i in range(0, len(peak), size):
        j, p = mixture[i : i + size], peak[i : i + size]
        refined = _refined(grid, p, heads[j], tails[j], log_share[j])
        better = refined[1] > height[i : i + size]
        theta[i : i + size][better] = refined[0][better]
        height[i : i + size][better] = refined[1][better]
    highest = np.full(len(value), -np.inf)
    np.maximum.at(highest, mixture, height)
    is_highest = np.flatnonzero(height == highest[mixture])
    _, first = np.unique(mixture[is_highest], return_index=True)
    return theta[is_highest[first]], highest, grid, value


def most_gain(highest, n_rows):
    """``W log(1 + sup D / W)``, which no mixture can gain more than, from ``log(sup D + W)``."""
    return n_rows * np.maximum(highest - np.log(n_rows), 0.0)


def _refined(grid, peak, heads, tails, log_share):
    """Theta and ``log(D + W)`` of the local maxima between the neighbours of points of the grid.

    Newton's iteration in ``x = arcsin sqrt theta``, kept between bounds that close in on it. With
    ``p_i`` the share of row ``i`` in the sum and ``s_i`` the slope of its logarithm, the slope is
    ``sum_i p_i s_i`` and the curvature ``sum_i p_i (s_i^2 + s_i') - (sum_i p_i s_i)^2``.
    """
    edges = np.arcsin(np.sqrt(grid))
    low, high = edges[np.maximum(peak - 1, 0)], edges[np.minimum(peak + 1, len(grid) - 1)]
    x = np.clip(edges[peak], 0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high)
    for _ in range(MOST_NEWTON):
        height, slope, curvature = _derivatives(x[:, None], heads, tails, log_share)
        low, high = np.where(slope > 0, x, low), np.where(slope > 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = x - slope / curvature
        # A step too far leads nearly to the bound, where the maximum of what falls to 0 or 1 is.
        moved = np.clip(moved, 0.9 * low + 0.1 * x, 0.9 * high + 0.1 * x)
        last, x = x, np.where(curvature < 0, moved, (low + high) / 2)
        if np.all(np.abs(x - last) < 1e-9):  # the height is off by the square of that
            break
    return np.sin(last) ** 2, height


def _derivatives(x, heads, tails, log_share):
    """``log(D + W)`` at ``theta = sin^2 x``, its slope and its curvature."""
    sine, cosine = np.sin(x), np.cos(x)
    terms = log_share + 2 * heads * np.log(sine) + 2 * tails * np.log(cosine)
    height = logsumexp(terms, axis=1)
    with np.errstate(invalid="ignore"):  # infinite where the model excludes a row
        p = np.exp(terms - height[:, None])
    s = 2 * (heads * cosine / sine - tails * sine / cosine)
    bend = -2 * (heads / sine**2 + tails / cosine**2)
    slope = (p * s).sum(axis=1)
    return height, slope, (p * (s**2 + bend)).sum(axis=1) - slope**2


def _log_ratios(grid, coins, heads, tails):
    """``log f(x_i | theta) - log f(x_i | coins)``, (n_mixtures, n_block, n_rows) by blocks."""
    heads, tails = heads[:, None], tails[:, None]
    fitted = log_likelihood(coins, heads, tails)[:, None]
    size = max(1, BLOCK // max(heads.size, 1))
    for i in range(0, len(grid), size):
        theta = grid[i : i + size]
        further = log_joint(Coins(theta, np.ones_like(theta)), heads, tails)
        with np.errstate(invalid="ignore"):
            yield np.where(np.isneginf(further), -np.inf, further - fitted)
