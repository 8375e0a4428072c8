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


def grid_for(heads, tails, per_width):
    """Thetas from 0 to 1, dense enough for the row with the most tosses.

    Even in ``arcsin sqrt theta``, in which the likelihood of ``n`` tosses is ``1 / (2 sqrt n)``
    wide everywhere: ``per_width`` points to each such width. Where that would take too many, the
    rates of the rows are points as well, since only near them can something so narrow stand.
    """
    n_points = per_width * np.pi * np.sqrt(np.max(heads + tails, initial=1)) + 2
    n_even = int(np.clip(n_points, 8 * per_width, MOST_POINTS))
    grid = np.sin(np.linspace(0, np.pi / 2, n_even)) ** 2
    return grid if n_points <= MOST_POINTS else np.union1d(grid, heads / (heads + tails))


def log_total_ratio(grid, coins, heads, tails, rows):
    """``log sum_i m_i f(x_i | theta) / f(x_i | coins)`` at each theta of ``grid``.

    That is ``log(D + W)`` with ``W = sum_i m_i``; of ``D`` itself no float may be large enough.
    """
    blocks = [
        logsumexp(log_ratio + np.log(rows), axis=1)
        for log_ratio in _log_ratios(grid, coins, heads, tails)
    ]
    return np.concatenate(blocks)


def best_place(coins, heads, tails, rows, shares):
    """Where a further coin helps most when it gets one of some shares of the weight.

    Returns
    -------
    theta, share : float
        At which ``sum_i m_i log(1 - share + share f(x_i | theta) / f(x_i | coins))`` is largest.
    """
    grid = grid_for(heads, tails, per_width=2)
    blocks = [
        np.stack([np.logaddexp(np.log1p(-s), np.log(s) + log_ratio) @ rows for s in shares])
        for log_ratio in _log_ratios(grid, coins, heads, tails)
    ]
    gain = np.concatenate(blocks, axis=1)
    best_share, best_theta = np.unravel_index(gain.argmax(), gain.shape)
    return grid[best_theta], shares[best_share]


def supremum(coins, heads, tails, rows):
    """The theta at which ``D`` is largest.

    Every local maximum on a grid of eight points to a width is refined between its neighbours,
    tenfold each time.

    Returns
    -------
    theta, highest : float
        Where ``D`` is largest, and ``log(D + W)`` there.
    grid, value : ndarray of shape (n_grid,)
        The grid and ``log(D + W)`` on it.
    """
    grid = grid_for(heads, tails, per_width=8)
    value = log_total_ratio(grid, coins, heads, tails, rows)
    padded = np.concatenate([[-np.inf], value, [-np.inf]])
    peaks = np.flatnonzero((value >= padded[:-2]) & (value > padded[2:]))
    x = np.arcsin(np.sqrt(grid))
    lower, upper = x[np.maximum(peaks - 1, 0)], x[np.minimum(peaks + 1, len(x) - 1)]
    peak = np.arange(len(peaks))
    for _ in range(8):
        finer = np.linspace(lower, upper, 21, axis=-1)
        refined = log_total_ratio(np.sin(finer.ravel()) ** 2, coins, heads, tails, rows)
        refined = refined.reshape(finer.shape)
        top = refined.argmax(axis=-1)
        lower, upper = finer[peak, np.maximum(top - 1, 0)], finer[peak, np.minimum(top + 1, 20)]
    best = refined[peak, top].argmax()
    theta, highest = np.sin(finer[best, top[best]]) ** 2, refined[best, top[best]]
    return float(theta), float(highest), grid, value


def _log_ratios(grid, coins, heads, tails):
    """``log f(x_i | theta) - log f(x_i | coins)`` of blocks of the grid, (n_block, n_rows)."""
    fitted = log_likelihood(coins, heads, tails)
    size = max(1, 2**17 // max(len(heads), 1))  # a block of 1 MB
    for i in range(0, len(grid), size):
        theta = grid[i : i + size]
        further = log_joint(Coins(theta, np.ones_like(theta)), heads, tails)
        with np.errstate(invalid="ignore"):
            yield np.where(np.isneginf(further), -np.inf, further - fitted)
